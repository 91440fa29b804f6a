import { hash } from 'node:crypto'
import { canonicalJson } from '../base/canonical-json.ts'
import type { Json, JsonObject } from '../base/json.ts'

/** Everything that the world can say about a case, in the order of a plain life. */
export const factNames = [
  'received',
  'platform-acknowledged',
  'submitted',
  'correction-requested',
  'accepted',
  'review-step',
  'procedure-started',
  'procedure-ended',
  'recorded',
  'not-accepted',
  'rejected',
  'withdrawn',
  'withdrawal-refused',
  'register-entry',
  'fee-exempt',
  'fee-due',
  'fee-partly-paid',
  'fee-paid',
  'fee-refunding',
  'fee-refunded',
  'certificate-made',
  'certificate-released',
] as const
export type FactName = (typeof factNames)[number]

export type FactSource = 'registry' | 'platform' | 'gateway' | 'payment'

/**
 * One statement about one part. `subject` is the unit, review node, procedure or certificate where a fact repeats
 * within a part. `occurredAt` is an instant with offset. `registryNumber` is the registry's number of the part (YWH).
 * All other members are the fact's content.
 */
export interface Fact {
  part: number
  fact: FactName
  round: number
  subject?: string
  occurredAt: string
  saidBy: FactSource
  reportedIn: string
  messageId: string
  registryNumber?: string
  [content: string]: Json | undefined
}

/** Digest of each member of a fact's content, to tell a repetition from a contradiction without keeping the values. */
export type FactContent = { [member: string]: string }

// How a fact was heard, not what it says.
const reporting = new Set(['part', 'fact', 'round', 'subject', 'saidBy', 'reportedIn', 'messageId', 'registryNumber'])

/**
 * Facts of which several sources or repeated messages legitimately differ in detail: only these members must agree.
 * A payment is told by its order at the platform and by its state at the registry; a repeated message is
 * acknowledged at a later time.
 */
const comparedOnly: Partial<Record<FactName, readonly string[]>> = {
  // Where the registry gives no time, the time of the question stands in for it.
  submitted: [],
  withdrawn: ['reason'],
  'fee-exempt': ['amount', 'currency'],
  'fee-due': ['amount', 'currency', 'payer', 'paymentCode', 'payBy'],
  'fee-refunding': ['amount', 'currency'],
  'fee-refunded': ['amount', 'currency'],
  'fee-paid': ['amount', 'currency'],
  'fee-partly-paid': ['amount', 'currency'],
  'platform-acknowledged': ['platformNumber'],
}

/** Facts of the whole case, whatever part the message names. */
export function isOfCase(name: FactName): boolean {
  return name === 'platform-acknowledged'
}

/** The same for every report of one fact: part, fact, round, subject. */
export function factKey(fact: Fact): string {
  return `${isOfCase(fact.fact) ? 0 : fact.part}|${fact.fact}|${fact.round}|${halfBrackets(fact.subject ?? '')}`
}

export function factContent(fact: Fact): FactContent {
  const only = comparedOnly[fact.fact]
  const content: FactContent = {}
  for (const member of Object.keys(fact)) {
    const value = fact[member]
    if (value === undefined || reporting.has(member) || (only !== undefined && !only.includes(member))) continue
    content[member] = digestOf(comparable(member, value))
  }
  return content
}

/** Members that both reports carry and in which they differ. A member that only one of them carries is no conflict. */
export function differingMembers(known: FactContent, told: FactContent): string[] {
  return Object.keys(told).filter((member) => known[member] !== undefined && known[member] !== told[member])
}

/** 128 bits of SHA-256 over the canonical form: enough to compare, short enough to keep in every case. */
export function digestOf(value: Json): string {
  return hash('sha256', canonicalJson(value), 'base64url').slice(0, 22)
}

/** Certificate numbers are written with either kind of bracket; they are one number. */
export function halfBrackets(text: string): string {
  return text.replaceAll('（', '(').replaceAll('）', ')')
}

function comparable(member: string, value: Json): Json {
  if (member.endsWith('At') && typeof value === 'string') {
    const at = Date.parse(value)
    return Number.isNaN(at) ? value : at
  }
  return member === 'certificate' ? withoutPlace(value) : value
}

/** A certificate without the bytes of its file, which have no place in events and state. */
export function withoutFileContent(fact: Fact): Fact {
  const certificate = fact['certificate']
  if (!isRecord(certificate) || !isRecord(certificate['file']) || certificate['file']['content'] === undefined)
    return fact
  const { content: _, ...file } = certificate['file']
  return { ...fact, certificate: { ...certificate, file } }
}

// Where the file lies may change from answer to answer (a fresh link, or the bytes); what it is may not.
function withoutPlace(certificate: Json): Json {
  if (!isRecord(certificate) || !isRecord(certificate['file'])) return certificate
  const { location: _, content: __, ...file } = certificate['file']
  return { ...certificate, file }
}

function isRecord(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
