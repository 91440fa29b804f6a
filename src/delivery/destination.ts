import type { Outcome } from '../base/outcome.ts'
import type { Held, Member, Rows } from '../db/batch.ts'
import type { CaseStreams } from './case-streams.ts'
import type { Deadline } from './deadline.ts'
import type { Fate, LiveMessage } from './message.ts'

/** Seals what is kept of messages; the context is `table/column/id`. Another node's key may have to be fetched to open. */
export interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  openAsync(sealed: Buffer, context: string): Promise<Buffer>
}

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
}

export interface Rendered {
  bytes: Buffer
  /** Name and version of the mapping that made them. */
  mapping: string
}

export interface SendResult {
  /** Reasons are phrases and codes of ours: they are kept in clear. A refusal's reason is the peer's, and is not. */
  outcome: Outcome
  requestDigest?: Buffer
  /** The peer's answer; kept sealed. */
  response?: Buffer
  /** Delivered, and there is more of this message to send: the cursor moves on under the same lease. */
  more?: boolean
  /** What the peer said, for `settle`. */
  said?: unknown
}

export type InquiryResult =
  | { kind: 'found'; said: unknown; receipt?: string | null; response?: Buffer }
  | { kind: 'absent'; response?: Buffer }
  | { kind: 'unclear'; reason: string; response?: Buffer }

export interface Settlement {
  /** The lock of the message's case must be among them whenever `apply` changes the case or appends messages. */
  asks: Member<unknown>['asks']
  /** Synchronous and repeatable. A throw parks the message, so that what the peer did is not done twice. */
  apply(held: Held, rows: Rows, streams: CaseStreams, fate: Fate): void
}

/** Where messages of one endpoint go. Delivery knows nothing else of a channel. */
export interface Destination {
  readonly endpoint: string
  readonly channel: string
  /** Calls at once over all nodes. */
  readonly concurrency: number
  /** Longer than `timeoutMs` by a margin: see `checkTimes`. */
  readonly leaseMs: number
  /** Longest wait for one answer. */
  readonly timeoutMs: number
  /** After this long the peer has surely decided on what it got; nothing is asked about sooner. */
  readonly peerMaximumMs: number
  /**
   * Bytes of the first attempt, stored before the first of them is sent; every retry sends these. Null when there is
   * nothing to keep, which is refused for kinds that are inquired about. Called anew for each step of the cursor.
   * @throws {Problem} when rendering cannot succeed: a dead letter at once. Any other error is tried again.
   */
  render(message: ClaimedMessage): Promise<Rendered | null>
  /** Never throws for what the peer does; what it throws counts as unknown. Ends by its deadline. */
  send(message: ClaimedMessage, rendered: Buffer | null, deadline: Deadline): Promise<SendResult>
  /** What an unknown outcome of this kind of message asks for. */
  afterUnknown(kind: string): 'resend' | 'inquire' | 'park'
  /** Whether the message arrived. What it throws counts as unclear. */
  inquire(message: ClaimedMessage, deadline: Deadline): Promise<InquiryResult>
  /** What else happens in the transaction that records a result, of whatever outcome. */
  settle(message: ClaimedMessage, result: SendResult): Settlement
}

/**
 * A message became a dead letter: rows that tell a person. `words` may be the peer's and hold personal data: seal them.
 */
export type OnDead = (rows: Rows, message: LiveMessage, dead: { reason: string; words: string | null }) => void
