import { createHash } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { type Caller, codesInForce, permitFiling } from '../access/decide.ts'
import { operatorDetails } from '../access/operator-details.ts'
import { shanghaiDay } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { FiledMaterial } from '../cases/application.ts'
import { ruleFault } from '../cases/rules/faults.ts'
import { laterMaterialFaults } from '../cases/rules/material-rules.ts'
import { timeFaults } from '../cases/rules/times.ts'
import { type CaseHead, type CaseHold, readDocument } from '../cases/store.ts'
import { requestWithdrawal, withdrawalFault, withdrawalRecord } from '../cases/withdrawal.ts'
import { type Ask, ask } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import { answer, bodyBytes, idempotencyKey, jsonBody, jsonHeaders, readBody } from './answer.ts'
import { postWithdrawal } from './api/withdrawal.ts'
import { caseOfBank } from './cases.ts'
import { laterMaterials } from './later-materials.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import { refusedAnswer } from './refused-answer.ts'
import { requestRefused } from './request-refused.ts'

interface Body {
  reason: string
  requestedAt?: string
  operator?: { id: string }
  materials?: FiledMaterial[]
}

/** POST /v1/applications/{id}/withdrawal: the whole filing is asked back. Only the registry ends it. */
export const withdrawalRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.post<{ Params: { id: string } }>(
    '/applications/:id/withdrawal',
    { config: { api: postWithdrawal } },
    async (request, reply) => {
      const bytes = bodyBytes(request)
      const { id } = request.params
      return answer(request, reply, means, {
        needsOperator: true,
        key: {
          value: idempotencyKey(request),
          requestDigest: createHash('sha256').update(`${id}\n`).update(bytes).digest(),
        },
        plan: async (caller) => {
          const head = await caseOfBank(id, caller, means)
          return plan(readBody(bytes, means.bodyLimitBytes), head, caller, request.id, means)
        },
      })
    },
  )
}

async function plan(
  given: unknown,
  head: CaseHead,
  caller: Caller,
  requestId: string,
  means: BankMeans,
): Promise<Plan> {
  const { account, operator } = caller
  if (operator === null) throw new Error('a withdrawal needs an operator')
  const rule = permitFiling(account, head.businessType, [head.area])
  const shape = means.validateWithdrawal(given)
  if (shape.length > 0) {
    throw new Problem(
      'message-invalid',
      { zh: `撤回申请有 ${shape.length} 处不符合规范`, en: `the request has ${shape.length} faults` },
      { faults: shape },
    )
  }
  const body = given as Body
  const filed = body.materials ?? []
  const materials = await laterMaterials(
    filed.map(({ id }) => id),
    caller,
    means,
  )
  const now = means.clock.now()
  const snapshot = means.directory.current()
  const check = {
    bankCodes: codesInForce(account.bank),
    operatorId: operator.code,
    isOperator: (code: string) => snapshot.operator(account.bank.id, code) !== undefined,
    isMaterial: materials.isMaterial,
    now,
    today: shanghaiDay(now),
  }
  const document = await readDocument(means.pool, head.id, head.documentVersion, means.sealer)
  const faults = [
    ...(body.requestedAt === undefined ? [] : timeFaults('/requestedAt', body.requestedAt, check)),
    ...(body.operator === undefined || body.operator.id === operator.code
      ? []
      : [ruleFault('/operator/id', 'operator-differs')]),
    ...laterMaterialFaults(
      filed.map((material, index) => ({ pointer: `/materials/${index}`, material })),
      document,
      check,
    ),
  ]
  if (faults.length > 0) {
    throw new Problem(
      'business-rule-violated',
      { zh: `撤回申请有 ${faults.length} 处违反业务规则`, en: `the request breaks ${faults.length} rules` },
      { faults },
    )
  }
  const wanted = {
    by: 'bank' as const,
    reason: body.reason,
    requestedAt: body.requestedAt ?? now.toISOString(),
    operatorName: operatorDetails(operator, means.sealer).name,
    // Numbered under the case's lock.
    materials: filed.map((material) => materials.stored(material, 0)),
    numbers: await means.numbers.take('message', filed.length + 1),
  }

  let lock: Ask<string, CaseHold | null>
  let streams: Ask<string, CaseStreams>
  return {
    rule,
    caseId: head.id,
    asks: (won) => {
      lock = ask(means.caseLock, head.id, won)
      streams = ask(means.streams, head.id, won)
      return [lock, streams]
    },
    act: (held, rows) => {
      const hold = held.of(lock)
      if (hold === null) throw new Error('a case has gone')
      const fault = withdrawalFault(hold, held.of(streams), means.cases)
      if (fault !== null)
        return refusedAnswer(requestRefused(fault), { caseId: head.id, requestId }, caller, rows, means)
      requestWithdrawal(hold, held.of(streams), wanted, rows, means.cases)
      const who = { accountId: account.id, operator: operator.code, rule }
      const act = withdrawalRecord(hold, wanted, who, means.cases)
      act.addTo(rows)
      const { requestedAt } = wanted
      const told = { id: head.id, request: hold.memory.request, requestedAt, state: hold.state }
      return {
        status: 202,
        headers: { ...jsonHeaders, location: `/v1/applications/${head.id}` },
        body: jsonBody(told),
        receipt: act.receipt,
      }
    },
  }
}
