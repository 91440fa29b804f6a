import { createHash } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { type Caller, codesInForce, permitFiling } from '../access/decide.ts'
import { shanghaiDay } from '../base/clock.ts'
import { type Fault, Problem } from '../base/problem.ts'
import { answerCorrection, correctionRecord, isOvertaken } from '../cases/answer-correction.ts'
import { type CorrectionAnswer, correctDocument, openParts } from '../cases/correct.ts'
import { answerFaults } from '../cases/rules/answer-rules.ts'
import { correctionFaults } from '../cases/rules/correction-rules.ts'
import { ruleFault } from '../cases/rules/faults.ts'
import { laterMaterialFaults } from '../cases/rules/material-rules.ts'
import { timeFaults } from '../cases/rules/times.ts'
import { type CaseHead, type CaseHold, readCases, readDocument } from '../cases/store.ts'
import { type Ask, ask } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import { answer, bodyBytes, idempotencyKey, jsonBody, jsonHeaders, readBody } from './answer.ts'
import { postCorrection } from './api/corrections.ts'
import { caseOfBank } from './cases.ts'
import { laterMaterials } from './later-materials.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import { refusedAnswer } from './refused-answer.ts'
import { requestRefused } from './request-refused.ts'

type Body = CorrectionAnswer & { operator: { id: string } }

/** POST /v1/applications/{id}/corrections: the bank's answer to the round of correction that is open. */
export const correctionRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.post<{ Params: { id: string } }>(
    '/applications/:id/corrections',
    { config: { api: postCorrection } },
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
  if (operator === null) throw new Error('a correction needs an operator')
  const rule = permitFiling(account, head.businessType, [head.area])
  throwFaults('message-invalid', means.validateCorrection(given))
  const body = given as Body
  const [seen] = await readCases(means.pool, [head.id], means.cases)
  if (seen === undefined) throw new Error('a case has gone')
  const found = openParts(seen.memory, body.round)
  if ('fault' in found) throw requestRefused(found.fault)
  const { parts } = found
  const document = await readDocument(means.pool, head.id, seen.documentVersion, means.sealer)
  const files = body.items.flatMap(({ material, replaces }, index) =>
    material === undefined
      ? []
      : [{ pointer: `/items/${index}/material`, material, ...(replaces === undefined ? {} : { replaces }) }],
  )
  const materials = await laterMaterials(
    files.map(({ material }) => material.id),
    caller,
    means,
  )
  const now = means.clock.now()
  const snapshot = means.directory.current()
  const context = {
    bankCodes: codesInForce(account.bank),
    operatorId: document.operator.id,
    isOperator: (code: string) => snapshot.operator(account.bank.id, code) !== undefined,
    isMaterial: (id: string) => materials.isMaterial(id) || !files.some(({ material }) => material.id === id),
    now,
  }
  const check = { ...context, today: shanghaiDay(now) }
  throwFaults('correction-invalid', [
    ...answerFaults(document, parts, body),
    ...(body.operator.id === operator.code ? [] : [ruleFault('/operator/id', 'operator-differs')]),
    ...timeFaults('/appliedAt', body.appliedAt, check),
    ...laterMaterialFaults(files, document, check),
  ])
  const corrected = correctDocument(document, parts, body, {
    stored: materials.stored,
    sequence: (seen.memory.lastSequence ?? 0) + 1,
    formField: means.formField,
  })
  const broken = correctionFaults(document, corrected.document, body, parts, means.validateApplication, context)
  throwFaults('message-invalid', broken.shape)
  throwFaults('business-rule-violated', broken.rules)
  const wanted = {
    by: 'bank' as const,
    corrected,
    numbers: await means.numbers.take('message', files.length + 1),
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
      const now = openParts(hold.memory, body.round)
      if ('fault' in now)
        return refusedAnswer(requestRefused(now.fault), { caseId: head.id, requestId }, caller, rows, means)
      // To be sent again and judged anew.
      if (isOvertaken(seen, hold)) throw overtaken()
      answerCorrection(hold, held.of(streams), wanted, rows, means.cases)
      const act = correctionRecord(hold, wanted, { accountId: account.id, operator: operator.code, rule }, means.cases)
      act.addTo(rows)
      const told = {
        id: head.id,
        request: hold.memory.request,
        parts: corrected.source.parts.map(({ number }) => number),
        round: body.round,
        documentVersion: hold.documentVersion,
        state: hold.state,
      }
      return {
        status: 202,
        headers: { ...jsonHeaders, location: `/v1/applications/${head.id}` },
        body: jsonBody(told),
        receipt: act.receipt,
      }
    },
  }
}

function throwFaults(
  code: 'message-invalid' | 'correction-invalid' | 'business-rule-violated',
  faults: readonly Fault[],
): void {
  if (faults.length === 0) return
  throw new Problem(
    code,
    { zh: `补正答复有 ${faults.length} 处问题`, en: `the answer to the correction has ${faults.length} faults` },
    { faults },
  )
}

function overtaken(): Problem {
  return new Problem(
    'request-in-progress',
    { zh: '该办件正在处理另一项请求，请稍后重试', en: 'another request of this case is at work; repeat it later' },
    { retryAfterSeconds: 1 },
  )
}
