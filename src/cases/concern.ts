import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { Act } from '../trace/record.ts'
import type { CaseMeans } from './apply.ts'
import type { ConcernKind } from './concern-kinds.ts'
import { type CaseHold, concernInserts } from './store.ts'

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
  means: CaseMeans,
): void {
  const { kind, hold, system, content, facts, personal } = told
  addConcern({ kind, caseId: hold?.id ?? null, content }, rows, means)
  const of = hold === null ? { actors: { system } } : { actors: { bankId: hold.bankId, system }, caseId: hold.id }
  means
    .record({ type: 'contradiction-raised', at: means.clock.now(), ...of, outcome: kind, facts, personal })
    .addTo(rows)
}
