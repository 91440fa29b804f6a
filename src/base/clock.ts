/** Business time. Leases, nonces and windows go by the database's clock instead. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

const EIGHT_HOURS_MS = 8 * 3_600_000

/** The calendar day in Asia/Shanghai as `yyyy-MM-dd`; eight hours ahead of UTC, without summer time since 1991. */
export function shanghaiDay(at: Date): string {
  return new Date(at.getTime() + EIGHT_HOURS_MS).toISOString().slice(0, 10)
}
