import type { PersonId } from '../access/authorizations.ts'
import type { QueryLevel } from '../access/scope.ts'
import type { IdType, Query, QueryAnswer } from '../base/canonical.ts'

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

/** The question as the registry's mapping takes it. */
export function toQuestion(asked: Asked, by: AskedBy): Query {
  const { level, certificateNumber, proofNumber, holder } = asked
  return {
    level,
    ...(certificateNumber === undefined ? {} : { certificateNumber }),
    ...(proofNumber === undefined ? {} : { proofNumber }),
    holder: { name: holder.name, idType: holder.idType as IdType, idNumber: holder.idNumber },
    purpose: by.purpose,
    ...(by.authorization === null ? {} : { authorization: by.authorization }),
    bank: by.bank,
    operatorName: by.operatorName,
  }
}
