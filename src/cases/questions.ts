import { unitsWithout } from './facets/certificate.ts'
import { requirementsOf, unitsWithoutEntry } from './facets/completion.ts'
import { type CaseState, hasEnded, type PartState } from './state.ts'

const questionKinds = ['PROGRESS', 'RESULT', 'FEE', 'CERTIFICATE'] as const
export type QuestionKind = (typeof questionKinds)[number]

export interface Question {
  kinds: QuestionKind[]
}

/** What the registry is to be asked next about this case; null when nothing more is to be learnt, or nothing yet. */
export function nextQuestion(state: CaseState): Question | null {
  if (state.completed) return null
  const needed = new Set(state.parts.flatMap(openQuestions))
  return needed.size === 0 ? null : { kinds: questionKinds.filter((kind) => needed.has(kind)) }
}

function openQuestions(part: PartState): QuestionKind[] {
  if (!hasEnded(part)) {
    // Before the registry has it, delivery looks it up; there is no progress to ask for.
    return part.state === 'received' && part.registryNumber === null ? [] : ['PROGRESS']
  }
  if (part.state !== 'recorded') return []
  const needed = requirementsOf(part)
  const { state: fee } = part.fee
  const kinds: QuestionKind[] = []
  if (needed.entries && unitsWithoutEntry(part).length > 0) kinds.push('RESULT')
  if (needed.fee && (fee === 'none' || fee === 'due' || fee === 'partly-paid')) kinds.push('FEE')
  if (needed.certificate && unitsWithout(part, 'made').length > 0) kinds.push('CERTIFICATE')
  return kinds
}
