import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import type { Ground } from '../ground.ts'
import { refuseMissingFolder } from '../start-checks.ts'
import type { CertificateResolver } from '../trace/checkpoint.ts'
import { certificatesIn } from '../trace/checkpoint-files.ts'
import { inclusionProof, receiptOf } from '../trace/proofs.ts'
import { verifiedText } from '../trace/verified-text.ts'
import { verifyTrace } from '../trace/verify.ts'
import { flag, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { table } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway trace verify [--certificates FOLDER] [--json]
bdc-gateway trace checkpoint [--json]
bdc-gateway trace proof RECORD [--json]

  verify      核对每条痕迹记录、整棵树和所有签名检查点；发现改动、删除、插入、调序或截断时指明记录或范围，退出码 1。
              默认信任网关自身的证书和检查点文件夹中的证书；独立核验请用 --certificates 指定另行保管的证书（KEYID.pem）
  checkpoint  立即封存并签发检查点
  proof       一条记录的回执和包含证明（含在哪个检查点之内）
  verify      holds every record to its leaf and the tree to every signed checkpoint; names what was changed, deleted,
              inserted, reordered or cut off, and exits with 1. Trusts the gateway's own certificates and those beside the
              checkpoints; for an independent check name a folder of your own (KEYID.pem)
  checkpoint  seals what is pending and signs a checkpoint now
  proof       receipt and inclusion proof of a record, under the smallest checkpoint that covers it

  例 / example:
    bdc-gateway trace verify
    bdc-gateway trace proof 019a6c3e-5b7d-7c11-9d3c-0e6a1f2b3c4d --json
`

/** `bdc-gateway trace`: see HELP. */
export const run = commandOfActs('trace', HELP, {
  verify: {
    options: { certificates: text, json: flag },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const folder = given.optional('certificates')
        if (folder !== undefined) refuseMissingFolder('--certificates', folder)
        const trusted =
          folder === undefined
            ? ownCertificates(ground)
            : { certificates: certificatesIn(folder), beside: new Set<string>() }
        const verified = await verifyTrace({
          pool: ground.pool,
          checkpointDir: ground.folders.checkpoints,
          certificates: trusted.certificates,
        })
        if (given.flag('json')) {
          console.log(JSON.stringify({ ...verified, trustedBesideCheckpoints: [...trusted.beside] }))
        } else {
          console.log(verifiedText(verified, 'zh').trimEnd())
          console.log(verifiedText(verified, 'en').trimEnd())
          for (const keyid of trusted.beside) {
            console.log(
              `注意：证书 ${keyid} 仅取自检查点文件夹 / note: this certificate was found beside the checkpoints only`,
            )
          }
        }
        return verified.ok ? 0 : 1
      }),
  },
  checkpoint: {
    options: { json: flag },
    run: (given, env) =>
      withGround(env, async ({ trace, folders }) => {
        const signed = await trace.checkpointNow()
        if (signed === null) {
          throw new Problem('trace-empty', { zh: '尚无痕迹记录，无可签发', en: 'there are no records to sign yet' })
        }
        const { origin, size, at, keyid, alg } = signed
        const root = signed.root.toString('hex')
        if (given.flag('json')) {
          console.log(
            JSON.stringify({ origin, size, root, at, keyid, alg, signature: signed.signature.toString('base64') }),
          )
          return 0
        }
        console.log(
          table(
            ['检查点 checkpoint', origin],
            [
              ['记录数 size', size],
              ['根 root', root],
              ['时间 at', at],
              ['证书 keyid', keyid],
              ['文件夹 folder', folders.checkpoints],
            ],
          ),
        )
        return 0
      }),
  },
  proof: {
    options: { json: flag },
    positionals: ['RECORD'],
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        const id = given.text('RECORD').toLowerCase()
        const receipt = isUuid(id) ? await receiptOf(pool, id) : null
        if (receipt === null) {
          throw new Problem('record-not-found', { zh: '没有这个编号的痕迹记录', en: 'there is no record of this id' })
        }
        const proof = await inclusionProof(pool, id)
        if (proof === null) {
          throw new Problem('record-not-covered', {
            zh: '该记录尚未被检查点覆盖；请稍候，或执行 bdc-gateway trace checkpoint',
            en: 'no checkpoint covers the record yet; wait, or run bdc-gateway trace checkpoint',
          })
        }
        const shownProof = {
          recordId: id,
          receipt,
          leafHash: proof.leafHash.toString('hex'),
          number: proof.number,
          size: proof.size,
          root: proof.root.toString('hex'),
          path: proof.path.map((hash) => hash.toString('hex')),
        }
        if (given.flag('json')) console.log(JSON.stringify(shownProof))
        else {
          console.log(
            table(
              ['记录 record', id],
              [
                ['回执 receipt', receipt],
                ['叶子 leaf hash', shownProof.leafHash],
                ['编号 number', proof.number],
                ['检查点 checkpoint size', proof.size],
                ['根 root', shownProof.root],
                ...shownProof.path.map((hash, i) => [`路径 path ${i + 1}`, hash]),
              ],
            ),
          )
        }
        return 0
      }),
  },
})

/** The gateway's own certificates; those beside the checkpoints, of keys used before, are noted in `beside`. */
function ownCertificates({ signers, folders }: Ground): { certificates: CertificateResolver; beside: Set<string> } {
  const own = new Map<string, Buffer>()
  for (const signer of [signers.p256, signers.rsa, signers.sm2]) {
    if (signer !== null) own.set(signer.keyid, signer.certificateDer)
  }
  const folder = certificatesIn(folders.checkpoints)
  const beside = new Set<string>()
  return {
    beside,
    certificates: async (keyid) => {
      const known = own.get(keyid)
      if (known !== undefined) return known
      const found = await folder(keyid)
      if (found !== null) beside.add(keyid)
      return found
    },
  }
}
