import type { Answer } from '../base/canonical.ts'
import type { Json } from '../base/json.ts'
import type { Outcome } from '../base/outcome.ts'
import { firstCharacters } from '../base/text.ts'
import type { Fact } from '../cases/facts.ts'
import type { Reply } from '../http/call.ts'

/** What the registry's answers become; events are facts for `cases` to judge. */
export interface RegistryAnswer extends Omit<Answer, 'events'> {
  events: Fact[]
}

export type ReadAnswer = (bytes: Buffer) => Json

/** An answer, or why there is none that decides anything. */
export type Heard =
  | { kind: 'answer'; answer: RegistryAnswer; bytes: Buffer }
  | { kind: 'not-sent'; reason: string }
  /** `unreadable`: an answer in time that could not be read. */
  | { kind: 'undecided'; reason: string; bytes?: Buffer; unreadable?: Buffer }

/**
 * Reads a reply to the message `number`. Status 200 alone decides; any other status, silence, what cannot be read, and
 * an answer to another message decide nothing.
 */
export function hear(reply: Reply, number: string, read: ReadAnswer): Heard {
  if (reply.kind === 'not-sent') return reply
  if (reply.kind === 'unknown') return { kind: 'undecided', reason: reply.reason }
  if (reply.status !== 200) return { kind: 'undecided', reason: `status ${reply.status}`, bytes: reply.body }
  let answer: RegistryAnswer
  try {
    answer = read(reply.body) as unknown as RegistryAnswer
  } catch {
    // The bytes are kept with the attempt; the error may quote them and is not.
    return { kind: 'undecided', reason: 'the answer cannot be read', bytes: reply.body, unreadable: reply.body }
  }
  if (answer.messageId !== number) {
    return { kind: 'undecided', reason: 'the answer is to another message', bytes: reply.body }
  }
  return { kind: 'answer', answer: { ...answer, code: plainCode(answer.code) }, bytes: reply.body }
}

/** A code stands in clear in rows and records: what has not the form of one, a name among it, does not get there. */
const plainCode = (code: string): string => (/^[\w.-]+$/.test(code) ? code : 'no-code')

/** What a refusal means for the message that was refused: the registry says that nothing was stored. */
export function refusalOutcome(answer: RegistryAnswer): Outcome {
  const words = [answer.text, ...answer.faults.map(({ place, text }) => [place, text].filter(Boolean).join(' '))]
  const reason = firstCharacters(words.filter(Boolean).join('; '), 2000)
  switch (answer.retry) {
    case 'same':
      return { kind: 'retry', reason: `refused for now, code ${answer.code}` }
    case 'look-up':
      return { kind: 'unknown', reason: `code ${answer.code}` }
    default:
      // A code that nobody knows is never a reason to send again, and no promise that nothing was stored.
      return { kind: 'refused', code: answer.code, reason, ...(answer.retry === 'never' ? {} : { mayHaveActed: true }) }
  }
}

/** Facts of one case out of an answer that may tell of many: by our number, and by the numbers that go with it. */
export function factsOf(answer: RegistryAnswer, businessNumber: string): Fact[] {
  const own = answer.cases.filter((one) => one.businessNumber === businessNumber)
  // A number may come later than the receipt; what has none belongs to the only case that is told of.
  const isAlone = own.length > 0 && own.length === answer.cases.length
  const numbers = new Set(own.flatMap(({ registryNumber }) => (registryNumber === undefined ? [] : [registryNumber])))
  return answer.events.filter(({ registryNumber }) =>
    registryNumber === undefined ? isAlone : numbers.has(registryNumber),
  )
}
