import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import type { ConcernKind } from './concern-kinds.ts'
import { type CaseHold, concernInserts, type Sealer } from './store.ts'

/** What telling a person needs of the rest. */
interface ConcernMeans {
  sealer: Sealer
  clock: Clock
}

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

/** What a person at the centre must see. `content` may name persons and property: it lies sealed. */
export function addConcern(
  concern: { kind: ConcernKind; caseId: string | null; content: unknown },
  rows: Rows,
  means: ConcernMeans,
): void {
  const id = newId()
  rows.add(concernInserts, {
    id,
    case_id: concern.caseId,
    message_id: null,
    kind: concern.kind,
    at: means.clock.now(),
    sealed: means.sealer.seal(Buffer.from(JSON.stringify(concern.content)), concernContext(id)),
  })
}

/** What somebody says that cannot be joined: a person is told, nothing changes. `hold` is null where it is of no one case. */
export function raiseContradiction(
  told: {
    kind: ConcernKind
    hold: Pick<CaseHold, 'id' | 'bankId'> | null
    system: 'platform'
    content: unknown
    facts: NonNullable<Act['facts']>
    personal: NonNullable<Act['personal']>
  },
  rows: Rows,
  means: ConcernMeans & { record(act: Act): TraceRecord },
): void {
  const { kind, hold, system, content, facts, personal } = told
  addConcern({ kind, caseId: hold?.id ?? null, content }, rows, means)
  const of = hold === null ? { actors: { system } } : { actors: { bankId: hold.bankId, system }, caseId: hold.id }
  means
    .record({ type: 'contradiction-raised', at: means.clock.now(), ...of, outcome: kind, facts, personal })
    .addTo(rows)
}

/** Largest answer that is kept with a concern; what is longer is cut. */
const KEPT_BYTES = 1_048_576

/** Tells a person, with the answer's bytes sealed. */
export function addUnreadable(caseId: string, question: string, bytes: Buffer, rows: Rows, means: ConcernMeans): void {
  const kept = { question, answer: bytes.subarray(0, KEPT_BYTES).toString('base64'), sizeBytes: bytes.length }
  addConcern({ kind: UNREADABLE, caseId, content: kept }, rows, means)
}
