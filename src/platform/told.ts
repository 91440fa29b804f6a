import type { Json } from '../base/json.ts'
import type { RelaySource } from '../cases/apply.ts'
import type { FormField } from '../cases/correct.ts'
import { memberPath } from '../cases/correctable.ts'
import type { CaseDocument } from '../cases/document.ts'
import type { CorrectionItem } from '../cases/state.ts'
import { readEvents, type Sealer } from '../cases/store.ts'
import type { Pool } from '../db/pool.ts'
import type { ClaimedMessage } from '../delivery/destination.ts'

/** What a message to the platform is written from, and by which mapping of its profile. */
export interface Told {
  mapping: string
  document: Json
}

interface ToldMeans {
  pool: Pool
  sealer: Sealer
  formField: FormField
}

/**
 * The case itself (10), a request as it was asked (22 answered, 26), or what the registry said of it: a step is the fact
 * itself, a correction is told in the platform's own materials and fields, a result together with the register's
 * entries, which the case's events hold.
 */
export async function toldOf(message: ClaimedMessage, document: CaseDocument, means: ToldMeans): Promise<Told> {
  const { kind } = message
  if (kind === '10') return { mapping: kind, document: document as unknown as Json }
  const source = JSON.parse((message.source as Buffer).toString()) as Json
  if (!isRelay(source)) return { mapping: kind, document: source }
  const { part, fact } = source
  if (kind === '22') {
    return { mapping: '22-asked', document: { ...fact, items: askedItems(source, document, means.formField) } as Json }
  }
  if (kind !== '30') return { mapping: kind, document: fact as Json }
  const events = await readEvents(means.pool, message.caseId, message.caseId, 0, 10_000, means.sealer)
  const entries = events
    .map(({ body }) => body)
    .filter((body) => body['type'] === 'register-entry' && body['part'] === part)
    .map((body) => body['entry'] as Json)
  return { mapping: kind, document: { ...fact, entries } as Json }
}

// What the bank asks and what the registry says of the same thing are of one type there.
function isRelay(source: Json): source is Json & RelaySource {
  return typeof source === 'object' && source !== null && 'fact' in source
}

function askedItems({ part, fact }: RelaySource, document: CaseDocument, formField: FormField): Json[] {
  const own = document.parts.find(({ number }) => number === part)
  return ((fact['items'] ?? []) as unknown as CorrectionItem[]).map((item) => {
    const { number, requirement, resolved, materialName, field } = item
    const wanted = requirement ?? materialName ?? field ?? ''
    const material = own?.materials.find(({ id }) => id === resolved?.materialId)
    if (material !== undefined) {
      const { id, name, sequence } = material
      return { number, requirement: wanted, material: { id, name, sequence } }
    }
    const member = resolved?.path === undefined ? null : memberPath(resolved.path, part)
    if (member === null) return { number, requirement: wanted }
    return { number, requirement: wanted, label: member.label, ...formField(member, document) }
  })
}
