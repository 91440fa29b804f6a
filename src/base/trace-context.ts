import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/**
 * W3C Trace Context: which distributed trace the work at hand belongs to, and the span that it is. It is no part of the
 * transparency log. Carried with the asynchronous flow, so that what a request causes (messages, calls) continues its
 * trace without every function in between passing it on; `tracestate` is not carried.
 */
export interface TraceContext {
  /** 32 hex digits, not all zero. */
  readonly traceId: string
  /** 16 hex digits, not all zero. */
  readonly spanId: string
  /** Whether the caller records the trace. */
  readonly sampled: boolean
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** A `traceparent` header; null for one that is absent, malformed or was sent twice. */
export function readTraceparent(text: string | readonly string[] | null | undefined): TraceContext | null {
  if (typeof text !== 'string') return null
  const [, version, traceId = '', spanId = '', flags = '', more] = FORM.exec(text) ?? []
  // A later version may say more; this one may not, and `ff` is none.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export function traceparentText({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** A new span of the parent's trace; without one, of a new trace. */
export function childOf(parent: TraceContext | null): TraceContext {
  const spanId = hex(8)
  return parent === null ? { traceId: hex(16), spanId, sampled: true } : { ...parent, spanId }
}

/** All zeros would be invalid, and come once in 2^64. */
function hex(bytes: number): string {
  const text = randomBytes(bytes).toString('hex')
  return /^0+$/.test(text) ? hex(bytes) : text
}

const storage = new AsyncLocalStorage<TraceContext | null>()

/** Runs `work`, and all that it starts, as part of the trace; null: of none. */
export function inTrace<T>(context: TraceContext | null, work: () => T): T {
  return storage.run(context, work)
}

export function currentTrace(): TraceContext | null {
  return storage.getStore() ?? null
}
