import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseMeans } from './apply.ts'
import { eventInserts, sealEvent } from './store.ts'

/** An event of a bank that is about no case: of a query, say. */
export interface BankEvent {
  bankId: string
  /** What it is about; stands where other events have their case. */
  subjectId: string
  type: string
  /** No personal data: what it tells of is read under scope. */
  body: Record<string, unknown>
}

/** Adds an event to the bank's feed, in its order. */
export function addBankEvent(
  rows: Rows,
  event: BankEvent,
  means: Pick<CaseMeans, 'sealer' | 'clock' | 'onEvents'>,
): void {
  const id = newId()
  const at = means.clock.now()
  const body = { id, type: event.type, occurredAt: at.toISOString(), knownAt: at.toISOString(), ...event.body }
  rows.add(eventInserts, {
    id,
    case_id: event.subjectId,
    bank_id: event.bankId,
    type: event.type,
    part: 0,
    at,
    sealed: sealEvent(id, body, means.sealer),
  })
  rows.afterCommit(() => means.onEvents?.(event.bankId))
}
