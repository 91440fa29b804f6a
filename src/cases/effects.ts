import type { ContradictionReason } from './contradiction.ts'
import type { CertificateFile } from './facets/certificate.ts'
import type { Fact, FactName } from './facts.ts'
import type { Question } from './questions.ts'
import type { PartStateName, RelayType } from './state.ts'

/**
 * What the bank's feed shows. `part` is 0 for what concerns the whole case. `fact` is null only for `completed`, which
 * is derived. `differences`: members of a register entry that were sent otherwise.
 */
export interface CaseEvent {
  type: FactName | 'completed'
  part: number
  occurredAt: string
  before: PartStateName
  after: PartStateName
  fact: Fact | null
  differences?: string[]
}

export type RaiseReason =
  | ContradictionReason
  | 'source-not-allowed'
  | 'part-unknown'
  | 'content-differs'
  | 'platform-differs'
  | 'registry-number-differs'
  | 'too-many-waiting'
  | 'register-entry-differs'
  | 'certificate-number-differs'
  | 'certificate-without-file'

/** To a person at the centre. `members` names what differs, never the values. */
interface RaiseEffect {
  kind: 'raise'
  reason: RaiseReason
  fact: Fact
  members?: string[]
}

/** What the platform is to be told, in its own message types. `result` only with type 30. */
export interface RelayEffect {
  kind: 'relay'
  type: RelayType
  part: number
  fact: Fact
  result?: 'Y' | 'N' | 'E3'
}

export type Effect =
  | RelayEffect
  | RaiseEffect
  /** Messages of the case that were held until this fact may go. */
  | { kind: 'release-after'; fact: FactName }
  | { kind: 'fetch-certificate'; part: number; subject: string; unitNumber: string | null; file: CertificateFile }
  /** The question changed (null: stop asking), or somebody hinted at news: due now. */
  | { kind: 'poll'; question: Question | null }

/** What joining facts gave rise to, in order. */
export interface Joined {
  events: CaseEvent[]
  effects: Effect[]
}
