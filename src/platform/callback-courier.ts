import type { CaseMeans } from '../cases/apply.ts'
import { addConcern, raiseContradiction } from '../cases/concern.ts'
import type { Numbers } from '../cases/numbers.ts'
import { platformNumberGate } from '../cases/platform-number.ts'
import type { CaseHold } from '../cases/store.ts'
import { ask, type Batch, type Held, type Step } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import { type Applied, applyCallback, type Ground, toldNumber } from './apply-callback.ts'
import { applyCorrection, type CorrectionMeans, prepareCorrection } from './apply-correction.ts'
import { claimCallbacks, type DueCallback, inboxChanges, returnCallbacks, waitingLock } from './inbox.ts'

export interface CallbackCourierMeans {
  pool: Pool
  batch: Batch
  cases: CaseMeans
  caseLock: Step<string, CaseHold | null>
  streams: CaseStreamsStep
  numbers: Numbers
  validateApplication: CorrectionMeans['validateApplication']
  formField: CorrectionMeans['formField']
  onError: (error: unknown) => void
}

const LIMIT = 50
/** Longer than looking at all of them takes; a process that is killed meanwhile leaves them to others after it. */
const LEASE_MS = 10_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 60_000
/** Looks after which a person is told that a callback still waits for what it is about: some ten minutes. */
const TRIES_BEFORE_CONCERN = 15

/**
 * Joins the callbacks that are due to their cases, each in a transaction of its own, once. What comes early, before the
 * case's number or the question that it answers is known, is looked at again.
 * @param signal what is not yet looked at then is given back.
 * @returns how many were taken; 0 when none is due.
 */
export async function applyCallbacks(means: CallbackCourierMeans, signal: AbortSignal): Promise<number> {
  const { clock, sealer } = means.cases
  const now = clock.now()
  const until = new Date(now.getTime() + LEASE_MS)
  const due = await claimCallbacks(means.pool, sealer, { now, limit: LIMIT, until })
  const left = [...due]
  try {
    while (!signal.aborted) {
      const one = left.shift()
      if (one === undefined) break
      try {
        await applyOne(one, means)
      } catch (error) {
        // It waits where it is; the others go on.
        means.onError(error)
        await postpone(one, means)
      }
    }
  } finally {
    // Without the database they are others' when the lease is over.
    if (left.length > 0) await returnCallbacks(means.pool, left, { now: clock.now(), until }).catch(means.onError)
  }
  return due.length
}

async function applyOne(due: DueCallback, means: CallbackCourierMeans): Promise<void> {
  const { caseIds, callback } = due
  const [caseId, other] = caseIds
  if (caseId === undefined) return postpone(due, means)
  if (other !== undefined) return raiseShared(due, means)
  const { clock, sealer } = means.cases
  const numbers = callback.type === '26' ? await means.numbers.take('message') : []
  const prepared =
    callback.type === '22' ? await prepareCorrection(caseId, callback, { ...means, sealer, now: clock.now() }) : null
  const waiting = ask(waitingLock, due)
  const stillWaits = (held: Held): boolean => held.of(waiting) !== null
  const told = toldNumber(callback)
  const gate = told === null ? null : ask(platformNumberGate, told, stillWaits)
  const lock = ask(means.caseLock, caseId, stillWaits)
  const streams = ask(means.streams, caseId, stillWaits)
  await means.batch.submit({
    asks: [waiting, ...(gate === null ? [] : [gate]), lock, streams],
    decide: (held, rows) => {
      const place = held.of(waiting)
      // Another node was here first.
      if (place === null) return
      const hold = held.of(lock)
      const now = means.cases.clock.now()
      const holders = gate === null ? null : held.of(gate)
      const ground: Ground | null =
        hold === null ? null : { hold, streams: held.of(streams), now, numbers, holders, rows, means: means.cases }
      const applied: Applied =
        ground === null
          ? 'waiting'
          : prepared === null
            ? applyCallback(callback, ground)
            : applyCorrection(callback, prepared, ground)
      if (applied === 'waiting') return later(due, place.tries, now)
      rows.add(inboxChanges, { platform: due.platform, unid: due.unid, state: applied, due_at: now })

      function later(one: DueCallback, tries: number, at: Date): void {
        rows.add(inboxChanges, { ...waitRow(one, tries, at) })
        if (tries === TRIES_BEFORE_CONCERN) tellOfWaiting(one, rows, means)
      }
    },
  })
}

/** Which of the cases that have its number is meant, nobody can tell: a person is told, and none is changed. */
async function raiseShared(due: DueCallback, means: CallbackCourierMeans): Promise<void> {
  const { platform, unid, callback, caseIds } = due
  const { type, messageId } = callback
  const waiting = ask(waitingLock, due)
  await means.batch.submit({
    asks: [waiting],
    decide: (held, rows) => {
      if (held.of(waiting) === null) return
      const about = {
        content: { platform, callback, caseIds },
        facts: { type, cases: caseIds },
        personal: { messageId },
      }
      raiseContradiction(
        { kind: 'platform-number-shared', hold: null, system: 'platform', ...about },
        rows,
        means.cases,
      )
      rows.add(inboxChanges, { platform, unid, state: 'raised', due_at: means.cases.clock.now() })
    },
  })
}

/** No case is known by its number yet. */
async function postpone(due: DueCallback, means: CallbackCourierMeans): Promise<void> {
  const waiting = ask(waitingLock, due)
  await means.batch.submit({
    asks: [waiting],
    decide: (held, rows) => {
      const place = held.of(waiting)
      if (place === null) return
      rows.add(inboxChanges, waitRow(due, place.tries, means.cases.clock.now()))
      if (place.tries === TRIES_BEFORE_CONCERN) tellOfWaiting(due, rows, means)
    },
  })
}

function waitRow(
  { platform, unid }: DueCallback,
  tries: number,
  now: Date,
): Parameters<typeof inboxChanges.write>[1][number] {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(tries, 20), LONGEST_WAIT_MS)
  return { platform, unid, state: 'waiting', due_at: new Date(now.getTime() + waitMs) }
}

function tellOfWaiting(
  { platform, caseIds, callback }: DueCallback,
  rows: Parameters<typeof addConcern>[1],
  means: CallbackCourierMeans,
): void {
  addConcern({ kind: 'callback-waits', caseId: caseIds[0] ?? null, content: { platform, callback } }, rows, means.cases)
}
