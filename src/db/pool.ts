import pg from 'pg'

/** What can run a reading statement: the pool, or a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** A client inside BEGIN … COMMIT. Only the batch, claims and migrations hold one. */
export type Transaction = pg.PoolClient & { readonly __transaction?: true }

export type Pool = pg.Pool

const types = new pg.TypeOverrides()
// bigint: counters and sizes stay far below 2^53; a value that does not is a fault, not a rounding.
types.setTypeParser(20, (text: string) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('bigint out of range')
  return value
})
// date: a plain date has no zone and no midnight.
types.setTypeParser(1082, (text: string) => text)

/**
 * A pool whose connections may die with the server without taking the process along.
 * @param statementTimeoutMs limit of any single statement; default 30,000.
 */
export function openPool(options: {
  url: string
  max: number
  applicationName: string
  statementTimeoutMs?: number
  onError?: (error: Error) => void
}): Pool {
  const onError = options.onError ?? ((): void => undefined)
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    connectionTimeoutMillis: 10_000,
    types,
  })
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  return pool
}

/** Runs `work` between BEGIN and COMMIT; any throw rolls back. A connection that broke is not given back to the pool. */
export async function inTransaction<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    try {
      await client.query('rollback')
    } catch (rollbackError) {
      broken = rollbackError as Error
    }
    throw error
  } finally {
    client.release(broken)
  }
}

/** True when the connection broke, so that nothing is known of what was under way. */
export function isConnectionLost(error: unknown): boolean {
  const code = (error as { code?: string }).code
  if (code !== undefined && /^(08...|57P0[123]|ECONN\w+|EPIPE|ETIMEDOUT)$/.test(code)) return true
  const message = error instanceof Error ? error.message : ''
  return /Connection terminated|connection.*closed|not queryable|Client was closed/i.test(message)
}
