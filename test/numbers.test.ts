import t from 'tap'
import type { Clock } from '../src/base/clock.ts'
import { Numbers } from '../src/cases/numbers.ts'
import { openPool } from '../src/db/pool.ts'
import { testDatabase } from './support/database.ts'

await t.test('numbers are never given twice, follow one another within a run, and end without wrapping', async (t) => {
  const { pool, url } = await testDatabase(t)
  const otherPool = openPool({ url, max: 2, applicationName: 'other' })
  t.teardown(() => otherPool.end())
  let now = new Date('2026-11-25T15:00:00Z')
  const clock: Clock = { now: () => now }
  const one = new Numbers(pool, '420222', clock, 7)
  const two = new Numbers(otherPool, '420222', clock, 5)

  const runs = await Promise.all(
    Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? one : two).take('message', 1 + (i % 11))),
  )
  const all = runs.flat()
  t.equal(new Set(all).size, all.length)
  for (const run of runs) {
    const sequence = run.map((number) => Number(number.slice(12)))
    t.strictSame(
      sequence,
      sequence.map((_, i) => (sequence[0] as number) + i),
    )
  }
  t.match(all[0], /^420222261125\d{6}$/)

  const [inquiry] = await one.take('inquiry')
  t.equal(inquiry, '420222261125700000', 'polls draw from a range of their own')

  now = new Date('2026-11-25T16:00:01Z')
  t.match((await one.take('message'))[0], /^420222261126/, 'a new day in Asia/Shanghai begins anew')

  await pool.query(`update number_counter set next = 699999 where day = '2026-11-26' and range = 'message'`)
  const fresh = new Numbers(pool, '420222', clock, 7)
  t.strictSame(await fresh.take('message'), ['420222261126699999'])
  await t.rejects(fresh.take('message'), { code: 'numbers-exhausted', retryAfterSeconds: Number })
  await t.rejects(one.take('message', 30), { code: 'numbers-exhausted' })
  t.match((await fresh.take('inquiry'))[0], /^420222261126700/, 'the other range goes on')
})
