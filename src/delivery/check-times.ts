/** Times of one endpoint that must fit together. */
export interface Times {
  endpoint: string
  timeoutMs: number
  leaseMs: number
  peerMaximumMs: number
}

/** Least time between the end of a call and the end of its lease: rendering, recording, a slow commit. */
const LEASE_MARGIN_MS = 100

/**
 * Faults of times that would let two workers send one message, or a look-up come before the effect it looks for; one
 * sentence each. A start with faults is refused.
 */
export function checkTimes(times: Times): string[] {
  const { endpoint, timeoutMs, leaseMs, peerMaximumMs } = times
  const faults: string[] = []
  if (leaseMs < timeoutMs + LEASE_MARGIN_MS) {
    faults.push(
      `${endpoint}: a lease of ${leaseMs} ms must last at least ${LEASE_MARGIN_MS} ms longer than the time-out of ${timeoutMs} ms, or a message could be sent twice`,
    )
  }
  if (peerMaximumMs < timeoutMs) {
    faults.push(
      `${endpoint}: the peer's maximum of ${peerMaximumMs} ms must not be less than the time-out of ${timeoutMs} ms, or a look-up could come before the effect`,
    )
  }
  for (const [name, value] of Object.entries({ timeoutMs, leaseMs, peerMaximumMs })) {
    if (!(value > 0)) faults.push(`${endpoint}: ${name} must be more than 0`)
  }
  return faults
}
