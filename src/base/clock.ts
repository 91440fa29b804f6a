/** Business time. Leases, nonces and windows go by the database's clock instead. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

const shanghaiParts = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
})

/** The calendar day in Asia/Shanghai as `yyyy-MM-dd`. */
export function shanghaiDay(at: Date): string {
  return shanghaiParts.format(at)
}
