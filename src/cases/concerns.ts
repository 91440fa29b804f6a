import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { concernInserts, type Sealer } from './store.ts'

/** An answer of the registry about a case cannot be read. */
export const UNREADABLE = 'answer-unreadable'

export const concernContext = (id: string): string => `concern/sealed/${id}`

/** Whether a person has been told of this already and has not closed it. */
export async function hasOpenConcern(db: Queryable, caseId: string, kind: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from concern where case_id = $1 and kind = $2 and closed_at is null limit 1',
    [caseId, kind],
  )
  return rowCount === 1
}

/** Largest answer that is kept with a concern; what is longer is cut. */
const KEPT_BYTES = 1_048_576

/** Tells a person, with the answer's bytes sealed. */
export function addUnreadable(
  caseId: string,
  question: string,
  bytes: Buffer,
  rows: Rows,
  means: { sealer: Sealer; clock: Clock },
): void {
  const id = newId()
  const kept = { question, answer: bytes.subarray(0, KEPT_BYTES).toString('base64'), sizeBytes: bytes.length }
  rows.add(concernInserts, {
    id,
    case_id: caseId,
    message_id: null,
    kind: UNREADABLE,
    at: means.clock.now(),
    sealed: means.sealer.seal(Buffer.from(JSON.stringify(kept)), concernContext(id)),
  })
}
