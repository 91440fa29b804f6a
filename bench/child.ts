import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'

/** A measured process: the other one stands still while it is measured. */
export interface Measured {
  url: string
  pid: number
  /** Lets it run on, and others not. */
  alone<T>(work: () => Promise<T>): Promise<T>
  rssMb(): number | undefined
  close(): Promise<void>
}

/** A module of ours that can be told what to do. */
export interface Module extends Measured {
  /** @throws {Error} with the failure that it tells of. */
  ask(work: object): Promise<{ seconds: number }>
}

const all = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of all) child.kill('SIGKILL')
})

export interface LaunchOptions {
  env?: Record<string, string>
  nodeArguments?: readonly string[]
  /** False for a counterparty, which goes on while another is measured; default true. */
  isMeasured?: boolean
}

/** A module of ours with one argument, that says `{ url }` when it is there. */
export async function startModule(name: string, argument: unknown, options: LaunchOptions = {}): Promise<Module> {
  const file = fileURLToPath(new URL(name, import.meta.url))
  const child = fork(file, [JSON.stringify(argument)], {
    execArgv: [...(options.nodeArguments ?? [])],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
  })
  const ended = once(child, 'exit').then(() => null)
  const said = await Promise.race([once(child, 'message'), ended])
  if (said === null) throw new Error(`${name} ended before it was there`)
  return {
    ...measured(child, (said as [{ url: string }])[0].url, options.isMeasured),
    ask: async (work) => {
      child.send(work)
      const [told] = (await once(child, 'message')) as [{ seconds: number } | { failure: string }]
      if ('failure' in told) throw new Error(told.failure)
      return told
    },
  }
}

/** A program that is there when `GET /livez` says so. */
export async function startServer(
  args: readonly string[],
  url: string,
  options: LaunchOptions = {},
): Promise<Measured> {
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
  })
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended before it was there`)
    const status = await request(`${url}/livez`).then(
      async ({ statusCode, body }) => body.dump().then(() => statusCode),
      () => 0,
    )
    if (status === 200) return measured(child, url)
    await sleep(50)
  }
  child.kill('SIGKILL')
  throw new Error(`${args.join(' ')} does not get up`)
}

const standing = new Set<ChildProcess>()

function measured(child: ChildProcess, url: string, isMeasured = true): Measured {
  all.add(child)
  if (isMeasured) standing.add(child)
  const pid = child.pid as number
  return {
    url,
    pid,
    alone: async (work) => {
      const others = [...standing].filter((other) => other !== child)
      for (const other of others) other.kill('SIGSTOP')
      try {
        return await work()
      } finally {
        for (const other of others) other.kill('SIGCONT')
      }
    },
    rssMb: () => rssMb(pid),
    close: async () => {
      standing.delete(child)
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit')
        child.kill('SIGTERM')
        const stubborn = setTimeout(() => child.kill('SIGKILL'), 15_000)
        await exit
        clearTimeout(stubborn)
      }
      all.delete(child)
    },
  }
}

/** Resident memory in MiB; unknown where there is no /proc. */
function rssMb(pid: number): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    return (pages * 4096) / 1024 / 1024
  } catch {
    return undefined
  }
}
