import type { Outcome } from '../base/outcome.ts'
import { ask, type Member, type Rows } from '../db/batch.ts'
import { backoffMs, type RetryRule } from './backoff.ts'
import type { CaseStreams, CaseStreamsStep } from './case-streams.ts'
import {
  type ClaimedMessage,
  type Destination,
  type InquiryResult,
  type OnDead,
  OVERTAKEN,
  type SendResult,
  type Settlement,
} from './destination.ts'
import { clearCode, clearReason, type Fate, type LiveMessage } from './message.ts'
import type { Sealer } from './sealer.ts'
import { type AttemptRow, attemptRows, sealContext } from './store.ts'

/** What recording a result needs. */
export interface Recording {
  readonly streams: CaseStreamsStep
  readonly sealer: Sealer
  readonly retry: RetryRule
  /** Inquiries without an answer after which a person must look. */
  readonly unclearMaximum: number
  readonly onDead: OnDead
  readonly random: () => number
}

/** One attempt or inquiry; recorded again under its id, it changes nothing. */
export interface Attempt {
  readonly id: string
  readonly startedAt: Date
  readonly endedAt: Date
}

/** `late`: the lease went to another meanwhile; nothing was applied. */
export type Recorded = Fate | 'late'

interface What {
  outcome: string
  reason: string | null
  response?: Buffer | undefined
  requestDigest?: Buffer | undefined
  settlement?: Settlement
  /** Recorded for a lease that ran out, by a process that does not hold it. */
  expired?: boolean
  act(rows: Rows, streams: CaseStreams, live: LiveMessage): Fate
}

/**
 * The member that records what came of a call and does, in the same transaction, what follows from it. The fence and
 * the cursor decide whether the caller still holds the lease.
 * @throws what the destination's `settle` throws.
 */
export function recordSent(
  on: Recording,
  destination: Destination,
  message: ClaimedMessage,
  attempt: Attempt,
  result: SendResult,
): Member<Recorded> {
  return recording(on, message, attempt, {
    outcome: result.outcome.kind,
    reason: reasonOf(result.outcome),
    response: result.response,
    requestDigest: result.requestDigest,
    settlement: destination.settle(message, result),
    act: (rows, streams, live) => follow(on, destination, result, rows, streams, live),
  })
}

export function recordInquiry(
  on: Recording,
  destination: Destination,
  message: ClaimedMessage,
  attempt: Attempt,
  found: InquiryResult,
): Member<Recorded> {
  const { response } = found
  if (found.kind === 'found') {
    const result: SendResult = {
      outcome: { kind: 'delivered', receipt: found.receipt ?? null },
      said: found.said,
      ...(response === undefined ? {} : { response }),
    }
    return recording(on, message, attempt, {
      outcome: 'found',
      reason: null,
      response,
      settlement: destination.settle(message, result),
      act: (rows, streams, live) => follow(on, destination, result, rows, streams, live),
    })
  }
  if (found.kind === 'overtaken') {
    const { reason, said } = found
    return recording(on, message, attempt, {
      outcome: 'overtaken',
      reason,
      response,
      settlement: destination.settle(message, { outcome: { kind: 'refused', code: OVERTAKEN, reason }, said }),
      act: (rows, streams, live) => {
        streams.giveUp(rows, live, reason)
        return 'overtaken'
      },
    })
  }
  return recording(on, message, attempt, {
    outcome: found.kind,
    reason: found.kind === 'unclear' ? found.reason : null,
    response,
    act: (rows, streams, live) =>
      found.kind === 'absent'
        ? absent(on, destination, rows, streams, live)
        : unclear(on, found.reason, rows, streams, live),
  })
}

/** A lease ran out while sending: its holder died or hangs. Nothing is applied unless that is so under lock. */
export function recordExpired(
  on: Recording,
  destination: Destination,
  message: ClaimedMessage,
  attempt: Attempt,
  bytesStored: boolean,
): Member<Recorded> {
  if (message.inquiry !== null) {
    const reason = 'the lease ran out during the inquiry'
    return recording(on, message, attempt, {
      outcome: 'unclear',
      reason,
      expired: true,
      act: (rows, streams, live) => unclear(on, reason, rows, streams, live),
    })
  }
  // Bytes are stored before the first is sent, and kinds that are asked about always have bytes.
  const begun = bytesStored || destination.afterUnknown(message.kind) === 'resend'
  const result: SendResult = begun
    ? { outcome: { kind: 'unknown', reason: 'the lease ran out while sending' } }
    : { outcome: { kind: 'retry', reason: 'the lease ran out before anything was sent' } }
  return recording(on, message, attempt, {
    outcome: result.outcome.kind,
    reason: reasonOf(result.outcome),
    settlement: destination.settle(message, result),
    expired: true,
    act: (rows, streams, live) => follow(on, destination, result, rows, streams, live),
  })
}

/**
 * What a call brought could not be applied (`settle` threw): a dead letter with the answer kept. If the peer may have
 * acted on it, reviving the message asks about it first.
 */
export function recordUnapplied(
  on: Recording,
  destination: Destination,
  message: ClaimedMessage,
  attempt: Attempt,
  result: SendResult,
): Member<Recorded> {
  return recording(on, message, attempt, {
    outcome: result.outcome.kind,
    reason: reasonOf(result.outcome),
    response: result.response,
    requestDigest: result.requestDigest,
    act: (rows, streams, live) => {
      live.attempts += 1
      const { kind } = result.outcome
      const mayHaveActed = kind === 'delivered' || kind === 'unknown'
      if (mayHaveActed && destination.afterUnknown(live.kind) === 'inquire') live.inquiry = 'after an unapplied answer'
      return dead(on, 'the answer could not be applied', null, rows, streams, live)
    },
  })
}

/** The member that stores the bytes of the first attempt; false when the lease went to another. */
export function keepRendered(
  on: Recording,
  message: ClaimedMessage,
  rendered: { bytes: Buffer; mapping: string },
): Member<boolean> {
  return held(on, message, (rows, streams, live) => streams.keepRendered(rows, live, rendered.bytes, rendered.mapping))
}

/** The member that gives back a message that was not begun. */
export function handBack(on: Recording, message: ClaimedMessage): Member<boolean> {
  return held(on, message, (rows, streams, live) => streams.handBack(rows, live))
}

function held(
  on: Recording,
  message: ClaimedMessage,
  act: (rows: Rows, streams: CaseStreams, live: LiveMessage) => void,
): Member<boolean> {
  const streamsAsk = ask(on.streams, message.caseId)
  return {
    asks: [streamsAsk],
    decide: (heldBy, rows) => {
      const streams = heldBy.of(streamsAsk)
      const live = streams.find(message.id)
      if (live === undefined || !holds(live, message)) return false
      act(rows, streams, live)
      return true
    },
  }
}

function recording(on: Recording, message: ClaimedMessage, attempt: Attempt, what: What): Member<Recorded> {
  const streamsAsk = ask(on.streams, message.caseId)
  const row: AttemptRow = {
    id: attempt.id,
    message_id: message.id,
    case_id: message.caseId,
    endpoint: message.endpoint,
    kind: message.kind,
    fence: message.fence,
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
    outcome: what.outcome,
    reason: what.reason === null ? null : clearReason(what.reason),
    request_digest: what.requestDigest ?? null,
    response:
      what.response === undefined
        ? null
        : on.sealer.seal(what.response.subarray(0, RESPONSE_KEPT_BYTES), sealContext.response(attempt.id)),
  }
  return {
    asks: [streamsAsk, ...(what.settlement?.asks ?? [])],
    decide: (heldBy, rows) => {
      const streams = heldBy.of(streamsAsk)
      const live = streams.find(message.id)
      if (live === undefined || !holds(live, message) || (what.expired === true && !live.leaseOver)) {
        if (what.expired !== true) rows.add(attemptRows, { ...row, outcome: 'late', reason: what.outcome })
        return 'late'
      }
      return streams.undoOnThrow(() => {
        rows.add(attemptRows, row)
        const fate = what.act(rows, streams, live)
        what.settlement?.apply(heldBy, rows, streams, fate)
        return fate
      })
    },
  }
}

/** The cursor too: a commit whose answer was lost may have moved it on under the same fence. */
function holds(live: LiveMessage, message: ClaimedMessage): boolean {
  return live.state === 'sending' && live.fence === message.fence && live.cursor === message.cursor
}

function follow(
  on: Recording,
  destination: Destination,
  { outcome, more }: SendResult,
  rows: Rows,
  streams: CaseStreams,
  live: LiveMessage,
): Fate {
  if (outcome.kind === 'delivered') {
    if (more === true) {
      streams.continueWithCursor(rows, live, destination.leaseMs)
      return 'more'
    }
    streams.finish(rows, live, outcome.receipt)
    return 'delivered'
  }
  live.attempts += 1
  if (outcome.kind === 'refused') {
    // A person who replays it has it asked about first.
    if (outcome.mayHaveActed === true && destination.afterUnknown(live.kind) === 'inquire')
      live.inquiry = 'after a refusal with an unknown code'
    return dead(on, `refused: ${clearCode(outcome.code)}`, outcome.reason, rows, streams, live)
  }
  if (outcome.kind === 'unknown') {
    const then = destination.afterUnknown(live.kind)
    if (then === 'park') return dead(on, `unknown outcome: ${outcome.reason}`, null, rows, streams, live)
    if (then === 'inquire') {
      streams.startInquiry(rows, live, 'after an unknown outcome', destination.peerMaximumMs, outcome.reason)
      return 'inquiry'
    }
  }
  if (live.attempts >= on.retry.maximum)
    return dead(on, `after ${live.attempts} attempts: ${outcome.reason}`, null, rows, streams, live)
  const afterMs = outcome.kind === 'retry' ? (outcome.afterMs ?? 0) : 0
  streams.retryLater(rows, live, backoffMs(on.retry, live.attempts, afterMs, on.random), outcome.reason)
  return 'again'
}

/** Of an answer no more than this is kept with its attempt; what an answer may be in all is the client's to bound. */
const RESPONSE_KEPT_BYTES = 1_048_576

/** Looks that must find nothing before the same bytes are sent again. */
const ABSENT_LOOKS = 2

function absent(on: Recording, destination: Destination, rows: Rows, streams: CaseStreams, live: LiveMessage): Fate {
  live.inquiries += 1
  live.unclear = 0
  if (live.inquiries >= ABSENT_LOOKS) {
    if (live.attempts >= on.retry.maximum)
      return dead(on, `after ${live.attempts} attempts none arrived`, null, rows, streams, live)
    streams.sendAgain(rows, live, 'asked about twice: it did not arrive')
    return 'again'
  }
  streams.inquireLater(rows, live, destination.peerMaximumMs, 'asked about once: not there')
  return 'inquiry'
}

function unclear(on: Recording, reason: string, rows: Rows, streams: CaseStreams, live: LiveMessage): Fate {
  live.unclear += 1
  if (live.unclear >= on.unclearMaximum) return dead(on, `unclear: ${reason}`, null, rows, streams, live)
  streams.inquireLater(rows, live, backoffMs(on.retry, live.unclear, 0, on.random), reason)
  return 'inquiry'
}

function dead(
  on: Recording,
  reason: string,
  words: string | null,
  rows: Rows,
  streams: CaseStreams,
  live: LiveMessage,
): Fate {
  streams.park(rows, live, reason)
  on.onDead(rows, live, { reason: clearReason(reason), words })
  return 'dead'
}

/** A refusal's reason is in the peer's words: only its code is kept in clear. */
function reasonOf(outcome: Outcome): string | null {
  if (outcome.kind === 'delivered') return null
  return outcome.kind === 'refused' ? clearCode(outcome.code) : outcome.reason
}
