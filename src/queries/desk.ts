import { faultPoint } from '../base/fault-point.ts'
import { Problem } from '../base/problem.ts'
import { within } from '../base/within.ts'
import type { Pool } from '../db/pool.ts'
import { type ConcludeMeans, concludeLater, factWord, replyLater } from './conclude.ts'
import { isAskedProperty } from './disclose.ts'
import type { AskRegistry, RegistryWord } from './findings.ts'
import { claimQueries, handBackQueries, type Query, renewQuery } from './store.ts'

/** One question to the registry, on one line of the log; reasons are ours or the registry's code. */
interface QuestionLine {
  queryId: string
  attempt: number
  outcome: RegistryWord['kind']
  reason: string | null
  durationMs: number
}

export interface DeskMeans extends ConcludeMeans {
  pool: Pool
  ask: AskRegistry
  /** False while the registry is paused or closed: nothing is asked then. */
  isOpen: () => Promise<boolean>
  /** Questions to the registry at once, of this process. */
  atOnce: number
  /** Runs a question when there is room for it beside those of other processes. */
  inSlot: <T>(question: () => Promise<T>) => Promise<T>
  /** Queries of this process that may wait for a turn before one is refused as too many. */
  waitingMaximum: number
  /** How long a call waits before it is told 202. */
  waitMs: number
  /** After this long another process may ask; longer than the longest wait for the registry. */
  leaseMs: number
  /** First wait before the registry is asked again; doubles up to the cap. */
  retryMs: number
  retryCapMs: number
  /** How long after it was asked a query is given up. */
  giveUpMs: number
  onQuestion: (line: QuestionLine) => void
  onFault: (where: string, error: unknown) => void
}

/**
 * Asks the registry on behalf of calls: bounded, patient for `waitMs`, and what a stopped process left is asked again.
 */
export class Desk {
  readonly means: DeskMeans
  #calls = 0
  #busy = 0
  readonly #turns: (() => void)[] = []
  readonly #late = new Set<Promise<void>>()
  readonly #underWay = new Set<string>()

  constructor(means: DeskMeans) {
    this.means = means
  }

  /**
   * Runs a call that may ask, unless as many wait already as may; those that were told 202 and wait still count too.
   * @throws {Problem} overloaded, before anything is reserved.
   */
  async admit<T>(call: () => Promise<T>): Promise<T> {
    const { atOnce, waitingMaximum } = this.means
    if (this.#calls + this.#late.size >= atOnce + waitingMaximum) {
      throw new Problem(
        'overloaded',
        { zh: '等待登记系统答复的查询过多', en: 'too many queries wait for the registry' },
        { retryAfterSeconds: 2 },
      )
    }
    this.#calls += 1
    try {
      return await call()
    } finally {
      this.#calls -= 1
    }
  }

  /**
   * The registry's word if it comes in time; else null: the call is answered 202 in a commit of its own, and what comes
   * later is concluded without it.
   * @param receipt of the record that the query was asked.
   */
  async wordInTime(query: Query, receipt: string): Promise<RegistryWord | null> {
    const asking = this.#ask(query)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, this.means.waitMs, null)
    })
    const word = await Promise.race([asking, late]).finally(() => clearTimeout(timer))
    if (word !== null) return word
    await replyLater(query, receipt, this.means)
    this.#follow(asking.then((after) => this.#conclude(query, after)))
    return null
  }

  /**
   * Asks again what a stopped process or a registry that was away left open; in turn with what calls ask, so that neither
   * starves the other.
   * @returns how many were taken.
   */
  async askDue(): Promise<number> {
    const { pool, atOnce, leaseMs, sealer, isOpen } = this.means
    if (!(await isOpen())) return 0
    const due = await claimQueries(pool, atOnce, leaseMs, [...this.#underWay], sealer)
    await Promise.all(due.map(async (query) => this.#conclude(query, await this.#ask(query))))
    return due.length
  }

  /** Waits for what is under way; what the registry has not answered by then is due for others at once. */
  async close(graceMs: number): Promise<void> {
    await within(graceMs, Promise.allSettled(this.#late))
    if (this.#underWay.size === 0) return
    const { pool, onFault } = this.means
    await handBackQueries(pool, [...this.#underWay]).catch((error: unknown) => onFault('hand queries back', error))
  }

  #follow(work: Promise<void>): void {
    const followed = work
      .catch((error: unknown) => this.means.onFault('conclude a query', error))
      .finally(() => this.#late.delete(followed))
    this.#late.add(followed)
  }

  async #conclude(query: Query, word: RegistryWord | null): Promise<void> {
    if (word === null) return
    const { retryMs, retryCapMs, giveUpMs, clock } = this.means
    const waitMs = Math.min(retryMs * 2 ** Math.min(query.attempts, 20), retryCapMs)
    const isOver = clock.now().getTime() - query.createdAt.getTime() + waitMs > giveUpMs
    return concludeLater(query, word, isOver ? null : waitMs, this.means)
  }

  /** Null: it waited for its turn so long that another process took it. */
  async #ask(query: Query): Promise<RegistryWord | null> {
    this.#underWay.add(query.id)
    const cameMs = performance.now()
    if (this.#busy >= this.means.atOnce) await new Promise<void>((resolve) => this.#turns.push(resolve))
    else this.#busy += 1
    const { pool, leaseMs } = this.means
    let startedMs = performance.now()
    let word: RegistryWord | null = { kind: 'unavailable', reason: 'the question could not be put' }
    try {
      word = await this.means.inSlot(async () => {
        startedMs = performance.now()
        const isOurs = startedMs - cameMs < leaseMs / 2 || (await renewQuery(pool, query, leaseMs))
        return isOurs ? this.#put(query) : null
      })
      await faultPoint('answer-not-traced')
    } catch (error) {
      this.means.onFault('ask the registry', error)
    } finally {
      this.#underWay.delete(query.id)
      const next = this.#turns.shift()
      if (next === undefined) this.#busy -= 1
      else next()
    }
    if (word === null) return null
    this.means.onQuestion({
      queryId: query.id,
      attempt: query.attempts + 1,
      outcome: word.kind,
      reason: word.kind === 'answered' ? null : factWord(word.kind === 'refused' ? `code ${word.code}` : word.reason),
      durationMs: Math.round(performance.now() - startedMs),
    })
    return word
  }

  async #put(query: Query): Promise<RegistryWord> {
    if (!(await this.means.isOpen())) return { kind: 'unavailable', reason: 'the registry is paused' }
    const word = await this.means.ask(query.asked, query.by)
    if (word.kind !== 'answered' || isAskedProperty(word.findings, query.asked)) return word
    return { kind: 'unavailable', reason: 'the answer is about another property' }
  }
}
