import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import type { Batch } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { RetryRule } from './backoff.ts'
import type { CaseStreamsStep } from './case-streams.ts'
import { checkTimes } from './check-times.ts'
import { claim } from './claim.ts'
import { type AttemptLine, type CourierOptions, carry } from './courier.ts'
import { Deadline } from './deadline.ts'
import type { Destination, OnDead } from './destination.ts'
import { Lane } from './lane.ts'
import type { WakeQueue } from './queue.ts'
import { Reconciler, type ReconcilerHealth } from './reconciler.ts'
import type { Recording } from './record.ts'
import type { Sealer } from './sealer.ts'
import { type LeasedRow, openLeased } from './store.ts'

export interface DeliveryOptions {
  pool: Pool
  batch: Batch
  streams: CaseStreamsStep
  sealer: Sealer
  queue: WakeQueue
  destinations: readonly Destination[]
  /** Destinations that come while it runs; asked at each tick. One that is known already is left as it is. */
  discover?: () => Promise<readonly Destination[]>
  retry: RetryRule
  onDead: OnDead
  /** Inquiries without an answer after which a person must look; default 20. */
  unclearMaximum?: number
  /** How often due work without a wake-up is looked for, in ms; default 1,000. */
  tickMs?: number
  clock?: Clock
  random?: () => number
  onAttempt?: (line: AttemptLine) => void
  onFault?: (where: string, error: unknown) => void
}

export interface Delivery {
  /** Looks at what is due at an endpoint. */
  wake(endpoint: string): void
  health(): ReconcilerHealth
  /**
   * Claims nothing more and waits for what is under way, at most `graceMs` (default 10,000). A call that has not ended
   * by then is given up and recorded as unknown, so that another node goes on at once.
   */
  close(graceMs?: number): Promise<void>
}

/** What recording may take for calls that were given up. */
const RECORDING_MS = 3000

interface Item {
  row: LeasedRow
  lease: Deadline
}

/**
 * Sends what is committed: a lane an endpoint, woken by the queue's jobs and by the reconciler.
 * @throws {Error} when times of a destination do not fit together; naming every fault.
 */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { pool, batch, sealer, queue, clock = systemClock, random = Math.random } = options
  const onFault = options.onFault ?? ((): void => undefined)
  let closing = false
  const givingUp = new AbortController()
  // Each call under way listens.
  setMaxListeners(0, givingUp.signal)
  const owner = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`
  const destinations = new Map<string, Destination>()
  const lanes = new Map<string, Lane<Item>>()
  const recording: Recording = {
    streams: options.streams,
    sealer,
    retry: options.retry,
    unclearMaximum: options.unclearMaximum ?? 20,
    onDead: options.onDead,
    random,
  }
  const courier: CourierOptions = {
    batch,
    recording,
    clock,
    onAttempt: options.onAttempt ?? ((): void => undefined),
    onFault,
    closing: () => closing,
    givingUp: givingUp.signal,
  }
  const open = (found: readonly Destination[]): void => {
    const fresh = found.filter(({ endpoint }) => !destinations.has(endpoint))
    const faults = fresh.flatMap((destination) => checkTimes(destination))
    if (faults.length > 0) throw new Error(`times that do not fit together:\n${faults.join('\n')}`)
    for (const destination of fresh) {
      destinations.set(destination.endpoint, destination)
      lanes.set(destination.endpoint, laneOf(destination))
    }
  }
  const laneOf = (destination: Destination): Lane<Item> =>
    new Lane<Item>({
      concurrency: destination.concurrency,
      claim: async (limit) => {
        const { endpoint, leaseMs } = destination
        if ((await destination.isOpen?.()) === false) return { items: [], more: false }
        const { rows, deadline, more } = await claim(pool, { endpoint, limit, leaseMs, owner })
        return { items: rows.map((row) => ({ row, lease: deadline })), more }
      },
      work: async ({ row, lease }) => carry(courier, destination, await openLeased(row, sealer), lease),
      onFault: (error) => onFault(`lane ${destination.endpoint}`, error),
    })
  open(options.destinations)
  if (destinations.size < options.destinations.length) throw new Error('an endpoint has two destinations')
  const wake = (endpoint: string): void => lanes.get(endpoint)?.wake()
  const reconciler = new Reconciler({
    pool,
    batch,
    clock,
    sealer,
    recording,
    destinations,
    discover: async () => {
      if (options.discover !== undefined && !closing) open(await options.discover())
    },
    wake,
    onFault,
    repair: () => queue.repair(),
    tickMs: options.tickMs ?? 1000,
  })

  queue.work({ wake, isBusy: (endpoint) => lanes.get(endpoint)?.busy === true })
  reconciler.start()

  let closed: Promise<void> | null = null
  const close = async (graceMs = 10_000): Promise<void> => {
    closing = true
    const end = Deadline.after(graceMs)
    await reconciler.close()
    await queue.stopWork()
    const idle = Promise.all([...lanes.values()].map((lane) => lane.stop()))
    if (await within(end.leftMs, idle)) return
    givingUp.abort()
    await within(RECORDING_MS, idle)
  }
  return { wake, health: () => reconciler.health(), close: (graceMs) => (closed ??= close(graceMs)) }
}
