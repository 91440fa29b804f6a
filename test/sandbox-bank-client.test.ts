import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BankAnswer, type BankCall, type BankClient, bankClient, type Tamper } from '../src/sandbox/bank-client.ts'
import {
  type CertificateAuthority,
  type Identity,
  openCertificateAuthority,
} from '../src/sandbox/certificate-authority.ts'
import {
  contentDigest,
  digestFits,
  type RequestParts,
  SignatureError,
  signatureBase,
  verificationKey,
  verifyMessage,
} from '../src/sandbox/http-signature.ts'
import { isInnerList, parseDictionary, serializeMember } from '../src/sandbox/structured-fields.ts'

const bankName = { organization: '示例银行股份有限公司阳新支行', commonName: '示例银行', uscc: '91420222000000019R' }
const gatewayName = { organization: '阳新县不动产登记中心', commonName: 'BDC Gateway', uscc: '12420222000000027R' }
const ANSWER_COMPONENTS =
  '"@status" "content-digest" "content-type" "trace-receipt" "@method";req "@target-uri";req "content-digest";req "signature";req;key="sig1"'

/** What the stub gateway does to an answer. */
interface StubBehaviour {
  components?: string
  /** After the signature was made. */
  spoil?: (answer: { headers: Record<string, string>; body: string }) => void
  signer?: Identity
  unsignedStatus?: number
  /** No answer at all. */
  isSilent?: boolean
}

interface Stub {
  url: string
  seen: RequestParts[]
  behaviour: StubBehaviour
}

/** Answers every call with 202 and a signature that binds the call, unless told to misbehave. */
async function startStub(t: Test, gateway: Identity): Promise<Stub> {
  const stub: Stub = { url: '', seen: [], behaviour: {} }
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await bodyOf(incoming)
    const { behaviour } = stub
    const headers = Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]),
    )
    const request = { method: incoming.method ?? '', targetUri: stub.url + (incoming.url ?? ''), headers }
    stub.seen.push({ ...request, headers: { ...headers, 'test-body': sent.toString('latin1') } })
    if (behaviour.isSilent === true) return
    if (behaviour.unsignedStatus !== undefined) {
      response.writeHead(behaviour.unsignedStatus, { 'retry-after': '0' }).end('no')
      return
    }
    const made = { headers: {} as Record<string, string>, body: '{"id":"one"}' }
    made.headers['content-type'] = 'application/json'
    made.headers['content-digest'] = contentDigest(Buffer.from(made.body), 'sha-256')
    made.headers['trace-receipt'] = `sm3=:${randomBytes(32).toString('base64')}:`
    const withBody = headers['content-digest'] !== undefined
    const components = behaviour.components ?? ANSWER_COMPONENTS
    const list = withBody ? components : components.replace(' "content-digest";req', '')
    const { identity, alg } = { identity: behaviour.signer ?? gateway, alg: 'ecdsa-p256-sha256' }
    const params = `;created=${Math.floor(Date.now() / 1000)};keyid="${identity.fingerprint}";alg="${alg}"`
    const input = parseDictionary(`gw=(${list})${params}`).get('gw')
    if (!isInnerList(input)) throw new Error('the test wrote no list')
    const base = signatureBase(input, { request, response: { status: 202, headers: made.headers } })
    made.headers['signature-input'] = `gw=${serializeMember(input)}`
    made.headers.signature = `gw=:${identity.key.signHttp(base).toString('base64')}:`
    behaviour.spoil?.(made)
    response.writeHead(202, made.headers).end(made.body)
  }
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => t.error(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  stub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return stub
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

interface Parties {
  authority: CertificateAuthority
  gateway: Identity
  stub: Stub
  client: (algorithm: 'p256' | 'rsa' | 'sm2') => Promise<{ bank: Identity; client: BankClient }>
}
async function parties(t: Test): Promise<Parties> {
  const authority = await openCertificateAuthority(join(t.testdir(), 'ca'))
  const gateway = await authority.issue({ ...gatewayName, algorithm: 'p256' })
  const stub = await startStub(t, gateway)
  return {
    authority,
    gateway,
    stub,
    async client(algorithm) {
      const bank = await authority.issue({ ...bankName, algorithm })
      const client = bankClient({
        baseUrl: stub.url,
        identity: bank,
        gatewayCertificates: [gateway.certificatePem],
        operator: 'yx-sub-0031',
      })
      t.teardown(() => client.close())
      return { bank, client }
    },
  }
}

await t.test("the verifier agrees with RFC 9421's own example for P-256 (B.2.4)", async (t) => {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
    y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
  }
  const headers = {
    'content-type': 'application/json',
    'content-digest':
      'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
    'content-length': '23',
  }
  const text =
    '("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"'
  const input = parseDictionary(`sig-b24=${text}`).get('sig-b24')
  if (!isInnerList(input)) throw new Error('no list')
  const base = signatureBase(input, { response: { status: 200, headers } })
  const signature = 'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=='
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  t.ok(verify('sha256', base, key, Buffer.from(signature, 'base64')))
  t.ok(digestFits(headers['content-digest'], Buffer.from('{"message": "good dog"}\n'.trimEnd())))
})

await t.test('a call is signed over what the interface asks, with each kind of key', async (t) => {
  const { stub, client } = await parties(t)
  for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
    const { bank, client: caller } = await client(algorithm)
    const answer: BankAnswer = await caller.submitApplication({ bankReference: '一' })
    t.match(answer, { status: 202, verified: true, receipt: /^sm3=:/ })
    const sent = stub.seen.at(-1)
    if (sent === undefined) throw new Error('nothing was sent')
    const window = { nowMs: Date.now(), windowSeconds: 10 }
    const { covered, nonce } = verifyMessage({ request: sent }, [verificationKey(bank.certificatePem)], window)
    t.equal(covered.join(' '), '"@method" "@target-uri" "content-digest" "content-type" "idempotency-key" "x-operator"')
    t.match(nonce, /^[\w-]{22}$/)
    t.match(sent.headers['content-digest'], algorithm === 'sm2' ? /^sm3=:/ : /^sha-256=:/)
  }
})

await t.test('a reading call carries neither body nor key, and covers the operator', async (t) => {
  const { stub, client } = await parties(t)
  const { client: caller } = await client('p256')
  await caller.getEvents('an id')
  const sent = stub.seen.at(-1)
  t.match(sent, { method: 'GET', targetUri: `${stub.url}/v1/applications/an%20id/events` })
  t.match(sent?.headers['signature-input'], /^sig1=\("@method" "@target-uri" "x-operator"\);created=/)
  t.notOk(sent?.headers['idempotency-key'])
})

await t.test('each hook makes exactly one thing wrong', async (t) => {
  const { stub, client } = await parties(t)
  const { bank, client: caller } = await client('p256')
  const call: BankCall = { method: 'POST', path: '/v1/applications', body: '{"a":1}' }
  const keys = [verificationKey(bank.certificatePem)]
  const window = { nowMs: Date.now(), windowSeconds: 300 }
  const lastSent = (): RequestParts => stub.seen.at(-1) as RequestParts
  const verdict = (): string => {
    try {
      return verifyMessage({ request: lastSent() }, keys, window).covered.join(' ')
    } catch (error) {
      return (error as Error).message
    }
  }
  const attempt = async (tamper: Tamper): Promise<string> => {
    // The stub binds its answer to the call as it arrived, so a tampered call may rightly get an unbelievable answer.
    await caller.call({ ...call, tamper }).catch(() => undefined)
    return verdict()
  }
  t.match(await attempt({ created: 1_000_000_000 }), /created/)
  t.match(await attempt({ keyid: 'f'.repeat(64) }), /keyid/)
  t.match(await attempt({ alg: 'sm2-sm3' }), /alg/)
  t.match(
    await attempt({ signature: (bytes) => Buffer.concat([bytes.subarray(0, 63), Buffer.from([bytes[63]! ^ 1])]) }),
    /wrong/,
  )
  t.match(await attempt({ headers: { 'x-operator': 'someone else' } }), /wrong/)
  t.match(await attempt({ path: '/v1/other' }), /wrong/)
  t.match(await attempt({ headers: { 'idempotency-key': undefined } }), /covered but absent/)
  t.equal(await attempt({ components: ['@method', '@target-uri'] }), '"@method" "@target-uri"')
  await attempt({ nonce: 'the same' })
  t.match(lastSent().headers['signature-input'], /nonce="the same"/)
  await attempt({ body: (bytes) => Buffer.from(bytes.toString().replace('1', '2')) })
  t.equal(lastSent().headers['test-body'], '{"a":2}')
  t.notOk(digestFits(lastSent().headers['content-digest'] ?? '', Buffer.from('{"a":2}')))
  await attempt({ digest: 'sha-256=:AAAA:' })
  t.equal(lastSent().headers['content-digest'], 'sha-256=:AAAA:')
})

await t.test('an answer that the signature does not hold is not believed', async (t) => {
  const { stub, client, authority } = await parties(t)
  const { client: caller } = await client('p256')
  const stranger = await authority.issue({ ...gatewayName, algorithm: 'p256' })
  const without = (component: string): StubBehaviour => ({ components: ANSWER_COMPONENTS.replace(`${component} `, '') })
  const table: [string, StubBehaviour][] = [
    ['another body', { spoil: (answer) => (answer.body = '{"id":"two"}') }],
    ['another receipt', { spoil: (answer) => (answer.headers['trace-receipt'] = 'sm3=:AAAA:') }],
    ['no signature', { spoil: (answer) => delete answer.headers['signature-input'] }],
    ["a stranger's signature", { signer: stranger }],
    ['status uncovered', without('"@status"')],
    ['receipt uncovered', without('"trace-receipt"')],
    ['digest uncovered', without('"content-digest"')],
    ['method unbound', without('"@method";req')],
    ['address unbound', without('"@target-uri";req')],
    ["the request's digest unbound", without('"content-digest";req')],
    ["the request's signature unbound", { components: ANSWER_COMPONENTS.replace(' "signature";req;key="sig1"', '') }],
  ]
  for (const [name, behaviour] of table) {
    stub.behaviour = behaviour
    await t.rejects(caller.submitApplication({ a: 1 }), SignatureError, name)
  }
  stub.behaviour = { unsignedStatus: 502 }
  t.match(await caller.submitApplication({ a: 1 }), { status: 502, verified: false }, 'a refusal may be unsigned')
})

await t.test('a repeated call keeps its key and is signed anew', async (t) => {
  const { stub, client } = await parties(t)
  const { client: caller } = await client('p256')
  stub.behaviour = { unsignedStatus: 503 }
  await caller.submitApplication({ a: 1 }, { attempts: 3, retryDelayMs: 1 })
  t.equal(stub.seen.length, 3)
  t.equal(new Set(stub.seen.map((sent) => sent.headers['idempotency-key'])).size, 1)
  t.equal(new Set(stub.seen.map((sent) => sent.headers.signature)).size, 3)
})

await t.test(
  'whatever is asked of the gateway is signed: queries in the address, bodies of every method',
  async (t) => {
    const { stub, client } = await parties(t)
    const { bank, client: caller } = await client('p256')
    const keys = [verificationKey(bank.certificatePem)]
    await caller.get('/v1/events', { after: 'AAAA+/=', limit: 5, wait: undefined })
    await caller.get('/v1/webhook')
    await caller.put('/v1/webhook', { url: 'https://bank.example/events' })
    await caller.post('/v1/authorizations', { purpose: '办理抵押登记' }, { operator: 'yx-sub-0032' })
    await caller.post('/v1/webhook/test')
    const told = stub.seen.map(
      ({ method, targetUri, headers }) => `${method} ${targetUri.slice(stub.url.length)} ${headers['test-body']}`,
    )
    const utf8 = Buffer.from('{"purpose":"办理抵押登记"}').toString('latin1')
    t.same(told, [
      'GET /v1/events?after=AAAA%2B%2F%3D&limit=5 ',
      'GET /v1/webhook ',
      'PUT /v1/webhook {"url":"https://bank.example/events"}',
      `POST /v1/authorizations ${utf8}`,
      'POST /v1/webhook/test ',
    ])
    for (const request of stub.seen) {
      const { covered } = verifyMessage({ request }, keys, { nowMs: Date.now(), windowSeconds: 300 })
      t.ok(covered.includes('"x-operator"'), request.targetUri)
      t.equal(covered.includes('"idempotency-key"'), request.method === 'POST', request.method)
      t.equal(covered.includes('"content-digest"'), request.headers['content-type'] !== undefined, request.targetUri)
    }
    t.equal(stub.seen[3]?.headers['x-operator'], 'yx-sub-0032')
  },
)

await t.test('a long poll may wait longer than other calls, or less', async (t) => {
  const { stub, client } = await parties(t)
  const { client: caller } = await client('p256')
  stub.behaviour = { isSilent: true }
  await t.rejects(caller.get('/v1/events', { wait: 30 }, { timeoutMs: 50 }), { code: 'UND_ERR_HEADERS_TIMEOUT' })
})
