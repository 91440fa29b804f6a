import t from 'tap'
import { answeringProxy } from './support/answering-proxy.ts'
import { acknowledgementMessage, callbackSender, newUnid, withdrawalMessage } from './support/callbacks.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld } from './support/world.ts'

t.setTimeout(120_000)

const proxy = await answeringProxy(t)
const world = await startWorld(t, { registry: { stepMs: null }, config: { platformUrl: proxy.url } })
proxy.forwardTo = world.platform.url
const { database } = world
const bank = await world.enrol()
const send = await callbackSender(t, world)

async function stateOf(unid: string): Promise<string | undefined> {
  const text = 'select state from platform_callback where unid = $1'
  return (await database.pool.query<{ state: string }>(text, [unid])).rows[0]?.state
}

async function concernsOf(kind: string): Promise<(string | null)[]> {
  const text = 'select case_id from concern where kind = $1 order by at'
  return (await database.pool.query<{ case_id: string | null }>(text, [kind])).rows.map(({ case_id }) => case_id)
}

const numberOf = async (id: string): Promise<unknown> => (await caseOf(bank, id))['platformNumber']
const ofCase = (id: string): { type: string; unid: string } => ({ type: '10', unid: id.replaceAll('-', '') })

/** A case whose type 10 the platform does not answer. */
async function unanswered(): Promise<string> {
  proxy.answer = ({ asked }) => (isCase(asked) ? { status: 503, body: Buffer.from('{}') } : null)
  const id = await fileSample(bank, { vary: true })
  t.equal(await numberOf(id), null)
  return id
}

const isCase = (asked: Buffer): boolean => /"type"\s*:\s*"10"/.test(asked.subarray(0, 2000).toString())

const first = await fileSample(bank, { vary: true })
await until(async () => (await caseOf(bank, first))['state'] === 'submitted')
const sn = String(await numberOf(first))

await t.test('a 99 with the number of another case is raised, and the case goes on waiting for its own', async (t) => {
  const id = await unanswered()
  const [wrong, right, withdrawal] = [newUnid(), newUnid(), newUnid()]
  t.equal((await send(acknowledgementMessage(sn, ofCase(id), 'Y', wrong))).status, 200)
  await until(async () => (await stateOf(wrong)) === 'raised')
  t.strictSame(await concernsOf('platform-number-taken'), [id])
  t.match(await caseOf(bank, id), { platformNumber: null, state: 'received' })

  t.equal((await send(withdrawalMessage(sn, withdrawal))).status, 200)
  await until(async () => (await stateOf(withdrawal)) === 'applied')
  await until(async () => (await caseOf(bank, first))['state'] === 'withdrawn')
  t.match(await caseOf(bank, id), { request: 'none' }, 'what is said of the one is not done to the other')

  await send(acknowledgementMessage('hsbdc0222261000001', ofCase(id), 'Y', right))
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  t.equal(await numberOf(id), 'hsbdc0222261000001')
})

await t.test('the same in the answer to type 10', async (t) => {
  proxy.answer = ({ asked, answer }) =>
    isCase(asked) ? { body: Buffer.from(answer.toString().replace(/"SN":"[^"]*"/, `"SN":"${sn}"`)) } : null
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await concernsOf('platform-number-taken')).includes(id))
  t.match(await caseOf(bank, id), { platformNumber: null, state: 'received' })
  await send(acknowledgementMessage('hsbdc0222261000002', ofCase(id)))
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
})

await t.test('of two cases that are told one number at once, one has it', async (t) => {
  const ids = [await unanswered(), await unanswered()]
  const unids = [newUnid(), newUnid()]
  const number = 'hsbdc0222261000003'
  const before = (await concernsOf('platform-number-taken')).length
  await Promise.all(ids.map((id, i) => send(acknowledgementMessage(number, ofCase(id), 'Y', unids[i]))))
  await until(async () => (await Promise.all(unids.map(stateOf))).every((state) => state !== 'waiting'))
  t.strictSame(new Set(await Promise.all(unids.map(stateOf))), new Set(['applied', 'raised']))
  t.strictSame(new Set(await Promise.all(ids.map(numberOf))), new Set([number, null]))
  t.equal((await concernsOf('platform-number-taken')).length, before + 1)
})

await t.test('a callback whose number several cases have is done to none of them', async (t) => {
  proxy.answer = () => null
  const ids = [await fileSample(bank, { vary: true }), await fileSample(bank, { vary: true })]
  for (const id of ids) await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  // As it was stored by those who took any number.
  const shared = 'hsbdc0222261000004'
  await database.pool.query('update cases set platform_number = $1 where id = any($2::uuid[])', [shared, ids])
  const unid = newUnid()
  t.equal((await send(withdrawalMessage(shared, unid))).status, 200)
  await until(async () => (await stateOf(unid)) !== 'waiting')
  t.equal(await stateOf(unid), 'raised')
  t.strictSame(await concernsOf('platform-number-shared'), [null])
  for (const id of ids) t.match(await caseOf(bank, id), { request: 'none', state: 'submitted' })
})
