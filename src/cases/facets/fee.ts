import type { Json } from '../../base/json.ts'
import type { Fact, FactName } from '../facts.ts'
import type { FeeFacet, FeeStateName } from '../state.ts'

const steps: Partial<Record<FactName, { step: number; state: FeeStateName }>> = {
  'fee-due': { step: 1, state: 'due' },
  'fee-exempt': { step: 2, state: 'exempt' },
  'fee-partly-paid': { step: 3, state: 'partly-paid' },
  'fee-paid': { step: 4, state: 'paid' },
  'fee-refunding': { step: 5, state: 'refunding' },
  'fee-refunded': { step: 6, state: 'refunded' },
}

export function isFeeFact(name: FactName): boolean {
  return steps[name] !== undefined
}

/**
 * none → due → partly-paid → paid → refunding → refunded, or exempt; jumps forward are legal because a poll sees
 * only the present state. A report of an earlier step or round is history and changes nothing.
 *
 * @param onStatement the bank settles by statement: what is due needs no payment of this case.
 */
export function feeFacet(fee: FeeFacet, fact: Fact, onStatement: boolean): FeeFacet {
  const position = feePosition(fact)
  const notice =
    fact.fact === 'fee-due' && Math.floor(position / 10) >= Math.floor(fee.position / 10)
      ? {
          amount: text(fact['amount']) ?? fee.amount,
          paymentCode: text(fact['paymentCode']) ?? fee.paymentCode,
          payBy: text(fact['payBy']) ?? fee.payBy,
        }
      : {}
  if (position <= fee.position) return { ...fee, ...notice }
  const { state } = steps[fact.fact] as { state: FeeStateName }
  return {
    ...fee,
    ...notice,
    position,
    at: fact.occurredAt,
    state: state === 'due' && onStatement ? 'on-statement' : state,
  }
}

/** Nothing is owed for this case. */
export function isFeeSettled(fee: FeeFacet): boolean {
  return fee.state === 'exempt' || fee.state === 'paid' || fee.state === 'on-statement'
}

/** Something was paid in the round of this fact, so that it cannot be exempt. */
export function isPaidInRound(fee: FeeFacet, fact: Fact): boolean {
  return isSameRound(fee, fact) && fee.position % 10 >= 3
}

export function isExemptInRound(fee: FeeFacet, fact: Fact): boolean {
  return isSameRound(fee, fact) && fee.position % 10 === 2
}

/** A notice that came after the exemption takes it back; an earlier one is history. */
export function isDueAfterExempt(fee: FeeFacet, fact: Fact): boolean {
  return isExemptInRound(fee, fact) && fee.at !== null && Date.parse(fact.occurredAt) > Date.parse(fee.at)
}

function isSameRound(fee: FeeFacet, fact: Fact): boolean {
  return fee.position >= 0 && Math.floor(fee.position / 10) === fact.round
}

function feePosition(fact: Fact): number {
  return fact.round * 10 + (steps[fact.fact]?.step ?? 0)
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}
