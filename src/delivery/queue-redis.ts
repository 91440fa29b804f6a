import { createRedisBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { type JobStore, jobOptions, type OnFault, QUEUE_NAME, workerOptions } from './job-store.ts'

const { Queue, Worker } = withBackend(createRedisBackend)

/** Jobs in Redis: wake-ups in under a millisecond, and none of PostgreSQL's time. */
export function redisStore(url: string, prefix: string, onFault: OnFault): JobStore {
  const connections: Redis[] = []
  const connect = (): Redis => {
    const redis = new Redis(url, { maxRetriesPerRequest: null })
    redis.on('error', (error) => onFault('queue redis', error))
    connections.push(redis)
    return redis
  }
  const queue = new Queue(QUEUE_NAME, { connection: connect(), prefix })
  queue.on('error', (error) => onFault('queue', error))
  return {
    add: async (endpoint) => void (await queue.add(endpoint, {}, jobOptions(endpoint))),
    startWorker: (handle) => {
      const worker = new Worker(QUEUE_NAME, async ({ name }) => handle(name), {
        connection: connect(),
        prefix,
        ...workerOptions,
      })
      worker.on('error', (error) => onFault('queue worker', error))
      return worker
    },
    // Redis makes its keys as they are used: a flushed store lacks nothing.
    repair: async () => undefined,
    close: async () => {
      await queue.close()
      for (const redis of connections) redis.disconnect()
    },
  }
}
