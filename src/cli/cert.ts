import { readFile } from 'node:fs/promises'
import { addCertificate } from '../access/administration-certificates.ts'
import { type ListedCertificate, listCertificates } from '../access/administration-lists.ts'
import { Problem } from '../base/problem.ts'
import { certificatesOfPem, parseCertificate } from '../trust/certificate.ts'
import { commonName } from '../trust/certificate-name.ts'
import { openTrustStore } from '../trust/trust-store.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, requiredText, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway cert add --bank CODE --account NAME --file CERTIFICATE.pem
bdc-gateway cert list [--bank CODE] [--json]
bdc-gateway cert suspend | resume --fingerprint SHA256 [--why TEXT]

  账号的签名证书（可有多个，便于轮换）。登记时按信任目录（TRUST_DIR）和 CA 规则文件核验：须可信、在有效期内、用途为签名，
  且标明该银行或其服务点。文件为 PEM 或 DER；含多个证书时取第一个。
  The certificates with which an account signs, several for rotation. Each is judged by the trust folder (TRUST_DIR) and
  the CA's rule file: trusted, valid now, made for signing, naming the bank or one of its branches. PEM or DER; of several
  in a file the first is taken.

  例 / example:
    bdc-gateway cert add --bank 91420000000000001R --account 信贷系统 --file bank.cert.pem
`

/** `bdc-gateway cert`: see HELP. */
export const run = commandOfActs('cert', HELP, {
  add: {
    options: { bank: requiredText, account: requiredText, file: requiredText },
    run: async (given, env) => {
      const der = await readCertificateFile(given.text('file'))
      return withGround(env, async (ground) => {
        const { config, folders, sm2, databaseClock } = ground
        const trust = await openTrustStore({ trustDir: folders.trust, rulesDir: config.certsDir, sm2 })
        const account = { bank: given.text('bank'), name: given.text('account') }
        const { fingerprint } = await addCertificate(
          { account, der, at: databaseClock.now() },
          trust.judge,
          administrationMeans(ground),
        )
        console.log(`已登记证书 / certificate added, keyid: ${fingerprint}`)
        return 0
      })
    },
  },
  list: {
    options: { bank: text, json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        const certificates = (await listCertificates(pool, given.optional('bank') ?? null)).map(toShown)
        printList(certificates, given.flag('json'), [
          ['银行 bank', (one) => one.bank],
          ['账号 account', (one) => one.account],
          ['状态 state', (one) => one.state],
          ['到期 expires', (one) => one.notAfter],
          ['密钥 key', (one) => one.key],
          ['主体 subject', (one) => one.subject],
          ['指纹 fingerprint', (one) => one.fingerprint],
        ])
        return 0
      }),
  },
  ...standingActs(['suspend', 'resume'], { fingerprint: requiredText }, (given) => ({
    kind: 'certificate',
    // As openssl and browsers print it, too.
    fingerprint: given.text('fingerprint').replaceAll(':', '').toLowerCase(),
  })),
})

function toShown({ der, ...listed }: ListedCertificate) {
  const { publicKey, subject, issuer } = parseCertificate(der)
  return { ...listed, key: publicKey.kind, subject: commonName(subject), issuer: commonName(issuer) }
}

async function readCertificateFile(file: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`无法读取文件 / cannot read the file ${file}: ${code}`, { cause: error })
  }
  const [first] = certificatesOfPem(bytes.toString('latin1'))
  if (first !== undefined) return first
  // An ASN.1 sequence with a long length.
  if (bytes[0] === 0x30 && bytes[1] === 0x82) return bytes
  throw new Problem('certificate-malformed', {
    zh: `${file} 中没有证书（PEM 或 DER）`,
    en: `${file} holds no certificate (PEM or DER)`,
  })
}
