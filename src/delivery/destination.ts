import type { Outcome } from '../base/outcome.ts'
import type { Held, Member, Rows } from '../db/batch.ts'
import type { CaseStreams } from './case-streams.ts'
import type { Deadline } from './deadline.ts'
import type { ClaimedMessage, Fate, LiveMessage } from './message.ts'

export type { ClaimedMessage }

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
  /** The peer has gone on as if it had not come: there is nothing to send any more, and it is not said to have arrived. */
  | { kind: 'overtaken'; reason: string; said: unknown; response?: Buffer }
  | { kind: 'unclear'; reason: string; response?: Buffer }

/** Code of the outcome that `settle` is given for a message that an inquiry found overtaken. */
export const OVERTAKEN = 'overtaken'

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
  /** Whether anything may go there at this moment; asked before each claim, so that what may not go waits unclaimed. */
  isOpen?(): Promise<boolean>
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
