import type { Json, JsonObject } from '../../base/json.ts'
import { isDecimal, shiftDecimal } from '../../base/money.ts'
import type { NormalisedPart } from '../application.ts'
import { digestOf } from '../facts.ts'
import { comparableName } from '../rules/names.ts'

/** Digests of what the bank asked for, by member of the register's entry. */
export type SentEntry = { [member: string]: string }

// Members that the registry words by its own custom: shown to the bank, but no reason to call a person.
const custom = new Set(['reason', 'remarks', 'previousBusinessNumber', 'determinationFacts'])

/** What the register should come to hold for each unit of the part, if it holds what was applied for. */
export function sentEntries(part: NormalisedPart): { [unitNumber: string]: SentEntry } {
  const { mortgage } = part
  const common: { [member: string]: Json | undefined } = {
    mortgagees: persons(part, 'mortgagee'),
    mortgagorNames: persons(part, 'mortgagor').map((party) => party.name),
    kind: mortgage?.kind,
    securedAmount: mortgage?.securedAmount,
    maximumAmount: mortgage?.maximumAmount,
    currency: mortgage?.currency,
    term: mortgage?.term && { ...mortgage.term },
    determinationPeriod: mortgage?.determinationPeriod && { ...mortgage.determinationPeriod },
    determinationFacts: mortgage?.determinationFacts,
    scope: mortgage?.scope,
    transferRestricted: mortgage?.transferRestricted,
    rank: mortgage?.rank,
    reason: part.reason,
    remarks: part.remarks,
  }
  const shared = digests(common)
  const entries: { [unitNumber: string]: SentEntry } = {}
  for (const { unitNumber, area, areaUnit, previousBusinessNumber } of part.properties) {
    entries[unitNumber] = { ...shared, ...digests({ area, areaUnit, previousBusinessNumber }) }
  }
  return entries
}

/** Members that the register holds otherwise than they were sent. The register prevails; the difference is shown. */
export function entryDifferences(sent: SentEntry, entry: JsonObject): string[] {
  const recorded = digests(entry)
  return Object.keys(sent)
    .filter((member) => recorded[member] !== undefined && recorded[member] !== sent[member])
    .sort()
}

/** Those differences that somebody at the centre should look at. */
export function gravely(differences: readonly string[]): string[] {
  return differences.filter((member) => !custom.has(member))
}

function persons(part: NormalisedPart, role: string): { name: string; idNumber: string }[] {
  return part.parties.filter((party) => party.role === role).map(({ name, idNumber }) => ({ name, idNumber }))
}

function digests(members: { [member: string]: Json | undefined }): SentEntry {
  const out: SentEntry = {}
  for (const member of Object.keys(members)) {
    const value = members[member]
    if (value !== undefined && value !== null) out[member] = digestOf(comparable(member, value))
  }
  return out
}

// Decimals by value, persons without order; the kind of an id is left out, as two kinds share one code at the registry.
function comparable(member: string, value: Json): Json {
  if (typeof value === 'string') return isDecimal(value) ? shiftDecimal(value, 0, null) : value
  if (!Array.isArray(value)) return value
  const list = value as readonly Json[]
  if (member === 'mortgagorNames') return list.map((name) => comparableName(text(name))).sort()
  if (member !== 'mortgagees') return list
  return list
    .map((person) => {
      const { name, idNumber } = person as { name?: Json; idNumber?: Json }
      return `${comparableName(text(name))}|${text(idNumber)}`
    })
    .sort()
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
