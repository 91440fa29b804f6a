import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { advisoryLock } from './advisory-lock.ts'
import { errorFields, type Log } from './log.ts'
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
}

/**
 * Makes this process the one `serve` on a database, or one of those that share its storage, by an advisory lock on a
 * connection of its own. When that connection is lost (the server restarted), the lock is taken again.
 * @param onLost called when another gateway took the lock meanwhile: this one must stop.
 * @throws {StartRefused} `data-folder-in-use`.
 */
export async function serveLock(
  options: ServeLockOptions & { log: Log; onLost: (error: StartRefused) => void },
): Promise<ServeLock> {
  const { log } = options
  const released = new AbortController()
  let held = await take(options)
  watch(held)

  function watch(client: pg.Client): void {
    client.once('end', () => {
      if (!released.signal.aborted) void retake()
    })
  }

  async function retake(): Promise<void> {
    while (!released.signal.aborted) {
      try {
        const client = await take(options)
        if (released.signal.aborted) return await client.end()
        held = client
        watch(held)
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
      await held.end().catch(() => undefined)
    },
  }
}

async function take({ url, folder, shared = false, patienceMs = 5000 }: ServeLockOptions): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: `bdc-gateway serve ${process.pid}@${hostname()}`.slice(0, 63),
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const until = Date.now() + patienceMs
    for (;;) {
      const { rows } = await client.query<{ got: boolean }>(
        `select pg_try_advisory_lock${shared ? '_shared' : ''}($1) as got`,
        [advisoryLock.serve],
      )
      if (rows[0]?.got === true) return client
      if (Date.now() > until) throw inUse(folder, await holder(client))
      await sleep(200)
    }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
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
