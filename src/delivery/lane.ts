/**
 * One endpoint's way out in this process: claims when woken, gives each message a slot of its own and returns to
 * claiming at once. It never waits for a message, so a dead counterparty holds up nothing but its own slots.
 */
export class Lane<T> {
  readonly #concurrency: number
  readonly #claim: (limit: number) => Promise<{ items: readonly T[]; more: boolean }>
  readonly #work: (item: T) => Promise<void>
  readonly #onFault: (error: unknown) => void
  #asked = false
  #stopped = false
  #active = 0
  #claiming = false
  #whenIdle: (() => void)[] = []

  constructor(options: {
    concurrency: number
    claim: (limit: number) => Promise<{ items: readonly T[]; more: boolean }>
    work: (item: T) => Promise<void>
    onFault: (error: unknown) => void
  }) {
    this.#concurrency = options.concurrency
    this.#claim = options.claim
    this.#work = options.work
    this.#onFault = options.onFault
  }

  /** Work is or may be due. */
  wake(): void {
    this.#asked = true
    if (!this.#stopped && !this.#claiming) void this.#drain()
  }

  get busy(): boolean {
    return this.#claiming || this.#active > 0
  }

  get active(): number {
    return this.#active
  }

  /** Claims no more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (!this.busy) return
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  async #drain(): Promise<void> {
    this.#claiming = true
    try {
      while (this.#asked && !this.#stopped) {
        // A turn of the event loop: slots that one commit frees are filled by one claim.
        await new Promise<void>((resolve) => setImmediate(resolve))
        if (this.#stopped) break
        const free = this.#concurrency - this.#active
        if (free <= 0) break
        this.#asked = false
        const { items, more } = await this.#claim(free)
        for (const item of items) void this.#run(item)
        if (!more) continue
        this.#asked = true
        // The room is taken by other nodes: the next slot to be free here, or the reconciler, comes back to it.
        if (items.length === 0) break
      }
    } catch (error) {
      this.#onFault(error)
    }
    this.#claiming = false
    this.#tellIdle()
  }

  async #run(item: T): Promise<void> {
    this.#active += 1
    try {
      await this.#work(item)
    } catch (error) {
      this.#onFault(error)
    }
    this.#active -= 1
    if (this.#asked) this.wake()
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.busy) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}
