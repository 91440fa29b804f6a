import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { isConnectionLost } from '../base/connection-lost.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { childOf, currentTrace, inTrace, readTraceparent, traceparentText } from '../base/trace-context.ts'
import type { Batch, Member } from '../db/batch.ts'
import { Deadline } from './deadline.ts'
import type { ClaimedMessage, Destination, InquiryResult, Rendered, SendResult } from './destination.ts'
import {
  type Attempt,
  handBack,
  keepRendered,
  type Recorded,
  type Recording,
  recordInquiry,
  recordSent,
  recordUnapplied,
} from './record.ts'
import type { Leased } from './store.ts'

/** One attempt, on one line of the log. Reasons are ours, never the peer's words. */
export interface AttemptLine {
  endpoint: string
  messageId: string
  caseId: string
  kind: string
  what: 'sent' | 'asked'
  attempt: number
  cursor: number
  fence: number
  outcome: string
  became: Recorded
  durationMs: number
  /** Of this carrying; what it calls are spans of its own below it. */
  traceparent?: string
}

export interface CourierOptions {
  readonly batch: Batch
  readonly recording: Recording
  readonly clock: Clock
  readonly onAttempt: (line: AttemptLine) => void
  /** A fault of ours: where, and the error. */
  readonly onFault: (where: string, error: unknown) => void
  /** True once nothing new is to be begun. */
  readonly closing: () => boolean
  /** Aborts when what is under way is waited for no longer. */
  readonly givingUp: AbortSignal
}

/** How long after its deadline a call that ignores it is waited for. */
const OVERDUE_MS = 500

/**
 * Carries one leased message as far as it goes: asks about it or renders, checks its time, sends, records; a message
 * with more to send goes on under the renewed lease. All of it belongs to the trace of the request that caused the message.
 */
export async function carry(
  options: CourierOptions,
  destination: Destination,
  leased: Leased,
  lease: Deadline,
): Promise<void> {
  const trace = childOf(readTraceparent(leased.message.traceparent))
  return inTrace(trace, () => carryOn(options, destination, leased, lease))
}

async function carryOn(
  options: CourierOptions,
  destination: Destination,
  leased: Leased,
  lease: Deadline,
): Promise<void> {
  if (leased.message.inquiry !== null) return inquire(options, destination, leased.message, lease)
  let { message, rendered } = leased
  for (;;) {
    const sent = await sendOnce(options, destination, message, rendered, lease)
    if (sent.recorded !== 'more') return
    message = { ...message, cursor: message.cursor + 1, attempts: 0 }
    rendered = null
    lease = sent.lease
  }
}

async function sendOnce(
  options: CourierOptions,
  destination: Destination,
  message: ClaimedMessage,
  stored: Buffer | null,
  lease: Deadline,
): Promise<{ recorded: Recorded | 'handed back'; lease: Deadline }> {
  const { recording, clock } = options
  const startedAt = clock.now()
  const startedMs = performance.now()
  let rendered = stored
  let result: SendResult | null = null
  if (rendered === null) {
    const made = await render(options, destination, message)
    if (made !== null && 'outcome' in made) result = made
    else if (made !== null) {
      const kept = await submit(options, () => keepRendered(recording, message, made), lease)
      if (kept !== true) return { recorded: 'late', lease }
      rendered = made.bytes
    }
  }
  if (result === null) {
    // The last look at the clock before the first byte: a lease that could end during the call sends nothing.
    if (options.closing() || lease.leftMs < destination.timeoutMs) {
      await submit(options, () => handBack(recording, message), lease)
      return { recorded: 'handed back', lease }
    }
    result = await send(options, destination, message, rendered, lease)
    await faultPoint('sent-not-recorded')
    await faultPoint('answered-too-late')
  }
  const sent = result
  const attempt: Attempt = { id: newId(), startedAt, endedAt: clock.now() }
  const renewed = Deadline.after(destination.leaseMs)
  const recorded = await record(options, lease, {
    first: () => recordSent(recording, destination, message, attempt, sent),
    unapplied: () => recordUnapplied(recording, destination, message, attempt, sent),
  })
  line(options, message, 'sent', sent.outcome.kind, recorded, startedMs)
  if (recorded === 'more' && options.closing()) {
    const next = { ...message, cursor: message.cursor + 1 }
    await submit(options, () => handBack(recording, next), renewed)
    return { recorded: 'handed back', lease }
  }
  return { recorded, lease: renewed }
}

async function render(
  options: CourierOptions,
  destination: Destination,
  message: ClaimedMessage,
): Promise<SendResult | Rendered | null> {
  try {
    const rendered = await destination.render(message)
    if (rendered === null && destination.afterUnknown(message.kind) !== 'resend')
      throw new Error(`${message.kind} is not simply sent again, so its bytes must be kept`)
    return rendered
  } catch (error) {
    options.onFault(`render ${message.kind} for ${message.endpoint}`, error)
    if (error instanceof Problem)
      return { outcome: { kind: 'refused', reason: error.detail.zh, code: `render ${error.code}` } }
    return { outcome: { kind: 'retry', reason: `rendering failed: ${nameOf(error)}` } }
  }
}

async function send(
  options: CourierOptions,
  destination: Destination,
  message: ClaimedMessage,
  rendered: Buffer | null,
  lease: Deadline,
): Promise<SendResult> {
  const deadline = lease.within(destination.timeoutMs)
  try {
    const result = await inTime(destination.send(message, rendered, deadline), deadline, options)
    return result ?? { outcome: { kind: 'unknown', reason: 'the call did not end in time' } }
  } catch (error) {
    options.onFault(`send ${message.kind} to ${message.endpoint}`, error)
    return { outcome: { kind: 'unknown', reason: `the call failed: ${nameOf(error)}` } }
  }
}

async function inquire(
  options: CourierOptions,
  destination: Destination,
  message: ClaimedMessage,
  lease: Deadline,
): Promise<void> {
  const { recording, clock } = options
  if (options.closing() || lease.leftMs < destination.timeoutMs) {
    await submit(options, () => handBack(recording, message), lease)
    return
  }
  const startedAt = clock.now()
  const startedMs = performance.now()
  const deadline = lease.within(destination.timeoutMs)
  let found: InquiryResult
  try {
    found = (await inTime(destination.inquire(message, deadline), deadline, options)) ?? {
      kind: 'unclear',
      reason: 'the inquiry did not end in time',
    }
  } catch (error) {
    options.onFault(`ask ${message.endpoint} about ${message.kind}`, error)
    found = { kind: 'unclear', reason: `the inquiry failed: ${nameOf(error)}` }
  }
  const attempt: Attempt = { id: newId(), startedAt, endedAt: clock.now() }
  const recorded = await record(options, lease, {
    first: () => recordInquiry(recording, destination, message, attempt, found),
    unapplied: () =>
      recordUnapplied(recording, destination, message, attempt, {
        outcome: { kind: 'delivered', receipt: null },
        ...(found.response === undefined ? {} : { response: found.response }),
      }),
  })
  line(options, message, 'asked', found.kind, recorded, startedMs)
}

/** Null when the call ignores its deadline, or is given up by a stop; what comes of it later is dropped. */
async function inTime<T>(call: Promise<T>, deadline: Deadline, { givingUp }: CourierOptions): Promise<T | null> {
  let giveUp = (): void => undefined
  const overdue = new Promise<null>((resolve) => {
    giveUp = () => resolve(null)
  })
  const timer = setTimeout(giveUp, deadline.leftMs + OVERDUE_MS).unref()
  givingUp.addEventListener('abort', giveUp)
  if (givingUp.aborted) giveUp()
  try {
    return await Promise.race([call, overdue])
  } finally {
    clearTimeout(timer)
    givingUp.removeEventListener('abort', giveUp)
  }
}

async function record(
  options: CourierOptions,
  lease: Deadline,
  members: { first: () => Member<Recorded>; unapplied: () => Member<Recorded> },
): Promise<Recorded> {
  try {
    return (await submit(options, members.first, lease)) ?? 'late'
  } catch (error) {
    options.onFault('apply an answer', error)
    return (await submit(options, members.unapplied, lease)) ?? 'late'
  }
}

/**
 * Submits until it is durable or the lease is over; then null: the reconciler finds the lease run out. What is
 * submitted is safe to submit again.
 * @throws whatever is not a passing state of the database.
 */
async function submit<T>(options: CourierOptions, build: () => Member<T>, lease: Deadline): Promise<T | null> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
    try {
      return await options.batch.submit(build())
    } catch (error) {
      if (!isPassing(error)) throw error
      if (lease.over) {
        options.onFault('record in time', error)
        return null
      }
      await sleep(waitMs)
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof Problem) return ['overloaded', 'database-unavailable', 'outcome-unknown'].includes(error.code)
  const code = (error as { code?: string }).code ?? ''
  if (isConnectionLost(error) || /^(40001|40P01|53...|57...|55P03)$/.test(code)) return true
  return error instanceof Error && /timeout exceeded when trying to connect/.test(error.message)
}

function line(
  options: CourierOptions,
  message: ClaimedMessage,
  what: AttemptLine['what'],
  outcome: string,
  became: Recorded,
  startedMs: number,
): void {
  const trace = currentTrace()
  options.onAttempt({
    endpoint: message.endpoint,
    messageId: message.id,
    caseId: message.caseId,
    kind: message.kind,
    what,
    attempt: message.attempts + 1,
    cursor: message.cursor,
    fence: message.fence,
    outcome,
    became,
    durationMs: Math.round(performance.now() - startedMs),
    ...(trace === null ? {} : { traceparent: traceparentText(trace) }),
  })
}

function nameOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'no error'
}
