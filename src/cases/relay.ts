import type { RelayEffect } from './effects.ts'
import { requirementsOf, unitsWithoutEntry } from './facets/completion.ts'
import type { Fact, FactName } from './facts.ts'
import { type CaseRules, hasEnded, type PartState, type RelayType } from './state.ts'

const types: Partial<Record<FactName, RelayType>> = {
  accepted: '20',
  'review-step': '20',
  recorded: '20',
  'procedure-started': '21',
  'correction-requested': '22',
  'procedure-ended': '23',
  'fee-due': '24',
}

const results: Partial<Record<FactName, 'Y' | 'N' | 'E3'>> = {
  recorded: 'Y',
  rejected: 'N',
  'not-accepted': 'N',
  withdrawn: 'E3',
}

/** The message of a single fact; none where the platform said it itself or its profile has no such type. */
export function factRelay(fact: Fact, rules: CaseRules): RelayEffect[] {
  const type = types[fact.fact]
  if (type === undefined || fact.saidBy === 'platform' || !rules.relayTypes.includes(type)) return []
  return [{ kind: 'relay', type, part: fact.part, fact }]
}

/** The part's result can be told: it failed, or it is recorded and the register's entry of every unit is here. */
export function isResultKnown(part: PartState): boolean {
  if (!hasEnded(part)) return false
  return part.state !== 'recorded' || !requirementsOf(part).entries || unitsWithoutEntry(part).length === 0
}

export function resultRelay(part: PartState, rules: CaseRules): RelayEffect[] {
  const { end } = part
  const result = end === null ? undefined : results[end.fact]
  if (end === null || result === undefined || end.saidBy === 'platform' || !rules.relayTypes.includes('30')) return []
  return [{ kind: 'relay', type: '30', part: part.part, fact: end, result }]
}
