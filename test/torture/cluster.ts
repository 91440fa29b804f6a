import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { cuttingProxy } from '../support/cutting-proxy.ts'
import { nodeArguments } from '../support/node-arguments.ts'

export type Role = 'api' | 'worker' | 'all'

export interface Node {
  readonly role: Role
  readonly port: number
  /** How often it ended without being told to. */
  readonly ends: number
  /** The next COMMIT of it loses its connection. */
  cut(when: 'before' | 'after'): void
  readonly cuts: number
  kill(): void
  /** Its exit code. */
  stop(): Promise<number | null>
}

export interface NodeOptions {
  main: string
  role: Role
  port: number
  databaseUrl: string
  environment: Record<string, string>
  logFile: string
}

/** A process of the gateway that gets up again whenever it ends, with a way to the database that can be cut. */
export async function startNode(
  t: { teardown(work: () => Promise<void>): unknown },
  options: NodeOptions,
): Promise<Node> {
  const { role, port } = options
  const proxy = await cuttingProxy(t, options.databaseUrl)
  const log = openSync(options.logFile, 'a')
  let child: ChildProcess | null = null
  let isWanted = true
  let ends = 0

  const launch = (): void => {
    const own = spawn(process.execPath, [...nodeArguments, options.main, 'serve'], {
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env['PATH'] ?? '',
        ...options.environment,
        GATEWAY_ROLE: role,
        GATEWAY_PORT: String(port),
        DATABASE_URL: proxy.url,
      },
    })
    child = own
    own.once('exit', () => {
      if (!isWanted) return
      ends += 1
      launch()
    })
  }
  const atExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', atExit)
  launch()
  const stop = async (): Promise<number | null> => {
    isWanted = false
    const own = child
    if (own === null || own.exitCode !== null || own.signalCode !== null) return own?.exitCode ?? null
    const exit = once(own, 'exit')
    own.kill('SIGTERM')
    return ((await exit) as [number | null])[0]
  }
  t.teardown(async () => {
    process.off('exit', atExit)
    isWanted = false
    if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    closeSync(log)
  })
  await untilLive(port)
  return {
    role,
    port,
    get ends() {
      return ends
    },
    cut: (when) => proxy.cut(when),
    get cuts() {
      return proxy.cuts
    },
    kill: () => void child?.kill('SIGKILL'),
    stop,
  }
}

async function untilLive(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const status = await request(`http://127.0.0.1:${port}/livez`).then(
      async ({ statusCode, body }) => body.dump().then(() => statusCode),
      () => 0,
    )
    if (status === 200) return
    await sleep(50)
  }
  throw new Error(`the process on port ${port} does not get up`)
}
