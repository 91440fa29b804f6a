export interface RetryRule {
  /** First wait, in ms; doubles with each attempt. */
  baseMs: number
  /** Longest wait, in ms. */
  capMs: number
  /** Attempts after which a message becomes a dead letter. */
  maximum: number
}

/**
 * Wait before the next attempt, in ms, spread by ±20 % so that a recovered counterparty is not hit by everyone at once.
 * @param attempt attempts made so far, at least 1; the wait doubles with each and stops at the cap.
 * @param afterMs what the peer asked for; never less than that is waited.
 * @param random in [0, 1).
 */
export function backoffMs(
  rule: Pick<RetryRule, 'baseMs' | 'capMs'>,
  attempt: number,
  afterMs: number,
  random: () => number,
): number {
  if (attempt < 1) throw new RangeError('there is no wait before the first attempt')
  const doubled = Math.min(rule.baseMs * 2 ** Math.min(attempt - 1, 40), rule.capMs)
  return Math.round(Math.max(doubled * (0.8 + 0.4 * random()), afterMs))
}
