import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import type { FaultRule } from './faults.ts'
import type { PlatformCommand, PlatformConfig, PlatformState } from './platform.ts'
import type { RegistryCommand, RegistryConfig } from './registry.ts'
import type { RegistryState } from './registry-state.ts'

/** What a counterparty can be told at `/_control`. */
export type CounterpartyCommand = FaultRule | { reset: true } | RegistryCommand | PlatformCommand

/** A counterparty that runs in a process of its own. */
export interface RunningCounterparty<State> {
  port: number
  url: string
  /** Resolves when it ends, whoever ended it. */
  ended: Promise<void>
  /** What it holds and how often it was called. */
  state(): Promise<State>
  control(command: CounterpartyCommand | readonly CounterpartyCommand[]): Promise<State>
  /** Ends it in good order and waits for its end. */
  stop(): Promise<void>
  /** Ends it as a crash would (SIGKILL) and waits for its end. */
  kill(): Promise<void>
}

export interface CounterpartyStart<Config> {
  /** Where it keeps what it takes; a second start there finds everything again. */
  dir: string
  /** A free port by default. */
  port?: number
  config?: Partial<Config>
}

export function startRegistry(start: CounterpartyStart<RegistryConfig>): Promise<RunningCounterparty<RegistryState>> {
  return startCounterparty('registry-process', start)
}

export function startPlatform(start: CounterpartyStart<PlatformConfig>): Promise<RunningCounterparty<PlatformState>> {
  return startCounterparty('platform-process', start)
}

async function startCounterparty<State>(
  module: string,
  start: CounterpartyStart<object>,
): Promise<RunningCounterparty<State>> {
  // The same form as this module: TypeScript under the loader that we run under, JavaScript as it is.
  const form = extname(import.meta.url)
  const file = fileURLToPath(new URL(`./${module}${form}`, import.meta.url))
  const loader = form === '.ts' ? process.execArgv : []
  const given = ['--port', String(start.port ?? 0), '--dir', start.dir, '--json', JSON.stringify(start.config ?? {})]
  // A stdin pipe ties its life to ours: it ends when we do, however we end. A Ctrl-C at the terminal is for us alone:
  // were it the child's too, the child could be gone before we know why.
  const child = spawn(process.execPath, [...loader, file, ...given], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const port = await listeningPort(child, module)
  const url = `http://127.0.0.1:${port}`

  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await ended
  }
  return {
    port,
    url,
    ended,
    state: () => called<State>(`${url}/_control/state`, 'GET'),
    control: (command) => called<State>(`${url}/_control`, 'POST', JSON.stringify(command)),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/** Reads the line that says where it listens; @throws {Error} when it ends before. */
async function listeningPort(child: ChildProcess, module: string): Promise<number> {
  if (child.stdout === null) throw new Error('no standard output to read')
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the sandbox's ${module} ended at its start with ${String(code)}`)
  })
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text))
  const port = (JSON.parse(await Promise.race([line, exited])) as { port: number }).port
  exited.catch(() => undefined)
  return port
}

async function called<State>(url: string, method: 'GET' | 'POST', body?: string): Promise<State> {
  const response = await request(url, { method, body: body ?? null })
  const answer = await response.body.json()
  if (response.statusCode !== 200) throw new Error(`the sandbox refused: ${JSON.stringify(answer)}`)
  return answer as State
}
