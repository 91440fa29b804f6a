import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  certificateId,
  Gateway,
  type GatewayOptions,
  NoAnswerError,
  pemSigner,
  RefusedError,
  UntrustedAnswerError,
  webhookListener,
} from '../clients/typescript/src/index.ts'
import { openCertificateAuthority, writeIdentity } from '../src/sandbox/certificate-authority.ts'
import { certificatesOfPem } from '../src/trust/certificate.ts'
import { contentDigestOf } from '../src/trust/content-digest.ts'
import { signRequest } from '../src/trust/sign.ts'
import { loadSigners } from '../src/trust/signer.ts'
import { openSm2Pool } from '../src/trust/sm2-pool.ts'
import { type Reply, signingGateway } from './support/signing-gateway.ts'

const sm2 = openSm2Pool()
t.teardown(() => sm2.close())
const NAMES = { organization: '示例银行', commonName: '示例银行', uscc: '91420222000000019R' }
const PROBLEM = { code: 'overloaded', title: '系统繁忙', detail: '忙', detailEn: 'busy', pointers: [], traceId: 't-1' }
const refused = (status: number, retry: string, headers: Record<string, string> = {}, more: object = {}): Reply => ({
  status,
  body: { ...PROBLEM, status, retry, ...more },
  headers: { 'content-type': 'application/problem+json; charset=utf-8', ...headers },
})

async function bench(t: Test, options: Partial<GatewayOptions> = {}) {
  const folder = t.testdir()
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const [bank, own] = await Promise.all([
    ca.issue({ ...NAMES, algorithm: 'p256' }),
    ca.issue({ ...NAMES, organization: '登记中心', algorithm: 'p256' }),
  ])
  await writeIdentity(join(folder, 'signing'), 'p256', own)
  const { p256: signer } = await loadSigners(join(folder, 'signing'), sm2)
  const [bankCertificateDer] = certificatesOfPem(bank.certificatePem)
  if (bankCertificateDer === undefined) throw new Error('no certificate')
  const stub = await signingGateway(t, { signer, bankCertificateDer, sm2 })
  const waits: number[] = []
  const client = new Gateway({
    baseUrl: stub.url,
    signer: pemSigner(bank.key.pem, bank.certificatePem),
    gatewayKeys: [own.certificatePem],
    operator: 'yx-sub-0031',
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      waits.push(milliseconds)
    },
    ...options,
  })
  t.teardown(() => client.close())
  return { stub, client, waits, signer, own, ca }
}

await t.test('each call is signed as the gateway reads it, to the address that the API names', async (t) => {
  const { stub, client } = await bench(t)
  const person = { name: '古丽娜·艾山江', idType: 'resident-id', idNumber: '420222190001030007' } as const
  const query = { level: 'flags', certificateNumber: '鄂（2019）阳新县不动产权第0003112号', holder: person } as const
  const authorization = {
    authorizer: person,
    purpose: 'loan-review',
    level: 'detail',
    validFrom: '2026-11-01',
    validTo: '2026-11-30',
    evidence: { materialId: 'm', kind: 'paper-scan', signedAt: '2026-11-01T09:00:00+08:00' },
  } as const
  const correction = {
    round: 1,
    operator: { id: 'yx-sub-0031', name: '甲' },
    appliedAt: '2026-11-09T14:05:00+08:00',
    items: [{ number: 2, answer: '已更正', changes: [{ path: '/properties/1/area', value: '96.46' }] }],
  }
  const calls: [string, unknown, () => Promise<unknown>][] = [
    ['POST /v1/authorizations', authorization, () => client.createAuthorization(authorization)],
    ['GET /v1/authorizations/a%2F1', undefined, () => client.getAuthorization('a/1')],
    ['POST /v1/authorizations/a/revoke', undefined, () => client.revokeAuthorization('a')],
    ['GET /v1/queries/q', undefined, () => client.getQuery('q')],
    [
      'POST /v1/queries',
      { ...query, purpose: 'loan-review' },
      () => client.query({ ...query, purpose: 'loan-review' }),
    ],
    [
      'GET /v1/applications?state=accepted&after=7&limit=20',
      undefined,
      () => client.listApplications({ after: '7', limit: 20, state: 'accepted' }),
    ],
    ['GET /v1/applications/c/events', undefined, () => client.applicationEvents('c')],
    ['POST /v1/applications/c/corrections', correction, () => client.sendCorrection('c', correction)],
    [
      'POST /v1/applications/c/withdrawal',
      { reason: '借款人放弃' },
      () => client.withdraw('c', { reason: '借款人放弃' }),
    ],
    ['GET /v1/webhook', undefined, () => client.getWebhook()],
    ['PUT /v1/webhook', { url: 'https://bank/hook' }, () => client.putWebhook('https://bank/hook')],
    ['POST /v1/webhook/test', undefined, () => client.testWebhook()],
    [`GET /v1/codes/${encodeURIComponent('证件')}`, undefined, () => client.codes('证件')],
  ]
  for (const [name, body, call] of calls) {
    await call()
    const seen = stub.seen.at(-1)
    t.equal(`${seen?.method} ${seen?.path}`, name)
    t.strictSame(seen?.body, body, name)
    t.equal(seen?.operator, 'yx-sub-0031')
    t.equal(seen?.key !== undefined, name.startsWith('POST '), `a key on POST: ${name}`)
  }
  t.equal(stub.seen.length, calls.length)
  await client.getApplication('c', { operator: 'yx-sub-0032' })
  t.equal(stub.seen.at(-1)?.operator, 'yx-sub-0032')
})

await t.test('what may be repeated is repeated, signed anew with the same key, after the wait asked for', async (t) => {
  const { stub, client, waits } = await bench(t)
  const replies: Reply[] = [
    refused(503, 'after', { 'retry-after': '7' }),
    refused(503, 'same-key'),
    { status: 502, unsigned: true },
    refused(429, 'after', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
    { status: 202, body: { id: 'c' } },
  ]
  stub.reply = () => replies[stub.seen.length - 1] ?? { status: 500 }
  const answer = await client.withdraw('c', { reason: '撤回' }, { idempotencyKey: 'of-my-own-1' })
  t.match(answer, { status: 202, data: { id: 'c' }, receipt: /^sm3=:/ })
  t.equal(new Set(stub.seen.map(({ nonce }) => nonce)).size, 5, 'five nonces')
  t.strictSame([...new Set(stub.seen.map(({ key }) => key))], ['of-my-own-1'])
  t.equal(new Set(stub.seen.map(({ body }) => JSON.stringify(body))).size, 1, 'one body')
  const [first = 0, second = 0, third = 0, fourth = 0] = waits
  t.equal(first, 7000)
  t.ok(second >= 500 && second <= 1000 && third >= 1000 && third <= 2000, `backs off: ${waits.join(' ')}`)
  t.ok(fourth > 55_000 && fourth <= 60_000, 'a date is understood')
})

await t.test('what must not be repeated is not', async (t) => {
  const { stub, client, waits } = await bench(t)
  const cases: [string, Reply, object][] = [
    [
      'never',
      refused(422, 'never', {}, { code: 'message-invalid', pointers: ['/reason'] }),
      { code: 'message-invalid', pointers: ['/reason'], traceId: 't-1', verified: true, receipt: /^sm3=:/ },
    ],
    ['a word that is not known', refused(503, 'perhaps'), { status: 503 }],
    ['wait until midnight', refused(429, 'after', { 'retry-after': '40000' }), { retryAfterMs: 40_000_000 }],
    [
      'a refusal of a proxy',
      { status: 403, unsigned: true },
      { code: 'http-403', verified: false, receipt: undefined },
    ],
  ]
  for (const [name, reply, wanted] of cases) {
    stub.seen.length = 0
    stub.reply = () => reply
    const error: unknown = await client.withdraw('c', { reason: '撤回' }).catch((caught: unknown) => caught)
    t.ok(error instanceof RefusedError, name)
    t.match(error, wanted, name)
    t.match(error, { method: 'POST', path: '/v1/applications/c/withdrawal', idempotencyKey: stub.seen[0]?.key })
    t.equal(stub.seen.length, 1, name)
  }
  t.strictSame(waits, [])

  await t.test('and the last refusal is told when the attempts are used up', async (t) => {
    stub.seen.length = 0
    stub.reply = () => refused(503, 'after', { 'retry-after': '1' })
    await t.rejects(client.getApplication('c', { attempts: 3 }), { code: 'overloaded', retryAfterMs: 1000 })
    t.equal(stub.seen.length, 3)
  })
})

await t.test('a good signature that binds too little is not believed', async (t) => {
  const { stub, client } = await bench(t)
  const needed = ['"@status"', '"content-digest"', '"content-type"', '"trace-receipt"', '"@method";req']
  needed.push('"@target-uri";req', '"content-digest";req', '"signature";req;key="sig1"')
  for (const component of needed) {
    stub.reply = () => ({ status: 202, body: { id: 'c' }, uncovered: [component] })
    const error: unknown = await client.withdraw('c', { reason: '撤回' }).catch((caught: unknown) => caught)
    t.ok(error instanceof UntrustedAnswerError, component)
    t.match(error, { message: /does not cover/ }, component)
  }
  stub.reply = () => ({ status: 202, body: { id: 'c' } })
  t.equal((await client.withdraw('c', { reason: '撤回' })).status, 202)
  t.equal(stub.seen.length, needed.length + 1)
})

await t.test('a gateway that does not answer: the outcome is unknown, the key is told', async (t) => {
  const { stub, client } = await bench(t)
  stub.reply = ({ path }) =>
    path === '/v1/webhook' ? { status: 200, body: { url: 'u' } } : { status: 0, silent: true }
  const error: unknown = await client
    .withdraw('c', { reason: '撤回' }, { timeoutMs: 100, attempts: 2 })
    .catch((caught: unknown) => caught)
  t.ok(error instanceof NoAnswerError)
  t.match(error, { timedOut: true, idempotencyKey: /^[0-9a-f-]{36}$/ })
  t.equal(stub.seen.length, 2)
  t.equal(new Set(stub.seen.map(({ key }) => key)).size, 1)

  const stopped = new AbortController()
  const waiting = client.getApplication('c', { signal: stopped.signal })
  stopped.abort(new Error('the teller closed the window'))
  await t.rejects(waiting, /the teller closed the window/)
  t.equal((await client.getWebhook()).data.url, 'u', 'the client goes on')
})

await t.test('a query is asked for until it is answered, or until the wait is over', async (t) => {
  const { stub, client, waits } = await bench(t)
  const body = { level: 'flags', proofNumber: '1', holder: {}, purpose: 'loan-review' } as unknown as Parameters<
    Gateway['query']
  >[0]
  const answered = { id: 'q', state: 'answered', level: 'flags', code: 'match' }
  const replies: Reply[] = [
    { status: 202, body: { id: 'q', state: 'asking' }, headers: { 'retry-after': '3' } },
    { status: 202, body: { id: 'q' } },
    { status: 200, body: { id: 'q', state: 'asking' } },
    { status: 200, body: answered },
  ]
  stub.reply = () => replies[stub.seen.length - 1] ?? { status: 500 }
  const answer = await client.query(body)
  t.match(answer.data, answered)
  t.strictSame(
    stub.seen.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/queries', 'GET /v1/queries/q', 'GET /v1/queries/q', 'GET /v1/queries/q'],
  )
  t.strictSame(waits, [3000, 2000, 4000])
  stub.reply = () => ({ status: 202, body: { id: 'q' } })
  t.match((await client.getQuery('q', { waitMs: 5000 })).data, { state: 'asking', id: 'q' })
  t.match((await client.getQuery('q', { waitMs: 0 })).data, { state: 'asking', id: 'q' })
})

await t.test(
  'the feed: every event once and in order, over pages, idle polls and a gateway that is away',
  async (t) => {
    const { stub, client } = await bench(t)
    const all = Array.from({ length: 12 }, (_, i) => ({ id: `e${i + 1}`, type: 'accepted', cursor: String(i + 1) }))
    let there = 7
    let calls = 0
    stub.reply = ({ path }) => {
      calls += 1
      if (calls % 3 === 0) return refused(503, 'after', { 'retry-after': '1' })
      const query = new URL(path, stub.url).searchParams
      const after = Number(query.get('after'))
      const found = all.slice(after, Math.min(there, after + Number(query.get('limit'))))
      if (found.length === 0) there = 12
      return {
        status: 200,
        body: { events: found, next: found.at(-1)?.cursor ?? String(after), more: after + found.length < there },
      }
    }
    const stop = new AbortController()
    const got: string[] = []
    for await (const event of client.events({ limit: 3, waitSeconds: 1, signal: stop.signal })) {
      got.push(event.id)
      if (event.id === 'e12') break
    }
    t.strictSame(
      got,
      all.map(({ id }) => id),
    )
    t.match(stub.seen[0]?.path, '/v1/events?after=0&limit=3&wait=1')
    got.length = 0
    for await (const event of client.events({ after: '9', follow: false })) got.push(event.id)
    t.strictSame(got, ['e10', 'e11', 'e12'], 'from a cursor to the end')
    stub.reply = () => ({ status: 200, body: { events: [all[0]], next: '0', more: true } })
    await t.rejects(async () => {
      for await (const { id } of client.events()) got.push(id)
    }, UntrustedAnswerError)
    stop.abort()
  },
)

await t.test('a webhook takes what the gateway signed for it, and nothing else', async (t) => {
  const { signer, own, ca } = await bench(t)
  const got: unknown[] = []
  let fails = false
  let url = ''
  const server = createServer((request, response) =>
    webhookListener({
      url,
      gatewayKeys: [own.certificatePem],
      onPush: async (push) => {
        if (fails) throw new Error('the bank’s database is away')
        got.push(push)
      },
    })(request, response),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?of=bank`

  async function push(
    change: {
      to?: string
      body?: string
      now?: Date
      signed?: boolean
      by?: typeof signer
      key?: string
      unsignedKey?: true
    } = {},
  ): Promise<number> {
    const body = JSON.stringify({ events: [{ id: 'e1', type: 'recorded' }] })
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'content-digest': contentDigestOf(Buffer.from(body)),
      ...(change.unsignedKey === true ? {} : { 'idempotency-key': 'push-0001' }),
    }
    const target = { method: 'POST', targetUri: change.to ?? url, headers }
    if (change.signed !== false) {
      Object.assign(headers, await signRequest(target, change.by ?? signer, change.now ?? new Date()))
    }
    if (change.key !== undefined) headers['idempotency-key'] = change.key
    return (await fetch(url, { method: 'POST', headers, body: change.body ?? body })).status
  }
  t.equal(await push(), 204)
  t.match(got, [{ data: { events: [{ id: 'e1' }] }, idempotencyKey: 'push-0001', keyid: signer.keyid }])
  const other = await ca.issue({ ...NAMES, algorithm: 'p256' })
  const otherSigner = { ...signer, keyid: other.fingerprint, sign: async (base: Buffer) => other.key.signHttp(base) }
  const forged: [string, Parameters<typeof push>[0]][] = [
    ['another body', { body: '{"events":[{"id":"e2","type":"recorded"}]}' }],
    ['no body', { body: '' }],
    ['unsigned', { signed: false }],
    ['for another address', { to: 'http://elsewhere/hook' }],
    ['ten minutes old', { now: new Date(Date.now() - 600_000) }],
    ['by another of the same CA', { by: otherSigner }],
    ['by another with the gateway’s keyid', { by: { ...otherSigner, keyid: signer.keyid } }],
    ['another key', { key: 'push-0002' }],
    ['a key that is not covered', { key: 'push-0002', unsignedKey: true }],
  ]
  for (const [name, change] of forged) t.equal(await push(change), 401, name)
  t.equal(got.length, 1)
  fails = true
  t.equal(await push(), 500, 'the gateway is to come again')
})

await t.test('a key that is not the certificate’s is refused at once', async (t) => {
  const ca = await openCertificateAuthority(join(t.testdir(), 'ca'))
  const [one, two, sm2Bank] = await Promise.all([
    ca.issue({ ...NAMES, algorithm: 'p256' }),
    ca.issue({ ...NAMES, algorithm: 'p256' }),
    ca.issue({ ...NAMES, algorithm: 'sm2' }),
  ])
  t.strictSame(
    [one, sm2Bank].map(({ certificatePem }) => certificateId(certificatePem)),
    [one.fingerprint, sm2Bank.fingerprint],
    'keyid, also of a certificate whose key node cannot use',
  )
  t.throws(() => pemSigner(one.key.pem, two.certificatePem), /not the certificate/)
  t.throws(
    () =>
      new Gateway({
        baseUrl: 'http://127.0.0.1:1',
        signer: pemSigner(one.key.pem, one.certificatePem),
        gatewayKeys: [sm2Bank.certificatePem],
      }),
    /verify/,
  )
})
