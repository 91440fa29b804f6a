/** Beyond which nobody may wait. */
export interface WaiterLimits {
  /** In this process. */
  all: number
  /** Of one bank in this process. */
  ofBank: number
}

interface Waiter {
  bankId: string
  after: number
  wake: () => void
}

/** Someone who waits for events; `leave` must be called in the end. */
export interface Wait {
  /** Resolves once there may be news, after `ms`, when `signal` aborts or the watch closes; at once if that was before. */
  news(ms: number, signal: AbortSignal): Promise<void>
  leave(): void
}

/**
 * Those who wait for the next events of their bank. A commit in this process tells of its events at once; those of other
 * nodes are seen by one look at the counters of all banks that wait, at every tick. Nothing is asked while nobody waits.
 */
export class FeedWatch {
  readonly #limits: WaiterLimits
  readonly #readEnds: (bankIds: readonly string[]) => Promise<ReadonlyMap<string, number>>
  readonly #onError: (error: unknown) => void
  readonly #waiters = new Set<Waiter>()
  readonly #timer: NodeJS.Timeout
  #looking = false
  #closed = false

  /** @param options.tickMs between two looks; default 1,000. */
  constructor(options: {
    limits: WaiterLimits
    readEnds: (bankIds: readonly string[]) => Promise<ReadonlyMap<string, number>>
    onError: (error: unknown) => void
    tickMs?: number
  }) {
    this.#limits = options.limits
    this.#readEnds = options.readEnds
    this.#onError = options.onError
    this.#timer = setInterval(() => void this.#look(), options.tickMs ?? 1000)
    this.#timer.unref()
  }

  /**
   * To be called before the feed is read, so that what is committed meanwhile is not missed.
   * @param after the last number that is known already.
   * @returns which limit is reached when nobody more may wait.
   */
  enter(bankId: string, after: number): Wait | 'all' | 'of-bank' {
    if (this.#waiters.size >= this.#limits.all) return 'all'
    const ofBank = [...this.#waiters].filter((waiter) => waiter.bankId === bankId).length
    if (ofBank >= this.#limits.ofBank) return 'of-bank'
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const waiter: Waiter = { bankId, after, wake }
    this.#waiters.add(waiter)
    if (this.#closed) wake()
    return {
      news: async (ms, signal) => {
        const timer = setTimeout(wake, ms)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
        await woken
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
      },
      leave: () => void this.#waiters.delete(waiter),
    }
  }

  /** Events of this bank were committed here. */
  hint(bankId: string): void {
    for (const waiter of this.#waiters) if (waiter.bankId === bankId) waiter.wake()
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Ends every wait, and each that comes, at once. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const waiter of this.#waiters) waiter.wake()
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#waiters.size === 0) return
    this.#looking = true
    try {
      const ends = await this.#readEnds([...new Set([...this.#waiters].map(({ bankId }) => bankId))])
      for (const { bankId, after, wake } of this.#waiters) if ((ends.get(bankId) ?? 0) > after) wake()
    } catch (error) {
      this.#onError(error)
    }
    this.#looking = false
  }
}
