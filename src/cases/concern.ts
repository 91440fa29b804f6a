import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseMeans } from './apply.ts'
import type { ConcernKind } from './concern-kinds.ts'
import { concernInserts } from './store.ts'

/** What a person at the centre must see. `content` may name persons and property: it lies sealed. */
export function addConcern(
  concern: { kind: ConcernKind; caseId: string | null; content: unknown },
  rows: Rows,
  means: Pick<CaseMeans, 'sealer' | 'clock'>,
): void {
  const id = newId()
  rows.add(concernInserts, {
    id,
    case_id: concern.caseId,
    message_id: null,
    kind: concern.kind,
    at: means.clock.now(),
    sealed: means.sealer.seal(Buffer.from(JSON.stringify(concern.content)), `concern/sealed/${id}`),
  })
}
