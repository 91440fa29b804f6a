import type { Caller } from '../access/decide.ts'
import { type Problem, problemBody } from '../base/problem.ts'
import type { Rows } from '../db/batch.ts'
import type { Answer } from '../intake/once.ts'
import { jsonBody } from './answer.ts'
import type { PerformMeans } from './perform.ts'

/** A refusal that only the transaction could decide on: traced, and unless it is a 429 kept and repeated like any other. */
export function refusedAnswer(
  problem: Problem,
  about: { caseId?: string; requestId: string },
  { account, operator }: Caller,
  rows: Rows,
  means: PerformMeans,
): Answer {
  const act = means.record({
    type: 'request-refused',
    at: means.clock.now(),
    actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
    caseId: about.caseId,
    rule: problem.rule ?? problem.code,
    outcome: problem.code,
    facts: { requestId: about.requestId, faults: problem.faults.map(({ code }) => code) },
  })
  act.addTo(rows)
  return {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(problem.retryAfterSeconds === undefined ? {} : { 'retry-after': String(problem.retryAfterSeconds) }),
    },
    body: jsonBody(problemBody(problem, about.requestId)),
    receipt: act.receipt,
  }
}
