import { readFileSync } from 'node:fs'
import t from 'tap'
import { readDer } from '../../src/trust/der.ts'
import { readPublicKey, WeakKeyError } from '../../src/trust/public-key.ts'
import { openSm2Pool } from '../../src/trust/sm2-pool.ts'
import { type SignatureAlgorithm, verifyBytes } from '../../src/trust/verify-bytes.ts'

interface Vectors {
  groups: {
    publicKeyDer: string
    tests: { tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' }[]
  }[]
}

const suites: [string, SignatureAlgorithm][] = [
  ['ecdsa-p256-sha256-p1363.json', 'ecdsa-p256-sha256'],
  ['rsa-2048-sha256.json', 'rsa-v1_5-sha256'],
  ['rsa-pss-4096-sha512.json', 'rsa-pss-sha512'],
]
const sm2 = openSm2Pool()

for (const [file, algorithm] of suites) {
  await t.test(`${algorithm}: every Wycheproof vector gets its verdict`, async (t) => {
    const { groups } = JSON.parse(readFileSync(`test/vectors/wycheproof/${file}`, 'utf8')) as Vectors
    let count = 0
    for (const { publicKeyDer, tests } of groups) {
      const keyNode = readDer(Buffer.from(publicKeyDer, 'hex'))
      if (algorithm === 'rsa-v1_5-sha256' && publicKeyDer.endsWith('020103')) {
        t.throws(() => readPublicKey(keyNode), WeakKeyError, 'the exponent 3 is refused with all its signatures')
        continue
      }
      const key = readPublicKey(keyNode)
      for (const { tcId, comment, msg, sig, result } of tests) {
        const verdict = await verifyBytes(algorithm, key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'), sm2)
        t.equal(verdict, result === 'valid', `${tcId} ${comment}`)
        count += 1
      }
    }
    t.ok(count > 30)
  })
}

await t.test('a signature in DER is none of ecdsa-p256-sha256', async (t) => {
  const [file, algorithm] = ['ecdsa-p256-sha256-p1363.json', 'ecdsa-p256-sha256'] as const
  const { groups } = JSON.parse(readFileSync(`test/vectors/wycheproof/${file}`, 'utf8')) as Vectors
  const group = groups.find(({ tests }) => tests.some(({ result, sig }) => result === 'valid' && sig.length === 128))
  const vector = group?.tests.find(({ result }) => result === 'valid')
  if (group === undefined || vector === undefined) throw new Error('no valid vector')
  const key = readPublicKey(readDer(Buffer.from(group.publicKeyDer, 'hex')))
  const integer = (text: string): string => {
    const digits = text.replace(/^(00)+/, '')
    const padded = Number.parseInt(digits.slice(0, 2), 16) >= 0x80 ? `00${digits}` : digits
    return `02${(padded.length / 2).toString(16).padStart(2, '0')}${padded}`
  }
  const body = integer(vector.sig.slice(0, 64)) + integer(vector.sig.slice(64))
  const der = Buffer.from(`30${(body.length / 2).toString(16).padStart(2, '0')}${body}`, 'hex')
  t.equal(await verifyBytes(algorithm, key, Buffer.from(vector.msg, 'hex'), der, sm2), false)
})
