import { authorizationLock, authorizationUses } from '../access/authorizations.ts'
import { quotaGate } from '../access/quota.ts'
import type { Clock } from '../base/clock.ts'
import { ask, type Batch, type Member, type Rows } from '../db/batch.ts'
import { type AnswerRow, answerRows, freedKeys } from '../intake/idempotency.ts'
import { answerContext } from '../intake/once.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import type { Findings, RegistryWord } from './findings.ts'
import {
  type Query,
  type QueryHold,
  queryEnds,
  queryLock,
  queryReplies,
  queryRetries,
  type Sealer,
  sealFindings,
  sealQuestion,
} from './store.ts'

export interface ConcludeMeans {
  batch: Pick<Batch, 'submit'>
  sealer: Sealer
  clock: Clock
  record(act: Act): TraceRecord
  /** Adds an event to the bank's feed. */
  addEvent(rows: Rows, event: { bankId: string; subjectId: string; type: string; body: Record<string, unknown> }): void
}

export type Refusal = Exclude<RegistryWord, { kind: 'answered' }>

/** The words that a bank is told of a query that brought nothing. */
type FailureCode = 'registry-unavailable' | 'registry-refused'

export const failureCode = (word: Refusal): FailureCode =>
  word.kind === 'refused' ? 'registry-refused' : 'registry-unavailable'

/**
 * The row's end and what the registry said, kept sealed for whoever may read it later.
 * @param query with what is granted by the time it ends.
 */
export function addEnd(
  query: Query,
  findings: Findings,
  code: string,
  at: Date,
  rows: Rows,
  means: ConcludeMeans,
): void {
  rows.add(queryEnds, {
    id: query.id,
    state: 'answered',
    code,
    asked: sealQuestion(query.id, query, means.sealer),
    answer: sealFindings(query.id, findings, means.sealer),
    answered_at: at,
  })
}

/**
 * A query that brought nothing.
 * @param why a word of ours or the registry's code, for the record.
 */
export function addFailure(
  query: Query,
  code: string,
  why: string | null,
  isReleased: boolean,
  rows: Rows,
  means: ConcludeMeans,
): TraceRecord {
  rows.add(queryEnds, {
    id: query.id,
    state: 'failed',
    code,
    asked: sealQuestion(query.id, query, means.sealer),
    answer: null,
    answered_at: means.clock.now(),
  })
  if (isReleased && query.authorizationId !== null)
    rows.add(authorizationUses, { id: query.authorizationId, count: -1 })
  const act = means.record({
    type: 'query-failed',
    at: means.clock.now(),
    actors: { bankId: query.bankId, accountId: query.accountId, operator: query.operatorCode, system: 'registry' },
    outcome: code,
    facts: {
      queryId: query.id,
      authorizationId: query.authorizationId,
      quotaReleased: isReleased,
      why: why === null ? undefined : factWord(why),
    },
  })
  act.addTo(rows)
  return act
}

/** What of a reason may stand in a record: one word without long digits. */
export function factWord(reason: string): string {
  const word = reason
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/\d{7,}/g, 'n')
    .slice(0, 60)
  return /^[A-Za-z0-9]/.test(word) ? word : 'unknown'
}

/**
 * Locks in the order of the gates; what was reserved is given back where the registry could not answer. Of several that
 * conclude one query in one batch the first to ask is the one.
 */
function asksOf(query: Query, mayRelease: (hold: QueryHold) => boolean) {
  const lock = ask(queryLock, query.id)
  const { accountId, operatorId, quotaDay: day, authorizationId } = query
  const release = ask(quotaGate, { accountId, operatorId, day, take: false }, (held) => {
    const hold = held.of(lock)
    if (hold === null || hold.isReleased || !mayRelease(hold)) return false
    hold.isReleased = true
    return true
  })
  const uses = authorizationId === null ? [] : [ask(authorizationLock, authorizationId)]
  return { lock, release, asks: [lock, ...uses, release] }
}

/**
 * Ends a query at once that the registry could not answer: it costs nothing, and its key is free again.
 * @returns the receipt of the record; null when another has concluded it.
 */
export function failNow(query: Query, word: Refusal, means: ConcludeMeans): Promise<string | null> {
  const { lock, release, asks } = asksOf(query, ({ state, replied }) => state === 'asking' && !replied)
  return means.batch.submit({
    asks,
    decide: (held, rows) => {
      const hold = held.of(lock)
      if (hold === null || !held.has(release)) return null
      hold.state = 'failed'
      const failed = addFailure(query, failureCode(word), whyOf(word), true, rows, means)
      rows.add(freedKeys, query.requestId)
      return failed.receipt
    },
  })
}

const whyOf = (word: Refusal): string => (word.kind === 'refused' ? `code ${word.code}` : word.reason)

export const pendingBody = (id: string): Buffer => Buffer.from(JSON.stringify({ id, state: 'asking' }))
export const pendingHeaders = (id: string): Record<string, string> => ({
  'content-type': 'application/json; charset=utf-8',
  location: `/v1/queries/${id}`,
})

/** The registry is slow: 202 is the call's answer now and for every repeat, and an event will follow. */
export function replyLater(query: Query, receipt: string, means: ConcludeMeans): Promise<void> {
  const lock = ask(queryLock, query.id)
  return means.batch.submit({
    asks: [lock],
    decide: (held, rows) => {
      const hold = held.of(lock)
      if (hold?.state !== 'asking' || hold.replied) return
      hold.replied = true
      rows.add(queryReplies, { id: query.id, replied: true })
      rows.add(answerRows, pendingAnswer(query, receipt, means))
    },
  })
}

function pendingAnswer(query: Query, receipt: string | null, means: ConcludeMeans): AnswerRow {
  return {
    request_id: query.requestId,
    status: 202,
    headers: JSON.stringify(pendingHeaders(query.id)),
    body: means.sealer.seal(pendingBody(query.id), answerContext(query.requestId)),
    receipt,
  }
}

/**
 * What came of a query whose caller is gone or was told 202: kept for GET, with an event. Nothing is disclosed here.
 * @param retryInMs when to ask again where it could not be answered; null gives up.
 */
export function concludeLater(
  query: Query,
  word: RegistryWord,
  retryInMs: number | null,
  means: ConcludeMeans,
): Promise<void> {
  const givesUp = word.kind === 'refused' || (word.kind === 'unavailable' && retryInMs === null)
  const { lock, release, asks } = asksOf(query, ({ state }) => givesUp && state === 'asking')
  const member: Member<void> = {
    asks,
    decide: (held, rows) => {
      const hold = held.of(lock)
      if (hold?.state !== 'asking' || (givesUp && !held.has(release))) return
      if (word.kind === 'unavailable' && retryInMs !== null) {
        const due_at = new Date(means.clock.now().getTime() + retryInMs)
        rows.add(queryRetries, { id: query.id, due_at, why: word.reason.slice(0, 160) })
        return
      }
      hold.state = word.kind === 'answered' ? 'answered' : 'failed'
      if (word.kind === 'answered') {
        addEnd(query, word.findings, 'answered', means.clock.now(), rows, means)
        answeredRecord(query, means).addTo(rows)
        addQueryEvent(query, 'query-answered', { state: 'answered' }, rows, means)
      } else {
        addFailure(query, failureCode(word), whyOf(word), true, rows, means)
        addQueryEvent(query, 'query-failed', { state: 'failed', code: failureCode(word) }, rows, means)
      }
      if (hold.replied) return
      // Its caller was never answered: a repeat learns where to look.
      if (word.kind === 'answered') {
        rows.add(queryReplies, { id: query.id, replied: true })
        rows.add(answerRows, pendingAnswer(query, null, means))
      } else rows.add(freedKeys, query.requestId)
    },
  }
  return means.batch.submit(member)
}

function answeredRecord(query: Query, means: ConcludeMeans): TraceRecord {
  return means.record({
    type: 'query-answered',
    at: means.clock.now(),
    actors: { bankId: query.bankId, accountId: query.accountId, system: 'registry' },
    facts: { queryId: query.id },
  })
}

function addQueryEvent(
  query: Query,
  type: string,
  more: Record<string, unknown>,
  rows: Rows,
  means: ConcludeMeans,
): void {
  means.addEvent(rows, { bankId: query.bankId, subjectId: query.id, type, body: { queryId: query.id, ...more } })
}
