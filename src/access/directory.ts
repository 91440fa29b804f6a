import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import { type AccessSnapshot, loadSnapshot } from './snapshot.ts'

/**
 * The snapshot that decisions are made on. A decision is only as good as its revision: the shared commit's first gate
 * compares it, and whoever decided on an older one refreshes and decides again. So a suspension holds for the next
 * request on every node, whether or not a notice of it arrived.
 */
export interface Directory {
  current(): AccessSnapshot
  /** Reads anew; calls at the same time share one reading. */
  refresh(): Promise<AccessSnapshot>
  /**
   * Reads anew if the revision has changed since this was called; asks at most every `FRESHEN_MS` and waits for its turn.
   * For what only anyone's word is behind, an unknown certificate, so that strangers cannot make us read at will.
   */
  freshen(): Promise<AccessSnapshot>
}

const FRESHEN_MS = 200

export async function openDirectory(pool: Pool): Promise<Directory> {
  let snapshot = await loadSnapshot(pool)
  let reading: Promise<AccessSnapshot> | null = null
  let nextAsking: Promise<AccessSnapshot> | null = null
  let askedAtMs = Number.NEGATIVE_INFINITY

  function refresh(): Promise<AccessSnapshot> {
    reading ??= loadSnapshot(pool)
      .then((fresh) => {
        if (fresh.revision >= snapshot.revision) snapshot = fresh
        return snapshot
      })
      .finally(() => {
        reading = null
      })
    return reading
  }

  async function askRevision(): Promise<AccessSnapshot> {
    askedAtMs = performance.now()
    const { rows } = await pool.query<{ number: number }>('select number from revision')
    const inForce = rows[0]?.number ?? 0
    // A reading that was under way may have begun before that.
    while (snapshot.revision < inForce) await refresh()
    return snapshot
  }

  return {
    current: () => snapshot,
    refresh,
    freshen: () => {
      // Whoever comes while one is asking waits for the next: the answer on its way may be older than the call.
      nextAsking ??= sleep(Math.max(0, askedAtMs + FRESHEN_MS - performance.now())).then(() => {
        nextAsking = null
        return askRevision()
      })
      return nextAsking
    },
  }
}

/** First gate of the shared commit: is the revision that a member decided on still the one in force? */
export const revisionGate: Step<number, boolean> = {
  name: 'revision',
  order: 10,
  run: async (tx, asks) => {
    const { rows } = await tx.query<{ number: number }>({ name: 'revision', text: 'select number from revision' })
    return asks.map((seen) => seen === rows[0]?.number)
  },
}

/** For administration: raises the revision; whoever decided before decides again. */
export const revisionRaise: Step<null, number> = {
  name: 'revision-raise',
  order: 10,
  run: async (tx, asks) => {
    const { rows } = await tx.query<{ number: number }>('update revision set number = number + 1 returning number')
    return asks.map(() => rows[0]?.number ?? 0)
  },
}
