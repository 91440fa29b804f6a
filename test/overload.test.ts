import { randomUUID } from 'node:crypto'
import t from 'tap'
import { request } from 'undici'
import { grantBoth, question } from './support/querying.ts'
import { until } from './support/until.ts'
import { OTHER_BANK, prepareSample, startWorld } from './support/world.ts'

const REQUESTS = 12
const WAITERS = REQUESTS - 1
const QUERIES_WAITING = 3

// One question to the registry at once.
const world = await startWorld(t, {
  config: {
    requestsAtOnce: REQUESTS,
    eventWaiters: WAITERS,
    eventWaitersOfBank: WAITERS,
    queriesWaiting: QUERIES_WAITING,
    registryConcurrency: 4,
  },
})
const bank = await world.enrol({ businessTypes: ['query', 'mortgage-first'] })
const { pool } = world.database

await t.test(
  'calls beyond what may be in flight are told at once to come again, and nothing is done for them',
  async (t) => {
    const idle = await world.enrol({ bank: OTHER_BANK, account: 'idle' })
    const template = await prepareSample(bank)
    const waiting = Array.from({ length: WAITERS }, () => idle.get('/v1/events', { wait: 30 }, { timeoutMs: 60_000 }))
    await until(() => world.gateway.feedWatch.waiting === WAITERS)
    const bodies = Array.from({ length: 8 }, (_, i) => ({ ...template, bankReference: `BUSY-${i}` }))
    const keys = bodies.map(() => randomUUID())
    const post = (i: number, attempts: number) =>
      bank.submitApplication(bodies[i], { idempotencyKey: keys[i] as string, attempts })
    const answers = await Promise.all(bodies.map((_, i) => post(i, 1)))
    const taken = answers.filter(({ status }) => status === 202).length
    const refused = answers.filter(({ status }) => status !== 202)
    t.ok(refused.length > 0)
    for (const { status, headers, json } of refused) {
      t.match(
        { status, headers, code: json()['code'] },
        { status: 503, headers: { 'retry-after': '1' }, code: 'overloaded' },
      )
    }
    t.match((await pool.query('select count(*) as n from cases')).rows, [{ n: taken }])
    for (const path of ['/livez', '/readyz'])
      t.equal((await request(`${world.gateway.url}${path}`)).statusCode, 200, path)

    world.gateway.feedWatch.hint((await bankId(OTHER_BANK.code)) ?? '')
    await Promise.all(waiting)
    const again = await Promise.all(bodies.map((_, i) => post(i, 20)))
    t.same(new Set(again.map(({ status }) => status)), new Set([202]))
    t.match((await pool.query('select count(*) as n from cases')).rows, [{ n: bodies.length }])
  },
)

await t.test('queries beyond what may wait for the registry are told to come again, and cost nothing', async (t) => {
  await grantBoth(world.gateway.ground, { authorizationRequired: false })
  const ask = () => bank.post('/v1/queries', question(null))
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 2000 })
  const fitting = Array.from({ length: 1 + QUERIES_WAITING }, ask)
  await until(async () => (await pool.query('select from query')).rowCount === fitting.length)
  for (const answer of await Promise.all([ask(), ask(), ask()])) {
    t.match(answer, { status: 503, verified: true, headers: { 'retry-after': '2' } })
    t.equal(answer.json()['code'], 'overloaded')
  }
  t.same(
    (await Promise.all(fitting)).map(({ status }) => status),
    fitting.map(() => 200),
  )
  t.match((await pool.query('select distinct used from quota_use')).rows, [{ used: fitting.length }])
  t.equal((await ask()).status, 200)
})

async function bankId(code: string): Promise<string | undefined> {
  return (await pool.query<{ id: string }>('select id from bank where code = $1', [code])).rows[0]?.id
}
