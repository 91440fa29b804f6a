import type { Query, QueryAnswer } from '../base/canonical.ts'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Json } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { messageContexts, type Site } from '../cases/contexts.ts'
import type { Numbers } from '../cases/numbers.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'
import { hear } from './answer.ts'
import type { RegistryClient } from './client.ts'

export interface QuestionMeans {
  profile: string
  client: RegistryClient
  mappings: MappingSet
  numbers: Numbers
  site: Site
  clock: Clock
}

/** The registry's word on a question: found or not, or why there is no word. */
export type QuestionWord =
  | { kind: 'answered'; findings: QueryAnswer }
  | { kind: 'unavailable'; reason: string }
  | { kind: 'refused'; code: string }

/** Codes by which the registry says that it has nothing of the kind: an answer like any other. */
const NOTHING_THERE = new Set(['2001', '3001'])

/**
 * Puts one question (QUERY) to the registry. Reading has no effect there, so whatever brings no answer may be asked again.
 * @throws {Problem} numbers-exhausted.
 */
export async function askRegistry(question: Query, means: QuestionMeans): Promise<QuestionWord> {
  const name = `${means.profile}/query`
  const [number = ''] = await means.numbers.take('inquiry')
  const all = messageContexts({ id: newId(), number, createdAt: means.clock.now() }, means.site)
  let bytes: Buffer
  try {
    bytes = means.mappings.outward(name).render(question as unknown as Json, all)
  } catch (error) {
    // Asking again would change nothing: a name that the registry's form cannot hold, say.
    if (error instanceof Problem && error.code === 'message-unwritable') return { kind: 'refused', code: error.code }
    throw error
  }
  const heard = hear(await means.client.post(bytes), number, (answer) => means.mappings.inward(name).read(answer, all))
  if (heard.kind !== 'answer') return { kind: 'unavailable', reason: heard.reason }
  const findings = heard.answer as unknown as QueryAnswer
  if (findings.success) return { kind: 'answered', findings }
  const { code } = findings
  if (NOTHING_THERE.has(code)) return { kind: 'answered', findings: { ...findings, matched: false } }
  return findings.retry === 'never' ? { kind: 'refused', code } : { kind: 'unavailable', reason: `code ${code}` }
}
