import { type Clock, systemClock } from '../base/clock.ts'
import { idTimeMs } from '../base/id.ts'
import type { Batch } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { CertificateResolver, SignatureCheck, SignedCheckpoint, Signer } from './checkpoint.ts'
import { makeCheckpointDir } from './checkpoint-files.ts'
import { type CheckpointMeans, makeCheckpoint } from './checkpoint-maker.ts'
import type { Sealer } from './commitments.ts'
import { type Periodic, startPeriodic } from './periodic.ts'
import { type Act, type TraceRecord, traceRecord } from './record.ts'
import { countRefusals, type RefusalCounter } from './refusal-counter.ts'
import { sealPending } from './sealer.ts'
import { headSize, newestCheckpoint, oldestPendingId } from './store.ts'

/** For readiness and metrics. */
interface TraceHealth {
  /** Sealing keeps up, and nothing failed in the last run of sealing and checkpoints. */
  readonly ok: boolean
  readonly lastSealedAt: Date | null
  /** Age of the oldest record without a number; null when there is none. */
  readonly oldestPendingMs: number | null
  /** Leaves of the tree. */
  readonly size: number
  readonly lastCheckpoint: { size: number; at: Date } | null
  readonly lastCheckpointRunAt: Date | null
  /** Messages of the last failed runs; a LogContradiction among them needs a person. */
  readonly faults: readonly string[]
  /** Runs that the watchdog had to start anew. */
  readonly revived: number
}

export interface Trace {
  /** The record of an act; `addTo` puts it among the rows of the act's own transaction. */
  record(act: Act): TraceRecord
  readonly refusals: RefusalCounter
  health(): Promise<TraceHealth>
  /** Numbers all that is pending now. */
  sealNow(): Promise<void>
  /** Seals, then signs; the newest checkpoint, null while the tree is empty. */
  checkpointNow(): Promise<SignedCheckpoint | null>
  /** Writes the counted refusals, seals and signs what is left where it seals at all. To be called before the batch and the pool are closed. */
  close(): Promise<void>
}

/** A backlog older than this is an alarm: sealing runs every second. */
const BACKLOG_MS = 60_000

/**
 * @param origin name of the log, for instance bdc-gateway/420222; the same for ever.
 * @param checkpointDir outside the database, better on another machine.
 * @param certificates certificates of earlier signing keys; the signer's own is always trusted.
 * @param seals false where other processes seal and sign; their keeping up is then theirs to tell. Default true.
 * @param sealMs default 1,000. @param checkpointMs default 60,000.
 */
export async function openTrace(options: {
  pool: Pool
  batch: Pick<Batch, 'submit'>
  sealer: Sealer
  blindIndex: (value: string) => Buffer
  signer: Signer
  checkpointDir: string
  origin: string
  certificates?: CertificateResolver
  check?: SignatureCheck
  clock?: Clock
  sealMs?: number
  checkpointMs?: number
  refusalsMs?: number
  seals?: boolean
  onError?: (error: unknown) => void
}): Promise<Trace> {
  const { pool, sealer, blindIndex, signer, checkpointDir, origin, certificates, check } = options
  const clock = options.clock ?? systemClock
  const onError = options.onError ?? ((): void => undefined)
  const sealMs = options.sealMs ?? 1000
  const checkpointMs = options.checkpointMs ?? 60_000
  const means: CheckpointMeans = {
    pool,
    signer,
    dir: checkpointDir,
    origin,
    clock,
    ...(certificates === undefined ? {} : { certificates }),
    ...(check === undefined ? {} : { check }),
  }
  // A folder that cannot be made is for the start to tell, not for the first checkpoint.
  await makeCheckpointDir(checkpointDir)

  const record = (act: Act): TraceRecord => traceRecord(act, { sealer, blindIndex })
  const refusals = countRefusals({
    batch: options.batch,
    record,
    clock,
    onError,
    ...(options.refusalsMs === undefined ? {} : { intervalMs: options.refusalsMs }),
  })
  const loops = options.seals === false ? null : sealingLoops(means, { sealMs, checkpointMs, onError })

  return {
    record,
    refusals,
    health: () => readHealth(pool, loops, refusals.periodic),
    sealNow: async () => void (await sealPending(pool, { wait: true })),
    checkpointNow: async () => {
      await sealPending(pool, { wait: true })
      return makeCheckpoint(means, { wait: true })
    },
    close: async () => {
      await Promise.all([loops?.sealing.stop(), loops?.signing.stop()])
      try {
        await refusals.close()
        if (loops === null) return
        await sealPending(pool)
        await makeCheckpoint(means)
      } catch (error) {
        // What is pending is sealed at the next start.
        onError(error)
      }
    },
  }
}

interface Loops {
  sealing: Periodic
  signing: Periodic
}

/** Each may run on every node: who has the turn does the work, the others find it done. */
function sealingLoops(
  means: CheckpointMeans,
  { sealMs, checkpointMs, onError }: { sealMs: number; checkpointMs: number; onError: (error: unknown) => void },
): Loops {
  const sealing = startPeriodic({
    intervalMs: sealMs,
    work: async (signal) => void (await sealPending(means.pool, { signal })),
    onError,
  })
  // Looks as often as it is sealed, so that what comes after a quiet time is signed soon; the row's age keeps the pace.
  // The first run holds the folder against the database, whatever is due.
  let first = true
  const signing = startPeriodic({
    intervalMs: Math.min(sealMs, checkpointMs),
    work: async () => {
      await makeCheckpoint(means, first ? {} : { minimumAgeMs: checkpointMs })
      first = false
    },
    onError,
  })
  return { sealing, signing }
}

async function readHealth(
  pool: Pool,
  loops: Loops | null,
  refusals: Pick<Periodic, 'lastError'>,
): Promise<TraceHealth> {
  const oldest = await oldestPendingId(pool)
  const oldestPendingMs = oldest === null ? null : Math.max(0, Date.now() - idTimeMs(oldest))
  const checkpoint = await newestCheckpoint(pool)
  const runs = [...(loops === null ? [] : [loops.sealing, loops.signing]), refusals]
  const faults = runs.flatMap(({ lastError }) => (lastError instanceof Error ? [lastError.message] : []))
  return {
    ok: faults.length === 0 && (loops === null || (oldestPendingMs ?? 0) < BACKLOG_MS),
    lastSealedAt: loops?.sealing.lastRunAt ?? null,
    oldestPendingMs,
    size: await headSize(pool),
    lastCheckpoint: checkpoint === null ? null : { size: checkpoint.size, at: checkpoint.at },
    lastCheckpointRunAt: loops?.signing.lastRunAt ?? null,
    faults,
    revived: loops === null ? 0 : loops.sealing.revived + loops.signing.revived,
  }
}
