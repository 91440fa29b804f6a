import { shanghaiDay } from '../base/clock.ts'
import { certificateKey, unitOf } from './facets/certificate.ts'
import { isDueAfterExempt, isExemptInRound, isFeeSettled, isPaidInRound } from './facets/fee.ts'
import type { Fact } from './facts.ts'
import { ACCEPTED_POSITION, type CaseRules, hasEnded, hasFailed, type PartState } from './state.ts'

/** Why a statement cannot be joined to the record. */
export type ContradictionReason =
  | 'already-ended'
  | 'never-accepted'
  | 'already-accepted'
  | 'correction-after-acceptance'
  | 'refused-after-withdrawal'
  | 'procedure-ends-before-start'
  | 'fee-exempt-and-paid'
  | 'fee-due-after-exempt'
  | 'not-recorded'
  | 'unit-not-in-part'
  | 'unit-has-certificate'

export type Judgement = { kind: 'apply' } | { kind: 'wait' } | { kind: 'contradiction'; reason: ContradictionReason }

const apply: Judgement = { kind: 'apply' }
const wait: Judgement = { kind: 'wait' }
const contradiction = (reason: ContradictionReason): Judgement => ({ kind: 'contradiction', reason })

/**
 * Whether a new fact about a part can be joined to what is known of it. Jumps forward are legal, as many registries
 * never report a review; a fact that is only late joins as history. What needs a predecessor waits for it.
 */
export function judge(part: PartState, fact: Fact, rules: CaseRules): Judgement {
  switch (fact.fact) {
    case 'received':
    case 'platform-acknowledged':
    case 'submitted':
      return apply
    case 'correction-requested':
      return isDayAfter(fact.occurredAt, part.underWayAt) ? contradiction('correction-after-acceptance') : apply
    case 'accepted':
    case 'review-step':
      return part.state === 'not-accepted' ? contradiction('never-accepted') : apply
    case 'recorded':
    case 'rejected':
    case 'withdrawn':
      return hasEnded(part) ? contradiction('already-ended') : apply
    case 'not-accepted':
      if (hasEnded(part)) return contradiction('already-ended')
      return part.position >= ACCEPTED_POSITION ? contradiction('already-accepted') : apply
    case 'withdrawal-refused':
      return part.state === 'withdrawn' && isAfter(fact.occurredAt, part.end?.occurredAt ?? null)
        ? contradiction('refused-after-withdrawal')
        : apply
    case 'procedure-started':
      if (part.state === 'not-accepted') return contradiction('never-accepted')
      return part.position >= ACCEPTED_POSITION ? apply : wait
    case 'procedure-ended':
      return judgeProcedureEnd(part, fact)
    case 'fee-exempt':
      return isPaidInRound(part.fee, fact) ? contradiction('fee-exempt-and-paid') : apply
    case 'fee-due':
      return isDueAfterExempt(part.fee, fact) ? contradiction('fee-due-after-exempt') : apply
    case 'fee-partly-paid':
    case 'fee-paid':
    case 'fee-refunding':
    case 'fee-refunded':
      return isExemptInRound(part.fee, fact) ? contradiction('fee-exempt-and-paid') : apply
    case 'register-entry':
      if (!part.units.includes(fact.subject ?? '')) return contradiction('unit-not-in-part')
      return afterRecording(part)
    case 'certificate-made':
      return judgeCertificate(part, fact)
    case 'certificate-released':
      if (part.certificates[certificateKey(fact)] === undefined) {
        return hasFailed(part) ? contradiction('not-recorded') : wait
      }
      return rules.certificateLockedUntilPaid && !isFeeSettled(part.fee) ? wait : apply
    default:
      return unreachable(fact.fact)
  }
}

/** What pairs the end of a special procedure with its beginning. */
export function procedureKey(fact: Fact): string {
  return `${fact.round}|${fact.subject ?? ''}`
}

function judgeProcedureEnd(part: PartState, fact: Fact): Judgement {
  const procedure = part.procedures[procedureKey(fact)]
  if (procedure === undefined) return part.state === 'not-accepted' ? contradiction('never-accepted') : wait
  return isAfter(procedure.startedAt, fact.occurredAt) ? contradiction('procedure-ends-before-start') : apply
}

function judgeCertificate(part: PartState, fact: Fact): Judgement {
  const unit = unitOf(fact)
  if (unit !== null) {
    if (!part.units.includes(unit)) return contradiction('unit-not-in-part')
    const other = Object.values(part.certificates).some((certificate) => certificate.unitNumber === unit)
    if (other) return contradiction('unit-has-certificate')
  }
  return afterRecording(part)
}

function afterRecording(part: PartState): Judgement {
  if (part.state === 'recorded') return apply
  return hasFailed(part) ? contradiction('not-recorded') : wait
}

function isAfter(at: string, other: string | null): boolean {
  return other !== null && Date.parse(at) > Date.parse(other)
}

// By calendar day, because a registry may tell one of two moments of a day as a bare date, which reads as midnight.
function isDayAfter(at: string, other: string | null): boolean {
  return other !== null && shanghaiDay(new Date(at)) > shanghaiDay(new Date(other))
}

function unreachable(name: never): never {
  throw new Error(`no such fact: ${String(name)}`)
}
