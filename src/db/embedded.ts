import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { advisoryLock } from './advisory-lock.ts'
import { removeOldBinaries } from './embedded-binaries.ts'
import { type Cluster, prepareCluster } from './embedded-cluster.ts'
import { boundLog, runningServer, startServer, stopServer } from './embedded-server.ts'
import { errorFields, type Log } from './log.ts'
import { StartRefused } from './start-refused.ts'

export interface Embedded {
  /** Of the database `gateway`, as the role that owns it. Secret. */
  readonly url: string
  /** True when the server ran already: another process uses it, or one that was killed left it behind. */
  readonly adopted: boolean
  /** Stops the server, unless another process uses it too: the last one out stops it. */
  close(): Promise<void>
}

/**
 * The embedded PostgreSQL of a data folder. Every process that uses it (`serve`, commands) comes through here: a
 * running server is adopted, else one is started and waited for. Each holds a shared advisory lock while it uses the
 * server, and stops it only if it then gets the lock alone, so none stops it under another. A server that dies is
 * started again, on its port, as long as somebody holds this.
 * @throws {StartRefused} with what to do about it.
 */
export async function openEmbedded(options: { dataDir: string; log: Log }): Promise<Embedded> {
  const { log } = options
  const cluster = await prepareCluster(options.dataDir, log)
  const closing = new AbortController()
  let reviving: Promise<void> | null = null

  const first = await attach(cluster, log, 0)
  let held = first.client
  const { port } = first
  watch(held)
  if (!first.adopted) await removeOldBinaries(cluster.folder, cluster.binaries.version)
  log.info({ port, folder: cluster.folder, adopted: first.adopted }, 'embedded database is ready')

  function watch(client: pg.Client): void {
    client.once('end', () => {
      if (!closing.signal.aborted) reviving ??= revive()
    })
  }

  async function revive(): Promise<void> {
    log.warn({ port }, 'the embedded database went away')
    for (let waitMs = 100; !closing.signal.aborted; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        held = (await attach(cluster, log, port)).client
        reviving = null
        watch(held)
        log.info({ port }, 'the embedded database is back')
        return
      } catch (error) {
        log.error(errorFields(error), 'the embedded database did not come back; trying on')
        await sleep(waitMs)
      }
    }
  }

  const housekeeping = setInterval(() => {
    boundLog(cluster).catch((error: unknown) => log.warn(errorFields(error), 'could not bound the database log'))
  }, 60_000)
  housekeeping.unref()

  async function close(): Promise<void> {
    if (closing.signal.aborted) return
    closing.abort()
    clearInterval(housekeeping)
    await reviving
    const alone = await lastOneOut(held).catch((error: unknown) => {
      log.warn(errorFields(error), 'the embedded database is left as it is: no connection to ask on')
      return false
    })
    try {
      if (alone) await stopServer(cluster)
    } catch (error) {
      // Its folder may be gone; the server ends by itself then, and must not keep this process.
      log.error(errorFields(error), 'the embedded database could not be stopped')
    } finally {
      await Promise.race([held.end().catch(() => undefined), sleep(1000, undefined, { ref: false })])
      held.connection.stream.destroy()
    }
    log.info({ port, stopped: alone }, 'embedded database closed')
  }

  const url = `postgres://gateway:${cluster.gatewayPassword}@127.0.0.1:${port}/gateway?sslmode=disable`
  return { url, adopted: first.adopted, close }
}

interface Attached {
  client: pg.Client
  port: number
  adopted: boolean
}

/** How long a live server may refuse connections without saying that it is starting or stopping. */
const SILENCE_MS = 60_000
/** How often a start may be tried anew: a port taken, a faster neighbour, a former server's last processes. */
const STARTS = 60

/** @param port 0 for any. */
async function attach(cluster: Cluster, log: Log, port: number): Promise<Attached> {
  let adopted = true
  let silentSince = Date.now()
  for (let starts = 0; ; ) {
    const running = await runningServer(cluster)
    if (running === null) {
      starts += 1
      if (starts > STARTS) throw neverReady(cluster)
      adopted = false
      const slow = setInterval(() => log.info({}, 'still waiting for the embedded database (recovering?)'), 5000)
      const outcome = await startServer(cluster, port).finally(() => clearInterval(slow))
      if (outcome === 'again') {
        adopted = true
        await sleep(500)
      }
      continue
    }
    if (port !== 0 && running.port !== 0 && running.port !== port) {
      throw new Error('the embedded database runs on another port')
    }
    try {
      const client = await use(cluster, running.port)
      return { client, port: running.port, adopted }
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === '28P01' || code === '28000') throw wrongPassword(cluster, error)
      // 57P03 starting or stopping, 57P01 stopped while we waited for the lock: it speaks, so there is no hurry.
      if (code === '57P03' || code === '57P01') silentSince = Date.now()
      if (Date.now() - silentSince > SILENCE_MS) throw neverReady(cluster, error)
      await sleep(100)
    }
  }
}

/** A superuser's connection that holds the use lock, after the first steps in a new cluster have been made. */
async function use(cluster: Cluster, port: number): Promise<pg.Client> {
  if (port === 0) throw new Error('the server has not written its port yet')
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    password: cluster.password,
    ssl: false,
    connectionTimeoutMillis: 5000,
    application_name: `bdc-gateway embedded ${process.pid}`,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('select pg_advisory_lock_shared($1)', [advisoryLock.embeddedUse])
    await makeDatabase(client, cluster.gatewayPassword)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** Gives up the shared use; true when nobody else has it, and nobody can get it before the server is stopped. */
async function lastOneOut(client: pg.Client): Promise<boolean> {
  await client.query('select pg_advisory_unlock_shared($1)', [advisoryLock.embeddedUse])
  const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [
    advisoryLock.embeddedUse,
  ])
  return rows[0]?.alone === true
}

/** The gateway works as a role that owns its database but is no superuser: it cannot read files or change settings. */
async function makeDatabase(client: pg.Client, password: string): Promise<void> {
  const ready = await client.query(`select from pg_database where datname = 'gateway'`)
  if (ready.rowCount === 1) return
  await client.query('select pg_advisory_lock($1)', [advisoryLock.embeddedSetup])
  try {
    const role = await client.query(`select from pg_roles where rolname = 'gateway'`)
    if (role.rowCount === 0) await client.query(`create role gateway login password '${password}'`)
    const database = await client.query(`select from pg_database where datname = 'gateway'`)
    if (database.rowCount === 0) {
      await client.query(`create database gateway owner gateway template template0 encoding 'UTF8' locale 'C'`)
    }
  } finally {
    await client.query('select pg_advisory_unlock($1)', [advisoryLock.embeddedSetup])
  }
}

function wrongPassword(cluster: Cluster, cause: unknown): StartRefused {
  return new StartRefused(
    'database-password-wrong',
    {
      zh: `内置数据库不接受 ${cluster.folder}/postgres.password 中的口令，请从备份中恢复该文件。`,
      en: `The embedded database does not take the password in ${cluster.folder}/postgres.password. Restore that file from a backup.`,
    },
    cause,
  )
}

function neverReady(cluster: Cluster, cause?: unknown): StartRefused {
  return new StartRefused(
    'database-not-ready',
    {
      zh: `内置数据库一直未就绪，日志：${cluster.logFile}`,
      en: `The embedded database did not become ready; its log is ${cluster.logFile}`,
    },
    cause,
  )
}
