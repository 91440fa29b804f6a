import t from 'tap'
import { gathered } from '../../src/db/gathered.ts'
import type { Queryable } from '../../src/db/pool.ts'

const db = {} as Queryable

await t.test(
  'who asks while a statement is under way shares the next, and none is answered by an earlier one',
  async (t) => {
    const runs: number[][] = []
    const begun: (() => void)[] = []
    let stored = 1
    const read = gathered<number, number>(async (_db, asks) => {
      runs.push([...asks])
      const seen = stored
      await new Promise<void>((resolve) => begun.push(resolve))
      return asks.map((ask) => ask * 10 + seen)
    })
    const first = Promise.all([read(db, 1), read(db, 2)])
    while (begun.length < 1) await new Promise((resolve) => setImmediate(resolve))
    stored = 2
    const second = Promise.all([read(db, 3), read(db, 1)])
    begun[0]?.()
    t.strictSame(await first, [11, 21])
    while (begun.length < 2) await new Promise((resolve) => setImmediate(resolve))
    begun[1]?.()
    t.strictSame(await second, [32, 12])
    t.strictSame(runs, [
      [1, 2],
      [3, 1],
    ])
  },
)

await t.test('one that cannot be asked costs its neighbours nothing', async (t) => {
  const read = gathered<string, string>(async (_db, asks) => {
    if (asks.includes('bad')) throw new Error('no such form')
    return asks.map((ask) => ask.toUpperCase())
  })
  const answers = await Promise.allSettled([read(db, 'a'), read(db, 'bad'), read(db, 'b')])
  t.match(answers, [
    { status: 'fulfilled', value: 'A' },
    { status: 'rejected', reason: { message: 'no such form' } },
    { status: 'fulfilled', value: 'B' },
  ])
})

await t.test('a database that is away or hangs is not asked again for each', async (t) => {
  const faults = [
    new Error('Query read timeout'),
    Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' }),
    Object.assign(new Error('remaining connection slots are reserved'), { code: '53300' }),
  ]
  for (const fault of faults) {
    let runs = 0
    const read = gathered<string, string>(async () => {
      runs += 1
      throw fault
    })
    const answers = await Promise.allSettled(['a', 'b', 'c'].map((ask) => read(db, ask)))
    t.strictSame(
      answers.map((answer) => answer.status === 'rejected' && answer.reason),
      [fault, fault, fault],
    )
    t.equal(runs, 1)
  }
})
