import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Identity, openCertificateAuthority } from '../src/sandbox/certificate-authority.ts'
import { contentDigest } from '../src/sandbox/http-signature.ts'
import { type SignatureTamper, signedHeaders } from '../src/sandbox/signed-request.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../src/sandbox/webhook-receiver.ts'
import { until } from './support/until.ts'

const NAME = { organization: '阳新县不动产登记中心', commonName: 'BDC Gateway', uscc: '12420222000000027R' }
const COVERED = ['@method', '@target-uri', 'content-digest', 'content-type', 'trace-receipt']

async function parties(t: Test): Promise<{ receiver: WebhookReceiver; gateway: Identity; stranger: Identity }> {
  const authority = await openCertificateAuthority(join(t.testdir(), 'ca'))
  const [gateway, other, stranger] = await Promise.all(
    (['p256', 'sm2', 'p256'] as const).map((algorithm) => authority.issue({ ...NAME, algorithm })),
  )
  if (gateway === undefined || other === undefined || stranger === undefined) throw new Error('unreachable')
  const gatewayCertificates = [gateway.certificatePem, other.certificatePem]
  const receiver = await startWebhookReceiver({ gatewayCertificates })
  t.teardown(() => receiver.close())
  return { receiver, gateway, stranger }
}

const page = (...ids: string[]): string => JSON.stringify({ events: ids.map((id) => ({ id, type: 'submitted' })) })

/** Status of a push, or the word `failed`. */
async function push(
  receiver: WebhookReceiver,
  signer: Identity,
  text: string,
  more: { tamper?: SignatureTamper; method?: string; url?: string; body?: string; digestOfBody?: boolean } = {},
): Promise<number | 'failed'> {
  const method = more.method ?? 'POST'
  const given = { 'content-type': 'application/json; charset=utf-8', 'trace-receipt': 'sm3=:AAAA:' }
  const asked = { method, targetUri: more.url ?? receiver.url, headers: given, body: Buffer.from(text) }
  const headers = signedHeaders(signer, asked, 'sha-256', { components: COVERED, ...more.tamper })
  const body = Buffer.from(more.body ?? text)
  if (more.digestOfBody === true) headers['content-digest'] = contentDigest(body, 'sha-256')
  try {
    const answer = await fetch(more.url ?? receiver.url, { method, headers, body, redirect: 'manual' })
    await answer.arrayBuffer()
    return answer.status
  } catch {
    return 'failed'
  }
}

const idsOf = (receiver: WebhookReceiver) => receiver.events.map(({ id }) => id)

await t.test('what the gateway signed is taken, each event once, in the order in which they first came', async (t) => {
  const { receiver, gateway } = await parties(t)
  t.equal(await push(receiver, gateway, page('a', 'b')), 204)
  t.equal(await push(receiver, gateway, page('b', 'c')), 204)
  t.same(idsOf(receiver), ['a', 'b', 'c'])
  t.match(receiver.pushes, [
    { events: ['a', 'b'], status: 204, receipt: 'sm3=:AAAA:' },
    { events: ['b', 'c'], status: 204 },
  ])
  const test = JSON.stringify({ events: [{ id: 't', type: 'test' }] })
  t.equal(await push(receiver, gateway, test), 204)
  t.same(idsOf(receiver), ['a', 'b', 'c'], 'a test says nothing of a case')
  t.same(receiver.pushes.at(-1)?.events, ['t'])
  const changed = JSON.stringify({ events: [{ id: 'a', type: 'recorded' }] })
  t.equal(await push(receiver, gateway, changed), 409, 'an event never changes')
})

await t.test('what is not its word is refused, and nothing of it is kept', async (t) => {
  const { receiver, gateway, stranger } = await parties(t)
  const text = page('a')
  t.equal(await push(receiver, stranger, text), 401)
  t.equal(await push(receiver, stranger, text, { tamper: { keyid: gateway.fingerprint } }), 401)
  t.equal(await push(receiver, gateway, text, { body: page('b') }), 401, 'another body')
  t.equal(await push(receiver, gateway, text, { body: page('b'), digestOfBody: true }), 401, 'with its digest')
  t.equal(
    await push(receiver, gateway, text, { tamper: { components: COVERED.slice(0, 4) } }),
    401,
    'receipt uncovered',
  )
  t.equal(await push(receiver, gateway, text, { tamper: { components: COVERED.slice(1) } }), 401, 'method uncovered')
  t.equal(await push(receiver, gateway, text, { tamper: { created: 1_000_000_000 } }), 401)
  t.equal(await push(receiver, gateway, text, { method: 'PUT' }), 404)
  t.equal(await push(receiver, gateway, text, { url: receiver.url.replace('/events', '/other') }), 404)
  t.equal(await push(receiver, gateway, '{"events":[{}]}'), 400)
  t.equal(await push(receiver, gateway, '{'), 400)
  t.same(receiver.events, [])
  t.equal(await push(receiver, gateway, text, { tamper: { nonce: 'once' } }), 204)
  t.equal(await push(receiver, gateway, text, { tamper: { nonce: 'once' } }), 401, 'played again')
})

await t.test('it fails at random by a seed, before and after it has taken the events', async (t) => {
  const { receiver, gateway } = await parties(t)
  await receiver.control([
    { fault: 'error-before', rate: 0.3, seed: 3 },
    { fault: 'drop-after-effect', rate: 0.3, seed: 4 },
  ])
  const sent = Array.from({ length: 20 }, (_, number) => `event-${number}`)
  const seen = new Set<number | 'failed'>()
  for (const id of sent) {
    let status: number | 'failed' | undefined
    while (status !== 204) {
      status = await push(receiver, gateway, page(id))
      seen.add(status)
    }
  }
  t.same(idsOf(receiver), sent, 'each once, however often it came')
  t.same(seen, new Set([204, 500, 'failed']))
  t.ok(receiver.pushes.length > sent.length, 'some came again')
  t.ok(receiver.calls() > receiver.pushes.length, 'some were not even looked at')
})

await t.test('slow, busy and redirecting on demand', async (t) => {
  const { receiver, gateway } = await parties(t)
  await receiver.control([{ fault: 'redirect', to: 'http://127.0.0.1:9/', times: 1 }])
  t.equal(await push(receiver, gateway, page('a')), 307)
  await receiver.control([{ reset: true }, { fault: 'busy', times: 1 }])
  t.equal(await push(receiver, gateway, page('a')), 503)
  t.same(receiver.events, [])
  await receiver.control({ fault: 'slow', delayMs: 1500, times: 1 })
  const before = receiver.calls()
  const slow = push(receiver, gateway, page('a'))
  await until(() => receiver.calls() > before)
  t.equal(await push(receiver, gateway, page('b')), 204, 'one that waits keeps no other')
  t.equal(await slow, 204)
  t.same(idsOf(receiver), ['b', 'a'])
  await t.rejects(receiver.control({ fault: 'explode' } as never), /no such fault/)
})
