import { isDecimal, shiftDecimal } from '../base/money.ts'
import { firstCharacters, withoutControls } from '../base/text.ts'
import { applyFacts, type CaseMeans } from '../cases/apply.ts'
import { raiseContradiction } from '../cases/concern.ts'
import type { Fact } from '../cases/facts.ts'
import { type NumberHolders, takeNumber } from '../cases/platform-number.ts'
import { type CaseState, hasFailed } from '../cases/state.ts'
import type { CaseHold } from '../cases/store.ts'
import { requestWithdrawal, withdrawalFault, withdrawalRecord } from '../cases/withdrawal.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { Callback } from './callback.ts'
import { inboxWakes } from './inbox.ts'

/** What became of a callback: it waits for what must come before it, it was joined, or a person must look at it. */
export type Applied = 'waiting' | 'applied' | 'raised'

/** A case under lock and what the callback's effects need. */
export interface Ground {
  hold: CaseHold
  streams: CaseStreams
  /** When it came. */
  now: Date
  /** Numbers for messages to the registry, one for each file and one more. */
  numbers: readonly string[]
  /** Who has the platform's number that it tells; null where it is about a case that is known by it. */
  holders: NumberHolders | null
  rows: Rows
  means: CaseMeans
}

/** Code points that the registry takes. */
const REASON_LENGTH = 500

type RaiseReason =
  | 'platform-refused'
  | 'acknowledgement-without-number'
  | 'platform-number-taken'
  | 'payment-not-made'
  | 'payment-differs'
  | 'withdrawal-after-end'
  | 'withdrawal-files-elsewhere'
  | 'callback-incomplete'
  | 'correction-not-open'
  | 'correction-unusable'

/** The platform's number that a callback tells of a case, where it tells one. */
export function toldNumber({ type, acknowledgement, platformNumber }: Callback): string | null {
  const tells = type === '99' && acknowledgement?.ofType === '10' && acknowledgement.accepted
  return tells ? (platformNumber ?? null) : null
}

/** Joins an acknowledgement, a payment or a withdrawal to its case. A 22 has a file of its own. */
export function applyCallback(callback: Callback, ground: Ground): Applied {
  if (callback.type === '99') return applyAcknowledgement(callback, ground)
  if (callback.type === '25') return applyPayment(callback, ground)
  return applyWithdrawal(callback, ground)
}

function applyAcknowledgement(callback: Callback, ground: Ground): Applied {
  const { acknowledgement, platformNumber, messageId } = callback
  if (acknowledgement === undefined) return raise('callback-incomplete', callback, ground)
  if (!acknowledgement.accepted) return raise('platform-refused', callback, ground)
  // That another of our messages arrived changes nothing: delivery has its own word on that.
  if (acknowledgement.ofType !== '10') return 'applied'
  if (platformNumber === undefined || ground.holders === null)
    return raise('acknowledgement-without-number', callback, ground)
  // Another case's number: joined, what the platform says of that case would be done to this one.
  if (!takeNumber(ground.holders, ground.hold)) return raise('platform-number-taken', callback, ground)
  ground.rows.add(inboxWakes, platformNumber)
  return join(
    [
      {
        part: 0,
        fact: 'platform-acknowledged',
        round: 1,
        occurredAt: acknowledgement.at ?? ground.now.toISOString(),
        saidBy: 'platform',
        reportedIn: '99',
        messageId,
        platformNumber,
      },
    ],
    ground,
  )
}

function applyPayment(callback: Callback, ground: Ground): Applied {
  const { payment, messageId } = callback
  if (payment === undefined) return raise('callback-incomplete', callback, ground)
  const { state: fact } = payment
  if (fact !== 'fee-paid' && fact !== 'fee-partly-paid') return raise('payment-not-made', callback, ground)
  const part = partPaid(ground.hold.memory, payment)
  if (part === 'unknown') return 'waiting'
  if (part === null) return raise('payment-differs', callback, ground)
  const { amount, currency, orderNumber, bank } = payment
  return join(
    [
      {
        part,
        fact,
        round: 1,
        occurredAt: payment.paidAt ?? callback.sentAt ?? ground.now.toISOString(),
        saidBy: 'platform',
        reportedIn: '25',
        messageId,
        ...(amount === undefined ? {} : { amount }),
        ...(currency === undefined ? {} : { currency }),
        ...(orderNumber === undefined ? {} : { orderNumber }),
        ...(bank === undefined ? {} : { bank }),
      },
    ],
    ground,
  )
}

/**
 * The part that a payment is for, as the platform names none: the one whose fee it is. `unknown` while the registry has
 * still to tell a fee, so that what was paid is held against what was due, in whatever order both come; null when it is
 * the fee of none, or of several.
 */
export function partPaid(
  memory: CaseState,
  { amount, state }: Pick<NonNullable<Callback['payment']>, 'amount' | 'state'>,
): number | 'unknown' | null {
  const isWhole = state === 'fee-paid' && amount !== undefined
  const due = memory.parts.filter(({ fee }) => fee.amount !== null)
  const fits = isWhole ? due.filter(({ fee }) => isSameAmount(fee.amount ?? '', amount)) : due
  const [found, other] = fits
  const isOpen = memory.parts.some((part) => part.fee.state === 'none' && !hasFailed(part))
  if (found !== undefined && other === undefined && (isWhole || !isOpen)) return found.part
  return isOpen ? 'unknown' : null
}

function isSameAmount(one: string, other: string): boolean {
  return isDecimal(one) && isDecimal(other) && shiftDecimal(one, 0, null) === shiftDecimal(other, 0, null)
}

function applyWithdrawal(callback: Callback, ground: Ground): Applied {
  const { withdrawal } = callback
  const { hold, streams, numbers, rows, means } = ground
  if (withdrawal === undefined) return raise('callback-incomplete', callback, ground)
  const fault = withdrawalFault(hold, streams, means)
  // Asked for by the bank already, say: nothing more is to be done, and nothing contradicts.
  if (fault === 'withdrawal-pending') return 'applied'
  if (fault === 'case-ended') return raise('withdrawal-after-end', callback, ground)
  const request = {
    by: 'platform' as const,
    reason: firstCharacters(withoutControls(withdrawal.reason), REASON_LENGTH),
    requestedAt: withdrawal.requestedAt ?? callback.sentAt ?? ground.now.toISOString(),
    operatorName: withoutControls(withdrawal.operatorName ?? '一事联办平台'),
    materials: [],
    numbers,
  }
  requestWithdrawal(hold, streams, request, rows, means)
  withdrawalRecord(hold, request, { system: 'platform', rule: 'callback.withdrawal' }, means).addTo(rows)
  // The request goes its way; that its papers lie at the platform only is for a person.
  const hasFiles = (withdrawal.materials ?? []).length > 0
  return hasFiles ? raise('withdrawal-files-elsewhere', callback, ground) : 'applied'
}

/** A contradiction among the facts has raised itself. */
function join(facts: Fact[], { hold, streams, rows, means }: Ground): Applied {
  const verdicts = applyFacts(hold, streams, facts, rows, means)
  return verdicts.includes('contradiction') ? 'raised' : 'applied'
}

/** Tells a person, changes nothing. */
export function raise(kind: RaiseReason, callback: Callback, { hold, rows, means }: Ground): Applied {
  const { type, messageId } = callback
  const about = { content: { callback }, facts: { type }, personal: { messageId } }
  raiseContradiction({ kind, hold, system: 'platform', ...about }, rows, means)
  return 'raised'
}
