import type { JsonObject } from '../../base/json.ts'
import { pointerOf } from '../correctable.ts'
import type { Fact } from '../facts.ts'
import type { CorrectionFacet, CorrectionItem, FieldPaths, PartState } from '../state.ts'

/**
 * The fact with each of its items resolved to the material or the member of the application that it means. The registry
 * names materials by name and fields by row and unit; what cannot be found is left for a person to read.
 */
export function resolvedFact(fact: Fact, part: PartState, partCount: number, fields: FieldPaths): Fact {
  if (fact.fact !== 'correction-requested' || !Array.isArray(fact['items'])) return fact
  const items = resolvedItems(fact['items'], part, partCount, fields)
  return { ...fact, items: items as unknown as JsonObject[] }
}

/** Items with what they mean, those that name it already as they are. */
export function resolvedItems(
  items: readonly CorrectionItem[],
  part: PartState,
  partCount: number,
  fields: FieldPaths,
): CorrectionItem[] {
  return items.map((item) => {
    const resolved = item.resolved ?? resolve(item, part, partCount, fields)
    return resolved === undefined ? item : { ...item, resolved }
  })
}

/** The newest round that is known; an older one that is told late is history. */
export function correctionFacet(part: PartState, fact: Fact): CorrectionFacet | undefined {
  if (fact.fact !== 'correction-requested') return part.correction
  if (part.correction !== undefined && part.correction.round >= fact.round) return part.correction
  return {
    round: fact.round,
    requestedAt: fact.occurredAt,
    by: typeof fact['by'] === 'string' ? fact['by'] : null,
    answerBy: typeof fact['answerBy'] === 'string' ? fact['answerBy'] : null,
    items: (fact['items'] ?? []) as unknown as CorrectionItem[],
    answered: null,
  }
}

/** Open: asked, not answered, and the registry has not gone on meanwhile. */
export function isCorrectionOpen(part: PartState): boolean {
  return part.state === 'correction-requested' && part.correction !== undefined && part.correction.answered === null
}

function resolve(
  { materialName, unitNumber, field }: CorrectionItem,
  part: PartState,
  partCount: number,
  fields: FieldPaths,
): CorrectionItem['resolved'] {
  if (materialName !== undefined) {
    const materialId = Object.hasOwn(part.materials ?? {}, materialName) ? part.materials?.[materialName] : undefined
    return materialId === undefined ? undefined : { materialId }
  }
  const pattern = field === undefined ? undefined : fields.get(field)
  if (pattern === undefined) return undefined
  const place = unitNumber === undefined ? lonePlace(part) : part.units.indexOf(unitNumber)
  if (pattern.includes('*') && (place < 0 || !pattern.startsWith('properties/'))) return undefined
  return { path: pointerOf(part.part, pattern.replace('*', String(place)).split('/'), partCount) }
}

/** Which unit is meant where none is named: the only one. */
function lonePlace(part: PartState): number {
  return part.units.length === 1 ? 0 : -1
}
