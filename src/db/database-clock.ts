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
  let wallOffsetMs = 0
  let monotonicOffsetMs = 0
  async function measure(): Promise<void> {
    const before = performance.now()
    const { rows } = await db.query<{ ms: number }>(
      `select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
    )
    const halfwayMs = (performance.now() - before) / 2
    const databaseMs = (rows[0]?.ms ?? Date.now()) + halfwayMs
    wallOffsetMs = databaseMs - Date.now()
    monotonicOffsetMs = databaseMs - performance.now()
  }
  await measure()
  // The later of both: a clock on the wall that was set back, or a machine that slept, must not make old signatures young.
  const nowMs = (): number => Math.max(Date.now() + wallOffsetMs, performance.now() + monotonicOffsetMs)
  return { now: () => new Date(nowMs()), measure }
}
