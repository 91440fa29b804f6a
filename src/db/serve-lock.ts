import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { within } from '../base/within.ts'
import { advisoryLock } from './advisory-lock.ts'
import { errorFields, type Log } from './log.ts'
import { silentFor } from './pool.ts'
import { StartRefused } from './start-refused.ts'

export interface ServeLock {
  release(): Promise<void>
}

interface ServeLockOptions {
  url: string
  /** Named to the person who starts a second gateway. */
  folder: string
  /** Beside others that share it, none of which is exclusive; default false. */
  shared?: boolean
  /** How long to try, since the server may not have missed a killed gateway yet; default 5,000. */
  patienceMs?: number
  /** How often the connection is asked whether it lives, and how long it may take to answer; default 4,000. */
  lookMs?: number
}

interface Held {
  client: pg.Client
  /** The server's process of this session, told from a later one of the same number by its start. */
  backend: { pid: number; startedAt: string }
}

/** What the server's side of the connection may be silent for: longer than ours, so that the holder learns of it first. */
const NETWORK = `set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
                 set tcp_user_timeout = 25000`

/**
 * Makes this process the one `serve` on a database, or one of those that share its storage, by an advisory lock on a
 * connection of its own. When that connection is lost (the server restarted, or the network fell silent), the lock is
 * taken again, also from the session that the server may still keep for the lost one.
 * @param onLost called when another gateway took the lock meanwhile: this one must stop.
 * @throws {StartRefused} `data-folder-in-use`.
 */
export async function serveLock(
  options: ServeLockOptions & { log: Log; onLost: (error: StartRefused) => void },
): Promise<ServeLock> {
  const { log, lookMs = 4000 } = options
  const released = new AbortController()
  let held = await take(options, null)
  watch(held.client)

  function watch(client: pg.Client): void {
    // Whoever believes in a lock that the server has given to another writes beside it.
    const looking = setInterval(() => {
      client.query(silentFor(lookMs, 'select 1')).catch(() => client.connection.stream.destroy())
    }, lookMs * 1.25)
    client.once('end', () => {
      clearInterval(looking)
      if (!released.signal.aborted) void retake()
    })
  }

  async function retake(): Promise<void> {
    while (!released.signal.aborted) {
      try {
        const again = await take(options, held.backend)
        if (released.signal.aborted) return await again.client.end()
        held = again
        watch(held.client)
        return
      } catch (error) {
        if (error instanceof StartRefused) return options.onLost(error)
        log.warn(errorFields(error), 'the serve lock is not held; taking it again')
        await sleep(500)
      }
    }
  }

  return {
    release: async () => {
      if (released.signal.aborted) return
      released.abort()
      const { client } = held
      if (!(await within(1000, Promise.allSettled([client.end()])))) client.connection.stream.destroy()
    },
  }
}

/** @param former our own session whose connection is lost: the server may not know, and would keep the lock for it. */
async function take(
  { url, folder, shared = false, patienceMs = 5000 }: ServeLockOptions,
  former: Held['backend'] | null,
): Promise<Held> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
    keepAlive: true,
    application_name: `bdc-gateway serve ${process.pid}@${hostname()}`.slice(0, 63),
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(NETWORK)
    if (former !== null)
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2::timestamptz',
        [former.pid, former.startedAt],
      )
    const until = Date.now() + patienceMs
    for (;;) {
      const { rows } = await client.query<{ got: boolean }>(
        `select pg_try_advisory_lock${shared ? '_shared' : ''}($1) as got`,
        [advisoryLock.serve],
      )
      if (rows[0]?.got === true) return { client, backend: await backendOf(client) }
      if (Date.now() > until) throw inUse(folder, await holder(client))
      await sleep(200)
    }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

async function backendOf(client: pg.Client): Promise<Held['backend']> {
  const { rows } = await client.query<Held['backend']>(
    'select pid, backend_start::text as "startedAt" from pg_stat_activity where pid = pg_backend_pid()',
  )
  const [backend] = rows
  if (backend === undefined) throw new Error('the server does not tell of our own session')
  return backend
}

async function holder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and l.granted and l.objid = $1 and l.objsubid = 1
        and l.database = (select oid from pg_database where datname = current_database())`,
    [advisoryLock.serve],
  )
  return rows[0]?.name ?? '?'
}

function inUse(folder: string, name: string): StartRefused {
  return new StartRefused('data-folder-in-use', {
    zh: `数据目录 ${folder} 或其数据库正被另一个网关使用（${name}）。请先停止它，或为本网关指定其他数据目录与数据库；若各进程共用一个数据目录，请为每个进程设置 SHARED_STORAGE=true。`,
    en: `Another gateway uses the data folder ${folder} or its database (${name}). Stop it first, or give this one others; if the processes share one data folder, set SHARED_STORAGE=true for each of them.`,
  })
}
