import { isConnectionLost } from '../base/connection-lost.ts'
import type { Queryable } from './pool.ts'

interface Waiting<Ask, Answer> {
  ask: Ask
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}

/**
 * A reading that many want at the same time: those who ask while one statement is under way share the next, as writers
 * share a commit. Nobody is answered by a statement that began before he asked.
 * @param run gives one answer for each ask, in their order, by one statement.
 */
export function gathered<Ask, Answer>(
  run: (db: Queryable, asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (db: Queryable, ask: Ask) => Promise<Answer> {
  const gathers = new WeakMap<Queryable, Gather<Ask, Answer>>()
  return (db, ask) => {
    let gather = gathers.get(db)
    if (gather === undefined) {
      gather = new Gather(db, run)
      gathers.set(db, gather)
    }
    return gather.ask(ask)
  }
}

/** More than these wait for the statement after. */
const ASKS_MAXIMUM = 64

class Gather<Ask, Answer> {
  readonly #db: Queryable
  readonly #run: (db: Queryable, asks: readonly Ask[]) => Promise<readonly Answer[]>
  #waiting: Waiting<Ask, Answer>[] = []
  #isRunning = false

  constructor(db: Queryable, run: (db: Queryable, asks: readonly Ask[]) => Promise<readonly Answer[]>) {
    this.#db = db
    this.#run = run
  }

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, resolve, reject })
      if (!this.#isRunning) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#isRunning = true
    // A turn of the event loop lets requests that arrived together share the first statement.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, ASKS_MAXIMUM))
    this.#isRunning = false
  }

  async #answer(taken: readonly Waiting<Ask, Answer>[]): Promise<void> {
    try {
      const answers = await this.#run(
        this.#db,
        taken.map(({ ask }) => ask),
      )
      for (const [i, { resolve }] of taken.entries()) resolve(answers[i] as Answer)
    } catch (error) {
      if (taken.length === 1 || !isOfOneAsk(error)) {
        for (const { reject } of taken) reject(error)
        return
      }
      // One that cannot be asked must not cost its neighbours their answers.
      for (const each of taken) await this.#answer([each])
    }
  }
}

/**
 * False where the database is away, hangs or is short of means: each asked by himself would wait through the same, one
 * after the other.
 */
function isOfOneAsk(error: unknown): boolean {
  return !isConnectionLost(error) && !/^(53|57|58)/.test((error as { code?: string }).code ?? '')
}
