import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'

/** A Redis that keeps nothing; on one port for as long as it is used. */
export interface RedisServer {
  readonly url: string
  empty(): Promise<void>
  /** Ends it at once, with all that it held. */
  stop(): Promise<void>
  start(): Promise<void>
  /** It takes connections and commands, and does not answer, until it is thawed. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Null where redis-server is not installed. */
export async function redisServer(): Promise<RedisServer | null> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const first = await launch(port)
  if (first === null) return null
  let child: ChildProcess = first
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  await client.ping()
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return {
    url,
    empty: async () => void (await client.flushall()),
    stop,
    start: async () => {
      child = (await launch(port)) ?? child
      await client.ping()
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    close: async () => {
      client.disconnect()
      await stop()
    },
  }
}

function launch(port: number): Promise<ChildProcess | null> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    { stdio: 'ignore' },
  )
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(child))
    child.once('error', () => resolve(null))
  })
}
