import type { NormalisedCase } from './application.ts'
import { correctionFacet, resolvedItems } from './facets/correction.ts'
import type { Fact } from './facts.ts'
import { type CaseState, type FieldPaths, hasEnded, lastSequence, materialIds, type PartState } from './state.ts'

/**
 * Whether a version of the gateway that took no answers to corrections wrote this memory: it kept neither the rounds of
 * correction nor the materials and the order of files that an answer needs. Of a case that ended nothing is missed.
 */
export function isOfEarlierVersion(memory: CaseState): boolean {
  if (memory.parts.every(hasEnded)) return false
  return memory.lastSequence === undefined || memory.parts.some(({ materials }) => materials === undefined)
}

/**
 * Such a memory with what it lacks, from the case's document and its events of type `correction-requested`, oldest
 * first. The given one is not changed; the completed one is kept with the case's next change.
 */
export function completedMemory(
  memory: CaseState,
  document: NormalisedCase,
  asked: readonly Record<string, unknown>[],
  fields: FieldPaths,
): CaseState {
  const parts = memory.parts.map((given): PartState => {
    const own = document.parts.find(({ number }) => number === given.part)
    const part = { ...given, materials: given.materials ?? (own === undefined ? {} : materialIds(own)) }
    for (const event of asked) {
      if (event['part'] !== part.part) continue
      const correction = correctionFacet(part, { ...event, fact: 'correction-requested' } as unknown as Fact)
      if (correction !== undefined) part.correction = correction
    }
    if (part.correction === undefined) return part
    const items = resolvedItems(part.correction.items, part, memory.parts.length, fields)
    return { ...part, correction: { ...part.correction, items } }
  })
  return { ...memory, parts, lastSequence: memory.lastSequence ?? lastSequence(document) }
}
