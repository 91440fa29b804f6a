/**
 * A moment on the monotonic clock. A lease's deadline is counted from before its claim (or renewal) was asked for, so
 * that it always comes before the lease's end by the database's clock. The clock on the wall may end it sooner, never
 * later: while a machine is suspended the monotonic one stands still, and others go on.
 */
export class Deadline {
  readonly #atMs: number
  readonly #wallMs: number

  private constructor(atMs: number, wallMs: number) {
    this.#atMs = atMs
    this.#wallMs = wallMs
  }

  /** @param fromMs a `monotonicMs()` taken earlier; now by default. */
  static after(ms: number, fromMs: number = monotonicMs()): Deadline {
    return new Deadline(fromMs + ms, Date.now() - (monotonicMs() - fromMs) + ms)
  }

  /** Whole milliseconds left; 0 when it is over. */
  get leftMs(): number {
    return Math.max(0, Math.floor(Math.min(this.#atMs - monotonicMs(), this.#wallMs - Date.now())))
  }

  get over(): boolean {
    return this.leftMs === 0
  }

  /** This one, or `ms` from now if that is sooner. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(this.#atMs, monotonicMs() + ms), Math.min(this.#wallMs, Date.now() + ms))
  }

  /** Aborts at the deadline. */
  signal(): AbortSignal {
    return AbortSignal.timeout(this.leftMs)
  }
}

export function monotonicMs(): number {
  return performance.now()
}
