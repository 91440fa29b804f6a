import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Problem } from '../../src/base/problem.ts'
import { contentDigestOf } from '../../src/trust/content-digest.ts'
import { readDer } from '../../src/trust/der.ts'
import { targetUriOf } from '../../src/trust/http-message.ts'
import {
  type ReadRules,
  type ReadSignature,
  readAnswerSignature,
  readSignature,
  verifySignature,
} from '../../src/trust/http-signature.ts'
import { readPublicKey } from '../../src/trust/public-key.ts'
import { signAnswer, signRequest } from '../../src/trust/sign.ts'
import type { Signer } from '../../src/trust/signer.ts'
import { makeSm2Key, sm2PublicKey } from '../../src/trust/sm2.ts'
import { openSm2Pool } from '../../src/trust/sm2-pool.ts'
import { type TestKey, testKey } from '../support/certificates.ts'

const sm2 = openSm2Pool()
const now = new Date('2026-11-09T02:00:00Z')
const keyid = 'ab'.repeat(32)
const body = Buffer.from('{"bankReference":"R1"}')
const targetUri = 'https://gateway.example/v1/applications?dry=1'

function testSigner(key: TestKey): Signer {
  return { algorithm: 'ecdsa-p256-sha256', keyid, certificateDer: Buffer.of(), sign: async (bytes) => key.sign(bytes) }
}
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p256Signer: Signer = {
  ...testSigner(testKey('p256')),
  sign: async (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
}
const p256Key = readPublicKey(readDer(publicKey.export({ format: 'der', type: 'spki' })))
const rsa = testKey('rsa')
const rsaSigner: Signer = { ...testSigner(rsa), algorithm: 'rsa-v1_5-sha256' }
const rsaKey = readPublicKey(readDer(rsa.publicKey))
const sm2Secret = makeSm2Key()
const sm2Signer: Signer = {
  ...testSigner(rsa),
  algorithm: 'sm2-sm3',
  sign: (bytes) => sm2.sign(sm2Secret, bytes),
}
const sm2Key = { kind: 'sm2' as const, point: sm2PublicKey(sm2Secret) }

const headers: Record<string, string> = {
  'content-type': 'application/json',
  'content-digest': contentDigestOf(body),
  'idempotency-key': 'key-1',
  'x-operator': 'op-1',
}
const rules: ReadRules = { now, hasBody: true }

async function signedHeaders(signer = p256Signer): Promise<Record<string, string>> {
  return {
    host: 'gateway.example',
    ...headers,
    ...(await signRequest({ method: 'POST', targetUri, headers }, signer, now)),
  }
}

const raw = (all: Record<string, string>): string[] => Object.entries(all).flat()

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
  return 'none'
}

await t.test('a request signed with each kind of key is read and verifies', async (t) => {
  for (const [signer, key] of [
    [p256Signer, p256Key],
    [rsaSigner, rsaKey],
    [sm2Signer, sm2Key],
  ] as const) {
    const request = { method: 'POST', targetUri, rawHeaders: raw(await signedHeaders(signer)) }
    const read = readSignature(request, rules)
    t.equal(await codeOf(() => verifySignature(read, key, sm2)), 'none', signer.algorithm)
    t.equal(read.keyid, keyid)
    t.equal(read.algorithm, signer.algorithm)
    t.equal(read.createdAt.toISOString(), now.toISOString())
    t.equal(read.nonce.length, 24)
    t.ok(read.contentDigest?.has('sha-256'))
    t.strictSame(read.components, [
      '"@method"',
      '"@target-uri"',
      '"content-digest"',
      '"content-type"',
      '"idempotency-key"',
      '"x-operator"',
    ])
  }
})

await t.test('the key must be of the kind that alg names, and be the right one', async (t) => {
  const read = readSignature({ method: 'POST', targetUri, rawHeaders: raw(await signedHeaders()) }, rules)
  t.equal(await codeOf(() => verifySignature(read, rsaKey, sm2)), 'signature-algorithm-unfit')
  t.equal(await codeOf(() => verifySignature(read, sm2Key, sm2)), 'signature-algorithm-unfit')
  const other = readPublicKey(readDer(testKey('p256').publicKey))
  t.equal(await codeOf(() => verifySignature(read, other, sm2)), 'signature-invalid')
})

await t.test('whatever part of the message is changed, the signature no longer verifies', async (t) => {
  const signed = await signedHeaders()
  const changes: [string, { method?: string; targetUri?: string; headers?: Record<string, string> }][] = [
    ['method', { method: 'PUT' }],
    ['target', { targetUri: targetUri.replace('dry=1', 'dry=0') }],
    ['digest', { headers: { 'content-digest': contentDigestOf(Buffer.from('other')) } }],
    ['type', { headers: { 'content-type': 'application/xml' } }],
    ['idempotency key', { headers: { 'idempotency-key': 'key-2' } }],
    ['operator', { headers: { 'x-operator': 'op-2' } }],
    ['nonce', { headers: { 'signature-input': signed['signature-input']?.replace(/nonce="./, 'nonce="!') ?? '' } }],
    [
      'order',
      {
        headers: {
          'signature-input':
            signed['signature-input']?.replace('"@method" "@target-uri"', '"@target-uri" "@method"') ?? '',
        },
      },
    ],
  ]
  for (const [name, change] of changes) {
    const request = {
      method: change.method ?? 'POST',
      targetUri: change.targetUri ?? targetUri,
      rawHeaders: raw({ ...signed, ...change.headers }),
    }
    const code = await codeOf(() => verifySignature(readSignature(request, rules), p256Key, sm2))
    t.equal(code, 'signature-invalid', name)
  }
})

await t.test('a signature over a base with any byte changed does not verify', async () => {
  const reads = await Promise.all(
    [p256Signer, rsaSigner].map(async (signer) => {
      const request = { method: 'POST', targetUri, rawHeaders: raw(await signedHeaders(signer)) }
      return [readSignature(request, rules), signer === rsaSigner ? rsaKey : p256Key] as const
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, flip, inSignature) => {
      for (const [read, key] of reads) {
        const changed: ReadSignature = { ...read, base: Buffer.from(read.base), signature: Buffer.from(read.signature) }
        const bytes = inSignature ? changed.signature : changed.base
        const index = at % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ flip
        if ((await codeOf(() => verifySignature(changed, key, sm2))) !== 'signature-invalid') return false
      }
      return true
    }),
    { numRuns: 60 },
  )
})

await t.test('each fault of a signature has its own code', async (t) => {
  const good = await signedHeaders()
  const input = good['signature-input'] ?? ''
  const signature = good['signature'] ?? ''
  const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
  const withInput = (from: string | RegExp, to: string) => ({ ...good, 'signature-input': input.replace(from, to) })
  const cases: [string, string, Record<string, string>][] = [
    ['not signed', 'signature-missing', headers],
    ['no Signature', 'signature-missing', without('signature')],
    ['no Signature-Input', 'signature-missing', without('signature-input')],
    ['Signature-Input is no dictionary', 'signature-malformed', withInput('sig1=', '=')],
    ['Signature-Input is no list', 'signature-malformed', { ...good, 'signature-input': 'sig1="x"' }],
    ['labels differ', 'signature-malformed', withInput('sig1=', 'sig2=')],
    ['two labels', 'signature-malformed', { ...good, 'signature-input': `${input}, ${input.replace('sig1', 'sig2')}` }],
    ['a label twice', 'signature-malformed', { ...good, 'signature-input': `${input}, ${input}` }],
    ['a second value', 'signature-malformed', { ...good, signature: `${signature}, sig2=:AAAA:` }],
    ['signature is text', 'signature-malformed', { ...good, signature: 'sig1="AAAA"' }],
    ['no created', 'signature-parameter-missing', withInput(/;created=\d+/, '')],
    ['no keyid', 'signature-parameter-missing', withInput(/;keyid="[^"]*"/, '')],
    ['no alg', 'signature-parameter-missing', withInput(/;alg="[^"]*"/, '')],
    ['no nonce', 'signature-parameter-missing', withInput(/;nonce="[^"]*"/, '')],
    ['created is text', 'signature-malformed', withInput(/;created=(\d+)/, ';created="$1"')],
    ['created is huge', 'signature-malformed', withInput(/;created=\d+/, ';created=999999999999999')],
    ['keyid in upper case', 'signature-malformed', withInput(keyid, keyid.toUpperCase())],
    ['keyid is a name', 'signature-malformed', withInput(keyid, 'my-key')],
    ['nonce too short', 'signature-malformed', withInput(/;nonce="[^"]*"/, ';nonce="123456789012345"')],
    ['nonce too long', 'signature-malformed', withInput(/;nonce="[^"]*"/, `;nonce="${'n'.repeat(65)}"`)],
    ['a parameter twice', 'signature-malformed', { ...good, 'signature-input': `${input};nonce="1234567890123456"` }],
    ['alg unknown', 'signature-algorithm-unsupported', withInput(/;alg="[^"]*"/, ';alg="hmac-sha256"')],
    ['digest missing', 'digest-missing', without('content-digest')],
    ['digest malformed', 'digest-malformed', { ...good, 'content-digest': 'sha-256=x' }],
    ['digest of an unknown kind', 'digest-algorithm-unsupported', { ...good, 'content-digest': 'md5=:AAAA:' }],
    ['method uncovered', 'signature-component-missing', withInput('"@method" ', '')],
    ['target uncovered', 'signature-component-missing', withInput('"@target-uri" ', '')],
    ['only a part of the target', 'signature-component-missing', withInput('"@target-uri"', '"@authority" "@path"')],
    ['digest uncovered', 'signature-component-missing', withInput(' "content-digest"', '')],
    ['type uncovered', 'signature-component-missing', withInput(' "content-type"', '')],
    ['idempotency key uncovered', 'signature-component-missing', withInput(' "idempotency-key"', '')],
    ['operator uncovered', 'signature-component-missing', withInput(' "x-operator"', '')],
    ['a component with bs in its place', 'signature-component-missing', withInput('"x-operator"', '"x-operator";bs')],
    ['covered but absent', 'signature-component-absent', without('x-operator')],
    ['no idempotency key at all', 'signature-component-absent', without('idempotency-key')],
    ['a component twice', 'signature-malformed', withInput('"@method"', '"@method" "@method"')],
    ['a component of a request in a request', 'signature-malformed', withInput('"@method"', '"@method" "@method";req')],
    ['a status in a request', 'signature-malformed', withInput('"@method"', '"@method" "@status"')],
    ['an unknown derived component', 'signature-malformed', withInput('"@method"', '"@method" "@body"')],
    ['a field name in upper case', 'signature-malformed', withInput('"@method"', '"@method" "Host"')],
    ['an unknown parameter', 'signature-malformed', withInput('"@method"', '"@method" "host";x')],
    ['sf, of a field whose type is not known', 'signature-malformed', withInput('"@method"', '"@method" "host";sf')],
    ['expired', 'signature-expired', withInput(';nonce', `;expires=${now.getTime() / 1000};nonce`)],
  ]
  for (const [name, code, all] of cases) {
    const request = { method: 'POST', targetUri, rawHeaders: raw(all) }
    t.equal(await codeOf(() => readSignature(request, rules)), code, name)
  }
  const missing = withInput('"@method" "@target-uri" ', '')
  try {
    readSignature({ method: 'POST', targetUri, rawHeaders: raw(missing) }, rules)
    t.fail('refused')
  } catch (error) {
    t.match(error, { detail: { en: 'The signature must cover "@method" "@target-uri"' } }, 'the components are named')
  }
})

await t.test('headers that mean something once only are refused when they occur twice', async (t) => {
  const good = await signedHeaders()
  for (const name of ['Content-Digest', 'X-Operator', 'Idempotency-Key', 'Signature', 'SIGNATURE-INPUT', 'Host']) {
    const rawHeaders = [...raw(good), name, good[name.toLowerCase()] ?? '']
    const code = await codeOf(() => readSignature({ method: 'POST', targetUri, rawHeaders }, rules))
    t.equal(code, 'header-repeated', name)
  }
  const rawHeaders = [...raw(good), 'via', 'a', 'via', 'b']
  t.equal(
    await codeOf(() => readSignature({ method: 'POST', targetUri, rawHeaders }, rules)),
    'none',
    'lists may repeat',
  )
})

await t.test('created may lie 300 s from our clock either way, and not more', async (t) => {
  const request = { method: 'POST', targetUri, rawHeaders: raw(await signedHeaders()) }
  const at = (seconds: number, skewSeconds?: number): Promise<string> =>
    codeOf(() =>
      readSignature(request, {
        now: new Date(now.getTime() + seconds * 1000),
        hasBody: true,
        ...(skewSeconds === undefined ? {} : { skewSeconds }),
      }),
    )
  t.equal(await at(300), 'none')
  t.equal(await at(-300), 'none')
  t.equal(await at(301), 'signature-created-outside-window')
  t.equal(await at(-301), 'signature-created-outside-window')
  t.equal(await at(20, 10), 'signature-created-outside-window')
  t.equal(await at(5000, 6000), 'none')
})

await t.test(
  'a GET needs neither digest nor idempotency key, and authority, path and query do for the target',
  async (t) => {
    const request = { method: 'GET', targetUri: 'https://Gateway.example:443/v1/events', headers: {} }
    const signed = await signRequest(request, p256Signer, now)
    const message = { ...request, rawHeaders: raw({ ...signed }) }
    const bare: ReadRules = { now, hasBody: false }
    t.equal(await codeOf(() => verifySignature(readSignature(message, bare), p256Key, sm2)), 'none')
    const parts = signed['signature-input'].replace('"@target-uri"', '"@authority" "@path" "@query"')
    const read = readSignature({ ...message, rawHeaders: raw({ ...signed, 'signature-input': parts }) }, bare)
    t.match(read.base.toString(), '"@authority": gateway.example\n"@path": /v1/events\n"@query": ?\n')
    t.equal(read.contentDigest, null)
    const post = { ...message, method: 'POST' }
    t.equal(await codeOf(() => readSignature(post, bare)), 'signature-component-missing')
    t.equal(await codeOf(() => readSignature(post, { ...bare, idempotencyKeyOnPost: false })), 'none')
  },
)

await t.test('the target URI is the configured address and the target as received, nothing else', async (t) => {
  t.equal(targetUriOf('https://gateway.example', '/v1/a/../b?x=%2f'), 'https://gateway.example/v1/a/../b?x=%2f')
  t.equal(targetUriOf('https://gateway.example/bdc/', '/v1'), 'https://gateway.example/bdc/v1')
  for (const target of ['*', 'http://elsewhere.example/v1', 'elsewhere:443', '/v1#part', '']) {
    t.equal(await codeOf(() => targetUriOf('https://gateway.example', target)), 'request-malformed', target)
  }
})

await t.test('an answer is bound to its request, and no other request takes it', async (t) => {
  const request = { method: 'POST', targetUri, rawHeaders: raw(await signedHeaders(sm2Signer)) }
  const asked = readSignature(request, rules)
  const answerBody = Buffer.from('{"id":"1"}')
  const receipt = `sm3=:${Buffer.alloc(32).toString('base64')}:`
  const answerHeaders = {
    'content-type': 'application/json',
    'content-digest': contentDigestOf(answerBody, 'sm3'),
    'trace-receipt': receipt,
  }
  for (const [signer, key] of [
    [p256Signer, p256Key],
    [rsaSigner, rsaKey],
    [sm2Signer, sm2Key],
  ] as const) {
    const signed = await signAnswer(
      {
        status: 202,
        headers: answerHeaders,
        request: { method: 'POST', targetUri, contentDigest: headers['content-digest'] ?? null, signature: asked },
      },
      signer,
      now,
    )
    const answer = { status: 202, rawHeaders: raw({ ...answerHeaders, ...signed }), request }
    const check = (changed: Partial<typeof answer>) =>
      codeOf(() => verifySignature(readAnswerSignature({ ...answer, ...changed }, rules), key, sm2))
    t.equal(await check({}), 'none')
    t.equal(await check({ status: 409 }), 'signature-invalid', 'status')
    const other = { ...request, rawHeaders: raw(await signedHeaders(sm2Signer)) }
    t.equal(await check({ request: other }), 'signature-invalid', 'the same request signed anew')
    t.equal(await check({ request: { ...request, targetUri: `${targetUri}0` } }), 'signature-invalid')
    const otherReceipt = raw({ ...answerHeaders, ...signed, 'trace-receipt': 'sm3=:AAAA:' })
    t.equal(await check({ rawHeaders: otherReceipt }), 'signature-invalid', 'receipt')
    const uncovered = signed['signature-input'].replace(' "trace-receipt"', '')
    const uncoveredHeaders = raw({ ...answerHeaders, ...signed, 'signature-input': uncovered })
    t.equal(await check({ rawHeaders: uncoveredHeaders }), 'signature-component-missing')
    const unbound = signed['signature-input'].replace(/ "signature";req;key="sig1"/, '')
    const unboundHeaders = raw({ ...answerHeaders, ...signed, 'signature-input': unbound })
    t.equal(await check({ rawHeaders: unboundHeaders }), 'signature-component-missing')
  }
})

await t.test('an answer to an unsigned request without a body is signed too', async (t) => {
  const request = { method: 'GET', targetUri, rawHeaders: [] }
  const signed = await signAnswer(
    { status: 204, headers: {}, request: { method: 'GET', targetUri, contentDigest: null, signature: null } },
    p256Signer,
    now,
  )
  const answer = { status: 204, rawHeaders: raw({ ...signed }), request }
  const read = readAnswerSignature(answer, { now, hasBody: false })
  t.equal(await codeOf(() => verifySignature(read, p256Key, sm2)), 'none')
})

await t.test('a header that would break a line of the base is never signed', async (t) => {
  const bad = { ...headers, 'x-operator': 'op\n"@method": DELETE' }
  await t.rejects(async () => signRequest({ method: 'POST', targetUri, headers: bad }, p256Signer, now))
  await t.rejects(async () =>
    signRequest({ method: 'POST', targetUri, headers: { ...headers, 'x-operator': '张' } }, p256Signer, now),
  )
})
