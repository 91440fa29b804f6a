import type { Fact, FactName, FactSource } from './facts.ts'
import type { CaseRules } from './state.ts'

// By law acceptance, review, recording and issue belong to the registry; the gateway only reports them.
const sources: Record<FactName, readonly FactSource[]> = {
  received: ['gateway'],
  'platform-acknowledged': ['platform'],
  submitted: ['registry', 'gateway'],
  'correction-requested': ['registry'],
  accepted: ['registry'],
  'review-step': ['registry'],
  'procedure-started': ['registry'],
  'procedure-ended': ['registry'],
  recorded: ['registry'],
  'not-accepted': ['registry'],
  rejected: ['registry'],
  withdrawn: ['registry'],
  'withdrawal-refused': ['registry'],
  'register-entry': ['registry'],
  'fee-exempt': ['registry'],
  'fee-due': ['registry'],
  'fee-partly-paid': ['registry', 'platform', 'payment'],
  'fee-paid': ['registry', 'platform', 'payment'],
  'fee-refunding': ['registry', 'payment'],
  'fee-refunded': ['registry', 'payment'],
  'certificate-made': ['registry'],
  'certificate-released': ['gateway'],
}

/** How much the word of this source weighs: it decides, it only corroborates the registry's, or it counts for nothing. */
export function authority(fact: Fact, rules: CaseRules): 'decides' | 'corroborates' | 'none' {
  const allowed = sources[fact.fact]
  if (allowed.includes(fact.saidBy)) return 'decides'
  if (fact.saidBy !== 'platform' || !allowed.includes('registry')) return 'none'
  return rules.platformIsSource ? 'decides' : 'corroborates'
}
