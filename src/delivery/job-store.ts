/** A BullMQ queue on one of its backends. A job has no payload: its name is the endpoint's. */
export interface JobStore {
  /** Whether it took what it was given last; false: nothing is added, and nobody waits for it. */
  isUp(): boolean
  /** Deduplicated by the endpoint; kept if such a job is just running. */
  add(endpoint: string): Promise<void>
  startWorker(handle: (endpoint: string) => void): JobWorker
  repair(): Promise<void>
  close(): Promise<void>
}

export interface JobWorker {
  isRunning(): boolean
  close(force?: boolean): Promise<void>
}

export type OnFault = (where: string, error: unknown) => void

/** What both backends are told of a job: gone once handled, never tried again (the rows know what is due). */
export const jobOptions = (endpoint: string): Record<string, unknown> => ({
  deduplication: { id: endpoint, keepLastIfActive: true },
  attempts: 1,
  removeOnComplete: true,
  removeOnFail: true,
})

export const QUEUE_NAME = 'endpoints'

/** A failing fetch of a job is tried again after this long, so that a store without its tables is not asked in a loop. */
export const workerOptions = { concurrency: 4, runRetryDelay: 1000 }
