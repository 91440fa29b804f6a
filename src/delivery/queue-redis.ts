import { createRedisBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { type JobStore, type JobWorker, jobOptions, type OnFault, QUEUE_NAME, workerOptions } from './job-store.ts'

const { Queue, Worker } = withBackend(createRedisBackend)

/** A wake-up that Redis does not take in this time, in ms, is given up, and the connection with it. */
const COMMAND_MS = 1000
/** Silence after which a worker's connection counts as dead, in ms; longer than it ever waits for a job. */
const SILENT_MS = 15_000
/** A worker that has not closed by then, in ms, is cut off: what it held was hints. */
const CLOSE_MS = 2000
const RETRY_CAP_MS = 1000
/** An outage is seen at every try; it is told at most this often, in ms. */
const TOLD_EVERY_MS = 60_000

/** Neither queues nor repeats a command: a wake-up that cannot be given now is the reconciler's. */
const PRODUCER = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_MS,
}
/** Waits for Redis as long as it takes. A worker has a handful of commands under way at most. */
const CONSUMER = { maxRetriesPerRequest: null, socketTimeout: SILENT_MS }

/** Jobs in Redis: wake-ups in under a millisecond, and none of PostgreSQL's time. */
export function redisStore(url: string, prefix: string, onFault: OnFault): JobStore {
  let up = false
  let closing = false
  const told = new Map<string, number>()
  const tell = (where: string, error: unknown): void => {
    const before = told.get(where)
    if (closing || (before !== undefined && performance.now() - before < TOLD_EVERY_MS)) return
    told.set(where, performance.now())
    onFault(where, error)
  }
  const lost = (error: unknown): void => {
    up = false
    tell('queue redis', error)
  }
  const producer = open(url, PRODUCER)
  producer.on('ready', () => {
    up = true
  })
  producer.on('error', lost)
  producer.on('close', () => lost(new Error('Redis closed the connection')))
  /** Redis that takes commands and does not answer, or refuses them, is away too; the connection is made anew. */
  const answered = async (command: Promise<unknown>): Promise<void> => {
    try {
      await command
    } catch (error) {
      if (up) producer.disconnect(true)
      lost(error)
    }
  }
  const queue = new Queue(QUEUE_NAME, {
    connection: producer,
    prefix,
    // Nothing that is asked once and must succeed: Redis may be away at the start.
    skipVersionCheck: true,
    skipMetasUpdate: true,
    skipWaitingForReady: true,
  })
  queue.on('error', lost)
  return {
    isUp: () => up,
    add: async (endpoint) => answered(queue.add(endpoint, {}, jobOptions(endpoint))),
    startWorker: (handle) =>
      startWorker(url, prefix, handle, (error) => {
        if (up) tell('queue worker', error)
      }),
    // Redis makes its keys as they are used: a flushed store lacks nothing.
    repair: async () => {
      if (up) await answered(producer.ping())
    },
    close: async () => {
      closing = true
      await queue.close()
      producer.disconnect()
    },
  }
}

function startWorker(
  url: string,
  prefix: string,
  handle: (endpoint: string) => void,
  onError: (error: unknown) => void,
): JobWorker {
  const connection = open(url, CONSUMER)
  const worker = new Worker(QUEUE_NAME, async ({ name }) => handle(name), { connection, prefix, ...workerOptions })
  worker.on('error', onError)
  let failed = false
  // What a worker asks at its start it asks once: one that was refused then never works.
  void worker.waitUntilReady().catch(() => {
    failed = true
  })
  return {
    isRunning: () => !failed && worker.isRunning(),
    close: async (force) => {
      const closed = worker.close(force === true || connection.status !== 'ready').catch(onError)
      let cut: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => {
        cut = setTimeout(resolve, CLOSE_MS)
      })
      await Promise.race([closed, late])
      clearTimeout(cut)
      connection.disconnect()
      void worker
        .getBackend()
        .blockingClient?.then((client) => client.disconnect())
        .catch(() => undefined)
    },
  }
}

function open(url: string, options: typeof PRODUCER | typeof CONSUMER): Redis {
  const redis = new Redis(url, { ...options, retryStrategy: (times) => Math.min(100 * times, RETRY_CAP_MS) })
  redis.on('error', () => undefined)
  return redis
}
