import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { errorFields, type Log } from './log.ts'

/** Room for so many calls at once, over all processes that share it. */
export interface Slots {
  /** Waits for room, then runs `work` in it. @throws {Error} once closed, when `work` has not begun. */
  hold<T>(work: () => Promise<T>): Promise<T>
  /** Whoever waits is turned away: what has no room by then is for other processes. */
  close(): Promise<void>
}

/** Until one that found no room looks again; told apart by chance, so that no process is always late. */
const LOOK_MS = { from: 5, to: 25 }
/** A process that finds room again and again leaves some to others after this long. */
const TURN_MS = 200
const AWAY_MS = 500

/**
 * Slots as session locks of PostgreSQL: nothing is written, and the end of a process, in whatever way, frees what it
 * held. While the database is away nobody finds room; a connection that breaks loses its slots, and for as long as the
 * work in them lasts there may be more at once.
 * @param space first key of the locks; the second is the slot, from 1 to `count`.
 */
export function sharedSlots(options: { url: string; space: number; count: number; log: Log }): Slots {
  const { space, count, log } = options
  const waiting: { go: (slot: number) => void; turnAway: (error: Error) => void }[] = []
  const held = new Set<number>()
  // One connection, never given up as idle: the locks are its session's.
  const session = new pg.Pool({
    connectionString: options.url,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
    keepAlive: true,
    application_name: 'bdc-gateway slots',
  })
  session.on('error', () => undefined)
  session.on('connect', (client) => client.on('error', () => undefined))
  let looking = false
  let closed = false

  async function take(): Promise<number | null> {
    const { rows } = await session.query<{ slot: number }>({
      name: 'take-slot',
      // A lock is granted again to whoever holds it, and is then held twice: the planner must not try it first.
      text: `with free as materialized (select slot from generate_series(1, $2::int) as slot where slot <> all($3::int[]))
             select slot from free where pg_try_advisory_lock($1, slot) limit 1`,
      values: [space, count, [...held]],
    })
    return rows[0]?.slot ?? null
  }

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    let turnMs = performance.now()
    while (waiting.length > 0 && held.size < count) {
      let waitMs = LOOK_MS.from + Math.random() * (LOOK_MS.to - LOOK_MS.from)
      try {
        const slot = await take()
        if (slot !== null) {
          held.add(slot)
          waiting.shift()?.go(slot)
          if (performance.now() - turnMs < TURN_MS) continue
        }
      } catch (error) {
        log.warn(errorFields(error), 'no slot can be taken; trying again')
        waitMs = AWAY_MS
      }
      await sleep(waitMs)
      turnMs = performance.now()
    }
    looking = false
  }

  function free(slot: number): void {
    held.delete(slot)
    // Where its connection is lost it is free already.
    session.query('select pg_advisory_unlock($1, $2)', [space, slot]).catch(() => undefined)
    void look()
  }

  return {
    hold: async (work) => {
      if (closed) throw stopped()
      const slot = await new Promise<number>((go, turnAway) => {
        waiting.push({ go, turnAway })
        void look()
      })
      try {
        return await work()
      } finally {
        free(slot)
      }
    },
    close: async () => {
      closed = true
      for (const { turnAway } of waiting.splice(0)) turnAway(stopped())
      await session.end()
    },
  }
}

function stopped(): Error {
  return new Error('no slot is taken any more: the process stops')
}
