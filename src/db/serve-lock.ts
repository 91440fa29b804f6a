import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { advisoryLock } from './advisory-lock.ts'
import { errorFields, type Log } from './log.ts'
import { StartRefused } from './start-refused.ts'

export interface ServeLock {
  release(): Promise<void>
}

/**
 * Makes this process the one `serve` on a data folder, by an advisory lock on a connection of its own. When that
 * connection is lost (the server restarted), the lock is taken again.
 * @param url of the embedded database.
 * @param folder named to the person who starts a second gateway.
 * @param onLost called when another gateway took the lock meanwhile: this one must stop.
 * @param patienceMs how long to try, since the server may not have missed a killed gateway yet; default 5,000.
 * @throws {StartRefused} `data-folder-in-use`.
 */
export async function serveLock(options: {
  url: string
  folder: string
  log: Log
  onLost: (error: StartRefused) => void
  patienceMs?: number
}): Promise<ServeLock> {
  const { url, folder, log, patienceMs = 5000 } = options
  const released = new AbortController()
  let held = await take(url, folder, patienceMs)
  watch(held)

  function watch(client: pg.Client): void {
    client.once('end', () => {
      if (!released.signal.aborted) void retake()
    })
  }

  async function retake(): Promise<void> {
    while (!released.signal.aborted) {
      try {
        const client = await take(url, folder, patienceMs)
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

async function take(url: string, folder: string, patienceMs: number): Promise<pg.Client> {
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
      const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [
        advisoryLock.serve,
      ])
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
    zh: `数据目录 ${folder} 正被另一个网关使用（${name}）。请先停止它，或为本网关指定其他数据目录。`,
    en: `Another gateway uses the data folder ${folder} (${name}). Stop it first, or give this one another data folder.`,
  })
}
