import { within } from '../base/within.ts'

/** A loop that nothing but `stop` ends; what it tells of itself is for readiness. */
export interface Periodic {
  /** When the last run ended well. */
  readonly lastRunAt: Date | null
  /** What ended the newest run, or that it hangs; null after one that went well. */
  readonly lastError: unknown
  /** How often the watchdog had to start it anew. */
  readonly revived: number
  /** Runs as soon as the current run is over. */
  wake(): void
  /** Waits for the current run, at most `withinMs`; default without end. */
  stop(withinMs?: number): Promise<void>
}

/**
 * Runs `work` again `intervalMs` after its end, whatever came of it. A watchdog that needs no traffic looks once per
 * interval (but at most once a second): a run that hangs for longer than `stuckMs` is left to itself and another is
 * started, so `work` must be safe to run beside a forgotten one.
 */
export function startPeriodic(options: {
  intervalMs: number
  work: (signal: AbortSignal) => Promise<void>
  onError: (error: unknown) => void
  /** Default 60,000: longer than the database's limit for a statement. */
  stuckMs?: number
}): Periodic {
  const { intervalMs, work, onError } = options
  const stuckMs = options.stuckMs ?? 60_000
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let turn = 0
  let startedMs: number | null = null
  let dueMs = performance.now() + intervalMs
  let running: Promise<void> = Promise.resolve()
  let again = false
  const state = { lastRunAt: null as Date | null, lastError: null as unknown, revived: 0 }

  const schedule = (waitMs: number): void => {
    clearTimeout(timer)
    dueMs = performance.now() + waitMs
    timer = setTimeout(run, waitMs)
    timer.unref()
  }
  const run = (): void => {
    if (stopping.signal.aborted) return
    const own = ++turn
    startedMs = performance.now()
    again = false
    running = (async () => {
      try {
        await work(stopping.signal)
        if (own !== turn) return
        state.lastRunAt = new Date()
        state.lastError = null
      } catch (error) {
        if (own !== turn) return
        const known = String(state.lastError) === String(error)
        state.lastError = error
        // A fault that lasts is told once, not every second.
        if (!known) onError(error)
      }
      startedMs = null
      if (!stopping.signal.aborted) schedule(again ? 0 : intervalMs)
    })()
  }
  const watch = setInterval(
    () => {
      const nowMs = performance.now()
      const stuck = startedMs !== null && nowMs - startedMs > stuckMs
      const lost = startedMs === null && nowMs - dueMs > stuckMs
      if (!stuck && !lost) return
      state.revived += 1
      state.lastError = new Error(stuck ? 'a periodic run hangs; another is started' : 'a periodic run was missed')
      onError(state.lastError)
      run()
    },
    Math.max(intervalMs, 1000),
  )
  watch.unref()
  schedule(intervalMs)

  return {
    get lastRunAt() {
      return state.lastRunAt
    },
    get lastError() {
      return state.lastError
    },
    get revived() {
      return state.revived
    },
    wake: () => {
      if (stopping.signal.aborted) return
      if (startedMs === null) schedule(0)
      else again = true
    },
    stop: async (withinMs) => {
      stopping.abort()
      clearTimeout(timer)
      clearInterval(watch)
      await (withinMs === undefined ? running : within(withinMs, running))
    },
  }
}
