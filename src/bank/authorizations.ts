import { createHash } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import {
  type Authorization,
  type AuthorizationDocument,
  type AuthorizationHold,
  authorizationInserts,
  authorizationLock,
  authorizationNotFound,
  authorizationRevocations,
  readAuthorizations,
  sealAuthorization,
} from '../access/authorizations.ts'
import { type Caller, permitFiling } from '../access/decide.ts'
import { shanghaiDay } from '../base/clock.ts'
import { isUuid, newId } from '../base/id.ts'
import { type Fault, Problem } from '../base/problem.ts'
import { ruleFault } from '../cases/rules/faults.ts'
import { idNumberFault } from '../cases/rules/identifiers.ts'
import { type Ask, ask } from '../db/batch.ts'
import { readMaterials } from '../materials/store.ts'
import { answer, bodyBytes, idempotencyKey, jsonBody, jsonHeaders, readBody } from './answer.ts'
import { getAuthorization, postAuthorization, revokeAuthorization } from './api/authorizations.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'

/** Longest period of an authorization: nobody authorizes for good. */
const DAYS_MAXIMUM = 366
const CLOCK_SKEW_MS = 300_000

/** 查询授权书: POST /v1/authorizations, GET …/{id}, POST …/{id}/revoke. */
export const authorizationRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.post('/authorizations', { config: { api: postAuthorization } }, async (request, reply) => {
    const bytes = bodyBytes(request)
    return answer(request, reply, means, {
      needsOperator: true,
      key: { value: idempotencyKey(request), requestDigest: createHash('sha256').update(bytes).digest() },
      plan: (caller) => planAuthorization(readBody(bytes, means.bodyLimitBytes), caller, means),
    })
  })

  server.get<{ Params: { id: string } }>(
    '/authorizations/:id',
    { config: { api: getAuthorization } },
    async (request, reply) =>
      answer(request, reply, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const authorization = await authorizationOfBank(request.params.id, caller, means)
          return {
            rule: 'authorization.of-bank',
            tracesDecision: true,
            act: (_held, rows) => {
              const { authorizer } = authorization.document
              const act = means.record({
                type: 'disclosure',
                at: means.clock.now(),
                actors: actorsOf(caller),
                rule: 'authorization.of-bank',
                outcome: 'allowed',
                facts: { authorizationId: authorization.id, fields: ['authorization'] },
                personal: { authorizer: authorizer.idNumber },
                subjects: [authorizer.idNumber],
              })
              act.addTo(rows)
              return { status: 200, headers: jsonHeaders, body: jsonBody(pageOf(authorization)), receipt: act.receipt }
            },
          }
        },
      }),
  )

  server.post<{ Params: { id: string } }>(
    '/authorizations/:id/revoke',
    { config: { api: revokeAuthorization } },
    async (request, reply) => {
      const bytes = bodyBytes(request)
      const { id } = request.params
      return answer(request, reply, means, {
        needsOperator: true,
        key: {
          value: idempotencyKey(request),
          requestDigest: createHash('sha256').update(`${id}\n`).update(bytes).digest(),
        },
        plan: (caller) => planRevocation(id, caller, means),
      })
    },
  )
}

function actorsOf({ account, operator }: Caller) {
  return { bankId: account.bank.id, accountId: account.id, operator: operator?.code }
}

/** @throws {Problem} authorization-not-found, also for another bank's. */
async function authorizationOfBank(id: string, { account }: Caller, means: BankMeans): Promise<Authorization> {
  const found = isUuid(id)
    ? (await readAuthorizations(means.pool, account.bank.id, [id], means.sealer)).get(id)
    : undefined
  if (found === undefined) throw authorizationNotFound()
  return found
}

async function planAuthorization(body: unknown, caller: Caller, means: BankMeans): Promise<Plan> {
  const { account, operator } = caller
  if (operator === null) throw new Error('an authorization needs an operator')
  permitFiling(account, 'query', [])
  const shape = means.validateAuthorization(body)
  if (shape.length > 0) {
    throw new Problem(
      'message-invalid',
      { zh: `授权书有 ${shape.length} 处不符合规范`, en: `the authorization has ${shape.length} faults` },
      { faults: shape },
    )
  }
  const document = body as AuthorizationDocument
  const { materialId } = document.evidence
  const materials = await readMaterials(means.pool, account.bank.id, [materialId], means.sealer)
  const faults = ruleFaults(document, materials.has(materialId), means.clock.now())
  if (faults.length > 0) {
    throw new Problem(
      'business-rule-violated',
      { zh: `授权书有 ${faults.length} 处违反业务规则`, en: `the authorization breaks ${faults.length} rules` },
      { faults },
    )
  }
  const id = newId()
  return {
    rule: 'authorization.given',
    tracesDecision: true,
    act: (_held, rows) => {
      const now = means.clock.now()
      const { authorizer, certificateNumber, proofNumber } = document
      rows.add(authorizationInserts, {
        id,
        bank_id: account.bank.id,
        account_id: account.id,
        operator_code: operator.code,
        state: 'active',
        purpose: document.purpose,
        level: document.level,
        valid_from: document.validFrom,
        valid_to: document.validTo,
        uses_maximum: document.usesMaximum ?? null,
        sealed: sealAuthorization(id, document, means.sealer),
        created_at: now,
      })
      const act = means.record({
        type: 'authorization-given',
        at: now,
        actors: actorsOf(caller),
        rule: 'authorization.given',
        outcome: 'active',
        facts: {
          authorizationId: id,
          purpose: document.purpose,
          level: document.level,
          validFrom: document.validFrom,
          validTo: document.validTo,
          evidence: document.evidence.materialId,
        },
        personal: {
          name: authorizer.name,
          idNumber: authorizer.idNumber,
          certificateNumber: certificateNumber ?? null,
          proofNumber: proofNumber ?? null,
        },
        subjects: [authorizer.idNumber, certificateNumber, proofNumber],
      })
      act.addTo(rows)
      const page = pageOf({
        id,
        bankId: account.bank.id,
        state: 'active',
        purpose: document.purpose,
        level: document.level,
        validFrom: document.validFrom,
        validTo: document.validTo,
        usesMaximum: document.usesMaximum ?? null,
        used: 0,
        caseId: null,
        createdAt: now,
        revokedAt: null,
        document,
      })
      return {
        status: 201,
        headers: { ...jsonHeaders, location: `/v1/authorizations/${id}` },
        body: jsonBody(page),
        receipt: act.receipt,
      }
    },
  }
}

/** All rules that the letter breaks, each with its pointer. */
function ruleFaults(document: AuthorizationDocument, isMaterial: boolean, now: Date): Fault[] {
  const { authorizer, validFrom, validTo, evidence } = document
  const today = shanghaiDay(now)
  const days = (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000
  const idFault = idNumberFault(authorizer.idType, authorizer.idNumber, today)
  return [
    ...(idFault === null ? [] : [ruleFault('/authorizer/idNumber', idFault)]),
    ...(document.certificateNumber === undefined || document.proofNumber === undefined
      ? []
      : [ruleFault('/proofNumber', 'numbers-doubled')]),
    ...(days < 0 ? [ruleFault('/validTo', 'period-reversed')] : []),
    ...(days >= DAYS_MAXIMUM ? [ruleFault('/validTo', 'period-too-long')] : []),
    ...(validTo < today ? [ruleFault('/validTo', 'period-over')] : []),
    ...(Date.parse(evidence.signedAt) > now.getTime() + CLOCK_SKEW_MS
      ? [ruleFault('/evidence/signedAt', 'time-in-future')]
      : []),
    ...(isMaterial ? [] : [ruleFault('/evidence/materialId', 'material-unknown')]),
  ]
}

async function planRevocation(id: string, caller: Caller, means: BankMeans): Promise<Plan> {
  const authorization = await authorizationOfBank(id, caller, means)
  let lock: Ask<string, AuthorizationHold | null>
  return {
    rule: 'authorization.of-bank',
    tracesDecision: true,
    asks: (won) => {
      lock = ask(authorizationLock, id, won)
      return [lock]
    },
    act: (held, rows) => {
      const hold = held.of(lock)
      const now = means.clock.now()
      const isNew = hold?.state === 'active'
      if (isNew) rows.add(authorizationRevocations, { id, state: 'revoked', revoked_at: now })
      const act = means.record({
        type: 'authorization-revoked',
        at: now,
        actors: actorsOf(caller),
        rule: 'authorization.of-bank',
        outcome: isNew ? 'revoked' : 'revoked-before',
        facts: { authorizationId: id },
        subjects: [authorization.document.authorizer.idNumber],
      })
      act.addTo(rows)
      const page = pageOf({
        ...authorization,
        state: 'revoked',
        used: hold?.used ?? authorization.used,
        revokedAt: isNew ? now : authorization.revokedAt,
      })
      return { status: 200, headers: jsonHeaders, body: jsonBody(page), receipt: act.receipt }
    },
  }
}

function pageOf(authorization: Authorization): Record<string, unknown> {
  const { document } = authorization
  return {
    id: authorization.id,
    state: authorization.state,
    authorizer: document.authorizer,
    certificateNumber: document.certificateNumber ?? null,
    proofNumber: document.proofNumber ?? null,
    purpose: authorization.purpose,
    level: authorization.level,
    validFrom: authorization.validFrom,
    validTo: authorization.validTo,
    usesMaximum: authorization.usesMaximum,
    used: authorization.used,
    evidence: document.evidence,
    caseId: authorization.caseId,
    createdAt: authorization.createdAt.toISOString(),
    revokedAt: authorization.revokedAt?.toISOString() ?? null,
  }
}
