import { isConnectionLost } from '../base/connection-lost.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { currentTrace, inTrace, type TraceContext } from '../base/trace-context.ts'
import { inTransaction, type Pool, sendTogether, type Transaction } from './pool.ts'
import type { RowSet } from './row-set.ts'

/**
 * The shared commit. Whoever wants to write gives a member; members that arrive while a commit is in flight share the
 * next. A batch goes through four phases in one transaction:
 *   1 steps    gates and locks, in the fixed order of `Step.order`, each asked once for all members; a conflict is data
 *   2 decide   each member in turn, synchronous: what it won and saw decides its rows and its result
 *   3 rows     one statement a table for the whole batch, in the order of `RowSet.order`
 *   4 commit   then results are given out and `afterCommit` runs
 * A member whose `decide` throws is taken out and the rest runs again, so that nothing of it stays: a key that it
 * claimed would have no answer for ever. An unexpected error splits the batch in halves, so that one bad member does not
 * take its neighbours along. A COMMIT whose connection is lost is looked up by the batch's id before anyone is answered.
 */
export interface Step<A, G> {
  readonly name: string
  readonly order: number
  /** Gives one result for each ask, in their order. Keys are to be locked in sorted order. */
  run(tx: Transaction, asks: readonly A[]): Promise<readonly G[]>
}

/** What a member wants of a step. `when` (seen at the step's turn) spares it, for instance a loser of an earlier gate. */
export interface Ask<A, G> {
  readonly step: Step<A, G>
  readonly value: A
  readonly when?: (held: Held) => boolean
}

export function ask<A, G>(step: Step<A, G>, value: A, when?: (held: Held) => boolean): Ask<A, G> {
  return when === undefined ? { step, value } : { step, value, when }
}

export interface Held {
  /** What the step gave; @throws when it was spared or never asked. */
  of<A, G>(asked: Ask<A, G>): G
  has(asked: Ask<never, unknown> | Ask<unknown, unknown>): boolean
}

export interface Rows {
  add<R>(set: RowSet<R>, ...rows: R[]): void
  /** Runs once the batch is durable, outside the transaction: wake-ups and other hints, never a fact. */
  afterCommit(act: () => void): void
}

export interface Member<T> {
  readonly asks: readonly AnyAsk[]
  /** Synchronous and repeatable: after a lost connection or a neighbour's fault it runs again. A throw undoes the member. */
  decide(held: Held, rows: Rows): T
}

type AnyAsk = Ask<never, unknown> | Ask<unknown, unknown>

interface Waiting {
  member: Member<unknown>
  /** Of whoever submitted it: its neighbours in the batch have others. */
  trace: TraceContext | null
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

interface Result {
  ok: boolean
  value: unknown
}

/** Some members' `decide` threw; the transaction is given up to be run without them. */
class Undecided extends Error {}

class Collected implements Rows, Held {
  readonly sets = new Map<RowSet<unknown>, unknown[]>()
  readonly acts: (() => void)[] = []
  readonly held = new Map<unknown, unknown>()

  add<R>(set: RowSet<R>, ...rows: R[]): void {
    if (rows.length === 0) return
    const known = this.sets.get(set as RowSet<unknown>)
    if (known === undefined) this.sets.set(set as RowSet<unknown>, rows)
    else known.push(...rows)
  }

  afterCommit(act: () => void): void {
    this.acts.push(act)
  }

  of<A, G>(asked: Ask<A, G>): G {
    if (!this.held.has(asked)) throw new Error(`step ${asked.step.name} was not run for this member`)
    return this.held.get(asked) as G
  }

  has(asked: AnyAsk): boolean {
    return this.held.has(asked)
  }
}

export interface BatchStatistics {
  commits: number
  members: number
  splits: number
  lookups: number
}

export class Batch {
  readonly statistics: BatchStatistics = { commits: 0, members: 0, splits: 0, lookups: 0 }
  readonly #pool: Pool
  readonly #maxMembers: number
  readonly #maxWaiting: number
  readonly #unknownForMs: number
  #waiting: Waiting[] = []
  #running: Promise<void> | null = null
  #begunMs: number | null = null

  /**
   * @param maxMembers members of one transaction; default 64.
   * @param maxWaiting members that may wait before `overloaded` is thrown; default 2,000.
   * @param unknownForMs how long a lost COMMIT is looked for before `outcome-unknown`; default 15,000.
   */
  constructor(pool: Pool, options: { maxMembers?: number; maxWaiting?: number; unknownForMs?: number } = {}) {
    this.#pool = pool
    this.#maxMembers = options.maxMembers ?? 64
    this.#maxWaiting = options.maxWaiting ?? 2000
    this.#unknownForMs = options.unknownForMs ?? 15_000
  }

  /**
   * Resolves once the member's rows are durable.
   * @throws {Problem} `overloaded`; `database-unavailable` when nothing was written; `outcome-unknown` when the database
   *   stayed away after a lost COMMIT.
   */
  async submit<T>(member: Member<T>): Promise<T> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new Problem(
        'overloaded',
        { zh: '排队请求过多，请稍后重试', en: 'too many requests wait for a commit' },
        { retryAfterSeconds: 1 },
      )
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ member, trace: currentTrace(), resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= inTrace(null, () => this.#drain())
    })
  }

  /** Members waiting for a commit. */
  get depth(): number {
    return this.#waiting.length
  }

  /** How long the batch in flight has been under way, with its repeats; 0 when there is none. */
  get ageMs(): number {
    return this.#begunMs === null ? 0 : performance.now() - this.#begunMs
  }

  /** Waits until nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #drain(): Promise<void> {
    // A turn of the event loop lets requests that arrived together share the first commit.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0, this.#maxMembers)
      this.#begunMs = performance.now()
      try {
        await this.#commit(taken, 0)
      } catch (error) {
        for (const waiting of taken) waiting.reject(error)
      }
    }
    this.#begunMs = null
    this.#running = null
  }

  async #commit(taken: Waiting[], tries: number): Promise<void> {
    const batchId = newId()
    const all = taken.map(() => new Collected())
    const results: Result[] = []
    let committing = false
    try {
      await inTransaction(this.#pool, async (tx) => {
        await allEnded(
          sendTogether(tx, () => [
            tx.query({ name: 'batch', text: 'insert into batch (id) values ($1)', values: [batchId] }),
            runSteps(tx, taken, all),
          ]),
        )
        for (const [i, waiting] of taken.entries()) results.push(decide(waiting, all[i] as Collected))
        if (results.some(({ ok }) => !ok)) throw new Undecided()
        await writeRows(tx, all)
        committing = true
      })
    } catch (error) {
      if (error instanceof Undecided) return this.#withoutUndecided(taken, results)
      const lost = isConnectionLost(error)
      if (lost && committing) {
        const durable = await this.#lookUp(batchId)
        if (durable === 'committed') return this.#finish(taken, results, all)
        if (durable === 'unknown') return rejectAll(taken, outcomeUnknown(error))
      }
      const again = lost || isTransient(error)
      if (again && tries < 4) {
        await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** tries))
        return this.#commit(taken, tries + 1)
      }
      if (!again && taken.length > 1) {
        this.statistics.splits += 1
        const half = taken.length >> 1
        await this.#commit(taken.slice(0, half), 0)
        return this.#commit(taken.slice(half), 0)
      }
      return rejectAll(taken, again ? unavailable(error) : error)
    }
    this.#finish(taken, results, all)
  }

  async #withoutUndecided(taken: readonly Waiting[], results: readonly Result[]): Promise<void> {
    const rest: Waiting[] = []
    for (const [i, waiting] of taken.entries()) {
      const result = results[i] as Result
      if (result.ok) rest.push(waiting)
      else waiting.reject(result.value)
    }
    if (rest.length > 0) await this.#commit(rest, 0)
  }

  #finish(taken: readonly Waiting[], results: readonly Result[], all: readonly Collected[]): void {
    void faultPoint('committed-not-woken')
    this.statistics.commits += 1
    this.statistics.members += taken.length
    for (const [i, waiting] of taken.entries()) waiting.resolve(results[i]?.value)
    for (const act of all.flatMap(({ acts }) => acts)) {
      try {
        act()
      } catch {
        // A hint only, and one member's must not cost another its own.
      }
    }
  }

  /** The same id inserted again waits for the first transaction's end, and then tells which it was. */
  async #lookUp(batchId: string): Promise<'committed' | 'rolled-back' | 'unknown'> {
    this.statistics.lookups += 1
    const until = performance.now() + this.#unknownForMs
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
      try {
        return await inTransaction(this.#pool, async (tx) => {
          // A server that has not yet noticed the lost connection keeps the first transaction open.
          await tx.query(`set local statement_timeout = '2s'`)
          const { rowCount } = await tx.query('insert into batch (id) values ($1) on conflict do nothing', [batchId])
          return rowCount === 0 ? 'committed' : 'rolled-back'
        })
      } catch {
        // Whatever it was, nothing is known yet.
        if (performance.now() > until) return 'unknown'
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }
}

function decide({ member, trace }: Waiting, own: Collected): Result {
  try {
    return { ok: true, value: inTrace(trace, () => member.decide(own, own)) }
  } catch (error) {
    return { ok: false, value: error }
  }
}

async function runSteps(tx: Transaction, taken: readonly Waiting[], all: readonly Collected[]): Promise<void> {
  const steps = new Map<Step<unknown, unknown>, { asked: AnyAsk; own: Collected }[]>()
  for (const [i, waiting] of taken.entries()) {
    for (const asked of waiting.member.asks) {
      const step = asked.step as Step<unknown, unknown>
      const entry = { asked, own: all[i] as Collected }
      const known = steps.get(step)
      if (known === undefined) steps.set(step, [entry])
      else known.push(entry)
    }
  }
  for (const [step, entries] of [...steps].sort(([a], [b]) => a.order - b.order)) {
    const due = entries.filter(({ asked, own }) => asked.when === undefined || asked.when(own))
    if (due.length === 0) continue
    const got = await step.run(
      tx,
      due.map(({ asked }) => asked.value),
    )
    if (got.length !== due.length)
      throw new Error(`step ${step.name} gave ${got.length} results for ${due.length} asks`)
    for (const [i, { asked, own }] of due.entries()) own.held.set(asked, got[i])
  }
}

async function writeRows(tx: Transaction, all: readonly Collected[]): Promise<void> {
  const merged = new Map<RowSet<unknown>, unknown[]>()
  for (const own of all) {
    for (const [set, rows] of own.sets) {
      const known = merged.get(set)
      if (known === undefined) merged.set(set, [...rows])
      else known.push(...rows)
    }
  }
  // Sent together, done one after the other: none of them waits for what another gives. The first that fails is told.
  const sorted = [...merged].sort(([a], [b]) => a.order - b.order)
  while (sorted.length > 0) {
    const several = sorted.findIndex(([set]) => set.statements === 'several')
    const next = sorted.splice(0, several < 0 ? sorted.length : several + 1)
    await allEnded(sendTogether(tx, () => next.map(([set, rows]) => set.write(tx, lastOfKeys(set, rows)))))
  }
}

/**
 * Of those that fail the first is thrown, once all have ended: what still wanted to send a statement would send it after
 * the ROLLBACK, outside the transaction.
 */
async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === 'rejected') throw one.reason
}

function lastOfKeys({ key }: RowSet<unknown>, rows: readonly unknown[]): readonly unknown[] {
  return key === undefined ? rows : [...new Map(rows.map((row) => [key(row), row])).values()]
}

function rejectAll(taken: readonly Waiting[], error: unknown): void {
  for (const waiting of taken) waiting.reject(error)
}

function outcomeUnknown(cause: unknown): Problem {
  return new Problem(
    'outcome-unknown',
    { zh: '数据库连接中断，处理结果未知', en: 'the database connection was lost during commit' },
    { retryAfterSeconds: 2, cause },
  )
}

function unavailable(cause: unknown): Problem {
  return new Problem(
    'database-unavailable',
    { zh: '数据库暂不可用，未作任何处理', en: 'the database cannot be reached; nothing was done' },
    { retryAfterSeconds: 2, cause },
  )
}

/**
 * Deadlocks, serialization failures, a server that is starting up, and a wait for what a lost connection's session still
 * locks: the same batch may simply run again.
 */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '40001' || code === '40P01' || code === '57P03' || code === '53300' || code === '57014'
}
