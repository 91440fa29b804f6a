import type { Pool } from './pool.ts'

/** Keys of our advisory locks: one place, so that no two uses share one. */
export const advisoryLock = {
  /** One process migrates at a time. */
  migrate: 7_236_001,
  /** Held by `serve` in the gateway's database: exclusive, or shared by processes whose storage is shared. */
  serve: 7_236_002,
  /** Shared by every process that uses the embedded server; exclusive by the one that stops it. */
  embeddedUse: 7_236_003,
  /** First steps in a new embedded cluster. */
  embeddedSetup: 7_236_004,
  /** One process makes partitions at a time. */
  partitions: 7_236_005,
  /** One process makes keys, certificates and the storage's mark at a time. */
  start: 7_236_006,
  /** One process at a time is at a chore of the store, each with its own: one that is taken is left for its whole beat. */
  sweepBatches: 7_236_007,
  sweepAnswers: 7_236_008,
  sweepFiles: 7_236_009,
} as const

/** First keys of locks of two keys, which are apart from those above. */
export const lockSpace = {
  /** Slots of the registry for polls, and for queries. */
  polls: 7_236_001,
  queries: 7_236_002,
} as const

/** Runs `work` when it is this process's turn, which its end passes on, in whatever way it ends. */
export async function inTurn<T>(pool: Pool, key: number, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [key])
    return await work()
  } finally {
    // Closed rather than given back: so the lock is gone too.
    client.release(true)
  }
}

/** Runs `work` unless another process is at it. */
export async function unlessAnother(pool: Pool, key: number, work: () => Promise<unknown>): Promise<void> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [key])
    if (rows[0]?.got === true) await work()
  } finally {
    client.release(true)
  }
}
