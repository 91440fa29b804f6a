import fc from 'fast-check'
import t from 'tap'
import { Deadline } from '../../src/delivery/deadline.ts'
import { Lane } from '../../src/delivery/lane.ts'

await t.test('a lane carries out all that is due, never more at once than its slots, and ends idle', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ items: fc.integer({ min: 0, max: 7 }), turns: fc.integer({ min: 0, max: 3 }) }), {
        maxLength: 20,
      }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      async (concurrency, arrivals, turnsOf) => {
        const due: number[] = []
        const done: number[] = []
        let active = 0
        let most = 0
        const pass = async (turns: number): Promise<void> => {
          for (let i = 0; i < turns; i += 1) await Promise.resolve()
        }
        const lane = new Lane<number>({
          concurrency,
          claim: async (limit) => {
            await pass(turnsOf.next().value as number)
            const items = due.splice(0, limit)
            return { items, more: items.length >= limit }
          },
          work: async (item) => {
            active += 1
            most = Math.max(most, active)
            await pass(turnsOf.next().value as number)
            active -= 1
            done.push(item)
          },
          onFault: (error) => {
            throw error
          },
        })
        let count = 0
        for (const { items, turns } of arrivals) {
          for (let i = 0; i < items; i += 1) due.push(count++)
          lane.wake()
          await pass(turns)
        }
        for (let i = 0; i < 1000 && lane.busy; i += 1) await new Promise((resolve) => setImmediate(resolve))
        return !lane.busy && done.length === count && most <= concurrency
      },
    ),
    { numRuns: 300 },
  )
})

await t.test('a lane goes on after a claim or a work that throws, and stops when told', async (t) => {
  const faults: unknown[] = []
  let claims = 0
  const lane = new Lane<number>({
    concurrency: 1,
    claim: async () => {
      claims += 1
      if (claims === 1) throw new Error('claim')
      return { items: claims === 2 ? [1] : [], more: false }
    },
    work: async () => {
      throw new Error('work')
    },
    onFault: (error) => void faults.push((error as Error).message),
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  lane.wake()
  await turn()
  lane.wake()
  await turn()
  t.strictSame(faults, ['claim', 'work'])
  t.equal(lane.busy, false)
  await lane.stop()
  lane.wake()
  await turn()
  t.equal(claims, 2)
})

await t.test('a deadline counts from the moment it is given and never goes beyond its lease', async (t) => {
  const lease = Deadline.after(1000, performance.now() - 400)
  t.ok(lease.leftMs <= 600)
  t.ok(lease.within(10_000).leftMs <= 600)
  t.ok(lease.within(50).leftMs <= 50)
  t.equal(Deadline.after(10, performance.now() - 20).over, true)
})
