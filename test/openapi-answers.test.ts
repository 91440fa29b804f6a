import { randomUUID } from 'node:crypto'
import t from 'tap'
import { request } from 'undici'
import type { BankCall } from '../src/sandbox/bank-client.ts'
import { callbackSender, withdrawalMessage } from './support/callbacks.ts'
import { answerTo, correct, untilAsked, withdraw } from './support/corrections.ts'
import { Documented, documentedClient, operationsOf, readDocument } from './support/documented.ts'
import { authorize, get, grantBoth, letter, OWNER, post, question } from './support/querying.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook, tested, webhookOf } from './support/webhooks.ts'
import {
  caseOf,
  fileSample,
  HINT_SECRET,
  OTHER_BANK,
  prepareSample,
  startWorld,
  untilCompleted,
  untilDelivered,
} from './support/world.ts'

t.setTimeout(180_000)

// Every answer of this run is held to the document, and in the end every call must have been made.
const world = await startWorld(t, {
  config: { ...LOOPBACK, webhookTimeoutMs: 3000, bodyLimitBytes: 20_480, queryWaitMs: 700, queryGiveUpMs: 2000 },
})
const { gateway, registry } = world
const document = await readDocument(gateway.url)
const documented = new Documented(document)
const bank = documentedClient(await world.enrol({ businessTypes: ['query', 'mortgage-first'] }), documented)
const other = documentedClient(await world.enrol({ bank: OTHER_BANK }), documented)
const receiver = await startReceiver(t, gateway.ground.folders.signing)

await t.test('a case and its certificates', async (t) => {
  const application = await prepareSample(bank)
  const key = randomUUID()
  const id = String((await bank.submitApplication(application, { idempotencyKey: key })).json()['id'])
  await bank.getApplication(id)
  await untilCompleted(bank, id)
  await bank.getEvents(id)
  await get(bank, `/v1/applications/${id}/events?after=2&limit=3`)
  const [certificate] = (await bank.listCertificates(id)).json()['certificates'] as { number: string }[]
  await bank.downloadCertificate(id, String(certificate?.number))
  const [material] = application.materials
  await get(bank, `/v1/materials/${material?.id}`)
  const { tables } = (await get(bank, '/v1/codes', { operator: null })).json() as { tables: string[] }
  for (const table of tables) await get(bank, `/v1/codes/${table}`)

  const pdf = { bytes: Buffer.from('%PDF-1.7\n%%EOF\n'), contentType: 'application/pdf' }
  const fresh = () => ({ ...structuredClone(application), bankReference: `ED-${randomUUID()}` })
  const file = (body: unknown, more: Partial<BankCall> = {}) => bank.submitApplication(body, more)
  const refusals = [
    () => bank.getApplication(randomUUID()),
    () => other.getApplication(id),
    () => bank.getEvents(id, { operator: 'nobody' }),
    () => bank.getEvents(id, { operator: null }),
    () => get(bank, `/v1/applications/${id}/events?limit=x`),
    () => bank.downloadCertificate(id, 'none'),
    () => get(bank, `/v1/materials/${randomUUID()}`),
    () => get(bank, '/v1/codes/none'),
    () => file(application, { idempotencyKey: key }),
    () => file(fresh(), { idempotencyKey: key }),
    () => file(application),
    () => file({ ...fresh(), parties: [] }),
    () => file({ ...fresh(), appliedAt: '2099-01-01T00:00:00+08:00' }),
    () => file(fresh(), { idempotencyKey: null }),
    () => file(fresh(), { idempotencyKey: 'short' }),
    () => file(fresh(), { contentType: 'text/plain' }),
    () => file({ x: 'x'.repeat(30_000) }),
    () => bank.call({ method: 'POST', path: '/v1/applications', body: '{"a":1,"a":2}' }),
    () => file(fresh(), { tamper: { nonce: 'short' } }),
    () => file(fresh(), { tamper: { alg: 'hmac-sha256' } }),
    () => file(fresh(), { tamper: { created: 1 } }),
    () => file(fresh(), { tamper: { keyid: '0'.repeat(64) } }),
    () => file(fresh(), { tamper: { signature: (bytes) => bytes.map((byte) => byte ^ 1) as Buffer } }),
    () => file(fresh(), { tamper: { body: (body) => Buffer.concat([body, Buffer.from(' ')]) } }),
    () => file(fresh(), { tamper: { headers: { signature: undefined } } }),
    () => bank.uploadMaterial({ ...pdf, contentType: 'image/png' }),
    () => bank.uploadMaterial({ ...pdf, contentType: 'text/plain' }),
    () => bank.uploadMaterial({ bytes: Buffer.alloc(0), contentType: 'application/pdf' }),
    () => bank.call({ method: 'DELETE', path: '/v1/codes' }),
    () => get(bank, '/v1/nowhere'),
  ]
  for (const refused of refusals) await refused()
  for (const path of [
    '/livez',
    '/readyz',
    '/metrics',
    '/openapi.json',
    '/docs',
    '/problems/case-not-found',
    '/problems/none',
  ]) {
    const { statusCode, headers, body } = await request(gateway.url + path)
    documented.check('GET', path, { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) })
  }
  t.strictSame(documented.faults.splice(0), [])
})

await t.test('corrections and withdrawals', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  await registry.control({ config: { stepMs: null } })
  const body = await answerTo(bank, asked)
  await correct(bank, id, { ...body, round: 9 })
  await correct(bank, id, { ...body, items: [] })
  await correct(bank, id, { ...body, items: body.items.slice(1) })
  await correct(other, id, body)
  t.equal((await correct(bank, id, body)).status, 202)
  await correct(bank, id, body)
  t.match(await caseOf(bank, id), { corrections: [{ answered: { by: 'bank' } }] })

  await withdraw(bank, id, { reason: '' })
  await withdraw(bank, id, { reason: '撤回', operator: { id: 'yx-sub-9999', name: '别人' } })
  await withdraw(bank, randomUUID())
  await registry.control({ config: { withdrawal: { answer: 'grant', afterMs: 500 } } })
  t.equal((await withdraw(bank, id)).status, 202)
  await withdraw(bank, id)
  await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn', 20_000)
  await withdraw(bank, id)
  await correct(bank, id, body)
  await bank.getEvents(id)
  t.strictSame(documented.faults.splice(0), [])
})

await t.test('authorizations and queries', async (t) => {
  await grantBoth(gateway.ground)
  const id = await authorize(bank, { usesMaximum: 5 })
  await get(bank, `/v1/authorizations/${id}`)
  await get(bank, `/v1/authorizations/${randomUUID()}`)
  await post(bank, '/v1/authorizations', {})
  await post(bank, '/v1/authorizations', await letter(bank, { validTo: '2026-01-01' }))
  await post(other, '/v1/authorizations', {})

  const ask = (given: Record<string, unknown> = {}, authorizationId: string | null = id) =>
    post(bank, '/v1/queries', question(authorizationId, given))
  const answered = await ask({ level: 'detail' })
  t.match(answered.json(), { state: 'answered', code: 'match' })
  await get(bank, `/v1/queries/${String(answered.json()['id'])}`)
  t.match((await ask({ holder: { ...OWNER, name: '别人' } })).json(), { code: 'no-match' })
  await ask({ fields: ['name'] })
  await ask({ certificateNumber: undefined })
  await ask({ purpose: 'curiosity' })
  await ask({ purpose: 'loan-review' })
  await ask({ area: '420281' })
  await ask({ fields: ['phone'] })
  await ask({}, null)
  await ask({}, randomUUID())
  await get(bank, `/v1/queries/${randomUUID()}`)
  await registry.control({ fault: 'busy', on: 'QUERY', times: 1 })
  t.match((await ask()).json(), { code: 'registry-unavailable' })

  // Slow, then answered; slow, then never.
  const stateOf = async (query: string) => (await get(bank, `/v1/queries/${query}`)).json()['state']
  const slow = { fault: 'slow', on: 'QUERY', times: 1, delayMs: 1500 } as const
  for (const [faults, end] of [
    [[slow], 'answered'],
    [[slow, { fault: 'error-before', on: 'QUERY' }], 'failed'],
  ] as const) {
    await registry.control([...faults])
    const pending = await ask()
    t.equal(pending.status, 202)
    const query = String(pending.json()['id'])
    t.equal(await stateOf(query), 'asking')
    await until(async () => (await stateOf(query)) === end, 20_000)
  }
  await registry.control({ reset: true })
  await post(bank, `/v1/authorizations/${id}/revoke`, {})
  await bank.call({ method: 'POST', path: `/v1/authorizations/${id}/revoke` })
  await post(bank, `/v1/authorizations/${randomUUID()}/revoke`, {})
  await ask()
  await get(bank, `/v1/queries/${String(answered.json()['id'])}`)
  t.strictSame(documented.faults.splice(0), [])
})

await t.test('the feed, the list and the webhook', async (t) => {
  await get(bank, '/v1/applications?limit=1')
  await get(bank, `/v1/applications?after=${randomUUID()}&state=recorded`)
  await get(other, '/v1/applications')
  for (const wrong of ['limit=0', 'after=x', 'state=odd']) await get(bank, `/v1/applications?${wrong}`)
  const feed = (await get(bank, '/v1/events?limit=500')).json()['events'] as { type: string }[]
  await get(bank, '/v1/events?after=3&limit=1&wait=1')
  await get(other, '/v1/events?wait=1')
  for (const wrong of ['wait=99', 'after=x', 'after=999999']) await get(bank, `/v1/events?${wrong}`)

  await webhookOf(bank)
  await tested(bank)
  for (const url of ['http://8.8.8.8/', 'https://127.0.0.2/', 'https://no-such-host.invalid/', undefined])
    await putWebhook(bank, url)
  await bank.call({ method: 'PUT', path: '/v1/webhook', body: '{"url":"x","a":1}' })
  t.equal((await putWebhook(bank, receiver.url)).status, 202)
  t.equal((await putWebhook(bank, receiver.url)).status, 200)
  await tested(bank)
  t.match(await webhookOf(bank), { state: 'pending', waiting: { events: feed.length } })
  await decide(world, 'approved')
  await until(() => receiver.taken().length === feed.length, 20_000)
  await untilDelivered(world)
  t.match(await webhookOf(bank), { state: 'approved', waiting: null })
  t.match(await tested(bank), { delivered: true })
  await bank.call({ method: 'POST', path: '/v1/webhook/test' })
  receiver.answer = () => ({ status: 302, headers: { location: receiver.url } })
  t.match(await tested(bank), { delivered: false, fault: 'redirected' })
  receiver.answer = () => 'hang up'
  t.match(await tested(bank), { delivered: false, fault: 'no-answer' })

  for (const { body } of receiver.pushes) documented.checkPush(body)
  t.strictSame(documented.faults.splice(0), [])
  const types = new Set([...feed.map(({ type }) => type), 'test'])
  for (const type of ['withdrawal-requested', 'correction-answered', 'query-answered', 'query-failed'])
    t.ok(types.has(type), type)
  t.strictSame(
    [...types].filter((type) => !documented.seen.has(`push ${type}`)),
    [],
  )
})

await t.test('what the platform and the registry call', async (t) => {
  const plain = await callbackSender(t, world)
  const send: typeof plain = async (message, more = {}) => {
    const answer = await plain(message, more)
    documented.check('POST', more.path ?? '/platform/yx/v1/callbacks', answer)
    return answer
  }
  const message = withdrawalMessage('none')
  await send(message)
  await send({ ...message, more: 1 })
  await send('{')
  await send({ Case: { type: '77' } })
  await send(message, { path: '/platform/zz/v1/callbacks' })
  await send(message, { tamper: { keyid: '0'.repeat(64) } })
  await send(message, { contentType: 'text/plain' })
  await send({ x: 'x'.repeat(30_000) })
  for (const authorization of [`Bearer ${HINT_SECRET}`, 'Bearer other']) {
    const hint = {
      method: 'POST',
      headers: { authorization, 'content-type': 'text/xml' },
      body: '<r SLBH="1"/>',
    } as const
    const { statusCode, headers, body } = await request(`${gateway.url}/registry/v1/results`, hint)
    documented.check('POST', '/registry/v1/results', {
      status: statusCode,
      headers,
      body: Buffer.from(await body.arrayBuffer()),
    })
  }
  t.strictSame(documented.faults.splice(0), [])
  for (const seen of [
    'postCallback 401',
    'postCallback 404',
    'postCallback 409',
    'postCallback 422',
    'postResults 401',
  ])
    t.ok(documented.seen.has(seen), seen)
})

await t.test('every call was made', async (t) => {
  const good = [...documented.seen].filter((name) => / 20\d$/.test(name)).map((name) => name.split(' ')[0])
  t.strictSame(
    operationsOf(document)
      .map(([, , operation]) => operation['operationId'])
      .filter((name) => !good.includes(String(name))),
    [],
  )
  for (const seen of ['postQuery 202', 'putWebhook 202', 'getWebhook 404', 'postCorrection 409', 'postWithdrawal 409'])
    t.ok(documented.seen.has(seen), seen)
  t.ok(documented.seen.size > 60)
})
