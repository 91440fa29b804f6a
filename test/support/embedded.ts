import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import root from 'tap'
import { openEmbedded } from '../../src/db/embedded.ts'
import { nodeArguments } from './node-arguments.ts'
import { silentLog } from './silent-log.ts'

interface Teardown {
  teardown(work: () => Promise<void>): unknown
}

/** A folder that any user can pass through, with a name that breaks careless quoting. */
export async function temporaryFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bdc 数据 folder-'))
  await chmod(folder, 0o755)
  t.teardown(async () => {
    const pid = await postmasterPid(folder)
    if (pid !== null) process.kill(pid, 'SIGQUIT')
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  return folder
}

let template: Promise<string> | null = null

/** As `temporaryFolder`, with a cluster in it that was made once for this process and stopped: faster than a new one. */
export async function readyFolder(t: Teardown): Promise<string> {
  template ??= makeTemplate()
  const folder = await temporaryFolder(t)
  // -a keeps the owner, which is not us when we are root.
  await promisify(execFile)('cp', ['-a', `${await template}/.`, folder])
  return folder
}

async function makeTemplate(): Promise<string> {
  const folder = await temporaryFolder(root)
  const embedded = await openEmbedded({ dataDir: folder, log: silentLog })
  await embedded.close()
  return folder
}

/** The live server of a data folder. */
export async function postmasterPid(folder: string): Promise<number | null> {
  const text = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 && isAlive(pid) ? pid : null
}

/** False also for one that has ended but was not yet waited for by its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
}

export interface Told {
  url: string
  adopted: boolean
  uid?: number
  error?: string
}

/** Another process on the folder; `child.kill('SIGKILL')` is what a crash is. */
export async function startOwner(
  t: Teardown,
  folder: string,
  options: { lock?: boolean; uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; told: Told }> {
  const { lock = false, uid, gid } = options
  const file = fileURLToPath(import.meta.url).replace(/embedded\.(ts|js)$/, 'embedded-owner.$1')
  const child = fork(file, [folder, ...(lock ? ['lock'] : [])], {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    execArgv: [...nodeArguments],
    // An ordinary user whose home is empty.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  })
  const [told] = (await once(child, 'message')) as [Told]
  return { child, told }
}

export async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

export async function closed(child: ChildProcess): Promise<void> {
  child.send('close')
  await once(child, 'exit')
}

/** Runs statements on a connection of its own. */
export async function ask<Row extends object>(url: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    let rows: Row[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows as Row[]
    return rows
  } finally {
    await client.end()
  }
}

export async function until(holds: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
