import { NoAnswerError, RefusedError } from './errors.ts'

export interface RetryPolicy {
  /** Calls at most, the first included. Default 5. */
  attempts: number
  /** Before the second attempt; doubles with each, spread so that many clients do not come back at once. Default 500. */
  firstWaitMs: number
  /** Default 15,000. */
  longestWaitMs: number
  /**
   * A Retry-After beyond this is left to you: a spent daily quota asks to wait until midnight. Default 120,000.
   */
  longestRetryAfterMs: number
}

export const RETRY_DEFAULTS: RetryPolicy = {
  attempts: 5,
  firstWaitMs: 500,
  longestWaitMs: 15_000,
  longestRetryAfterMs: 120_000,
}

/**
 * How long to wait before the call is made again, in milliseconds; null when it must not be: the gateway said `never`,
 * the attempts are used up, or the answer was not to be believed.
 * @param made attempts so far.
 */
export function waitBeforeRetry(error: unknown, made: number, policy: RetryPolicy): number | null {
  if (made >= policy.attempts) return null
  const backoffMs = Math.min(policy.firstWaitMs * 2 ** Math.min(made - 1, 20), policy.longestWaitMs)
  const spreadMs = backoffMs * (0.5 + Math.random() / 2)
  if (error instanceof NoAnswerError) return spreadMs
  if (!(error instanceof RefusedError)) return null
  const { problem, retryAfterMs } = error
  if (problem.retry !== 'same-key' && problem.retry !== 'after') return null
  if (retryAfterMs === undefined) return spreadMs
  return retryAfterMs > policy.longestRetryAfterMs ? null : Math.max(retryAfterMs, spreadMs)
}

/** Milliseconds of a Retry-After header, seconds or a date. */
export function retryAfterMs(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}
