import type { Test } from 'tap'
import root from 'tap'
import { redisServer } from './redis-server.ts'

/** Where wake-ups go; null: through PostgreSQL. */
export interface QueueBackend {
  readonly name: string
  readonly redisUrl: string | null
  /** Takes all from Redis. */
  empty(): Promise<void>
}

/** Kept until the process's tests end. */
const redis = await redisServer()
root.teardown(() => redis?.close())

const POSTGRES: QueueBackend = { name: 'PostgreSQL', redisUrl: null, empty: async () => undefined }

/** One test on each backend of the queue; on Redis skipped where redis-server is not installed. */
export async function onBothBackends(
  t: Pick<Test, 'test'>,
  title: string,
  work: (t: Test, backend: QueueBackend) => Promise<unknown>,
): Promise<void> {
  await t.test(`${title} (${POSTGRES.name})`, (t) => work(t, POSTGRES))
  await t.test(
    `${title} (Redis)`,
    { skip: redis === null ? 'redis-server is not installed' : false },
    async (t) => void (redis !== null && (await work(t, { ...redis, name: 'Redis', redisUrl: redis.url }))),
  )
}
