import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCertificateAuthority, writeIdentity } from '../src/sandbox/certificate-authority.ts'
import { certificatesOfPem } from '../src/trust/certificate.ts'
import { contentDigestOf } from '../src/trust/content-digest.ts'
import { signRequest } from '../src/trust/sign.ts'
import { loadSigners } from '../src/trust/signer.ts'
import { openSm2Pool } from '../src/trust/sm2-pool.ts'
import { meddlingProxy, type ProxiedAnswer } from './support/meddling-proxy.ts'
import { pathOfNeeded, shellClient, shellToolsMissing } from './support/shell-client.ts'
import { signingGateway } from './support/signing-gateway.ts'

const sm2 = openSm2Pool()
t.teardown(() => sm2.close())
const NAMES = { organization: '示例银行', commonName: '示例银行', uscc: '91420222000000019R' }
const WRONG_USE = 1
const REFUSED = 2
const NOT_BELIEVED = 3
const BUSY = 5

/** The client connects to the proxy, and signs for what is behind it. */
async function bench(t: Test) {
  const folder = t.testdir()
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const [identity, own, ownSm2] = await Promise.all([
    ca.issue({ ...NAMES, algorithm: 'rsa' }),
    ca.issue({ ...NAMES, organization: '登记中心', algorithm: 'p256' }),
    ca.issue({ ...NAMES, organization: '登记中心', algorithm: 'sm2' }),
  ])
  const signing = join(folder, 'signing')
  await writeIdentity(signing, 'p256', own)
  await writeIdentity(signing, 'sm2', ownSm2)
  const signers = await loadSigners(signing, sm2)
  const [bankCertificateDer] = certificatesOfPem(identity.certificatePem)
  if (bankCertificateDer === undefined) throw new Error('no certificate')
  const stub = await signingGateway(t, { signer: signers.p256, bankCertificateDer, sm2 })
  const proxy = await meddlingProxy(t)
  proxy.target = stub.url
  const direct = await shellClient({
    folder,
    path: await pathOfNeeded(join(folder, 'bin')),
    baseUrl: stub.url,
    identity,
    gatewayCertificates: ['p256', 'sm2'].map((name) => join(signing, `${name}.cert.pem`)),
  })
  const throughProxy = { BDC_CONNECT_TO: new URL(proxy.url).host }
  const client: typeof direct = (args, more = {}) => direct(args, { ...more, env: { ...throughProxy, ...more.env } })
  return { stub, proxy, client, folder, signers }
}

await t.test('the shell client', { skip: shellToolsMissing }, async (t) => {
  await t.test('an answer in which anything was changed is not believed', async (t) => {
    const { proxy, client, folder } = await bench(t)
    const changed = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes)
      copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
      return copy
    }
    let earlier: ProxiedAnswer | undefined
    const keep = (answer: ProxiedAnswer) => {
      earlier = answer
      return answer
    }
    proxy.meddle = keep
    await client(['case', 'c'])
    const without = ({ headers, ...answer }: ProxiedAnswer, ...names: string[]): ProxiedAnswer => ({
      ...answer,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name))),
    })
    const header = (answer: ProxiedAnswer, name: string, change: (text: string) => string): ProxiedAnswer => ({
      ...answer,
      headers: { ...answer.headers, [name]: change(answer.headers[name] ?? '') },
    })
    const meddled: Record<string, (answer: ProxiedAnswer) => ProxiedAnswer> = {
      'a byte of the body': (answer) => ({ ...answer, body: changed(answer.body) }),
      'a body with its own digest': (answer) => {
        const body = changed(answer.body)
        return { ...answer, body, headers: { ...answer.headers, 'content-digest': contentDigestOf(body) } }
      },
      'the body taken away': (answer) => ({ ...answer, body: Buffer.alloc(0) }),
      'the status': (answer) => ({ ...answer, status: 203 }),
      'the receipt': (answer) => header(answer, 'trace-receipt', () => `sm3=:${'A'.repeat(43)}=:`),
      'the content type': (answer) => header(answer, 'content-type', () => 'text/plain'),
      'the time': (answer) => header(answer, 'signature-input', (text) => text.replace(/created=\d/, 'created=2')),
      'the components': (answer) => header(answer, 'signature-input', (text) => text.replace('"trace-receipt" ', '')),
      'a digit of the signature': (answer) =>
        header(answer, 'signature', (text) => text.replace(/:(.)/, (_, first) => (first === 'A' ? ':B' : ':A'))),
      'the signature taken away': (answer) => without(answer, 'signature', 'signature-input'),
      'the answer to an earlier call': () => earlier as ProxiedAnswer,
    }
    for (const [what, meddle] of Object.entries(meddled)) {
      proxy.meddle = meddle
      t.match(await client(['case', 'c']), { code: NOT_BELIEVED, out: '', err: /not to be believed/ }, what)
    }
    proxy.meddle = (answer) => answer
    t.equal((await client(['case', 'c'])).code, 0)
    const others = { env: { BDC_GATEWAY_CERTS: join(folder, 'rsa.cert.pem') } }
    t.match(await client(['case', 'c'], others), { code: NOT_BELIEVED, err: /none of BDC_GATEWAY_CERTS/ })
  })

  await t.test('what may be repeated is repeated, and nothing else', async (t) => {
    const { stub, proxy, client } = await bench(t)
    const quick = { env: { BDC_ATTEMPTS: '2', BDC_TIMEOUT: '20' } }
    const answers: [number, Record<string, string>, number, number][] = [
      [429, { 'retry-after': '1' }, BUSY, 2],
      [502, {}, BUSY, 2],
      [503, { 'retry-after': '86400' }, BUSY, 1],
      [403, {}, REFUSED, 1],
      [301, { location: stub.url }, NOT_BELIEVED, 1],
    ]
    for (const [status, headers, code, calls] of answers) {
      let made = 0
      proxy.meddle = () => {
        made += 1
        return { status, headers, body: Buffer.from('<html>') }
      }
      t.match(await client(['case', 'c'], quick), { code, out: '', err: /./ }, String(status))
      t.equal(made, calls, String(status))
    }

    t.equal(stub.seen.length, 7)

    await t.test('with one key and another nonce, and the same body', async (t) => {
      proxy.meddle = (answer) => answer
      stub.seen.length = 0
      const refusal = { code: 'x', pointers: [], retry: 'same-key', title: '忙', detailEn: 'a "busy"\u001b[2J one' }
      stub.reply = () =>
        stub.seen.length < 3
          ? { status: 409, body: refusal, headers: { 'content-type': 'application/problem+json' } }
          : { status: 202, body: { id: 'c' } }
      const done = await client(['call', 'POST', '/v1/applications/c/withdrawal', '-'], { input: '{"reason":"撤回"}' })
      t.match(done, { code: 0, out: '{"id":"c"}\n', err: /refused: 409 x\s+a "busy" \[2J one/ })
      t.equal(new Set(stub.seen.map(({ nonce }) => nonce)).size, 3, 'three nonces')
      t.equal(new Set(stub.seen.map(({ key }) => key)).size, 1, 'one key')
      t.strictSame(
        stub.seen.map(({ body }) => body),
        Array.from({ length: 3 }, () => ({ reason: '撤回' })),
      )
    })
    await t.test('an unsigned refusal of a call with a key decides nothing', async (t) => {
      const problem = (code: string) => Buffer.from(JSON.stringify({ code, pointers: [], retry: 'never' }))
      const unsigned: [number, Buffer, number][] = [
        [409, problem('bank-reference-used'), NOT_BELIEVED],
        [403, Buffer.from('<html>'), NOT_BELIEVED],
        [400, Buffer.from('<html>'), NOT_BELIEVED],
        [401, problem('certificate-unknown'), REFUSED],
        [502, Buffer.from('<html>'), BUSY],
      ]
      for (const [status, body, code] of unsigned) {
        proxy.meddle = () => ({ status, headers: { 'content-type': 'application/problem+json' }, body })
        const ended = await client(['-k', 'the-key', 'call', 'POST', '/v1/queries', '-'], { input: '{}', ...quick })
        t.match(ended, { code, out: '' }, String(status))
        t.equal(ended.err.includes('-k the-key'), code !== REFUSED, `${status}: the key is told`)
      }
      proxy.meddle = (answer) => answer
    })
    t.match(await client(['call', 'GET', '/v1/a b']), { code: WRONG_USE, err: /percent-encoded/ })
    t.match(await client(['case', 'c'], { env: { BDC_KEY: '/none' } }), { code: WRONG_USE, err: /cannot sign/ })
    stub.seen.length = 0
    const unwritable = { env: { BDC_JOURNAL: '/none/journal' } }
    t.match(await client(['case', 'c'], unwritable), { code: WRONG_USE, err: /cannot write/ })
    t.equal(stub.seen.length, 0, 'nothing is sent that is not written down')
    t.match(await client(['case', 'c'], { env: { BDC_URL: '' } }), { code: WRONG_USE, err: /BDC_URL is missing/ })
    t.match(await client(['case']), { code: WRONG_USE, err: /bdc.sh \[options\] call/ })
  })

  await t.test('a cursor without a final line feed, and a command that reads nothing', async (t) => {
    const { stub, client, folder } = await bench(t)
    const cursor = join(folder, 'cursor')
    await writeFile(cursor, '41')
    // More than a pipe holds, to a command that has ended by then.
    const event = { id: '42', items: 'x'.repeat(200_000) }
    stub.reply = () => ({ status: 200, body: { events: [event], next: '42', more: false } })
    t.match(await client(['-1', 'feed', cursor, 'bash', '-c', 'exec 0<&-']), { code: 0 })
    t.match(stub.seen[0]?.path, 'after=41')
    t.equal(await readFile(cursor, 'utf8'), '42\n')
    t.match(await client(['call', 'HEAD', '/v1/codes'], { env: { BDC_TIMEOUT: '1', BDC_ATTEMPTS: '1' } }), {
      code: WRONG_USE,
      err: /METHOD is GET/,
    })
  })

  await t.test('a push is verified, and not when it is for another address', async (t) => {
    const { client, folder, signers } = await bench(t)
    const body = JSON.stringify({ events: [{ id: '1' }, { id: '2' }], next: '2', more: false })
    const url = 'https://bank.example/bdc/events'
    const headers: Record<string, string> = {
      'content-type': 'application/json; charset=utf-8',
      'content-digest': contentDigestOf(Buffer.from(body)),
      'trace-receipt': `sm3=:${'A'.repeat(43)}=:`,
      'idempotency-key': 'push-0001',
    }
    for (const signer of [signers.p256, signers.sm2 ?? signers.p256]) {
      const signature = await signRequest({ method: 'POST', targetUri: url, headers }, signer, new Date())
      const lines = Object.entries({ ...headers, ...signature }).map(([name, value]) => `${name}: ${value}\r\n`)
      const [head, content] = [join(folder, 'push.head'), join(folder, 'push.json')]
      await Promise.all([writeFile(head, lines.join('')), writeFile(content, body)])
      t.match(await client(['push', url, head, content]), { code: 0, out: '{"id":"1"}\n{"id":"2"}\n' })
      t.match(await client(['push', `${url}2`, head, content]), { code: NOT_BELIEVED, out: '' })
      await writeFile(content, body.replace('"2"', '"3"'))
      t.match(await client(['push', url, head, content]), { code: NOT_BELIEVED, out: '', err: /Content-Digest/ })
    }
  })

  await t.test('a good signature that binds too little is not believed', async (t) => {
    const { stub, client } = await bench(t)
    const needed = ['"@status"', '"content-digest"', '"content-type"', '"trace-receipt"', '"@method";req']
    needed.push('"@target-uri";req', '"content-digest";req', '"signature";req;key="sig1"')
    for (const component of needed) {
      stub.reply = () => ({ status: 202, body: { id: 'c' }, uncovered: [component] })
      t.match(
        await client(['call', 'POST', '/v1/applications/c/withdrawal', '-'], { input: '{}' }),
        { code: NOT_BELIEVED, out: '', err: `does not cover ${component}` },
        component,
      )
    }
    t.equal(stub.seen.length, needed.length, 'none is repeated')
  })
})
