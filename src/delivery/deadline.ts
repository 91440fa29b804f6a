/**
 * A moment on the monotonic clock. A lease's deadline is counted from before its claim (or renewal) was asked for, so
 * that it always comes before the lease's end by the database's clock, whatever either clock on the wall does.
 */
export class Deadline {
  readonly #atMs: number

  private constructor(atMs: number) {
    this.#atMs = atMs
  }

  /** @param fromMs a `monotonicMs()` taken earlier; now by default. */
  static after(ms: number, fromMs: number = monotonicMs()): Deadline {
    return new Deadline(fromMs + ms)
  }

  /** Whole milliseconds left; 0 when it is over. */
  get leftMs(): number {
    return Math.max(0, Math.floor(this.#atMs - monotonicMs()))
  }

  get over(): boolean {
    return this.leftMs === 0
  }

  /** This one, or `ms` from now if that is sooner. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(this.#atMs, monotonicMs() + ms))
  }

  /** Aborts at the deadline. */
  signal(): AbortSignal {
    return AbortSignal.timeout(this.leftMs)
  }
}

export function monotonicMs(): number {
  return performance.now()
}
