import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for `work`, but not longer than `ms`; whether it came to its end. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const stop = new AbortController()
  try {
    return await Promise.race([work.then(() => true), sleep(ms, false, { signal: stop.signal }).catch(() => false)])
  } finally {
    stop.abort()
  }
}
