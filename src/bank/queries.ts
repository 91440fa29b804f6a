import { createHash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  type Authorization,
  type AuthorizationHold,
  authorizationLock,
  authorizationNotFound,
  authorizationUses,
  checkAuthorized,
  checkStanding,
  readAuthorizations,
} from '../access/authorizations.ts'
import type { Caller } from '../access/decide.ts'
import { operatorDetails } from '../access/operator-details.ts'
import { purposes } from '../access/purposes.ts'
import { type QuotaAsk, type QuotaResult, quotaGate, secondsToMidnight } from '../access/quota.ts'
import type { QueryRequest } from '../base/canonical.ts'
import { shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { ruleFault } from '../cases/rules/faults.ts'
import { idNumberFault } from '../cases/rules/identifiers.ts'
import { type Ask, ask, type Rows } from '../db/batch.ts'
import type { Answer } from '../intake/once.ts'
import type { Asked } from '../queries/findings.ts'
import { type Query, queryInserts, sealQuestion } from '../queries/store.ts'
import { headerValue } from '../trust/http-message.ts'
import { answer, bodyBytes, idempotencyKey, readBody } from './answer.ts'
import { getQuery, postQuery } from './api/queries.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import { answerNow, pendingAnswer, permit, planRead, planRepeat } from './query-answers.ts'
import { refusedAnswer } from './refused-answer.ts'

/**
 * POST /v1/queries asks the registry under scope, quota and authorization; GET /v1/queries/{id} reads what came later.
 * Two commits: what is asked is durable and traced before the registry hears of it, and what leaves is durable and
 * traced before the bank does.
 */
export const queryRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.post('/queries', { config: { api: postQuery } }, async (request, reply) => {
    const bytes = bodyBytes(request)
    return means.desk.admit(() =>
      answer(request, reply, means, {
        needsOperator: true,
        key: { value: idempotencyKey(request), requestDigest: digestOf(request, bytes) },
        plan: (caller) => planQuery(readBody(bytes, means.bodyLimitBytes), caller, request, means),
        planRepeat: (caller, holder) => planRepeat(holder, caller, request, means),
        pending: (caller, holder) => pendingAnswer(holder, caller, means),
      }),
    )
  })

  server.get<{ Params: { id: string } }>('/queries/:id', { config: { api: getQuery } }, async (request, reply) =>
    answer(request, reply, means, {
      needsOperator: true,
      key: null,
      plan: (caller) => planRead(request.params.id, caller, request, means),
    }),
  )
}

/** What was asked, and for whom: another operator's repeat is another query. */
function digestOf(request: FastifyRequest, bytes: Buffer): Buffer {
  const operator = headerValue(request.rawHeaders, 'x-operator') ?? ''
  return createHash('sha256').update(`${operator}\n`).update(bytes).digest()
}

/** A body that keeps schema and rules. @throws {Problem} message-invalid, business-rule-violated. */
function readQueryRequest(body: unknown, means: BankMeans): QueryRequest {
  const shape = means.validateQuery(body)
  if (shape.length > 0) {
    throw new Problem(
      'message-invalid',
      { zh: `查询有 ${shape.length} 处不符合规范`, en: `the query has ${shape.length} faults` },
      { faults: shape },
    )
  }
  const request = body as QueryRequest
  const { idType, idNumber } = request.holder
  const idFault = idNumberFault(idType, idNumber, shanghaiDay(means.clock.now()))
  const numbers = [request.certificateNumber, request.proofNumber].filter((number) => number !== undefined)
  const faults = [
    ...(numbers.length === 0 ? [ruleFault('/certificateNumber', 'number-missing')] : []),
    ...(numbers.length > 1 ? [ruleFault('/proofNumber', 'numbers-doubled')] : []),
    ...(idFault === null ? [] : [ruleFault('/holder/idNumber', idFault)]),
  ]
  if (faults.length === 0) return request
  throw new Problem(
    'business-rule-violated',
    { zh: `查询有 ${faults.length} 处违反业务规则`, en: `the query breaks ${faults.length} rules` },
    { faults },
  )
}

async function planQuery(body: unknown, caller: Caller, request: FastifyRequest, means: BankMeans): Promise<Plan> {
  const { account, operator } = caller
  if (operator === null) throw new Error('a query needs an operator')
  const given = readQueryRequest(body, means)
  const asked: Asked = {
    level: given.level,
    ...(given.certificateNumber === undefined ? {} : { certificateNumber: given.certificateNumber }),
    ...(given.proofNumber === undefined ? {} : { proofNumber: given.proofNumber }),
    holder: given.holder,
    purpose: given.purpose,
    area: given.area ?? means.areaCode,
  }
  const { granted, scopes } = permit(
    asked,
    given.authorizationId !== undefined,
    given.fields ?? null,
    caller,
    request,
    means,
  )
  const authorization = await authorizationFor(given.authorizationId, asked, caller, means)

  const now = means.clock.now()
  const day = shanghaiDay(now)
  const query: Query = {
    id: newId(),
    bankId: account.bank.id,
    accountId: account.id,
    operatorId: operator.id,
    operatorCode: operator.code,
    requestId: request.id,
    authorizationId: authorization?.id ?? null,
    state: 'asking',
    replied: false,
    attempts: 0,
    quotaDay: day,
    code: null,
    findings: null,
    createdAt: now,
    answeredAt: null,
    asked,
    by: {
      bank: { name: account.bank.name, code: account.bank.code },
      operatorName: operatorDetails(operator, means.sealer).name,
      purpose: purposes[given.purpose],
      authorization:
        authorization === null
          ? null
          : { id: authorization.id, from: authorization.validFrom, to: authorization.validTo },
    },
    granted: granted.fields,
    fields: given.fields ?? null,
    authorizer: authorization === null ? null : personOf(authorization),
  }
  const quotas = {
    accountId: account.id,
    operatorId: operator.id,
    day,
    take: true as const,
    accountQuota: scopes.account.dailyQuota,
    operatorQuota: scopes.operator.dailyQuota,
  }
  let standing: Ask<string, AuthorizationHold | null> | null = null
  let quota: Ask<QuotaAsk, QuotaResult>
  let receipt = ''
  return {
    rule: granted.rule,
    tracesDecision: true,
    asks: (won) => {
      standing = authorization === null ? null : ask(authorizationLock, authorization.id, won)
      quota = ask(quotaGate, quotas, won)
      return standing === null ? [quota] : [standing, quota]
    },
    act: (held, rows) => {
      const hold = standing === null ? null : held.of(standing)
      if (standing !== null) checkStanding(hold, day)
      const { spent } = held.of(quota)
      if (spent !== null) return quotaSpent(spent, caller, request.id, rows, means)
      if (hold !== null) hold.used += 1
      receipt = addQuery(query, granted.rule, rows, means)
      return null
    },
    later: () => answerNow(query, receipt, request, means),
  }
}

/** @throws {Problem} why the authorization does not cover the query; it is asked again under its lock. */
async function authorizationFor(
  id: string | undefined,
  asked: Asked,
  { account }: Caller,
  means: BankMeans,
): Promise<Authorization | null> {
  if (id === undefined) return null
  const found = (await readAuthorizations(means.pool, account.bank.id, [id], means.sealer)).get(id)
  if (found === undefined) throw authorizationNotFound()
  checkStanding(found, shanghaiDay(means.clock.now()))
  checkAuthorized(found, asked)
  return found
}

function personOf({ document }: Authorization): { name: string; idType: string; idNumber: string } {
  const { name, idType, idNumber } = document.authorizer
  return { name, idType, idNumber }
}

/** Row and record of a query that will be put to the registry. @returns the record's receipt. */
function addQuery(query: Query, rule: string, rows: Rows, means: BankMeans): string {
  const { asked } = query
  rows.add(queryInserts, {
    id: query.id,
    bank_id: query.bankId,
    account_id: query.accountId,
    operator_id: query.operatorId,
    operator_code: query.operatorCode,
    request_id: query.requestId,
    authorization_id: query.authorizationId,
    state: 'asking',
    due_at: new Date(query.createdAt.getTime() + means.desk.means.leaseMs),
    quota_day: query.quotaDay,
    asked: sealQuestion(query.id, query, means.sealer),
    created_at: query.createdAt,
  })
  if (query.authorizationId !== null) rows.add(authorizationUses, { id: query.authorizationId, count: 1 })
  const act = means.record({
    type: 'query-requested',
    at: query.createdAt,
    actors: { bankId: query.bankId, accountId: query.accountId, operator: query.operatorCode },
    rule,
    outcome: 'allowed',
    facts: {
      queryId: query.id,
      level: asked.level,
      purpose: asked.purpose,
      area: asked.area,
      authorizationId: query.authorizationId,
      requestId: query.requestId,
    },
    personal: {
      certificateNumber: asked.certificateNumber,
      proofNumber: asked.proofNumber,
      'holder.name': asked.holder.name,
      'holder.idNumber': asked.holder.idNumber,
    },
    subjects: [asked.certificateNumber, asked.proofNumber, asked.holder.idNumber],
  })
  act.addTo(rows)
  return act.receipt
}

function quotaSpent(
  spent: 'account' | 'operator',
  caller: Caller,
  requestId: string,
  rows: Rows,
  means: BankMeans,
): Answer {
  const now = means.clock.now()
  const problem = new Problem(
    'quota-spent',
    spent === 'account'
      ? { zh: '账号当日查询次数已用完', en: "the account's queries of the day are used up" }
      : { zh: '业务办理人员当日查询次数已用完', en: "the operator's queries of the day are used up" },
    { rule: `scope.${spent}.quota`, retryAfterSeconds: secondsToMidnight(now) },
  )
  return refusedAnswer(problem, { requestId }, caller, rows, means)
}
