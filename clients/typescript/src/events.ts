import type { Caller, CallOptions } from './call.ts'
import { UntrustedAnswerError } from './errors.ts'
import type { Event, EventPage } from './types.ts'

export interface EventsOptions extends Pick<CallOptions, 'operator' | 'signal'> {
  /** The cursor of the last event that you have dealt with; from the first event on without one. */
  after?: string
  /** Events a page, 1 to 500. Default 100. */
  limit?: number
  /** How long the gateway may hold a call until there is something, in seconds. Default 25. */
  waitSeconds?: number
  /** False: end where there is nothing more; true, the default: go on for ever. */
  follow?: boolean
}

/** A pause after a call that brought nothing, whatever the gateway made of the wait that it was asked for. */
const IDLE_MS = 500
/** What a call may take beyond the wait that it asks for. */
const ANSWER_MS = 30_000

/**
 * The events of all cases of the bank, in order, none twice and none left out. It outlives a gateway that is away: what
 * may be repeated is repeated for ever when following. It throws what no repetition mends, and what `signal` was
 * aborted with.
 */
export async function* followEvents(
  caller: Caller,
  page: (after: string, limit: number, waitSeconds: number, options: CallOptions) => Promise<EventPage>,
  { after = '0', limit = 100, waitSeconds = 25, follow = true, ...options }: EventsOptions,
): AsyncGenerator<Event, void, undefined> {
  let cursor = after
  for (;;) {
    const seconds = follow ? waitSeconds : 0
    const { events, next, more } = await page(cursor, limit, seconds, {
      ...options,
      timeoutMs: seconds * 1000 + ANSWER_MS,
      ...(follow ? { attempts: Number.POSITIVE_INFINITY } : {}),
    })
    yield* events
    if (events.length > 0 && next === cursor) {
      const call = { method: 'GET', path: '/v1/events', idempotencyKey: undefined }
      throw new UntrustedAnswerError(call, 200, 'it has events but goes nowhere')
    }
    cursor = next
    if (more) continue
    if (!follow) return
    if (events.length === 0) await caller.wait(IDLE_MS, options.signal)
  }
}
