import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { TraceRecord } from '../trace/record.ts'
import type { CaseMeans } from './apply.ts'
import { caseFiles } from './case-files.ts'
import type { CaseDocument } from './document.ts'
import { initialState } from './state.ts'
import {
  type CaseHold,
  caseInserts,
  documentInserts,
  eventInserts,
  sealDocument,
  sealEvent,
  toStored,
} from './store.ts'
import { summary } from './summary.ts'

export interface Filing {
  caseId: string
  bankId: string
  accountId: string
  area: string
  document: CaseDocument
  /** The case's own number and, following it, one for each material file. */
  businessNumber: string
  firstFileNumber: string
  /** The rule of access that allowed it. */
  rule: string
}

const ROUTE = [
  { channel: 'platform', kind: 'MATERIALS' },
  { channel: 'platform', kind: '10' },
  { channel: 'registry', kind: 'MATERIALS' },
  { channel: 'registry', kind: 'SUBMIT' },
] as const

/**
 * Rows of a new case, by the route platform-then-registry: files and case to the platform; files and submission to the
 * registry, written in the same transaction and held until the platform's acknowledgement brings its number.
 * @returns the record of the act, for the receipt.
 */
export function fileCase(filing: Filing, streams: CaseStreams, rows: Rows, means: CaseMeans): TraceRecord {
  const now = means.clock.now()
  const { document, caseId } = filing
  const memory = initialState(document)
  const clear = summary(memory)
  const hold: CaseHold = {
    id: caseId,
    bankId: filing.bankId,
    accountId: filing.accountId,
    operatorCode: document.filedBy.operator.id,
    businessType: document.businessType,
    bankReference: document.bankReference,
    area: filing.area,
    businessNumber: filing.businessNumber,
    platformNumber: null,
    registryNumber: null,
    state: clear.state,
    facets: clear,
    memory,
    documentVersion: 1,
    nextPosition: ROUTE.length + 1,
    completedAt: null,
    createdAt: now,
    updatedAt: now,
  }
  rows.add(caseInserts, toStored(hold, means.sealer))
  rows.add(documentInserts, { case_id: caseId, version: 1, sealed: sealDocument(caseId, 1, document, means.sealer) })

  const eventId = newId()
  const body = {
    id: eventId,
    caseId,
    bankReference: hold.bankReference,
    type: 'received',
    part: 0,
    occurredAt: now.toISOString(),
    knownAt: now.toISOString(),
    before: null,
    after: 'received',
    saidBy: 'gateway',
    businessNumber: hold.businessNumber,
  }
  rows.add(eventInserts, {
    id: eventId,
    case_id: caseId,
    bank_id: hold.bankId,
    type: 'received',
    part: 0,
    at: now,
    sealed: sealEvent(eventId, body, means.sealer),
  })
  rows.afterCommit(() => means.onEvents?.(hold.bankId))

  const messageIds = addMessages(filing, streams, rows, means)
  const actors = { bankId: hold.bankId, accountId: hold.accountId, operator: hold.operatorCode }
  const units = document.parts.flatMap((part) => part.properties.map((property) => property.unitNumber))
  const persons = document.parts.flatMap((part) => part.parties.map((party) => party.idNumber))
  const received = means.record({
    type: 'application-received',
    at: now,
    actors,
    caseId,
    rule: filing.rule,
    outcome: 'received',
    facts: { businessType: hold.businessType, parts: document.parts.length, materials: caseFiles(document).length },
    personal: {
      bankReference: hold.bankReference,
      ...Object.fromEntries(units.map((unit, i) => [`units[${i}]`, unit])),
      ...Object.fromEntries(persons.map((person, i) => [`persons[${i}]`, person])),
    },
    subjects: [...units, ...persons],
  })
  received.addTo(rows)
  means
    .record({
      type: 'message-queued',
      at: now,
      actors: { ...actors, system: 'gateway' },
      caseId,
      facts: { kinds: ROUTE.map(({ channel, kind }) => `${channel}/${kind}`), messageIds },
    })
    .addTo(rows)
  return received
}

function addMessages(filing: Filing, streams: CaseStreams, rows: Rows, means: CaseMeans): string[] {
  return ROUTE.map(({ channel, kind }, index) => {
    const id = newId()
    streams.append(rows, {
      id,
      endpoint: means.endpoints[channel],
      channel,
      position: index + 1,
      kind,
      number: messageNumber(filing, channel, kind, id),
      documentVersion: 1,
      ...(channel === 'registry' ? { afterFact: 'platform-acknowledged' } : {}),
    })
    return id
  })
}

/** A retry repeats the number: at the registry a BizMsgID, at the platform a unid; the case's own is that of type 10. */
function messageNumber(filing: Filing, channel: string, kind: string, id: string): string {
  if (channel === 'registry') return kind === 'SUBMIT' ? filing.businessNumber : filing.firstFileNumber
  return (kind === '10' ? filing.caseId : id).replaceAll('-', '')
}
