import t from 'tap'
import type { Clock } from '../src/base/clock.ts'
import { Numbers } from '../src/cases/numbers.ts'
import { openPool } from '../src/db/pool.ts'
import { testDatabase } from './support/database.ts'

const AREA = '420222'

class MovedClock implements Clock {
  at: string

  constructor(at: string) {
    this.at = at
  }

  now(): Date {
    return new Date(this.at)
  }
}

const serial = (number: string | undefined): number => Number(number?.slice(12))

await t.test('a number is area, day in Shanghai and six digits, and a run has no gap', async (t) => {
  const { pool } = await testDatabase(t)
  const numbers = new Numbers(pool, AREA, new MovedClock('2026-11-25T10:00:00+08:00'))
  t.strictSame(await numbers.take('message'), ['420222261125000001'])
  const [run, next] = await Promise.all([numbers.take('message', 5), numbers.take('message', 2)])
  t.strictSame(run.map(serial), [2, 3, 4, 5, 6])
  t.strictSame(next.map(serial), [7, 8])
  // Longer than what is left of the block of 200, and than a block.
  for (const count of [195, 450]) {
    const taken = (await numbers.take('message', count)).map(serial)
    const [first = 0] = taken
    t.strictSame(
      taken,
      Array.from({ length: count }, (_, i) => first + i),
    )
  }
  t.strictSame(await numbers.take('message', 0), [])
})

await t.test('two processes never give the same number', async (t) => {
  const { pool, url } = await testDatabase(t)
  const clock = new MovedClock('2026-11-25T10:00:00+08:00')
  const second = openPool({ url, max: 2, applicationName: 'second node' })
  t.teardown(() => second.end())
  const nodes = [new Numbers(pool, AREA, clock, 7), new Numbers(second, AREA, clock, 7)]
  const runs = await Promise.all(
    Array.from({ length: 200 }, (_, i) => (nodes[i % 2] as Numbers).take('message', 1 + (i % 5))),
  )
  const all = runs.flat()
  t.equal(new Set(all).size, all.length)
  for (const run of runs) {
    const gaps = run.slice(1).filter((number, i) => serial(number) !== serial(run[i]) + 1)
    if (gaps.length > 0) t.fail('a run has a gap')
  }
})

await t.test('cases and questions draw from ranges apart', async (t) => {
  const { pool } = await testDatabase(t)
  const numbers = new Numbers(pool, AREA, new MovedClock('2026-11-25T10:00:00+08:00'))
  t.strictSame(
    [...(await numbers.take('inquiry', 2)), ...(await numbers.take('message')), ...(await numbers.take('inquiry'))].map(
      serial,
    ),
    [700_000, 700_001, 1, 700_002],
  )
})

await t.test('the end of a range is refused, never wrapped; the other range and the next day go on', async (t) => {
  const { pool } = await testDatabase(t)
  const clock = new MovedClock('2026-11-25T10:00:00+08:00')
  await pool.query(
    `insert into number_counter (area, day, range, next) values ($1, '2026-11-25', 'message', 699990), ($1, '2026-11-25', 'inquiry', 999998)`,
    [AREA],
  )
  const numbers = new Numbers(pool, AREA, clock)
  t.equal(serial((await numbers.take('message', 8)).at(-1)), 699_997)
  const refused = { code: 'numbers-exhausted', status: 503, retryAfterSeconds: Number }
  await t.rejects(numbers.take('message', 3), refused)
  t.strictSame((await numbers.take('message', 2)).map(serial), [699_998, 699_999], 'what is left fits a shorter run')
  for (let i = 0; i < 3; i += 1) await t.rejects(numbers.take('message'), refused)
  t.strictSame((await numbers.take('inquiry', 2)).map(serial), [999_998, 999_999])
  await t.rejects(numbers.take('inquiry'), refused)
  await t.rejects(new Numbers(pool, AREA, clock).take('message'), refused, 'nor does a new process get one')
  clock.at = '2026-11-26T00:00:00+08:00'
  t.strictSame(await numbers.take('message'), ['420222261126000001'])
})

await t.test('the day changes at midnight in Shanghai, whatever the zone of the process', async (t) => {
  const { pool } = await testDatabase(t)
  const clock = new MovedClock('2026-12-31T15:59:59.999Z')
  const numbers = new Numbers(pool, AREA, clock)
  t.strictSame(await numbers.take('message'), ['420222261231000001'])
  clock.at = '2026-12-31T16:00:00.000Z'
  t.strictSame(await numbers.take('message'), ['420222270101000001'])
  clock.at = '2026-12-31T15:59:59.999Z'
  const [back] = await numbers.take('message')
  t.match(back, /^420222261231/)
  t.not(back, '420222261231000001', 'a clock that goes back repeats nothing')
})

await t.test('a database that fails once costs only that call', async (t) => {
  const { pool } = await testDatabase(t)
  const numbers = new Numbers(pool, AREA, new MovedClock('2026-11-25T10:00:00+08:00'))
  await pool.query('alter table number_counter rename to away')
  await t.rejects(numbers.take('message'), { code: '42P01' })
  await pool.query('alter table away rename to number_counter')
  t.strictSame((await numbers.take('message')).map(serial), [1])
})
