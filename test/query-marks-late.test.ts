import { randomUUID } from 'node:crypto'
import t from 'tap'
import { concludeLater } from '../src/queries/conclude.ts'
import { readQuery } from '../src/queries/store.ts'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import { combinations, MARKED_OWNER, refusing, ruleWords, talkative, unreadable } from './support/marks.ts'
import {
  ALL_SHOWN,
  asking,
  chosen,
  forEach,
  judge,
  LEVELS,
  type Level,
  note,
  onlyOf,
  operatorOf,
  startBench,
} from './support/marks-bench.ts'
import { get, post } from './support/querying.ts'
import { until } from './support/until.ts'

t.setTimeout(300_000)

await t.test('every way to rule the fields where the registry is slow: 202, an event, GET', async (t) => {
  const bench = await startBench(t, { queryWaitMs: 50, queryGiveUpMs: 1000 })
  const { world, bank, proxy, authorizationId } = bench
  const hasEvent = async (id: string): Promise<boolean> =>
    (await world.database.pool.query('select from event where case_id = $1', [id])).rowCount === 1
  await world.registry.control({ fault: 'slow', on: 'QUERY', delayMs: 800 })
  await forEach(async (rules, index) => {
    const operator = operatorOf(index)
    const fields = index % 2 === 0 ? null : chosen(rules, index)
    const level = LEVELS[Math.floor(index / 2) % 2] as Level
    const what = `${ruleWords(rules).join(' ')} at ${level}, slowly`
    const may = { level, rules: onlyOf(rules, fields) }
    const body = asking(authorizationId, { level, ...(fields === null ? {} : { fields }) })
    const key = randomUUID()
    const ask = (): Promise<BankAnswer> => post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
    const slow = note(bench, what, await ask())
    const { id } = slow.json() as { id: string }
    if (slow.status !== 202) t.fail(`${what}: ${slow.status} ${slow.body.toString()}`)
    await until(() => hasEvent(id))
    note(bench, `${what}, read`, await get(bank, `/v1/queries/${id}`, { operator }), may)
    if (note(bench, `${what}, repeated`, await ask()).status !== 202) t.fail(`${what}: a repeat is another answer`)
  }, 27)

  const operator = operatorOf(ALL_SHOWN)
  for (const [how, answered, told] of [
    ['a refusal', refusing('1002'), 'registry-refused'],
    ['garbage', unreadable['no document'], 'registry-unavailable'],
    ['a refusal with a name for a code', refusing(MARKED_OWNER.name), 'registry-unavailable'],
  ] as const) {
    proxy.answer = answered ?? talkative
    const slow = await post(bank, '/v1/queries', asking(authorizationId, { level: 'detail' }), { operator })
    t.equal(slow.status, 202)
    const { id } = slow.json() as { id: string }
    await until(() => hasEvent(id), 30_000)
    const read = note(bench, how, await get(bank, `/v1/queries/${id}`, { operator }))
    t.strictSame(read.json(), { id, state: 'failed', code: told }, how)
  }
  await judge(t, bench, 84)
})

await t.test('an answer that comes while it is repeated leaves with its record or not at all', async (t) => {
  const bench = await startBench(t, { queryWaitMs: 25_000 })
  const { world, bank, authorizationId } = bench
  const operator = operatorOf(ALL_SHOWN)
  const rules = combinations[ALL_SHOWN] as (typeof combinations)[number]
  for (let round = 0; round < 5; round += 1) {
    await world.registry.control({ fault: 'slow', on: 'QUERY', delayMs: 200, times: 1 })
    const key = randomUUID()
    const ask = (): Promise<BankAnswer> =>
      post(bank, '/v1/queries', asking(authorizationId, { level: 'detail' }), { operator, idempotencyKey: key })
    let answers = 0
    // Whichever comes first is the call, the others repeat it.
    const repeat = async (): Promise<void> => {
      for (let done = false; !done || answers < 6; ) {
        const answer = await ask()
        done = answer.status === 200
        if (done) answers += 1
        note(bench, 'asked and repeated', answer, done ? { level: 'detail', rules } : null)
        if (!done && answer.json()['code'] !== 'request-in-progress' && answer.status !== 202)
          throw new Error(`answered ${answer.status} ${answer.body.toString()}`)
      }
    }
    await Promise.all([repeat(), repeat(), repeat(), repeat()])
  }

  await t.test('one that another process concluded is read, not repeated', async (t) => {
    await world.registry.control({ fault: 'slow', on: 'QUERY', delayMs: 1500, times: 1 })
    const key = randomUUID()
    const ask = (): Promise<BankAnswer> =>
      post(bank, '/v1/queries', asking(authorizationId, {}), { operator, idempotencyKey: key })
    const first = ask()
    // As when the process that asked hangs, its lease is over, and another has asked again.
    const { pool } = world.database
    const open = async (): Promise<{ id: string; bank_id: string } | undefined> =>
      (await pool.query<{ id: string; bank_id: string }>(`select id, bank_id from query where state = 'asking'`))
        .rows[0]
    await until(async () => (await open()) !== undefined)
    const { id = '', bank_id: bankId = '' } = (await open()) ?? {}
    const { ground } = world.gateway
    const query = await readQuery(pool, bankId, { id }, ground.keyring)
    if (query === undefined) return t.fail('the query is not there')
    const nothing = {
      messageId: '1',
      success: true,
      code: '0000',
      faults: [],
      matched: false,
      holders: [],
      mortgages: [],
    }
    await concludeLater(query, { kind: 'answered', findings: nothing }, null, {
      batch: ground.batch,
      sealer: ground.keyring,
      clock: ground.clock,
      record: ground.trace.record,
      addEvent: () => undefined,
    })
    t.equal(note(bench, 'concluded by another', await first).status, 202)
    t.equal(note(bench, 'concluded by another, repeated', await ask()).status, 202)
  })
  await judge(t, bench, 0)
})
