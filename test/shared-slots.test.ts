import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type Slots, sharedSlots } from '../src/db/shared-slots.ts'
import { testDatabase } from './support/database.ts'
import { silentLog } from './support/silent-log.ts'
import { until } from './support/until.ts'

const database = await testDatabase(t)
const SPACE = 77
const LOCKS = `from pg_locks where locktype = 'advisory' and classid = ${SPACE} and granted`

function opened(t: { teardown(work: () => Promise<void>): unknown }, count: number): Slots {
  const slots = sharedSlots({ url: database.url, space: SPACE, count, log: silentLog })
  t.teardown(() => slots.close())
  return slots
}

await t.test('processes share the room: never more at once, and each comes to its turn', async (t) => {
  const processes = [opened(t, 3), opened(t, 3)]
  let now = 0
  let most = 0
  const order: number[] = []
  const work = async (): Promise<void> => {
    now += 1
    most = Math.max(most, now)
    await sleep(5)
    now -= 1
  }
  await Promise.all(
    processes.flatMap((slots, place) =>
      Array.from({ length: 150 }, () => slots.hold(work).then(() => void order.push(place))),
    ),
  )
  t.equal(most, 3)
  // Neither waited until the other was done.
  t.same(new Set(order.slice(0, 200)).size, 2)
})

await t.test('a burst leaves no room taken', async (t) => {
  const slots = opened(t, 6)
  await Promise.all(Array.from({ length: 60 }, () => slots.hold(() => sleep(1))))
  await until(async () => (await database.pool.query(`select ${LOCKS}`)).rowCount === 0)
  t.pass('all of it is given back')
})

await t.test('work that throws gives its room back', async (t) => {
  const slots = opened(t, 1)
  await t.rejects(
    slots.hold(async () => Promise.reject(new Error('refused'))),
    { message: 'refused' },
  )
  t.equal(await slots.hold(async () => 'next'), 'next')
})

await t.test('a process that ends frees what it held, and one whose connection breaks goes on', async (t) => {
  const [gone, other] = [opened(t, 1), opened(t, 1)]
  const stuck = gone.hold(() => sleep(300))
  await until(async () => (await database.pool.query(`select ${LOCKS}`)).rowCount === 1)
  await database.pool.query(`select pg_terminate_backend(pid) ${LOCKS}`)
  t.equal(await other.hold(async () => 'its turn'), 'its turn')
  await stuck
  t.equal(await gone.hold(async () => 'again'), 'again')
})

await t.test('who still waits when it is closed does not run without room', async (t) => {
  const slots = sharedSlots({ url: database.url, space: SPACE, count: 1, log: silentLog })
  let end: (() => void) | null = null
  const inRoom = slots.hold(() => new Promise<void>((resolve) => (end = resolve)))
  await until(() => end !== null)
  let ran = false
  const waits = slots.hold(async () => (ran = true))
  const refused = t.rejects(waits, /no slot/)
  await slots.close()
  await refused
  await t.rejects(
    slots.hold(async () => (ran = true)),
    /no slot/,
  )
  t.equal(ran, false)
  ;(end as unknown as () => void)()
  await inRoom
})
