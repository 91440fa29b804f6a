import { createPostgresBackend, createRedisBackend, runMigrations, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Agent, request } from 'undici'

// What is taken when nothing but BullMQ is at hand: a job a message, its body in it, one HTTP call each. No order, no
// signature, no record of what was sent, no look-up before a repeat.
const given = JSON.parse(process.argv[2] as string) as {
  databaseUrl: string
  redisUrl: string | null
  targetUrl: string
  concurrency: number
}
const agent = new Agent({ connections: given.concurrency })
const QUEUE = 'pushes'

if (given.redisUrl === null) {
  const client = new pg.Client(given.databaseUrl)
  await client.connect()
  await runMigrations(client, 'bare')
  await client.end()
}
const { Queue, Worker } = given.redisUrl === null ? withBackend(createPostgresBackend) : withBackend(createRedisBackend)
const connection = (): never =>
  (given.redisUrl === null
    ? { connectionString: given.databaseUrl, schema: 'bare', max: 12 }
    : new Redis(given.redisUrl, { maxRetriesPerRequest: null })) as never
const queue = new Queue(QUEUE, { connection: connection() })

async function seed(count: number): Promise<void> {
  const body = JSON.stringify({
    Case: { type: '20', unid: '01a1bf00c0a0707e9e6978326021245d', text: '受理'.repeat(400) },
  })
  for (let left = count; left > 0; left -= 500) {
    const jobs = Array.from({ length: Math.min(left, 500) }, () => ({
      name: 'push',
      data: { body },
      opts: { removeOnComplete: true },
    }))
    await queue.addBulk(jobs)
  }
}

/** Seconds from the start of the worker to the end of the last job. */
async function drain(count: number): Promise<number> {
  const startMs = performance.now()
  let done = 0
  const worker = new Worker(
    QUEUE,
    async (job: { data: { body: string } }) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await request(`${given.targetUrl}/messages`, {
        method: 'POST',
        headers,
        body: job.data.body,
        dispatcher: agent,
      })
      await answer.body.dump()
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
    },
    { connection: connection(), concurrency: given.concurrency },
  )
  await new Promise<void>((resolve, reject) => {
    worker.on('completed', () => {
      done += 1
      if (done === count) resolve()
    })
    worker.on('failed', (_job: unknown, error: Error) => reject(error))
    worker.on('error', reject)
  })
  const seconds = (performance.now() - startMs) / 1000
  await worker.close()
  return seconds
}

process.on('message', ({ work, count }: { work: 'seed' | 'drain'; count: number }) => {
  const done = work === 'seed' ? seed(count).then(() => 0) : drain(count)
  done.then(
    (seconds) => process.send?.({ seconds }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  )
})
process.send?.({ url: given.targetUrl })
process.once('SIGTERM', () => process.exit(0))
