import type { Outcome } from '../base/outcome.ts'
import { applyFacts, type CaseMeans } from '../cases/apply.ts'
import type { CorrectedSource } from '../cases/corrected.ts'
import type { Fact, FactName } from '../cases/facts.ts'
import { polls } from '../cases/polls.ts'
import { nextQuestion } from '../cases/questions.ts'
import { type CaseState, hasEnded } from '../cases/state.ts'
import type { CaseHold } from '../cases/store.ts'
import type { WithdrawalSource } from '../cases/withdrawal.ts'
import type { Rows } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { ClaimedMessage } from '../delivery/destination.ts'
import { factsOf, type RegistryAnswer, refusalOutcome } from './answer.ts'

/** What may be asked of a case that the registry has: taking it back, and the answer to a correction. */
export type RequestKind = 'WITHDRAW' | 'CORRECT'

export function isRequest(kind: string): kind is RequestKind {
  return kind === 'WITHDRAW' || kind === 'CORRECT'
}

/** The registry's state of the case does not allow it: a decision, not a fault of the message. */
const NOT_ALLOWED_NOW = '2002'

/** Reason of an outcome that is unknown because the round is closed: by the answer itself, or because time ran out. */
const ROUND_CLOSED = 'the round is closed'

const ends: readonly FactName[] = ['withdrawn', 'recorded', 'not-accepted', 'rejected']
/** A registry that asked for a correction goes on to these only once it has the answer. */
const beyondCorrection: readonly FactName[] = ['accepted', 'review-step', 'recorded']

/** The document that the message is written from; each part is named by the registry's own number once that is known. */
export function requestDocument(message: ClaimedMessage, memory: CaseState): WithdrawalSource | CorrectedSource {
  const source = sourceOf(message)
  const numbers = new Map(memory.parts.map(({ part, registryNumber }) => [part, registryNumber]))
  const named = <T extends object>(of: T, part: number): T => {
    const registryNumber = numbers.get(part) ?? null
    return registryNumber === null ? of : { ...of, registryNumber }
  }
  if (!('items' in source)) return { ...source, parts: source.parts.map((part) => named(part, part.number)) }
  return {
    ...source,
    parts: source.parts.map((part) => named(part, part.number)),
    items: source.items.map((item) => named(item, item.part)),
  }
}

/**
 * What an answer makes of a request. A withdrawal that the registry's state of the case does not allow is refused, which
 * is its answer. A correction that is not allowed after one whose outcome was unknown has arrived, or its round was
 * closed without it: progress tells.
 */
export function requestOutcome(answer: RegistryAnswer, kind: RequestKind, wasUnknown: boolean): Outcome {
  if (answer.success) return { kind: 'delivered', receipt: answer.cases[0]?.receivedAt ?? null }
  if (answer.code !== NOT_ALLOWED_NOW) return refusalOutcome(answer)
  if (kind === 'WITHDRAW') return { kind: 'delivered', receipt: null }
  return wasUnknown ? { kind: 'unknown', reason: ROUND_CLOSED } : refusalOutcome(answer)
}

/** Whether the registry has said of this message that its round is closed. */
export async function wasClosed(pool: Pool, messageId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from attempt where message_id = $1 and outcome = 'unknown' and reason = $2 limit 1`,
    [messageId, ROUND_CLOSED],
  )
  return rowCount !== 0
}

/**
 * What the registry's account of the case says of a request: that it has arrived, that the case has gone on without it,
 * or nothing. Of a filing in several parts only what is said of the parts that it is about counts.
 */
export type Course = 'arrived' | 'overtaken' | 'unchanged'

export function courseOf(message: ClaimedMessage, facts: readonly Fact[]): Course {
  const source = sourceOf(message)
  if (!('items' in source)) return courseOfWithdrawal(source, facts)
  const courses = source.parts.map(({ number }) => courseOfAnswer(number, source.round, facts))
  if (courses.includes('unchanged')) return 'unchanged'
  return courses.includes('overtaken') ? 'overtaken' : 'arrived'
}

/** The whole filing is withdrawn: an end of one part, known before perhaps, says nothing of the others. */
function courseOfWithdrawal({ parts, requestedAt }: WithdrawalSource, facts: readonly Fact[]): Course {
  // The registry tells whole seconds.
  const askedAt = Math.floor(Date.parse(requestedAt) / 1000) * 1000
  if (facts.some(({ fact, occurredAt }) => fact === 'withdrawal-refused' && Date.parse(occurredAt) >= askedAt))
    return 'arrived'
  const isOpen = parts.some(({ number }) => !facts.some(({ part, fact }) => part === number && ends.includes(fact)))
  if (isOpen) return 'unchanged'
  return facts.some(({ fact }) => fact === 'withdrawn') ? 'arrived' : 'overtaken'
}

function courseOfAnswer(number: number, round: number, facts: readonly Fact[]): Course {
  const own = facts.filter(({ part }) => part === number)
  const isAnswered = own.some(
    (fact) =>
      beyondCorrection.includes(fact.fact) ||
      ((fact.fact === 'correction-requested' || fact.fact === 'submitted') && fact.round > round),
  )
  if (isAnswered) return 'arrived'
  return own.some(({ fact }) => ends.includes(fact)) ? 'overtaken' : 'unchanged'
}

/** Joins what the registry said of a request that has arrived or was overtaken, and has it asked what becomes of it. */
export function settleRequest(
  hold: CaseHold,
  streams: CaseStreams,
  message: ClaimedMessage,
  answer: RegistryAnswer,
  rows: Rows,
  means: CaseMeans,
): void {
  const source = sourceOf(message)
  const told = factsOf(answer, hold.businessNumber)
  const facts =
    'items' in source
      ? [
          ...submittedAgain(hold, message, source, told, answer, means),
          ...told.filter(({ fact }) => fact !== 'submitted'),
        ]
      : [...told, ...refusedOutright(hold, message, answer, means)]
  applyFacts(hold, streams, ofThisRequest(facts, hold.memory), rows, means)
  if (nextQuestion(hold.memory) !== null) {
    const due_at = new Date(means.clock.now().getTime() + means.pollFirstMs)
    rows.add(polls, { case_id: hold.id, endpoint: means.endpoints.registry, due_at, step: 0 })
  }
}

/** Refusals of a withdrawal repeat over the life of a case: each is that of the request before it. */
export function ofThisRequest(facts: readonly Fact[], memory: CaseState): Fact[] {
  const { withdrawal } = memory
  if (withdrawal === undefined) return [...facts]
  const askedAt = Math.floor(Date.parse(withdrawal.requestedAt) / 1000) * 1000
  return facts.map((fact) =>
    fact.fact === 'withdrawal-refused' && Date.parse(fact.occurredAt) >= askedAt
      ? { ...fact, round: withdrawal.number }
      : fact,
  )
}

/** In the registry's name: only of parts that it has not closed without the answer. */
function submittedAgain(
  hold: CaseHold,
  message: ClaimedMessage,
  { round, parts }: CorrectedSource,
  told: readonly Fact[],
  answer: RegistryAnswer,
  means: CaseMeans,
): Fact[] {
  const taken = parts.filter(({ number }) => courseOfAnswer(number, round, told) !== 'overtaken')
  return taken.map(({ number }) => {
    const registryNumber = hold.memory.parts.find(({ part }) => part === number)?.registryNumber
    return {
      part: number,
      fact: 'submitted',
      round: round + 1,
      occurredAt: means.clock.now().toISOString(),
      saidBy: 'registry',
      reportedIn: 'receipt',
      messageId: answer.messageId ?? message.number,
      ...(registryNumber === null || registryNumber === undefined ? {} : { registryNumber }),
    }
  })
}

function refusedOutright(hold: CaseHold, message: ClaimedMessage, answer: RegistryAnswer, means: CaseMeans): Fact[] {
  const open = hold.memory.parts.find((part) => !hasEnded(part))
  if (answer.success || open === undefined) return []
  return [
    {
      part: open.part,
      fact: 'withdrawal-refused',
      round: hold.memory.withdrawal?.number ?? 1,
      occurredAt: means.clock.now().toISOString(),
      saidBy: 'registry',
      reportedIn: 'withdraw',
      messageId: answer.messageId ?? message.number,
      ...(answer.text === undefined ? {} : { reason: answer.text }),
    },
  ]
}

function sourceOf(message: ClaimedMessage): WithdrawalSource | CorrectedSource {
  return JSON.parse((message.source as Buffer).toString()) as WithdrawalSource | CorrectedSource
}
