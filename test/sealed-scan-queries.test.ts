import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { answeringProxy } from './support/answering-proxy.ts'
import { answerMessage, callbackSender, paymentMessage, withdrawalMessage } from './support/callbacks.ts'
import { testDatabase } from './support/database.ts'
import {
  MARKED_CERTIFICATE,
  MARKED_OWNER,
  MARKED_UNIT,
  markedProperty,
  refusing,
  SECRETS,
  talkative,
  unreadable,
  WORDS,
} from './support/marks.ts'
import { needlesOf, type Secret, secretsOf } from './support/needles.ts'
import { authorize, get, grantBoth, letter, post, question } from './support/querying.ts'
import { keepUncompressed, type StoreScan, scanStore, superuser, told } from './support/store-scan.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook } from './support/webhooks.ts'
import { caseOf, prepareSample, startWorld, untilCompleted } from './support/world.ts'

t.setTimeout(300_000)

const ALL: readonly Secret[] = [
  ...SECRETS,
  { kind: 'certificate number', value: MARKED_CERTIFICATE },
  { kind: 'unit number', value: MARKED_UNIT },
]

await t.test('nothing of authorizations, queries, pushes and callbacks stands in clear', async (t) => {
  const { findings, scanned } = await live(t, 'on')
  t.ok(scanned.columns > 1000 && scanned.bytes > 30e6, 'tables and files were looked at')
  t.strictSame(findings.map(told), [])
})

await t.test('the same scan finds it where sealing is off', async (t) => {
  const { findings } = await live(t, 'off')
  const found = new Map<string, Set<string>>()
  for (const { where, value } of findings) {
    const table = /^table public\.(\w+?)(?:_\d{4}_\d\d|_default)?\./.exec(where)?.[1]
    if (table !== undefined) found.set(table, (found.get(table) ?? new Set()).add(value))
  }
  for (const table of ['query', 'query_authorization', 'idempotency_answer', 'trace_record', 'platform_callback'])
    t.ok(found.get(table)?.has(MARKED_OWNER.name) === true || found.get(table)?.has(MARKED_CERTIFICATE) === true, table)
  t.ok((found.get('query')?.size ?? 0) > 15, 'a query holds what the registry told')
})

/** Queries of every outcome, a case with callbacks that hold names, pushes of it all; then the scan. */
async function live(t: Test, sealing: 'on' | 'off'): Promise<StoreScan> {
  const folder = dirname((await testDatabase(t)).serverDir)
  const server = await superuser(t, folder, 'postgres')
  await server.query('alter role gateway set wal_compression = off')
  const proxy = await answeringProxy(t)
  const world = await startWorld(t, {
    sealing,
    logFile: join(folder, 'gateway.log'),
    config: {
      ...LOOPBACK,
      logLevel: 'debug',
      registryUrl: `${proxy.url}/`,
      queryWaitMs: 400,
      queryGiveUpMs: 4000,
      attemptsMaximum: 3,
    },
  })
  proxy.forwardTo = world.registry.url
  proxy.answer = talkative
  const database = await superuser(t, folder, new URL(world.database.url).pathname.slice(1))
  await keepUncompressed(database)
  await world.registry.control({ addProperty: markedProperty })
  const { ground } = world.gateway
  const bank = await world.enrol({ businessTypes: ['query', 'mortgage-first'] })
  await grantBoth(ground, { fields: ['name=show', 'idNumber=show', 'phone=show', 'address=show'] })
  const receiver = await startReceiver(t, ground.folders.signing)
  await putWebhook(bank, `${receiver.url}/hook`)
  await decide(world, 'approved')

  // Authorizations: one in use, one revoked, one refused.
  const of = { authorizer: MARKED_OWNER, certificateNumber: MARKED_CERTIFICATE }
  const authorizationId = await authorize(bank, of)
  const revoked = await authorize(bank, of)
  t.equal((await post(bank, `/v1/authorizations/${revoked}/revoke`, {})).status, 200)
  t.equal((await get(bank, `/v1/authorizations/${authorizationId}`)).status, 200)
  const faulty = await letter(bank, { ...of, purpose: MARKED_OWNER.name })
  t.equal((await post(bank, '/v1/authorizations', faulty)).status, 422)

  // Queries: answered, repeated, read, not matched, refused, late, in vain.
  const asked = question(authorizationId, {
    level: 'detail',
    certificateNumber: MARKED_CERTIFICATE,
    holder: MARKED_OWNER,
  })
  const ask = (more: object = {}, key?: string) =>
    post(bank, '/v1/queries', { ...asked, ...more }, key === undefined ? {} : { idempotencyKey: key })
  const first = await ask({}, 'scan-query-1')
  t.match(first.json(), { code: 'match' })
  t.equal((await ask({}, 'scan-query-1')).status, 200)
  t.equal((await get(bank, `/v1/queries/${String(first.json()['id'])}`)).status, 200)
  t.match((await ask({ holder: { ...MARKED_OWNER, name: WORDS.slice(0, 60) } })).json(), { code: 'no-match' })
  t.match((await ask({ authorizationId: revoked })).json(), { code: 'authorization-revoked' })
  proxy.answer = refusing('1002')
  t.match((await ask()).json(), { code: 'registry-refused' })
  for (const answered of Object.values(unreadable)) {
    proxy.answer = answered
    t.match((await ask()).json(), { code: 'registry-unavailable' })
  }
  const late = async (code: string): Promise<void> => {
    await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 900 })
    const slow = await ask()
    t.equal(slow.status, 202)
    const path = `/v1/queries/${String(slow.json()['id'])}`
    await until(async () => (await get(bank, path)).json()['state'] !== 'asking')
    t.match((await get(bank, path)).json(), { code })
  }
  proxy.answer = refusing(MARKED_OWNER.name)
  await late('registry-unavailable')
  proxy.answer = talkative
  await late('match')

  // A case whose platform calls back, in words that hold everything; its events go to the webhook.
  const application = await prepareSample(bank)
  const id = String((await bank.submitApplication(application)).json()['id'])
  await until(async () => (await caseOf(bank, id))['platformNumber'] !== undefined)
  const sn = String((await caseOf(bank, id))['platformNumber'])
  const send = await callbackSender(t, world)
  const withWords = (message: object, member: string): string =>
    JSON.stringify(message, (name, value: unknown) => (name === member ? WORDS.slice(0, 100) : value))
  const item = { Mode: 'form', SeqNo: '1', Field: 'DJXX_JZAREA', FormUNID: 'f3', Value: WORDS.slice(0, 60) }
  for (const [message, status] of [
    [withWords(paymentMessage(sn), 'PaymentRemark'), 200],
    [withWords(withdrawalMessage('hsbdc00000000000001'), 'Reason'), 200],
    [withWords(answerMessage(sn, 1, [item]), 'Answer'), 200],
    [withWords(paymentMessage(sn), 'PaymentAmount'), 422],
  ] as const) {
    const answer = await send(message)
    t.equal(answer.status, status, answer.body.toString())
  }
  await untilCompleted(bank, id)
  receiver.answer = () => ({ status: 404 })
  const events = (await get(bank, '/v1/events?limit=500')).json()['events'] as unknown[]
  await until(async () => receiver.taken().length === events.length || receiver.pushes.length > 3)

  const secrets = [...ALL, ...secretsOf(application)]
  t.ok(needlesOf(secrets).length > 1000)
  return scanStore(world, folder, server, database, secrets)
}
