import { firstCharacters } from '../base/text.ts'

/** Where a live message is. Delivered and superseded ones lie in `message_history`. */
type MessageState = 'queued' | 'ready' | 'waiting' | 'sending' | 'dead'

/** What a recorded result made of a message. */
export type Fate = 'delivered' | 'more' | 'again' | 'inquiry' | 'overtaken' | 'dead'

/** What a worker holds of a message that it leased. */
export interface ClaimedMessage {
  readonly id: string
  readonly endpoint: string
  readonly caseId: string
  readonly channel: string
  readonly position: number
  readonly kind: string
  /** BizMsgID, or unid at the platform; a retry repeats it. */
  readonly number: string
  readonly documentVersion: number
  /** What a relay tells; opened. */
  readonly source: Buffer | null
  /** Files of a materials message that have arrived. */
  readonly cursor: number
  /** Attempts made so far. */
  readonly attempts: number
  readonly fence: number
  /** Set while it must be asked about before anything is sent again. */
  readonly inquiry: string | null
  readonly supersedes: string | null
  /** W3C trace of the request that caused it. */
  readonly traceparent: string | null
}

/**
 * A live message as a transaction holds it under lock. It is changed in place and written once, as it is when the
 * transaction's rows are written, so that several members of one batch see each other's changes.
 */
export interface LiveMessage {
  readonly id: string
  readonly endpoint: string
  readonly caseId: string
  readonly channel: string
  readonly position: number
  readonly kind: string
  readonly number: string
  readonly documentVersion: number
  readonly supersedes: string | null
  readonly traceparent: string | null
  readonly fence: number
  /** Bytes of the first attempt are stored. */
  hasRendered: boolean
  state: MessageState
  /** Held until this fact of its case is known. */
  afterFact: string | null
  /** Held until this other case lets it go. */
  dependsOn: string | null
  why: string | null
  attempts: number
  inquiry: string | null
  inquiries: number
  unclear: number
  cursor: number
  /** True when its lease had run out, by the database's clock, as the row was locked. */
  readonly leaseOver: boolean
  readonly change: Change
}

/** Parts of a row that the database computes when it is written. */
export interface Change {
  /** New due time, counted from the transaction or from the end of the lease; null keeps it. */
  due: { from: 'now' | 'lease'; ms: number } | null
  lease: 'keep' | 'clear' | { renewMs: number }
  /** Sealed bytes to store, or to forget. */
  rendered: 'keep' | 'clear' | { sealed: Buffer; mapping: string }
  /** Written by this transaction for the first time: its insert carries all changes. */
  isNew: boolean
  source: Buffer | null
}

export interface Finished {
  readonly id: string
  readonly state: 'delivered' | 'superseded'
  readonly why: string | null
  readonly receipt: string | null
}

/** What of a text may lie in a clear column: short, one line. Never the peer's own words. */
export function clearReason(text: string): string {
  return firstCharacters(text.replaceAll(/\s+/g, ' '), 160)
}

/** A peer's code, if that is what it sent: a faulty peer may put words there, which stay in its sealed answer. */
export function clearCode(code: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9 ._:-]{0,59}$/.test(code) && !/\d{7}/.test(code) ? code : 'a code that is none'
}
