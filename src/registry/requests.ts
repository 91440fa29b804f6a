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

const ends: readonly FactName[] = ['withdrawn', 'recorded', 'not-accepted', 'rejected']
const beyondCorrection: readonly FactName[] = [...ends, 'accepted', 'review-step']

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
 * is its answer. A correction that is not allowed after one whose outcome was unknown had arrived: its round is closed.
 */
export function requestOutcome(answer: RegistryAnswer, kind: RequestKind, wasUnknown: boolean): Outcome {
  if (answer.success) return { kind: 'delivered', receipt: answer.cases[0]?.receivedAt ?? null }
  const isDecided = answer.code === NOT_ALLOWED_NOW && (kind === 'WITHDRAW' || wasUnknown)
  return isDecided ? { kind: 'delivered', receipt: null } : refusalOutcome(answer)
}

/** Whether the registry's account of the case shows that a request has arrived. Nothing changed: it has not. */
export function hasArrived(message: ClaimedMessage, facts: readonly Fact[]): boolean {
  const source = sourceOf(message)
  if (!('items' in source)) {
    // The registry tells whole seconds.
    const askedAt = Math.floor(Date.parse(source.requestedAt) / 1000) * 1000
    return facts.some(
      ({ fact, occurredAt }) =>
        ends.includes(fact) || (fact === 'withdrawal-refused' && Date.parse(occurredAt) >= askedAt),
    )
  }
  const { round } = source
  return facts.some(
    (fact) =>
      beyondCorrection.includes(fact.fact) ||
      ((fact.fact === 'correction-requested' || fact.fact === 'submitted') && fact.round > round),
  )
}

/** Joins what the registry said to a request that has arrived, and has it asked what becomes of it. */
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
      ? [...submittedAgain(hold, message, source, answer, means), ...told.filter(({ fact }) => fact !== 'submitted')]
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

function submittedAgain(
  hold: CaseHold,
  message: ClaimedMessage,
  { round, parts }: CorrectedSource,
  answer: RegistryAnswer,
  means: CaseMeans,
): Fact[] {
  return parts.map(({ number }) => {
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
