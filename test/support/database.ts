import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import root from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type Keyring, openKeyring } from '../../src/db/data-keys.ts'
import { openEmbedded } from '../../src/db/embedded.ts'
import { openPool, type Pool } from '../../src/db/pool.ts'
import { fillFromTemplate } from './database-template.ts'
import { silentLog } from './silent-log.ts'

export interface TestDatabase {
  readonly pool: Pool
  readonly url: string
  /** A data folder of this database's own, for files, checkpoints and the like. */
  readonly dataDir: string
  readonly keyring: Keyring
  readonly masterKey: Buffer
  /** The whole server's folder, for scans of WAL and log. */
  readonly serverDir: string
  /** Brings all that is in the server's memory to its files, as only its superuser may. */
  checkpoint(): Promise<void>
}

interface Server {
  readonly folder: string
  readonly url: string
  readonly admin: pg.Client
  readonly masterKey: Buffer
  databases: number
}

let server: Promise<Server> | null = null

/**
 * A migrated database of its own, with partitions made and keys in place: a copy of a template on the one embedded
 * server of this process. Gone when `t` ends; the server when the process's tests end.
 */
export async function testDatabase(
  t: { teardown(work: () => Promise<void>): unknown },
  options: { sealing?: 'on' | 'off'; clock?: Clock; poolSize?: number } = {},
): Promise<TestDatabase> {
  server ??= startServer()
  const { folder, admin, masterKey, ...own } = await server
  const number = ++(await server).databases
  const name = `test_${number}`
  const dataDir = join(folder, `data-${number}`)
  await mkdir(dataDir)
  await admin.query(`create database ${name} template migrated owner gateway`)
  const url = own.url.replace('/gateway?', `/${name}?`)
  const pool = openPool({ url, max: options.poolSize ?? 8, applicationName: name })
  t.teardown(async () => {
    if (!pool.ended) await pool.end()
    await admin.query(`drop database ${name} with (force)`)
    await rm(dataDir, { recursive: true, force: true })
  })
  const { sealing = 'on', clock = systemClock } = options
  const keyring = await openKeyring({ masterKey, pool, clock, sealing })
  return {
    pool,
    url,
    dataDir,
    keyring,
    masterKey,
    serverDir: join(folder, 'postgres'),
    checkpoint: async () => void (await admin.query('checkpoint')),
  }
}

const PREFIX = `bdc-test-${process.getuid?.() ?? 0}-`

async function startServer(): Promise<Server> {
  removeAbandoned()
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  await chmod(folder, 0o755)
  process.once('exit', () => discard(folder))
  const masterKey = await fillFromTemplate(folder)
  const embedded = await openEmbedded({ dataDir: folder, log: silentLog })
  const password = (await readFile(join(folder, 'postgres.password'), 'utf8')).trim()
  const { port } = new URL(embedded.url)
  const admin = new pg.Client(`postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`)
  admin.on('error', () => undefined)
  await admin.connect()
  await admin.query('alter database gateway rename to migrated')
  root.teardown(async () => {
    await admin.end()
    await embedded.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { folder, url: embedded.url, admin, masterKey, databases: 0 }
}

/** What a test process that was killed left behind. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : 0
    if (pid > 0 && !isAlive(pid)) discard(join(tmpdir(), name))
  }
}

/** At once and without waiting: the last resort when a process ends before its teardowns have run. */
function discard(folder: string): void {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8'), 10)
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(pid, 'SIGQUIT')
  } catch {
    // Nothing runs there.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
