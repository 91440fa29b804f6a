import type { PersonId } from '../access/authorizations.ts'
import type { QueryLevel } from '../access/scope.ts'
import type { QueryAnswer } from '../base/canonical.ts'

/** What a bank asks; sealed in the store. */
export interface Asked {
  level: QueryLevel
  /** Exactly one of the two. */
  certificateNumber?: string
  proofNumber?: string
  holder: PersonId
  purpose: string
  area: string
}

/** What the registry is told of a query beside what was asked. */
export interface AskedBy {
  bank: { name: string; code: string }
  operatorName: string
  /** The purpose in Chinese, as the registry is told it. */
  purpose: string
  /** Null where the scope needs none. */
  authorization: { id: string; from: string; to: string } | null
}

export type Findings = QueryAnswer

export type RegistryWord =
  | { kind: 'answered'; findings: Findings }
  /** It cannot be asked now, or its answer decides nothing. */
  | { kind: 'unavailable'; reason: string }
  /** It decided against the question; sending it again would change nothing. */
  | { kind: 'refused'; code: string }

/** Asks the registry; reading harms nothing, so it may be asked again. Given by the composition root. */
export type AskRegistry = (asked: Asked, by: AskedBy) => Promise<RegistryWord>
