import type { JsonObject } from '../base/json.ts'
import { procedureKey } from './contradiction.ts'
import type { CaseEvent, Joined, RaiseReason } from './effects.ts'
import { certificateFile, certificateKey, madeCertificate, unitOf } from './facets/certificate.ts'
import { clockFacet } from './facets/clock.ts'
import { correctionFacet, resolvedFact } from './facets/correction.ts'
import { feeFacet, isFeeFact } from './facets/fee.ts'
import { entryDifferences, gravely } from './facets/register-entry.ts'
import { requestFacet } from './facets/request.ts'
import { type Fact, type FactName, halfBrackets, withoutFileContent } from './facts.ts'
import { factRelay, isResultKnown, resultRelay } from './relay.ts'
import {
  ACCEPTED_POSITION,
  type CaseRules,
  type CaseState,
  caseStateName,
  ENDED_POSITION,
  hasEnded,
  type PartState,
  type PartStateName,
} from './state.ts'

/** Joins a fact about the whole case, which moves no part. */
export function joinCaseFact(draft: CaseState, fact: Fact, out: Joined): void {
  if (typeof fact['platformNumber'] === 'string') draft.platformNumber = fact['platformNumber']
  const name = caseStateName(draft)
  out.events.push({ type: fact.fact, part: 0, occurredAt: fact.occurredAt, before: name, after: name, fact })
  out.effects.push({ kind: 'release-after', fact: fact.fact })
}

/** Joins a fact that `judge` has allowed: moves the part's state forward, if at all, and updates its facets. */
export function joinPartFact(draft: CaseState, told: Fact, rules: CaseRules, out: Joined): void {
  const part = draft.parts.find((one) => one.part === told.part) as PartState
  const fields = rules.correctionFields ?? new Map<string, string>()
  const fact = resolvedFact(withoutFileContent(told), part, draft.parts.length, fields)
  const before = part.state
  joinNumber(draft, part, fact)
  const moved = moveState(part, fact)
  if (isFeeFact(fact.fact)) part.fee = feeFacet(part.fee, fact, draft.feeOnStatement)
  joinProcedure(part, fact)
  part.clock = clockFacet(part, fact.fact === 'accepted' ? fact.occurredAt : null)
  const correction = correctionFacet(part, fact)
  if (correction !== undefined) part.correction = correction
  draft.request = requestFacet(draft.request, fact, moved, draft.parts.every(hasEnded))

  const event: CaseEvent = {
    type: fact.fact,
    part: fact.part,
    occurredAt: fact.occurredAt,
    before,
    after: part.state,
    fact,
  }
  out.events.push(event)
  out.effects.push(...factRelay(fact, rules))
  if (fact.fact === 'register-entry') joinEntry(part, fact, event, out)
  if (fact.fact === 'certificate-made') joinCertificate(part, told, out)
  if (fact.fact === 'certificate-released') {
    const key = certificateKey(fact)
    const certificate = part.certificates[key]
    if (certificate !== undefined) part.certificates[key] = { ...certificate, releasedAt: fact.occurredAt }
  }
  if (!part.resultRelayed && isResultKnown(part)) {
    part.resultRelayed = true
    out.effects.push(...resultRelay(part, rules))
  }
}

function joinNumber(draft: CaseState, part: PartState, fact: Fact): void {
  const { registryNumber } = fact
  if (registryNumber === undefined || registryNumber === part.provisionalNumber) return
  part.registryNumber ??= registryNumber
  // Of a single part, the filing's number is the part's.
  if (draft.parts.length === 1) draft.registryNumber ??= registryNumber
  else if (typeof fact['filingNumber'] === 'string') draft.registryNumber ??= fact['filingNumber']
}

const stateOfEnd: Partial<Record<FactName, PartStateName>> = {
  recorded: 'recorded',
  'not-accepted': 'not-accepted',
  rejected: 'rejected',
  withdrawn: 'withdrawn',
}

/** Whether the state moved. A fact at or before the part's position is history. */
function moveState(part: PartState, fact: Fact): boolean {
  const target = targetOf(fact)
  if (target === null) return false
  if (target.position >= ACCEPTED_POSITION) {
    if (part.underWayAt === null || Date.parse(fact.occurredAt) < Date.parse(part.underWayAt)) {
      part.underWayAt = fact.occurredAt
    }
  }
  if (target.position <= part.position) return false
  part.position = target.position
  part.state = target.state
  if (target.position === ENDED_POSITION) part.end = fact
  return true
}

// A correction answered is submitted again in the next round, so rounds order what comes before acceptance.
function targetOf(fact: Fact): { position: number; state: PartStateName } | null {
  if (fact.fact === 'submitted') return { position: 2 * fact.round, state: 'submitted' }
  if (fact.fact === 'correction-requested') return { position: 2 * fact.round + 1, state: 'correction-requested' }
  if (fact.fact === 'accepted') return { position: ACCEPTED_POSITION, state: 'accepted' }
  if (fact.fact === 'review-step') return { position: ACCEPTED_POSITION + 1, state: 'in-review' }
  const end = stateOfEnd[fact.fact]
  return end === undefined ? null : { position: ENDED_POSITION, state: end }
}

function joinProcedure(part: PartState, fact: Fact): void {
  const key = procedureKey(fact)
  if (fact.fact === 'procedure-started') {
    const name = typeof fact['procedure'] === 'string' ? fact['procedure'] : (fact.subject ?? '')
    part.procedures[key] = { name, startedAt: fact.occurredAt, endedAt: null }
  }
  const started = part.procedures[key]
  if (fact.fact === 'procedure-ended' && started !== undefined) {
    part.procedures[key] = { ...started, endedAt: fact.occurredAt }
  }
}

function joinEntry(part: PartState, fact: Fact, event: CaseEvent, out: Joined): void {
  const unit = fact.subject ?? ''
  const entry = (fact['entry'] ?? {}) as JsonObject
  const differences = entryDifferences(part.sent[unit] ?? {}, entry)
  const proofNumber = typeof entry['proofNumber'] === 'string' ? entry['proofNumber'] : null
  part.entries[unit] = { proofNumber, differences }
  if (differences.length > 0) event.differences = differences
  const grave = gravely(differences)
  if (grave.length > 0) raise(fact, 'register-entry-differs', out, grave)
  compareNumbers(part, unit, fact, out)
}

function joinCertificate(part: PartState, fact: Fact, out: Joined): void {
  const certificate = madeCertificate(fact)
  part.certificates[certificateKey(fact)] = certificate
  const file = certificateFile(fact)
  if (file === null) raise(withoutFileContent(fact), 'certificate-without-file', out)
  else {
    out.effects.push({
      kind: 'fetch-certificate',
      part: fact.part,
      subject: certificate.number,
      unitNumber: certificate.unitNumber,
      file,
    })
  }
  const unit = unitOf(fact)
  if (unit !== null) compareNumbers(part, unit, withoutFileContent(fact), out)
}

/** The register's entry of a unit and its certificate must carry one number, whichever came first. */
function compareNumbers(part: PartState, unit: string, fact: Fact, out: Joined): void {
  const proofNumber = part.entries[unit]?.proofNumber ?? null
  if (proofNumber === null) return
  const made = Object.entries(part.certificates).find(([, certificate]) => certificate.unitNumber === unit)
  if (made !== undefined && made[0] !== halfBrackets(proofNumber)) raise(fact, 'certificate-number-differs', out)
}

function raise(fact: Fact, reason: RaiseReason, out: Joined, members?: string[]): void {
  out.effects.push({ kind: 'raise', reason, fact, ...(members === undefined ? {} : { members }) })
}
