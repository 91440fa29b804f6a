import type { Queryable } from './pool.ts'

/**
 * The database's clock as this node knows it: signatures, leases and nonces live by it, so that nodes whose clocks
 * differ judge alike.
 */
export interface DatabaseClock {
  now(): Date
  /** Measures the offset anew; half of the way there and back is taken off. */
  measure(): Promise<void>
}

export async function openDatabaseClock(db: Queryable): Promise<DatabaseClock> {
  let offsetMs = 0
  async function measure(): Promise<void> {
    const before = Date.now()
    const { rows } = await db.query<{ ms: number }>(
      `select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
    )
    const after = Date.now()
    offsetMs = (rows[0]?.ms ?? after) - (before + after) / 2
  }
  await measure()
  return { now: () => new Date(Date.now() + offsetMs), measure }
}
