import t from 'tap'
import { newId } from '../src/base/id.ts'
import type { Pool } from '../src/db/pool.ts'
import { listQueues } from '../src/delivery/operations.ts'
import { openWakeQueue, type WakeQueue } from '../src/delivery/queue.ts'
import { testDatabase } from './support/database.ts'
import { delivered, deliveryWorld, FakeDestination, type World } from './support/delivery-world.ts'
import { onBothBackends } from './support/queue-backends.ts'
import { until } from './support/until.ts'

const allDelivered = (world: World, count: number) => async (): Promise<boolean> =>
  (await listQueues(world.pool)).reduce((sum, queue) => sum + queue.delivered, 0) === count

const BULLMQ_TABLES = `select 'test_1_queue.' || quote_ident(tablename) as name from pg_tables
  where schemaname = 'test_1_queue' and tablename <> 'migration'`

await t.test('everything is delivered though the queue is emptied and then dropped under way', async (t) => {
  const world = await deliveryWorld(t)
  const other = await world.anotherNode()
  const destinations = ['a', 'b', 'c'].map((name) => new FakeDestination(name))
  for (const destination of destinations)
    destination.onSend = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return delivered
    }
  await world.start(destinations)
  await other.start(destinations)
  let count = 0
  const append = async (cases: number): Promise<void> => {
    for (let i = 0; i < cases; i += 1) {
      const messages = destinations.map(({ endpoint }, j) => ({ endpoint, position: 1 + j }))
      await (i % 2 === 0 ? world : other).append(newId(), ...messages)
      count += messages.length
    }
  }
  await append(10)
  const { rows } = await world.pool.query<{ name: string }>(BULLMQ_TABLES)
  t.ok(rows.length > 3)
  await truncate(world.pool, rows)
  await append(10)
  await until(allDelivered(world, count))
  await world.pool.query('drop schema test_1_queue cascade')
  await append(10)
  await until(allDelivered(world, count))
  await until(async () => (await world.pool.query(BULLMQ_TABLES)).rowCount === rows.length)
  const sent = destinations.flatMap((destination) => destination.sent.map(({ message }) => message.id))
  t.equal(new Set(sent).size, count)
  t.equal(sent.length, count, 'each was sent once')
})

await t.test('slots of an endpoint are counted over all nodes', async (t) => {
  const world = await deliveryWorld(t)
  const destination = new FakeDestination('registry')
  destination.concurrency = 3
  let now = 0
  let most = 0
  destination.onSend = async () => {
    now += 1
    most = Math.max(most, now)
    await new Promise((resolve) => setTimeout(resolve, 15))
    now -= 1
    return delivered
  }
  await world.start([destination])
  await (await world.anotherNode()).start([destination])
  for (let i = 0; i < 30; i += 1) await world.append(newId(), { endpoint: 'registry', position: 1 })
  await until(allDelivered(world, 30))
  t.equal(most, 3)
})

await onBothBackends(t, 'close waits for what is under way and leaves the rest to others', async (t, backend) => {
  const world = await deliveryWorld(t, backend)
  const destination = new FakeDestination('registry')
  destination.concurrency = 2
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  destination.onSend = async (message) => {
    await gate
    return message.kind === 'MATERIAL' ? { ...delivered, more: message.cursor < 2 } : delivered
  }
  const delivery = await world.start([destination])
  const [material] = await world.append(newId(), { endpoint: 'registry', position: 1, kind: 'MATERIAL' })
  await world.append(newId(), { endpoint: 'registry', position: 1 })
  await world.append(newId(), { endpoint: 'registry', position: 1 })
  await until(() => destination.sent.length === 2)
  t.ok(delivery.health().ok)
  const closing = delivery.close()
  release()
  await closing
  t.equal(destination.sent.length, 2)
  t.match(await world.message(material as string), { state: 'waiting', cursor: 1, lease_until: null })
  t.equal((await world.pool.query("select from message where state = 'sending'")).rowCount, 0)
  await (await world.anotherNode()).start([destination])
  await until(allDelivered(world, 3))
  t.strictSame(
    destination.sent.filter(({ message }) => message.id === material).map(({ message }) => message.cursor),
    [0, 1, 2],
  )
})

await t.test(
  'a call that outlasts the grace is given up and recorded, so that another node need not wait for its lease',
  async (t) => {
    const world = await deliveryWorld(t)
    const destination = new FakeDestination('platform')
    destination.unknownThen = 'resend'
    destination.timeoutMs = 60_000
    destination.leaseMs = 120_000
    destination.peerMaximumMs = 60_000
    let calls = 0
    destination.onSend = () => {
      calls += 1
      return calls === 1 ? new Promise<never>(() => undefined) : delivered
    }
    const delivery = await world.start([destination])
    const [id] = await world.append(newId(), { endpoint: 'platform', position: 1 })
    await until(() => calls === 1)
    await delivery.close(50)
    t.match(await world.message(id as string), { state: 'waiting', attempts: 1, lease_until: null })
    await (await world.anotherNode()).start([destination])
    await until(allDelivered(world, 1), 10_000)
    t.equal(calls, 2)
  },
)

await onBothBackends(
  t,
  'another node hears wake-ups, also after the store was emptied, and few jobs are made of many',
  async (t, { redisUrl, empty }) => {
    const { url, pool } = await testDatabase(t)
    const open = (): Promise<WakeQueue> => openWakeQueue({ databaseUrl: url, redisUrl, prefix: 'test-1' })
    const [producer, consumer] = [await open(), await open()]
    t.teardown(() => producer.close())
    t.teardown(() => consumer.close())
    const heard: string[] = []
    consumer.work({ wake: (endpoint) => void heard.push(endpoint), isBusy: () => false })
    await until(() => producer.isUp())
    producer.wake('bank.1')
    await until(() => heard.length === 1)
    for (let i = 0; i < 100; i += 1) producer.wake('bank.1')
    await until(() => heard.length >= 2)
    t.ok(heard.length <= 4, `100 wake-ups at once give few jobs: ${heard.length}`)
    const before = heard.length
    producer.wake('bank.2')
    await until(() => heard.slice(before).includes('bank.2'))
    await (redisUrl === null ? truncate(pool, (await pool.query<{ name: string }>(BULLMQ_TABLES)).rows) : empty())
    await Promise.all([producer.repair(), consumer.repair()])
    const wiped = heard.length
    producer.wake('bank.1')
    await until(() => heard.length > wiped)
  },
)

await t.test('a queue prefix that is no name is refused', async (t) => {
  await t.rejects(openWakeQueue({ databaseUrl: 'unused', prefix: 'a; drop' }), /letters/)
})

/** The queue's own statements may deadlock with it; then they are the ones that count. */
async function truncate(pool: Pool, tables: readonly { name: string }[]): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await pool.query(`truncate ${tables.map(({ name }) => name).join(', ')} cascade`)
      return
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01' || tries === 10) throw error
    }
  }
}
