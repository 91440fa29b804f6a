import type { Outcome } from '../base/outcome.ts'
import type { ClaimedMessage } from '../delivery/destination.ts'
import type { TraceRecord } from '../trace/record.ts'
import type { CaseMeans } from './apply.ts'
import type { CaseHold } from './store.ts'

/** The trace of one attempt at a counterparty, whatever came of it. */
export function pushRecord(
  hold: CaseHold,
  message: ClaimedMessage,
  outcome: Outcome,
  system: 'platform' | 'registry',
  means: CaseMeans,
): TraceRecord {
  const { endpoint, kind, id, cursor, fence } = message
  return means.record({
    type: 'push-attempted',
    at: means.clock.now(),
    actors: { bankId: hold.bankId, system },
    caseId: hold.id,
    outcome: outcome.kind,
    facts: { endpoint, kind, messageId: id, cursor, fence },
  })
}
