import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import type { loadConfig } from '../../src/config.ts'
import { settings } from '../../src/settings.ts'
import { nodeArguments } from './node-arguments.ts'

export type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>

/** `bdc-gateway serve` as a process of its own, which may be begun again and again. */
export interface ServedProcess {
  /** While it runs. */
  readonly pid: number | null
  /** Begins a process, without waiting for anything. */
  launch(): void
  /** Waits until it answers. @throws {Error} when it ends before. */
  ready(): Promise<void>
  /** `launch` and `ready`. */
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; gives the exit code, or null when a signal ended it. */
  stop(): Promise<number | null>
}

/** The same form as this module: TypeScript under a loader, JavaScript when compiled. */
export const MAIN = fileURLToPath(new URL(`../../src/main${extname(import.meta.url)}`, import.meta.url))

/**
 * @param options.url where it will listen by its settings.
 * @param options.logFile where it writes its log, start after start.
 */
export function servedProcess(
  t: { teardown(work: () => Promise<void>): unknown },
  options: { given: Overrides; url: string; logFile: string },
): ServedProcess {
  const { given, url, logFile } = options
  const log = openSync(logFile, 'a')
  let child: ChildProcess | null = null

  async function ended(signal: NodeJS.Signals): Promise<number | null> {
    const own = child
    child = null
    if (own === null || own.exitCode !== null || own.signalCode !== null) return own?.exitCode ?? null
    const exit = once(own, 'exit')
    own.kill(signal)
    return ((await exit) as [number | null])[0]
  }

  function launch(): void {
    if (child !== null) throw new Error('it runs already')
    child = spawn(process.execPath, [...nodeArguments, MAIN, 'serve'], {
      stdio: ['ignore', log, log],
      env: environment(given),
    })
  }

  async function ready(): Promise<void> {
    for (const own = child; ; await sleep(20)) {
      if (own === null || own.exitCode !== null || own.signalCode !== null) {
        throw new Error(`the gateway ended: ${(await readFile(logFile, 'utf8')).slice(-2000)}`)
      }
      const status = await request(`${url}/livez`).then(
        async ({ statusCode, body }) => body.dump().then(() => statusCode),
        () => 0,
      )
      if (status === 200) return
    }
  }

  const atExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', atExit)
  t.teardown(async () => {
    process.off('exit', atExit)
    await ended('SIGKILL')
    closeSync(log)
  })
  return {
    get pid() {
      return child?.pid ?? null
    },
    launch,
    ready,
    start: async () => {
      launch()
      await ready()
    },
    kill: async () => void (await ended('SIGKILL')),
    stop: () => ended('SIGTERM'),
  }
}

/** Every setting by its variable, and of our own environment only what a process needs. */
export function environment(given: Overrides): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null) env[settings[name as keyof typeof settings].variable] = String(value)
  }
  return env
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
