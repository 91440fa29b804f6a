import t from 'tap'
import { request } from 'undici'
import { newId } from '../src/base/id.ts'
import { listQueues } from '../src/delivery/operations.ts'
import { openWakeQueue, type WakeQueue } from '../src/delivery/queue.ts'
import { deliveryWorld, FakeDestination, type World } from './support/delivery-world.ts'
import { metric } from './support/metrics.ts'
import { redisServer } from './support/redis-server.ts'
import { until } from './support/until.ts'
import { fileSample, startWorld } from './support/world.ts'

const redis = await redisServer()
const skip = redis === null ? 'redis-server is not installed' : false
t.teardown(() => redis?.close())
const needed = (): NonNullable<typeof redis> => redis as NonNullable<typeof redis>

const deliveredIn = async (world: World): Promise<number> =>
  (await listQueues(world.pool)).reduce((sum, queue) => sum + queue.delivered, 0)

await t.test('nothing is lost or held up while Redis is restarted, gone or frozen', { skip }, async (t) => {
  const redis = needed()
  const world = await deliveryWorld(t, { redisUrl: redis.url })
  const other = await world.anotherNode()
  const destinations = ['a', 'b', 'c'].map((name) => new FakeDestination(name))
  await world.start(destinations)
  await other.start(destinations)
  const up = (): boolean => world.queue.isUp() && other.queue.isUp()
  const away = (): boolean => !world.queue.isUp() && !other.queue.isUp()
  let count = 0
  const deliverSome = async (): Promise<void> => {
    for (let i = 0; i < 10; i += 1) {
      await (i % 2 === 0 ? world : other).append(
        newId(),
        ...destinations.map(({ endpoint }) => ({ endpoint, position: 1 })),
      )
      count += destinations.length
    }
    await until(async () => (await deliveredIn(world)) === count)
  }
  await until(up)
  await deliverSome()

  await redis.stop()
  await redis.start()
  await deliverSome()
  await until(up)

  await redis.stop()
  await until(away)
  await deliverSome()
  await redis.start()
  await until(up)
  await deliverSome()

  // All this comes about though no command of Redis ends.
  redis.freeze()
  await deliverSome()
  await Promise.all([world.queue.repair(), other.queue.repair()])
  t.ok(away())
  await deliverSome()
  redis.thaw()
  await until(up)
  await deliverSome()

  const sent = destinations.flatMap((destination) => destination.sent.map(({ message }) => message.id))
  t.equal(new Set(sent).size, count)
  t.equal(sent.length, count, 'each was sent once')
  t.strictSame(
    [...new Set([...world.faults, ...other.faults].map(({ where }) => where))].filter(
      (where) => where !== 'queue redis',
    ),
    [],
  )
  t.ok(world.faults.length <= 2, 'an outage is seen often and told once')
})

await t.test('a queue whose Redis is away opens, keeps no wake-ups for later, and closes', { skip }, async (t) => {
  const redis = needed()
  await redis.stop()
  const faults: string[] = []
  const open = (): Promise<WakeQueue> =>
    openWakeQueue({
      databaseUrl: 'unused',
      redisUrl: redis.url,
      prefix: 'away',
      onFault: (where) => faults.push(where),
    })
  const [producer, consumer, third] = [await open(), await open(), await open()]
  const heard: string[] = []
  consumer.work({ wake: (endpoint) => void heard.push(endpoint), isBusy: () => false })
  third.work({ wake: () => undefined, isBusy: () => false })
  for (let i = 0; i < 1000; i += 1) producer.wake(`bank.${i}`)
  consumer.wake('own')
  t.strictSame(heard, ['own'], 'what a process can do itself needs no Redis')
  await third.close()
  await until(() => faults.length === 2)
  await redis.start()
  await until(() => producer.isUp() && consumer.isUp())
  producer.wake('last')
  await until(() => heard.length > 1)
  t.strictSame(heard, ['own', 'last'])

  redis.freeze()
  await consumer.close()
  await producer.close()
  redis.thaw()
})

await t.test('a gateway without its Redis says so, is ready, and goes on', { skip }, async (t) => {
  const redis = needed()
  const world = await startWorld(t, { config: { redisUrl: redis.url } })
  const { url } = world.gateway
  const ready = async (): Promise<unknown> => {
    const { statusCode, body } = await request(`${url}/readyz`)
    const { ready, degraded } = (await body.json()) as Record<string, unknown>
    return { statusCode, ready, degraded }
  }
  const seen = async (): Promise<unknown> => [await ready(), await metric(url, 'bdc_queue_up')]
  await until(() => metric(url, 'bdc_queue_up'))
  t.strictSame(await seen(), [{ statusCode: 200, ready: true, degraded: [] }, 1])
  await redis.stop()
  await until(async () => (await metric(url, 'bdc_queue_up')) === 0)
  t.strictSame(await seen(), [{ statusCode: 200, ready: true, degraded: ['queue'] }, 0])
  const id = await fileSample(await world.enrol())
  await until(
    async () => (await world.database.pool.query('select from message_history where case_id = $1', [id])).rowCount,
  )
  await redis.start()
  await until(() => metric(url, 'bdc_queue_up'))
})
