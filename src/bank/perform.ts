import { admit, type Caller } from '../access/decide.ts'
import { type Directory, revisionGate } from '../access/directory.ts'
import { type Clock, shanghaiDay } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { ask, type Batch, type Rows } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import { findKey, readAnswer } from '../intake/idempotency.ts'
import { type Answer, answerContext, KeyFreed, takeEffect, type Work } from '../intake/once.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { type Authenticated, checkCertificate } from './authenticate.ts'

export interface PerformMeans {
  pool: Pool
  batch: Batch
  directory: Directory
  sealer: { seal(plain: Buffer, context: string): Buffer; open(sealed: Buffer, context: string): Buffer }
  clock: Clock
  record(act: Act): TraceRecord
}

/** One call of a bank. */
export interface BankCall {
  requestId: string
  /** Method and route pattern, as in `POST /v1/applications`. */
  route: string
  auth: Authenticated
  operatorCode: string | undefined
  needsOperator: boolean
  /** Of a call that changes something: its key, and the digest of what it asks. */
  key: { value: string; requestDigest: Buffer } | null
  /**
   * Checks and prepares; may read, must not write. Runs again when access was changed meanwhile.
   * @throws {Problem} the refusal, which is traced.
   */
  plan(caller: Caller): Promise<Plan>
  /**
   * For a repeat of a call whose answer (200) holds personal data: whether it may be given again, and its record. Without
   * a record such an answer is not given: it came only after this was asked.
   * @param holder the request that has the key. @throws {Problem} the refusal, which is traced.
   */
  planRepeat?(caller: Caller, holder: string): Promise<((rows: Rows) => void) | undefined>
  /** What a repeat is told while the call's own answer is still to come; without it, `request-in-progress`. */
  pending?(caller: Caller, holder: string): Promise<Answer | null>
}

export interface Plan extends Pick<Work, 'act'> {
  /** Brings the answer, after the commit, where `act` gave none. @throws {Refused} why there is none. */
  later?(): Promise<Answer>
  /** The rule that allowed it. */
  rule: string
  asks?: Work['asks']
  /** The act's own record tells of the decision too, so that none of its own is needed. */
  tracesDecision?: true
  /** The case that it is about. */
  caseId?: string
}

/** A refusal that is traced: the problem to be told, and the receipt of its record. */
export class Refused extends Error {
  readonly problem: Problem
  readonly receipt: string

  constructor(problem: Problem, receipt: string) {
    super(problem.message, { cause: problem })
    this.problem = problem
    this.receipt = receipt
  }
}

/** More changes of access than this during one request is no longer bad luck. */
const REDECISIONS_MAXIMUM = 20

/**
 * Decides on a call and lets it take effect once, in one shared commit; a decision that access has overtaken is taken
 * anew. Every refusal here is traced one by one, since the signature has verified.
 * @throws {Refused} when the call is refused. @throws {Problem} when it could not be decided on: too busy, no database.
 */
export async function perform(call: BankCall, means: PerformMeans): Promise<Answer> {
  const { auth } = call
  const { account } = auth.registered
  const once = {
    requestId: call.requestId,
    nonce: {
      keyid: auth.signature.keyid,
      nonce: auth.signature.nonce,
      createdAt: Math.floor(auth.signature.createdAt.getTime() / 1000),
      requestId: call.requestId,
    },
  }
  const key =
    call.key === null
      ? null
      : {
          accountId: account.id,
          route: call.route,
          key: call.key.value,
          requestDigest: call.key.requestDigest,
          requestId: call.requestId,
        }

  for (let decisions = 0; decisions < REDECISIONS_MAXIMUM; decisions += 1) {
    const snapshot = means.directory.current()
    const registered = snapshot.certificates.get(auth.signature.keyid) ?? auth.registered
    let problem: Problem | null = null
    let work: TracedWork
    let plan: Plan | null = null
    let caller: Caller | null = null
    let mayDisclose = call.planRepeat === undefined
    try {
      checkCertificate(auth, registered)
      caller = admit(snapshot, registered, call.operatorCode, call.needsOperator, shanghaiDay(means.clock.now()))
      // A repeat is not prepared again: what was true then, a free reference say, is not true now.
      const holder = key === null ? undefined : await findKey(means.pool, key)
      if (holder === undefined) {
        plan = await call.plan(caller)
        work = toWork(call, plan, means)
      } else {
        const record = await call.planRepeat?.(caller, holder)
        mayDisclose = record !== undefined
        work = repetition(call, record, means)
      }
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      problem = error
      work = refusal(call, error, means)
    }
    const inForce = ask(revisionGate, snapshot.revision)
    const effect = await takeEffect(
      means.batch,
      means.sealer,
      { ...once, inForce, key: problem === null ? key : null },
      work,
    ).catch((error: unknown) => {
      if (error instanceof KeyFreed) return null
      throw error
    })
    if (effect === null) continue
    switch (effect.kind) {
      case 'stale':
        await means.directory.refresh()
        continue
      case 'refused':
        throw new Refused(effect.problem, work.refusalReceipt())
      case 'repeat':
        return repeated(call, caller, effect.holder, mayDisclose, work.repeatReceipt(), means)
      case 'pending':
        if (plan?.later === undefined) throw new Error('a call without an answer has none to come either')
        return plan.later()
      case 'done':
        if (problem !== null) throw new Refused(problem, work.refusalReceipt())
        return effect.answer
    }
  }
  throw new Problem(
    'overloaded',
    { zh: '权限配置正在频繁变更', en: 'access is being changed too often' },
    { retryAfterSeconds: 2 },
  )
}

async function repeated(
  call: BankCall,
  caller: Caller | null,
  holder: string,
  mayDisclose: boolean,
  receipt: string | null,
  means: PerformMeans,
): Promise<Answer> {
  const stored = await readAnswer(means.pool, holder)
  if (stored === undefined || (stored.status === 200 && !mayDisclose)) {
    const pending = caller === null ? null : await call.pending?.(caller, holder)
    if (pending !== null && pending !== undefined) return { ...pending, receipt }
    const problem = new Problem(
      'request-in-progress',
      {
        zh: '同一幂等键的请求仍在处理，请稍后用同一幂等键重试',
        en: 'the request with this key is still at work; repeat it later',
      },
      { retryAfterSeconds: 1 },
    )
    // Traced already, with the nonce that it used up.
    throw receipt === null ? problem : new Refused(problem, receipt)
  }
  // The receipt of the original act; an answer that came without its caller has only that of the repeat.
  return { ...stored, receipt: stored.receipt ?? receipt, body: means.sealer.open(stored.body, answerContext(holder)) }
}

interface TracedWork extends Work {
  /** Of the refusal that the last run of the work decided on. */
  refusalReceipt(): string
  /** Of the record that a stored answer is given again; null where the call keeps one of its own. */
  repeatReceipt(): string | null
}

/** Adds the record of each refusal and keeps the receipt of the last: what ran before that was rolled back. */
function tracedRefusals(call: BankCall, means: PerformMeans): Pick<TracedWork, 'refuse' | 'refusalReceipt'> {
  let receipt: string | null = null
  return {
    refuse: (problem, rows) => {
      const act = refusalRecord(call, problem, means)
      act.addTo(rows)
      receipt = act.receipt
    },
    refusalReceipt: () => {
      if (receipt === null) throw new Error('a refusal was not traced')
      return receipt
    },
  }
}

function toWork(call: BankCall, plan: Plan, means: PerformMeans): TracedWork {
  let repeatReceipt: string | null = null
  return {
    ...tracedRefusals(call, means),
    asks: plan.asks ?? (() => []),
    act: (held, rows) => {
      if (plan.tracesDecision === true) return plan.act(held, rows)
      const decision = decisionRecord(call, 'allowed', plan.rule, means, plan.caseId)
      decision.addTo(rows)
      const answer = plan.act(held, rows)
      if (answer === null) return null
      // Where the act has no record of its own, the decision's is what the caller holds us to.
      return { ...answer, receipt: answer.receipt ?? decision.receipt }
    },
    repeat: (rows) => {
      const repeat = decisionRecord(call, 'repeated', 'idempotency.same-request', means)
      repeat.addTo(rows)
      repeatReceipt = repeat.receipt
    },
    repeatReceipt: () => repeatReceipt,
  }
}

function repetition(call: BankCall, record: ((rows: Rows) => void) | undefined, means: PerformMeans): TracedWork {
  const work = toWork(
    call,
    {
      rule: 'idempotency.same-request',
      act: () => {
        throw new KeyFreed('a key that was held is free')
      },
    },
    means,
  )
  return record === undefined ? work : { ...work, repeat: record }
}

/** Nothing takes effect but the nonce and the record of the refusal. */
function refusal(call: BankCall, problem: Problem, means: PerformMeans): TracedWork {
  const traced = tracedRefusals(call, means)
  return {
    ...traced,
    asks: () => [],
    act: (_held, rows) => {
      traced.refuse(problem, rows)
      return { status: problem.status, headers: {}, body: Buffer.alloc(0), receipt: null }
    },
    repeat: () => undefined,
    repeatReceipt: () => null,
  }
}

function actors(call: BankCall): NonNullable<Act['actors']> {
  const { account } = call.auth.registered
  return { bankId: account.bank.id, accountId: account.id, operator: call.operatorCode }
}

function decisionRecord(
  call: BankCall,
  outcome: string,
  rule: string,
  means: PerformMeans,
  caseId?: string,
): TraceRecord {
  return means.record({
    type: 'access-decided',
    at: means.clock.now(),
    actors: actors(call),
    caseId,
    rule,
    outcome,
    facts: {
      route: routeWord(call.route),
      keyid: call.auth.signature.keyid,
      algorithm: call.auth.signature.algorithm,
      requestId: call.requestId,
    },
  })
}

function refusalRecord(call: BankCall, problem: Problem, means: PerformMeans): TraceRecord {
  return means.record({
    type: 'request-refused',
    at: means.clock.now(),
    actors: actors(call),
    rule: problem.rule ?? problem.code,
    outcome: problem.code,
    facts: {
      route: routeWord(call.route),
      keyid: call.auth.signature.keyid,
      requestId: call.requestId,
      faults: problem.faults.map(({ code }) => code),
    },
  })
}

/** `POST /v1/applications/:id` as one word, which a trace record's clear part takes. */
function routeWord(route: string): string {
  return route.replace(' /', '/')
}
