import pg from 'pg'
import { isConnectionLost } from '../base/connection-lost.ts'

/** What can run a reading statement: the pool, or a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** A client inside BEGIN … COMMIT. Only the batch, claims and migrations hold one. */
export type Transaction = pg.PoolClient & { readonly __transaction?: true }

export type Pool = pg.Pool

const toInteger = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('bigint out of range')
  return value
}
const asText = (text: string): string => text
/** Of a flat array whose items need no quotes. */
const toItems = (text: string): (string | null)[] =>
  text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : item))

const types = new pg.TypeOverrides()
// bigint and bigint[]: counters and sizes stay far below 2^53; a value that does not is a fault, not a rounding.
types.setTypeParser(20, toInteger)
types.setTypeParser(1016, (text: string) => toItems(text).map((item) => (item === null ? null : toInteger(item))))
// date and date[]: a plain date has no zone and no midnight. Nor has timestamp, which we do not use.
types.setTypeParser(1082, asText)
types.setTypeParser(1182, toItems)
types.setTypeParser(1114, asText)

/**
 * A pool whose connections may die with the server without taking the process along.
 * @param statementTimeoutMs limit of any single statement; default 30,000.
 * @param silenceMs how long after that limit a connection without a word counts as lost; default 5,000.
 */
export function openPool(options: {
  url: string
  max: number
  applicationName: string
  statementTimeoutMs?: number
  silenceMs?: number
  onError?: (error: Error) => void
}): Pool {
  const onError = options.onError ?? ((): void => undefined)
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    statement_timeout: statementTimeoutMs,
    // The server cannot tell of its limit where no word of it arrives: whoever waits would wait for ever.
    query_timeout: statementTimeoutMs + (options.silenceMs ?? 5000),
    connectionTimeoutMillis: 10_000,
    // A transaction that a stuck process holds open would keep its locks for ever.
    idle_in_transaction_session_timeout: 60_000,
    // Statements that do not need one another's answers are sent together; each still has its own.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  })
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  return pool
}

/** A COMMIT that no word comes back of, the connection seemingly well, counts as a lost connection after this long. */
const COMMIT_TIMEOUT_MS = 30_000

/** A statement with a limit of its own, in place of its pool's, for silence. pg's types know it of a connection only. */
export function silentFor(timeoutMs: number, text: string): { text: string; query_timeout: number } {
  return { text, query_timeout: timeoutMs }
}

const commit = silentFor(COMMIT_TIMEOUT_MS, 'commit')

/** Sends the statements that `send` begins in as few packets as they fit into; each still has an answer of its own. */
export function sendTogether<T>(tx: Transaction, send: () => T): T {
  const { stream } = tx.connection
  stream.cork()
  try {
    return send()
  } finally {
    stream.uncork()
  }
}

/** Runs `work` between BEGIN and COMMIT; any throw rolls back. A connection that broke is not given back to the pool. */
export async function inTransaction<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    // A transaction that failed within is rolled back by COMMIT, which says so and calls it no error.
    const { command } = await client.query(commit)
    if (command !== 'COMMIT') throw new Error('the transaction had failed before its commit')
    return result
  } catch (error) {
    if (isConnectionLost(error)) broken = error as Error
    else
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError
      })
    throw error
  } finally {
    client.release(broken)
  }
}
