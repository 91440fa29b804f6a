import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Problem } from '../../src/base/problem.ts'
import {
  checkBodyDigest,
  checkDigest,
  contentDigestOf,
  contentDigestText,
  parseContentDigest,
} from '../../src/trust/content-digest.ts'

const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
  return 'none'
}

await t.test('a body is checked against every digest that we know', async (t) => {
  const body = Buffer.from('{"hello": "world"}')
  const sha256 = contentDigestOf(body)
  t.equal(sha256, 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:', 'as RFC 9530 has it')
  const sm3 = contentDigestOf(body, 'sm3')
  t.equal(
    code(() => checkBodyDigest(parseContentDigest(sha256), body)),
    'none',
  )
  t.equal(
    code(() => checkBodyDigest(parseContentDigest(sm3), body)),
    'none',
  )
  t.equal(
    code(() => checkBodyDigest(parseContentDigest(`${sha256}, ${sm3}`), body)),
    'none',
  )
  const otherSm3 = contentDigestOf(Buffer.from('other'), 'sm3')
  t.equal(
    code(() => checkBodyDigest(parseContentDigest(`${sha256}, ${otherSm3}`), body)),
    'digest-mismatch',
  )
  const otherSha = contentDigestOf(Buffer.from('other'))
  t.equal(
    code(() => checkBodyDigest(parseContentDigest(otherSha), body)),
    'digest-mismatch',
  )
})

await t.test('what is not a digest, or none that we know, is refused with its own code', async (t) => {
  const short = `sha-256=:${Buffer.alloc(31).toString('base64')}:`
  const good = contentDigestOf(Buffer.of())
  t.equal(
    code(() => parseContentDigest('')),
    'digest-algorithm-unsupported',
  )
  t.equal(
    code(() => parseContentDigest('md5=:AAAA:')),
    'digest-algorithm-unsupported',
  )
  t.equal(
    code(() => parseContentDigest(short)),
    'digest-malformed',
  )
  t.equal(
    code(() => parseContentDigest('sha-256="text"')),
    'digest-malformed',
  )
  t.equal(
    code(() => parseContentDigest('sha-256=(:AAAA:)')),
    'digest-malformed',
  )
  t.equal(
    code(() => parseContentDigest(`${good}, ${good}`)),
    'digest-malformed',
    'twice',
  )
  t.equal(
    code(() => parseContentDigest('SHA-256=:AAAA:')),
    'digest-malformed',
  )
  t.equal(parseContentDigest(`md5=:AAAA:, ${good}`).size, 1, 'an unknown one beside a known one is passed over')
  t.equal(
    code(() => parseContentDigest(`constructor=:AAAA:`)),
    'digest-algorithm-unsupported',
  )
})

await t.test('a body in any pieces has the digest of the whole', async () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }), (chunks) => {
      const whole = Buffer.concat(chunks)
      const digests = new Map([
        ['sha-256' as const, createHash('sha256').update(whole).digest()],
        ['sm3' as const, createHash('sm3').update(whole).digest()],
      ])
      const check = checkDigest(parseContentDigest(contentDigestText(digests)))
      for (const chunk of chunks) check.update(chunk)
      check.finish()
    }),
  )
})
