import type { FastifyRequest } from 'fastify'
import { authorizationLock, authorizationRevoked, checkStanding, readAuthorizations } from '../access/authorizations.ts'
import { admit, type Caller, codesInForce, permitFiling } from '../access/decide.ts'
import { revisionGate } from '../access/directory.ts'
import { zoneOf } from '../access/network.ts'
import { refusal } from '../access/refusal.ts'
import { type Granted, isWithin, narrower, permitQuery, type Scope, type ScopedField } from '../access/scope.ts'
import { shanghaiDay } from '../base/clock.ts'
import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { ask, type Rows } from '../db/batch.ts'
import { answerRows, freedKeys, readAnswer } from '../intake/idempotency.ts'
import { type Answer, answerContext } from '../intake/once.ts'
import {
  addEnd,
  addFailure,
  failNow,
  failureCode,
  pendingBody,
  pendingHeaders,
  type Refusal,
} from '../queries/conclude.ts'
import { type Disclosure, disclose } from '../queries/disclose.ts'
import type { Asked, Findings } from '../queries/findings.ts'
import { type Query, queryLock, readQuery } from '../queries/store.ts'
import { headerValue } from '../trust/http-message.ts'
import { jsonBody, jsonHeaders } from './answer.ts'
import { type Authenticated, checkCertificate } from './authenticate.ts'
import type { BankMeans } from './means.ts'
import { type Plan, Refused } from './perform.ts'

/** More changes of access than this during one query is no longer bad luck. */
const REDECISIONS_MAXIMUM = 20
const UNAVAILABLE_SECONDS = 30

export interface Permitted {
  granted: Granted
  scopes: { account: Scope; operator: Scope }
}

/** Whether the caller may ask this, from where it calls, now. @throws {Problem} naming the rule that refuses. */
export function permit(
  asked: Asked,
  hasAuthorization: boolean,
  fields: readonly ScopedField[] | null,
  { account, operator }: Caller,
  request: FastifyRequest,
  means: BankMeans,
): Permitted {
  permitFiling(account, 'query', [])
  const snapshot = means.directory.current()
  const ofAccount = snapshot.scope(account.id)
  const ofOperator = operator === null ? undefined : snapshot.scope(account.id, operator.id)
  const granted = permitQuery(ofAccount, ofOperator, {
    level: asked.level,
    purpose: asked.purpose,
    area: asked.area,
    zone: zoneOf(request.ip, means.extranet),
    day: shanghaiDay(means.clock.now()),
    hasAuthorization,
    fields,
  })
  return { granted, scopes: { account: ofAccount as Scope, operator: ofOperator as Scope } }
}

/**
 * Puts the query to the registry and answers: at once, or 202 when the registry is slow.
 * @param receipt of the record that the query was asked.
 * @throws {Refused} registry-unavailable or -refused (nothing was used up, the key is free); or why access refuses now.
 */
export async function answerNow(
  query: Query,
  receipt: string,
  request: FastifyRequest,
  means: BankMeans,
): Promise<Answer> {
  const word = await means.desk.wordInTime(query, receipt)
  const pending: Answer = { status: 202, headers: pendingHeaders(query.id), body: pendingBody(query.id), receipt }
  if (word === null) return pending
  if (word.kind === 'answered') return (await concludeNow(query, word.findings, request, means)) ?? pending
  const failed = await failNow(query, word, means.desk.means)
  if (failed === null) return pending
  throw new Refused(failure(word), failed)
}

function failure(word: Refusal): Problem {
  return failureCode(word) === 'registry-refused'
    ? new Problem('registry-refused', { zh: '登记系统拒绝了该查询', en: 'the registry refused the question' })
    : new Problem(
        'registry-unavailable',
        { zh: '登记系统暂不可用，本次查询未计次数', en: 'the registry cannot be asked now; nothing was used up' },
        { retryAfterSeconds: UNAVAILABLE_SECONDS },
      )
}

/**
 * Second commit: what leaves is decided on the access in force now, written, traced, then answered. Null when another
 * process has concluded the query.
 */
async function concludeNow(
  query: Query,
  findings: Findings,
  request: FastifyRequest,
  means: BankMeans,
): Promise<Answer | null> {
  for (let decisions = 0; decisions < REDECISIONS_MAXIMUM; decisions += 1) {
    const { revision } = means.directory.current()
    let decided: { caller: Caller; granted: Granted } | Problem
    try {
      decided = decideAgain(query, request, means)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      decided = error
    }
    const inForce = ask(revisionGate, revision)
    const lock = ask(queryLock, query.id)
    const standing = query.authorizationId === null ? null : ask(authorizationLock, query.authorizationId)
    const concluded = await means.batch.submit<Answer | Refused | 'stale' | 'taken'>({
      asks: standing === null ? [inForce, lock] : [inForce, lock, standing],
      decide: (held, rows) => {
        if (!held.of(inForce)) return 'stale'
        const hold = held.of(lock)
        if (hold?.state !== 'asking' || hold.replied) return 'taken'
        const isRevoked = standing !== null && held.of(standing)?.state !== 'active'
        const now = isRevoked ? authorizationRevoked() : decided
        hold.state = now instanceof Problem ? 'failed' : 'answered'
        if (now instanceof Problem) {
          // The registry was asked and answered: that is what the quota counts.
          const failed = addFailure(query, now.code, null, false, rows, means.desk.means)
          rows.add(freedKeys, query.requestId)
          return new Refused(now, failed.receipt)
        }
        const { caller, granted } = now
        const asked = { ...query, granted: narrower(query.granted, granted.fields) }
        const disclosure = discloseTo(asked, findings, caller, means)
        const at = means.clock.now()
        addEnd(asked, findings, disclosure.page.code, at, rows, means.desk.means)
        const receipt = addDisclosure(asked, disclosure, granted.rule, caller, rows, means)
        const told: Answer = {
          status: 200,
          headers: { ...jsonHeaders, location: `/v1/queries/${query.id}` },
          body: jsonBody(answeredPage(asked, disclosure, at)),
          receipt,
        }
        rows.add(answerRows, {
          request_id: query.requestId,
          status: told.status,
          headers: JSON.stringify(told.headers),
          body: means.sealer.seal(told.body, answerContext(query.requestId)),
          receipt,
        })
        return told
      },
    })
    if (concluded === 'taken') return null
    if (concluded instanceof Refused) throw concluded
    if (concluded !== 'stale') return concluded
    await means.directory.refresh()
  }
  throw new Problem(
    'overloaded',
    { zh: '权限配置正在频繁变更', en: 'access is being changed too often' },
    { retryAfterSeconds: 2 },
  )
}

/** The whole decision on the access of this moment: the registry may have taken seconds. */
function decideAgain(query: Query, request: FastifyRequest, means: BankMeans): { caller: Caller; granted: Granted } {
  const auth = request.authenticated as Authenticated
  const snapshot = means.directory.current()
  const registered = snapshot.certificates.get(auth.signature.keyid) ?? auth.registered
  checkCertificate(auth, registered)
  const operatorCode = headerValue(request.rawHeaders, 'x-operator')
  const caller = admit(snapshot, registered, operatorCode, true, shanghaiDay(means.clock.now()))
  const { granted } = permit(query.asked, query.authorizationId !== null, query.fields, caller, request, means)
  return { caller, granted }
}

function discloseTo(query: Query, findings: Findings, { account, operator }: Caller, means: BankMeans): Disclosure {
  const snapshot = means.directory.current()
  const scopes = [snapshot.scope(account.id), operator === null ? undefined : snapshot.scope(account.id, operator.id)]
  return disclose(findings, {
    level: query.asked.level,
    fields: query.granted,
    authorizer: query.authorizer,
    isAreaGranted: (area) => scopes.every((scope) => scope?.areas.has(area) === true),
    bankCodes: codesInForce(account.bank),
    askedProof: query.asked.proofNumber ?? null,
  })
}

function answeredPage(query: Query, { page }: Disclosure, at: Date): Record<string, unknown> {
  return { id: query.id, state: 'answered', level: query.asked.level, answeredAt: at.toISOString(), ...page }
}

function addDisclosure(
  query: Query,
  { why, fields, subjects }: Disclosure,
  rule: string,
  { account, operator }: Caller,
  rows: Rows,
  means: BankMeans,
  outcome = 'allowed',
): string {
  const act = means.record({
    type: 'disclosure',
    at: means.clock.now(),
    actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
    rule,
    outcome,
    facts: {
      queryId: query.id,
      level: query.asked.level,
      purpose: query.asked.purpose,
      authorizationId: query.authorizationId,
      found: why,
      fields,
    },
    personal: {
      certificateNumber: query.asked.certificateNumber,
      proofNumber: query.asked.proofNumber,
      ...Object.fromEntries(subjects.map((subject, i) => [`subjects[${i}]`, subject])),
    },
    subjects: [query.asked.certificateNumber, query.asked.proofNumber, ...subjects],
  })
  act.addTo(rows)
  return act.receipt
}

/** What of an answer that was given or kept may be told now: never more than when it was asked. */
async function grantedNow(query: Query, caller: Caller, request: FastifyRequest, means: BankMeans): Promise<Granted> {
  const { granted } = permit(query.asked, query.authorizationId !== null, query.fields, caller, request, means)
  if (query.authorizationId === null) return granted
  const found = await readAuthorizations(means.pool, query.bankId, [query.authorizationId], means.sealer)
  // Its uses are those of asking, not of reading what was asked.
  const authorization = found.get(query.authorizationId)
  checkStanding(
    authorization === undefined ? null : { ...authorization, usesMaximum: null },
    shanghaiDay(means.clock.now()),
  )
  return granted
}

/** GET /v1/queries/{id}. */
export async function planRead(id: string, caller: Caller, request: FastifyRequest, means: BankMeans): Promise<Plan> {
  const query = isUuid(id) ? await readQuery(means.pool, caller.account.bank.id, { id }, means.sealer) : undefined
  if (query === undefined) {
    throw new Problem('query-not-found', { zh: '没有此查询', en: 'there is no such query' }, { rule: 'query.of-bank' })
  }
  const { findings } = query
  if (findings === null) {
    const page = { id, state: query.state, ...(query.code === null ? {} : { code: query.code }) }
    return {
      rule: 'query.of-bank',
      act: () => ({ status: 200, headers: jsonHeaders, body: jsonBody(page), receipt: null }),
    }
  }
  const granted = await grantedNow(query, caller, request, means)
  const now = { ...query, granted: narrower(query.granted, granted.fields) }
  return {
    rule: granted.rule,
    tracesDecision: true,
    act: (_held, rows) => {
      const disclosure = discloseTo(now, findings, caller, means)
      const receipt = addDisclosure(now, disclosure, granted.rule, caller, rows, means)
      const body = jsonBody(answeredPage(now, disclosure, query.answeredAt ?? means.clock.now()))
      return { status: 200, headers: jsonHeaders, body, receipt }
    },
  }
}

/**
 * A repeat is a disclosure again: allowed only while all that was given then is granted still, to the letter, so that its
 * record lists what leaves.
 */
export async function planRepeat(
  holder: string,
  caller: Caller,
  request: FastifyRequest,
  means: BankMeans,
): Promise<((rows: Rows) => void) | undefined> {
  const query = await readQuery(means.pool, caller.account.bank.id, { requestId: holder }, means.sealer)
  const findings = query?.findings ?? null
  if (query === undefined || findings === null) return undefined
  const given = await readAnswer(means.pool, holder)
  // Whoever was told 202, or was gone by then, is told 202 again: nothing is disclosed by that.
  if (given === undefined || given.status === 202) return undefined
  const granted = await grantedNow(query, caller, request, means)
  const disclosure = discloseTo(query, findings, caller, means)
  const body = jsonBody(answeredPage(query, disclosure, query.answeredAt ?? means.clock.now()))
  const isSame = body.equals(means.sealer.open(given.body, answerContext(holder)))
  if (!isSame || !isWithin(query.granted, granted.fields)) {
    throw refusal(
      'field-not-granted',
      'scope.fields',
      '查询范围已收窄，不再许可当时给出的字段',
      'the scope was narrowed: what was given then is no longer granted',
    )
  }
  return (rows) => void addDisclosure(query, disclosure, granted.rule, caller, rows, means, 'repeated')
}

/** What a repeat is told while the query is still under way. */
export async function pendingAnswer(holder: string, { account }: Caller, means: BankMeans): Promise<Answer | null> {
  const query = await readQuery(means.pool, account.bank.id, { requestId: holder }, means.sealer)
  if (query === undefined || query.state !== 'asking') return null
  return { status: 202, headers: pendingHeaders(query.id), body: pendingBody(query.id), receipt: null }
}
