import { createHash } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { businessTypes } from '../access/administration-checks.ts'
import { authorizationBindings, readAuthorizations } from '../access/authorizations.ts'
import { type Caller, codesInForce, permitFiling } from '../access/decide.ts'
import { operatorDetails } from '../access/operator-details.ts'
import { refusal } from '../access/refusal.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import type { Application } from '../cases/application.ts'
import { fileCase } from '../cases/file-case.ts'
import { areaCodes, normalise } from '../cases/normalise.ts'
import { ruleFault } from '../cases/rules/faults.ts'
import { checkMortgageFirst } from '../cases/rules/mortgage-first.ts'
import { type Ask, ask, type Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import { type ReferenceAsk, referenceGate } from '../intake/bank-reference.ts'
import type { Answer } from '../intake/once.ts'
import { readMaterials } from '../materials/store.ts'
import { answer, bodyBytes, idempotencyKey, jsonBody, jsonHeaders, readBody } from './answer.ts'
import { postApplication } from './api/applications.ts'
import { caseRoutes } from './cases.ts'
import { correctionRoutes } from './corrections.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import { refusedAnswer } from './refused-answer.ts'
import { withdrawalRoutes } from './withdrawal.ts'

/** Business types that this gateway files today. */
const OFFERED = new Set(['mortgage-first'])

/** POST /v1/applications: an application becomes a case, once. */
export const applicationRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  await server.register(caseRoutes, means)
  await server.register(correctionRoutes, means)
  await server.register(withdrawalRoutes, means)

  server.post('/applications', { config: { api: postApplication } }, async (request, reply) => {
    if (!means.hasRoom()) {
      throw new Problem(
        'disk-full',
        { zh: '存储空间不足，暂不受理', en: 'storage is nearly full' },
        { retryAfterSeconds: 300 },
      )
    }
    // Before the key is looked at: a retry that was damaged on its way is no other request under the same key.
    const bytes = bodyBytes(request)
    return answer(request, reply, means, {
      needsOperator: true,
      key: { value: idempotencyKey(request), requestDigest: createHash('sha256').update(bytes).digest() },
      plan: (caller) => planFiling(readBody(bytes, means.bodyLimitBytes), caller, request.id, means),
    })
  })
}

/**
 * An application of a type that there is, but not here, is told so: its members follow another schema, and a list of
 * faults by ours would mislead.
 */
function refuseOtherTypes(body: unknown, { account }: Caller): void {
  const { businessType } = (body ?? {}) as { businessType?: unknown }
  const type = businessTypes.find((one) => one === businessType)
  if (type === undefined || OFFERED.has(type)) return
  permitFiling(account, type, [])
  throw refusal(
    'business-type-not-offered',
    'business-type.offered',
    '本网关尚未开通该业务类型',
    'this business type is not offered yet',
  )
}

async function planFiling(body: unknown, caller: Caller, requestId: string, means: BankMeans): Promise<Plan> {
  const { account, operator } = caller
  if (operator === null) throw new Error('a filing needs an operator')
  refuseOtherTypes(body, caller)
  const shape = means.validateApplication(body)
  if (shape.length > 0) {
    throw new Problem(
      'message-invalid',
      { zh: `申请有 ${shape.length} 处不符合规范`, en: `the application has ${shape.length} faults` },
      { faults: shape },
    )
  }
  const application = body as Application
  const areas = areaCodes(application)
  const rule = permitFiling(account, application.businessType, areas)

  const snapshot = means.directory.current()
  const materials = await readMaterials(
    means.pool,
    account.bank.id,
    application.materials.map(({ id }) => id),
    means.sealer,
  )
  const authorizationIds = application.authorizationIds ?? []
  const authorizations = await readAuthorizations(means.pool, account.bank.id, authorizationIds, means.sealer)
  const unknown = authorizationIds.flatMap((id, i) =>
    authorizations.has(id) ? [] : [ruleFault(`/authorizationIds/${i}`, 'query-authorization-unknown')],
  )
  const broken = checkMortgageFirst(application, {
    bankCodes: codesInForce(account.bank),
    operatorId: operator.code,
    isOperator: (code) => snapshot.operator(account.bank.id, code)?.state === 'active',
    isMaterial: (id) => materials.has(id),
    now: means.clock.now(),
  })
  const faults = [...unknown, ...broken]
  if (faults.length > 0) {
    throw new Problem(
      'business-rule-violated',
      { zh: `申请有 ${faults.length} 处违反业务规则`, en: `the application breaks ${faults.length} rules` },
      { faults },
    )
  }

  const caseId = newId()
  const [businessNumber = '', firstFileNumber = ''] = await means.numbers.take(
    'message',
    1 + application.materials.length,
  )
  const details = operatorDetails(operator, means.sealer)
  // One person has usually checked all the files.
  const names = new Map([[operator.code, details.name]])
  const document = {
    ...normalise(application, businessNumber, {
      file: (id) => {
        const material = materials.get(id)
        if (material === undefined) return null
        return {
          mediaType: material.mediaType,
          sizeBytes: material.sizeBytes,
          digest: { algorithm: 'sm3', value: material.sm3 },
        }
      },
      operatorName: (code) => {
        const known = names.get(code)
        if (known !== undefined) return known
        const checker = snapshot.operator(account.bank.id, code)
        if (checker === undefined) return null
        const { name } = operatorDetails(checker, means.sealer)
        names.set(code, name)
        return name
      },
    }),
    filedBy: {
      operator: { id: operator.code, ...details },
      account: { id: account.id, bankName: account.bank.name, bankCode: account.bank.code },
    },
  }

  let reference: Ask<ReferenceAsk, { won: boolean; caseId: string }>
  let streams: Ask<string, CaseStreams>
  return {
    rule,
    asks: (won) => {
      reference = ask(referenceGate, { bankId: account.bank.id, reference: application.bankReference, caseId }, won)
      streams = ask(means.streams.ofNew, caseId, (held) => won(held) && held.of(reference).won)
      return [reference, streams]
    },
    act: (held, rows) => {
      const claimed = held.of(reference)
      if (!claimed.won) return referenceUsed(claimed.caseId, requestId, rows, caller, means)
      const area = areas[0] ?? ''
      const filing = {
        caseId,
        bankId: account.bank.id,
        accountId: account.id,
        area,
        document,
        businessNumber,
        firstFileNumber,
        rule,
      }
      rows.add(authorizationBindings, ...authorizationIds.map((id) => ({ id, caseId })))
      const act = fileCase(filing, held.of(streams), rows, means.cases)
      const created = {
        id: caseId,
        bankReference: application.bankReference,
        businessType: application.businessType,
        businessNumber,
        state: 'received',
        receivedAt: means.clock.now().toISOString(),
      }
      return {
        status: 202,
        headers: { ...jsonHeaders, location: `/v1/applications/${caseId}` },
        body: jsonBody(created),
        receipt: act.receipt,
      }
    },
  }
}

/** Decided in the transaction, so it is kept and repeated like any other answer. */
function referenceUsed(caseId: string, requestId: string, rows: Rows, caller: Caller, means: BankMeans): Answer {
  const problem = new Problem(
    'bank-reference-used',
    { zh: `该银行业务编号已用于办件 ${caseId}`, en: `this bank reference is that of case ${caseId}` },
    {
      rule: 'bank-reference.once',
      faults: [
        {
          pointer: '/bankReference',
          code: 'bank-reference-used',
          detail: '银行业务编号已使用',
          detailEn: 'used before',
        },
      ],
    },
  )
  return refusedAnswer(problem, { caseId, requestId }, caller, rows, means)
}
