import type { CaseState, PartState } from '../state.ts'
import { unitsWithout } from './certificate.ts'
import { isFeeSettled } from './fee.ts'

/** What a business type must have at its end besides being recorded. */
export interface Requirements {
  /** The register's entry of every unit: it prevails over the contract, so the bank must have it. */
  entries: boolean
  certificate: boolean
  fee: boolean
}

const everything: Requirements = { entries: true, certificate: true, fee: true }

// Cancellations and notices are not charged; a cancellation yields no certificate.
const requirements: { [businessType: string]: Requirements } = {
  'mortgage-first': everything,
  'mortgage-change': everything,
  'notice-to-mortgage': everything,
  'presale-notice': { entries: true, certificate: true, fee: false },
  'mortgage-notice': { entries: true, certificate: true, fee: false },
  'mortgage-cancel': { entries: true, certificate: false, fee: false },
}

/** A business type that is not in the table needs everything. */
export function requirementsOf(part: PartState): Requirements {
  return requirements[part.businessType] ?? everything
}

export function unitsWithoutEntry(part: PartState): string[] {
  return part.units.filter((unit) => part.entries[unit] === undefined)
}

function isPartComplete(part: PartState): boolean {
  const needed = requirementsOf(part)
  return (
    part.state === 'recorded' &&
    (!needed.entries || unitsWithoutEntry(part).length === 0) &&
    (!needed.certificate || unitsWithout(part, 'released').length === 0) &&
    (!needed.fee || isFeeSettled(part.fee))
  )
}

/** 办结: every part recorded, with all that its business type requires. Once true, it stays. */
export function isCompleted(state: CaseState): boolean {
  return state.completed || (state.parts.length > 0 && state.parts.every(isPartComplete))
}
