import type pg from 'pg'

/** Whoever comes while a commit is under way shares the next: at most 64 in one transaction. */
export class SharedCommit<Item, Result> {
  readonly #client: pg.Client
  readonly #write: (client: pg.Client, items: readonly Item[]) => Promise<readonly Result[]>
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = []
  #isRunning = false

  constructor(client: pg.Client, write: (client: pg.Client, items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#client = client
    this.#write = write
  }

  /** Resolves once it is durable. */
  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#isRunning) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#isRunning = true
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0, 64)
      try {
        // Sent together with the first statements (the connection pipelines).
        const begun = this.#client.query('begin')
        const results = await this.#write(
          this.#client,
          taken.map(({ item }) => item),
        )
        await begun
        await this.#client.query('commit')
        for (const [i, { resolve }] of taken.entries()) resolve(results[i] as Result)
      } catch (error) {
        await this.#client.query('rollback').catch(() => undefined)
        for (const { reject } of taken) reject(error)
      }
    }
    this.#isRunning = false
  }
}
