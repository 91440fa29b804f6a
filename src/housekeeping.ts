import { statfs } from 'node:fs/promises'
import { firstIdAt } from './base/id.ts'
import { advisoryLock, unlessAnother } from './db/advisory-lock.ts'
import { errorFields } from './db/log.ts'
import { defaultPartitionRows, ensurePartitions, partitionedTables } from './db/partitions.ts'
import type { Ground } from './ground.ts'
import { sweepAnswers } from './intake/idempotency.ts'
import { rotateNonces } from './intake/nonces.ts'
import type { Files } from './materials/files.ts'
import { knownFiles } from './materials/store.ts'
import { type Periodic, startPeriodic } from './trace/periodic.ts'

export interface Housekeeping {
  /** False while less than the reserve is free where materials and, by default, the database lie. */
  hasRoom(): boolean
  /** Names of chores whose newest run failed. */
  failing(): string[]
  stop(): Promise<void>
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** An upload may take this long between its file and its row. */
const ORPHAN_AGE_MS = 6 * HOUR

/** What must be done now and then, each with its own loop and watchdog. */
export function startHousekeeping(ground: Ground, files: Files): Housekeeping {
  const { config, keyring, databaseClock, directory, log } = ground
  let room = true
  const chores: Chores = {
    'database clock': { everyMs: MINUTE, work: () => databaseClock.measure() },
    access: { everyMs: 5 * SECOND, work: () => directory.freshen() },
    disk: {
      everyMs: 5 * SECOND,
      work: async () => {
        const { bavail, bsize } = await statfs(config.dataDir)
        room = bavail * bsize >= config.diskReserveMb * 1_048_576
      },
    },
    'data keys': { everyMs: HOUR, work: () => keyring.ensureKeys() },
    ...(config.role === 'api' ? {} : storeChores(ground, files)),
  }
  const loops = new Map<string, Periodic>()
  for (const [name, { everyMs, work }] of Object.entries(chores)) {
    const onError = (error: unknown): void => log.error({ chore: name, ...errorFields(error) }, 'a chore failed')
    loops.set(name, startPeriodic({ intervalMs: everyMs, work: async () => void (await work()), onError }))
  }
  loops.get('disk')?.wake()
  return {
    hasRoom: () => room,
    failing: () => [...loops].filter(([, loop]) => loop.lastError !== null).map(([name]) => name),
    stop: async () => void (await Promise.all([...loops.values()].map((loop) => loop.stop()))),
  }
}

type Chores = Record<string, { everyMs: number; work: () => Promise<unknown> }>

/** Chores for the store that all share; a node that finds another at the same one leaves it to that. */
function storeChores({ pool, clock, config }: Ground, files: Files): Chores {
  const alone = (key: number, work: () => Promise<unknown>) => () => unlessAnother(pool, key, work)
  return {
    nonces: { everyMs: MINUTE, work: () => rotateNonces(pool) },
    partitions: {
      everyMs: 6 * HOUR,
      work: async () => {
        const tables = await partitionedTables(pool)
        await ensurePartitions(pool, tables, clock.now())
        // A row there has an id of a month that nobody made a partition for: a clock far off, or this chore long dead.
        for (const table of tables) {
          if (await defaultPartitionRows(pool, table)) throw new Error(`rows in the default partition of ${table}`)
        }
      },
    },
    batches: {
      everyMs: 10 * MINUTE,
      work: alone(advisoryLock.sweepBatches, () =>
        pool.query(`delete from batch where at < now() - interval '1 hour'`),
      ),
    },
    answers: {
      everyMs: HOUR,
      work: alone(advisoryLock.sweepAnswers, async () => {
        const before = firstIdAt(Date.now() - config.idempotencyDays * DAY)
        while ((await sweepAnswers(pool, before)) > 0);
      }),
    },
    'orphaned files': {
      everyMs: HOUR,
      work: alone(advisoryLock.sweepFiles, () =>
        files.sweep(Date.now(), ORPHAN_AGE_MS, (ids) => knownFiles(pool, ids)),
      ),
    },
  }
}
