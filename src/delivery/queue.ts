import type { JobStore, JobWorker, OnFault } from './job-store.ts'
import { postgresStore } from './queue-postgres.ts'
import { redisStore } from './queue-redis.ts'

/** What this process does with a wake-up. */
interface Worklist {
  wake(endpoint: string): void
  /** Its lane is at work here and looks again when woken: no job is needed. */
  isBusy(endpoint: string): boolean
}

/** Tells workers, on any node, that an endpoint has work. Everything in it may be lost at any moment. */
export interface WakeQueue {
  /** Returns at once. */
  wake(endpoint: string): void
  /** Takes jobs from now on. */
  work(worklist: Worklist): void
  stopWork(): Promise<void>
  /** Whether wake-ups reach other processes; while not, due work is found by the reconciler of each. */
  isUp(): boolean
  /** Puts back structures that are missing, and a worker that ended. */
  repair(): Promise<void>
  close(): Promise<void>
}

/** An endpoint is added at most once in this time; a wake-up meanwhile is made up for at its end. */
const COALESCE_MS = 25

/**
 * Opens the queue.
 * @param prefix sets queues of gateways that share a store apart: letters, digits, _ and -.
 * @param redisUrl Redis instead of PostgreSQL.
 */
export async function openWakeQueue(options: {
  databaseUrl: string
  redisUrl?: string | null
  prefix: string
  onFault?: OnFault
}): Promise<WakeQueue> {
  const { databaseUrl, redisUrl = null, prefix, onFault = (): void => undefined } = options
  if (!/^[\w-]{1,40}$/.test(prefix)) throw new Error('a queue prefix has letters, digits, _ and - only')
  const store =
    redisUrl === null ? await postgresStore(databaseUrl, prefix, onFault) : redisStore(redisUrl, prefix, onFault)
  return new CoalescingQueue(store, onFault)
}

class CoalescingQueue implements WakeQueue {
  readonly #store: JobStore
  readonly #onFault: OnFault
  /** Endpoints added of late, and whether they were woken again since. */
  readonly #added = new Map<string, boolean>()
  #worklist: Worklist | null = null
  #worker: JobWorker | null = null
  #closed = false

  constructor(store: JobStore, onFault: OnFault) {
    this.#store = store
    this.#onFault = onFault
  }

  wake(endpoint: string): void {
    if (this.#closed) return
    if (this.#worklist?.isBusy(endpoint) === true) this.#worklist.wake(endpoint)
    else if (!this.#store.isUp()) this.#worklist?.wake(endpoint)
    else if (this.#added.has(endpoint)) this.#added.set(endpoint, true)
    else void this.#add(endpoint)
  }

  isUp(): boolean {
    return this.#store.isUp()
  }

  work(worklist: Worklist): void {
    this.#worklist = worklist
    this.#worker = this.#store.startWorker((endpoint) => this.#worklist?.wake(endpoint))
  }

  async stopWork(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    this.#worklist = null
    await worker?.close()
  }

  async repair(): Promise<void> {
    await this.#store.repair()
    const ended = this.#worker
    if (ended === null || ended.isRunning() || this.#worklist === null) return
    this.work(this.#worklist)
    await ended.close(true)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.stopWork()
    await this.#store.close()
  }

  async #add(endpoint: string): Promise<void> {
    this.#added.set(endpoint, false)
    try {
      await this.#store.add(endpoint)
    } catch (error) {
      this.#onFault('queue a wake-up', error)
    }
    if (!this.#store.isUp()) this.#worklist?.wake(endpoint)
    setTimeout(() => {
      const again = this.#added.get(endpoint) === true
      this.#added.delete(endpoint)
      if (again) this.wake(endpoint)
    }, COALESCE_MS).unref()
  }
}
