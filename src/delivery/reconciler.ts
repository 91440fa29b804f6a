import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { childOf, inTrace, readTraceparent } from '../base/trace-context.ts'
import type { Batch } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { Destination } from './destination.ts'
import { type Recording, recordExpired } from './record.ts'
import type { Sealer } from './sealer.ts'
import { dueEndpoints, expiredLeases, openLeased } from './store.ts'

export interface ReconcilerOptions {
  pool: Pool
  batch: Batch
  clock: Clock
  sealer: Sealer
  recording: Recording
  /** May grow. */
  destinations: ReadonlyMap<string, Destination>
  /** Takes up destinations that came meanwhile. */
  discover: () => Promise<void>
  /** Makes the endpoint's lane claim. */
  wake: (endpoint: string) => void
  /** Puts back what a queue store lacks. */
  repair: () => Promise<void>
  onFault: (where: string, error: unknown) => void
  /** Between two looks; default 1,000. */
  tickMs: number
}

export interface ReconcilerHealth {
  /** When a look last ended well; null before the first. */
  lastTickAt: Date | null
  ok: boolean
}

/** Expired leases settled in one look. */
const EXPIRED_LIMIT = 50
/** A look that takes longer is given up. */
const HANGS_MS = 60_000
/** Without a look that ended well for this long, and ten ticks, something is wrong. */
const LATE_MS = 10_000
/** Ticks between two looks at the queue's structures. */
const REPAIR_EVERY = 5

/**
 * What the rows say is done even if every wake-up was lost: due work is woken, leases that ran out are settled as
 * unknown, a wiped queue store is put back. A look that hangs is given up and the next begins without it.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  #lastTickAt: Date | null = null
  #lastTickMs = performance.now()
  #begunMs = 0
  #generation = 0
  #running: Promise<void> | null = null
  #ticks = 0
  #timer: NodeJS.Timeout | null = null

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#beat(), this.#options.tickMs)
  }

  health(): ReconcilerHealth {
    return {
      lastTickAt: this.#lastTickAt,
      ok: performance.now() - this.#lastTickMs < 10 * this.#options.tickMs + LATE_MS,
    }
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await this.#running
  }

  #beat(): void {
    if (this.#running !== null) {
      if (performance.now() - this.#begunMs < HANGS_MS) return
      this.#options.onFault('reconcile in time', new Error('a look at what is due hangs'))
    }
    this.#begunMs = performance.now()
    const running = this.#tick(++this.#generation).finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
  }

  async #tick(generation: number): Promise<void> {
    const { onFault, repair } = this.#options
    try {
      await this.#options.discover()
      await this.#wakeDue()
      await this.#settleExpired()
      if (generation !== this.#generation) return
      this.#lastTickAt = this.#options.clock.now()
      this.#lastTickMs = performance.now()
    } catch (error) {
      onFault('reconcile', error)
    }
    this.#ticks += 1
    if (this.#ticks % REPAIR_EVERY !== 0) return
    try {
      await repair()
    } catch (error) {
      onFault('repair the queue', error)
    }
  }

  /** In sorted order. */
  get #endpoints(): string[] {
    return [...this.#options.destinations.keys()].sort()
  }

  async #wakeDue(): Promise<void> {
    for (const endpoint of await dueEndpoints(this.#options.pool, this.#endpoints)) this.#options.wake(endpoint)
  }

  async #settleExpired(): Promise<void> {
    const { pool, batch, clock, sealer, recording, destinations, onFault } = this.#options
    const expired = await expiredLeases(pool, this.#endpoints, EXPIRED_LIMIT)
    await Promise.all(
      expired.map(async (row) => {
        const destination = destinations.get(row.endpoint) as Destination
        const at = clock.now()
        const attempt = { id: newId(), startedAt: at, endedAt: at }
        try {
          const { message, rendered } = await openLeased(row, sealer)
          const member = recordExpired(recording, destination, message, attempt, rendered !== null)
          await inTrace(childOf(readTraceparent(message.traceparent)), () => batch.submit(member))
        } catch (error) {
          onFault('settle a lease that ran out', error)
        }
      }),
    )
  }
}
