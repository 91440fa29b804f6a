import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  type Flaw,
  openCertificateAuthority,
  readIdentity,
  writeIdentity,
} from '../src/sandbox/certificate-authority.ts'
import { readPrivateKey } from '../src/sandbox/private-key.ts'

const bank = {
  organization: '示例银行股份有限公司阳新支行',
  commonName: '示例银行前置系统',
  uscc: '91420222000000019R',
}
const openssl = (...args: string[]) => spawnSync('openssl', args, { encoding: 'utf8' })
const opensslMissing = openssl('version').status === 0 ? false : 'openssl is not installed'

await t.test('another start in the same folder finds the same roots', async (t) => {
  const folder = t.testdir()
  const first = await openCertificateAuthority(folder)
  const second = await openCertificateAuthority(folder)
  for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
    t.equal(second.roots[algorithm].certificatePem, first.roots[algorithm].certificatePem)
  }
})

await t.test('keys and certificates are readable by their owner only', async (t) => {
  const folder = t.testdir()
  const authority = await openCertificateAuthority(folder)
  const identity = await authority.issue({ ...bank, algorithm: 'sm2' })
  await writeIdentity(join(folder, 'bank'), 'yx', identity)
  for (const file of ['sandbox-sm2.key.pem', 'roots/sandbox-sm2.pem', 'bank/yx.key.pem', 'bank/yx.cert.pem']) {
    t.equal((await stat(join(folder, file))).mode & 0o777, 0o600, file)
  }
  const again = await readIdentity(join(folder, 'bank'), 'yx')
  t.equal(again.fingerprint, identity.fingerprint)
  t.same(again.key.publicKey, identity.key.publicKey)
})

await t.test('a certificate names the bank, its number and one usage', async (t) => {
  const authority = await openCertificateAuthority(t.testdir())
  for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
    const identity = await authority.issue({ ...bank, algorithm })
    const certificate = new X509Certificate(identity.certificatePem)
    t.match(certificate.subject, `serialNumber=${bank.uscc}`)
    t.match(certificate.subject, `O=${bank.organization}`)
    t.equal(certificate.ca, false)
    t.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), identity.fingerprint)
    t.equal(readPrivateKey(identity.key.pem).algorithm, algorithm)
  }
})

await t.test(
  'openssl accepts good certificates of each root and refuses each flaw',
  { skip: opensslMissing },
  async (t) => {
    const folder = t.testdir()
    const authority = await openCertificateAuthority(folder)
    const verify = async (algorithm: 'p256' | 'rsa' | 'sm2', pem: string) => {
      const file = join(folder, 'leaf.pem')
      await writeFile(file, pem)
      const root = authority.roots[algorithm].certificateFile
      const id = algorithm === 'sm2' ? ['-vfyopt', 'distid:1234567812345678'] : []
      return openssl('verify', ...id, '-x509_strict', '-CAfile', root, file)
    }
    for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
      const good = await authority.issue({ ...bank, algorithm })
      const verdict = await verify(algorithm, good.certificatePem)
      t.equal(verdict.status, 0, `${algorithm}: ${verdict.stderr}`)
      const flaws: [Flaw, RegExp][] = [
        ['expired', /expired/],
        ['not-yet-valid', /not yet valid/],
      ]
      for (const [flaw, reason] of flaws) {
        const flawed = await authority.issue({ ...bank, algorithm, flaw })
        t.match((await verify(algorithm, flawed.certificatePem)).stderr, reason)
      }
      const stranger = await authority.issue({ ...bank, algorithm, flaw: 'unknown-ca' })
      t.not((await verify(algorithm, stranger.certificatePem)).status, 0, `${algorithm}: unknown CA`)
      const encipherment = await authority.issue({ ...bank, algorithm, flaw: 'wrong-usage' })
      await writeFile(join(folder, 'usage.pem'), encipherment.certificatePem)
      const text = openssl('x509', '-in', join(folder, 'usage.pem'), '-noout', '-text').stdout
      t.match(text, /Key Usage: critical\s+Key Encipherment\n/)
    }
  },
)

await t.test('openssl reads the SM2 certificate and key', { skip: opensslMissing }, async (t) => {
  const folder = t.testdir()
  const authority = await openCertificateAuthority(folder)
  await writeIdentity(folder, 'sm2', await authority.issue({ ...bank, algorithm: 'sm2' }))
  const text = openssl('x509', '-in', join(folder, 'sm2.cert.pem'), '-noout', '-text').stdout
  t.match(text, /Signature Algorithm: SM2-with-SM3/)
  t.match(text, /ASN1 OID: SM2/)
  t.match(text, /Key Usage: critical\s+Digital Signature\n/)
  const message = join(folder, 'message.bin')
  await writeFile(message, 'signed here, verified by openssl')
  const key = readPrivateKey(await readFile(join(folder, 'sm2.key.pem'), 'utf8'))
  await writeFile(join(folder, 'signature.bin'), key.signHttp(await readFile(message)))
  const publicKey = join(folder, 'public.pem')
  await writeFile(publicKey, openssl('x509', '-in', join(folder, 'sm2.cert.pem'), '-noout', '-pubkey').stdout)
  const files = ['-inkey', publicKey, '-in', message, '-sigfile', join(folder, 'signature.bin')]
  const options = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678']
  const verdict = openssl('pkeyutl', '-verify', '-pubin', ...files, ...options)
  t.match(verdict.stdout + verdict.stderr, /Verified Successfully/)
})
