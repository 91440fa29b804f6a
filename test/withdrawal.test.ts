import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import { withdraw } from './support/corrections.ts'
import { pdf } from './support/refusal-bench.ts'
import { until } from './support/until.ts'
import {
  caseOf,
  enrol,
  fileSample,
  OPERATOR,
  OTHER_BANK,
  startWorld,
  untilCompleted,
  untilDelivered,
} from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t, {
  config: { registryTimeoutMs: 700, registryMaximumMs: 700, platformTimeoutMs: 700, withdrawalAgainMs: 1 },
})
const { database, registry, platform } = world
const bank = await world.enrol()

const codeOf = (answer: BankAnswer): unknown => [answer.status, answer.json()['code']]
const stateIs = (id: string, state: string) => until(async () => (await caseOf(bank, id))['state'] === state, 20_000)

async function typesOf(id: string): Promise<string[]> {
  const { events } = (await bank.getEvents(id)).json() as { events: { type: string }[] }
  return events.map(({ type }) => type)
}

async function sent(id: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ what: string }>(
    `select channel || ' ' || kind as what from message_history where case_id = $1 order by channel, position`,
    [id],
  )
  return rows.map(({ what }) => what)
}

await t.test('before the submission it waits its turn: the registry gets the case, then the request', async (t) => {
  await registry.control({ config: { stepMs: null } })
  await platform.control({ fault: 'error-before', on: '10' })
  const id = await fileSample(bank, { vary: true })
  const key = randomUUID()
  const answer = await withdraw(bank, id, { reason: '双方同意撤回' }, { idempotencyKey: key })
  t.match(answer, { status: 202, verified: true, receipt: /^sm3=/ })
  t.match(answer.json(), { id, request: 'withdrawal-pending', state: 'received' })
  const again = await withdraw(bank, id, { reason: '双方同意撤回' }, { idempotencyKey: key })
  t.strictSame([again.status, again.body, again.receipt], [answer.status, answer.body, answer.receipt])
  t.strictSame(codeOf(await withdraw(bank, id)), [409, 'withdrawal-pending'])
  t.match(await caseOf(bank, id), { state: 'received', request: 'withdrawal-pending', platformNumber: null })
  await platform.control({ reset: true })
  await stateIs(id, 'withdrawn')
  t.match(await caseOf(bank, id), { request: 'none' })
  t.strictSame(await typesOf(id), [
    'received',
    'withdrawal-requested',
    'platform-acknowledged',
    'submitted',
    'withdrawn',
  ])
  await untilDelivered(world)
  t.strictSame(await sent(id), [
    'platform MATERIALS',
    'platform 10',
    'platform 26',
    'platform 30',
    'registry MATERIALS',
    'registry SUBMIT',
    'registry WITHDRAW',
  ])
  t.strictSame(codeOf(await withdraw(bank, id)), [409, 'case-ended'])
  const { cases } = await platform.state()
  const own = cases.find(({ unid }) => unid === id.replaceAll('-', ''))
  t.strictSame(
    own?.relayed.map(({ type }) => type),
    ['26', '30'],
  )
})

await t.test('after the submission, with its paper; the file comes before the request', async (t) => {
  const id = await fileSample(bank, { vary: true })
  await stateIs(id, 'submitted')
  const uploaded = await bank.uploadMaterial({ bytes: pdf(77), contentType: 'application/pdf' })
  const material = {
    id: uploaded.json()['id'],
    kind: 'withdrawal-request',
    name: '撤回登记申请书',
    form: 'original',
    copies: 1,
    pages: 1,
    checkedBy: OPERATOR,
    checkedAt: new Date().toISOString(),
  }
  const answer = await withdraw(bank, id, { reason: '双方同意撤回', materials: [material] })
  t.equal(answer.status, 202, answer.body.toString())
  await stateIs(id, 'withdrawn')
  await untilDelivered(world)
  t.strictSame(
    (await sent(id)).filter((what) => !/ (10|20|30)$/.test(what)),
    [
      'platform MATERIALS',
      'platform MATERIALS',
      'platform 26',
      'registry MATERIALS',
      'registry SUBMIT',
      'registry MATERIALS',
      'registry WITHDRAW',
    ],
  )
  const { materials } = await registry.state()
  t.equal(materials.filter(({ name }) => name === '撤回登记申请书').length, 1)
})

await t.test('the registry refuses: the request is over and the case goes on', async (t) => {
  await registry.control({ config: { stepMs: null } })
  const id = await fileSample(bank, { vary: true })
  await stateIs(id, 'submitted')
  // The registry records it, and the gateway has not heard of that: questions fail meanwhile.
  await registry.control({ fault: 'error-before', on: 'PROGRESS' })
  const { businessNumber } = await caseOf(bank, id)
  await registry.control({ config: { stepMs: 1 } })
  await until(async () =>
    (await registry.state()).cases.some((one) => one.businessNumber === businessNumber && one.state === 'certified'),
  )
  t.match(await caseOf(bank, id), { state: 'submitted' })
  t.equal((await withdraw(bank, id)).status, 202)
  await until(async () => (await typesOf(id)).includes('withdrawal-refused'))
  t.match(await caseOf(bank, id), { state: 'submitted', request: 'none' })
  await registry.control({ reset: true })
  await untilCompleted(bank, id)
  t.notOk((await typesOf(id)).includes('withdrawn'))
  // A refusal is an answer, no dead letter.
  await untilDelivered(world)
})

await t.test('refused at once, asked again, granted later: each answer is that of its request', async (t) => {
  await registry.control({ config: { stepMs: null, withdrawal: { answer: 'refuse' } } })
  const id = await fileSample(bank, { vary: true })
  await stateIs(id, 'submitted')
  for (const round of [1, 2]) {
    t.equal((await withdraw(bank, id)).status, 202)
    const refusals = async (): Promise<number> =>
      (await typesOf(id)).filter((type) => type === 'withdrawal-refused').length
    await until(async () => (await refusals()) === round)
    t.match(await caseOf(bank, id), { state: 'submitted', request: 'none' })
  }
  await registry.control({ config: { withdrawal: { answer: 'grant', afterMs: 300 } } })
  t.equal((await withdraw(bank, id)).status, 202)
  await stateIs(id, 'withdrawn')
  t.strictSame((await typesOf(id)).slice(3), [
    'withdrawal-requested',
    'withdrawal-refused',
    'withdrawal-requested',
    'withdrawal-refused',
    'withdrawal-requested',
    'withdrawn',
  ])
  await registry.control({ config: { withdrawal: { answer: 'grant' } } })
})

await t.test('after an unknown outcome progress is asked for; it is withdrawn once', async (t) => {
  await registry.control({ config: { stepMs: null } })
  for (const fault of ['drop-after-effect', 'error-before'] as const) {
    const id = await fileSample(bank, { vary: true })
    await stateIs(id, 'submitted')
    await registry.control({ fault, on: 'WITHDRAW', times: 1 })
    const before = (await registry.state()).calls['WITHDRAW'] ?? 0
    t.equal((await withdraw(bank, id)).status, 202)
    await stateIs(id, 'withdrawn')
    await untilDelivered(world)
    const calls = ((await registry.state()).calls['WITHDRAW'] ?? 0) - before
    t.equal(calls, fault === 'error-before' ? 2 : 1, `${fault}: sent again only when nothing had changed`)
    t.equal((await typesOf(id)).filter((type) => type === 'withdrawn').length, 1)
    await registry.control({ reset: true })
  }
})

await t.test('who may not, and what is wrong, is told by code and place', async (t) => {
  await registry.control({ config: { stepMs: null } })
  const id = await fileSample(bank, { vary: true })
  const other = await enrol(t, world.gateway.ground, world.ca, world.gateway.url, {
    bank: OTHER_BANK,
    account: 'other',
  })
  t.strictSame(codeOf(await withdraw(other, id)), [404, 'case-not-found'])
  t.strictSame(codeOf(await withdraw(bank, randomUUID())), [404, 'case-not-found'])
  const shape = await withdraw(bank, id, { reason: '', why: 1 })
  t.match(shape.json(), { code: 'message-invalid' })
  t.strictSame([...new Set(shape.json()['pointers'] as string[])].sort(), ['/reason', '/why'])
  const material = {
    id: randomUUID(),
    kind: 'withdrawal-request',
    name: '不动产登记申请书',
    form: 'original',
    copies: 1,
    pages: 1,
    checkedBy: 'nobody',
    checkedAt: '2099-01-01T00:00:00+08:00',
  }
  const operator = { id: 'yx-sub-9999', name: '别人' }
  const rules = await withdraw(bank, id, { reason: '撤回', operator, materials: [material] })
  t.match(rules.json(), { status: 422, code: 'business-rule-violated' })
  t.strictSame(
    (rules.json()['faults'] as { pointer: string; code: string }[]).map(({ pointer, code }) => `${code} ${pointer}`),
    [
      'operator-differs /operator/id',
      'material-unknown /materials/0/id',
      'checker-unknown /materials/0/checkedBy',
      'time-in-future /materials/0/checkedAt',
      'material-name-repeated /materials/0/name',
    ],
  )
  t.match(await caseOf(bank, id), { request: 'none' }, 'nothing was asked')
})

await t.test('taken and refused without a word: after some time another may be asked', async (t) => {
  await registry.control({ config: { stepMs: null, withdrawal: { answer: 'grant', afterMs: null } } })
  const id = await fileSample(bank, { vary: true })
  await stateIs(id, 'submitted')
  const businessNumber = String((await caseOf(bank, id))['businessNumber'])
  await registry.control({ fault: 'error-before', on: 'WITHDRAW' })
  t.equal((await withdraw(bank, id)).status, 202)
  t.strictSame(codeOf(await withdraw(bank, id)), [409, 'withdrawal-pending'], 'on its way')
  await registry.control({ reset: true })
  await untilDelivered(world)
  await registry.control({ decideWithdrawal: businessNumber, granted: false })
  t.match(await caseOf(bank, id), { request: 'withdrawal-pending' })
  t.equal((await withdraw(bank, id)).status, 202)
  await untilDelivered(world)
  await registry.control({ decideWithdrawal: businessNumber, granted: true })
  await stateIs(id, 'withdrawn')
  t.equal((await typesOf(id)).filter((type) => type === 'withdrawal-requested').length, 2)
})
