import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { TraceRecord } from '../trace/record.ts'
import type { CaseMeans } from './apply.ts'
import type { FilesSource } from './case-files.ts'
import type { Corrected } from './correct.ts'
import type { CorrectedSource } from './corrected.ts'
import { sentEntries } from './facets/register-entry.ts'
import { addRequest, type RequestMessage } from './request.ts'
import type { Asker, CaseState, PartState } from './state.ts'
import { type CaseHold, documentInserts, sealDocument } from './store.ts'

export interface CorrectionRequest {
  by: Asker
  corrected: Corrected
  /** The registry's BizMsgIDs: one for each new file, then that of the answer. */
  numbers: readonly string[]
}

/**
 * Whether something was joined since the case was read that an answer checked against it does not know of: another
 * version of the document, or files in the places that the answer's files were given.
 */
export function isOvertaken(seen: CaseHold, { documentVersion, memory }: CaseHold): boolean {
  return documentVersion !== seen.documentVersion || memory.lastSequence !== seen.memory.lastSequence
}

/**
 * Keeps the corrected document as the case's next version and queues the answer behind whatever was sent: the new files
 * and CORRECT to the registry, and the same to the platform as 22 unless it was answered there. Checked before, against
 * the case as it is: `isOvertaken` has denied it.
 */
export function answerCorrection(
  hold: CaseHold,
  streams: CaseStreams,
  request: CorrectionRequest,
  rows: Rows,
  means: CaseMeans,
): void {
  const { by, corrected, numbers } = request
  const { document, source, files } = corrected
  const version = hold.documentVersion + 1
  const sealed = sealDocument(hold.id, version, document, means.sealer)
  const filesSource: FilesSource = { materials: files }
  const messages: RequestMessage[] = []
  if (files.length > 0)
    messages.push({ channel: 'registry', kind: 'MATERIALS', number: numbers[0] ?? '', source: filesSource })
  messages.push({ channel: 'registry', kind: 'CORRECT', number: numbers.at(-1) ?? '', source })
  if (by === 'bank') {
    if (files.length > 0) messages.push({ channel: 'platform', kind: 'MATERIALS', source: filesSource })
    messages.push({ channel: 'platform', kind: '22', source })
  }
  addRequest(
    hold,
    streams,
    {
      type: 'correction-answered',
      part: partOf(source),
      at: source.answeredAt,
      memory: answeredMemory(hold.memory, request),
      documentVersion: version,
      content: {
        round: source.round,
        by,
        items: source.items.map(({ part, number, answer, material, changes }) => ({
          part,
          number,
          answer,
          ...(material === undefined ? {} : { materialId: material.id }),
          ...(changes.length === 0 ? {} : { paths: changes.map(({ path }) => path) }),
        })),
      },
      messages,
    },
    rows,
    means,
  )
  rows.add(documentInserts, { case_id: hold.id, version, sealed })
}

/** The record of the answer, for its receipt. */
export function correctionRecord(
  hold: CaseHold,
  request: CorrectionRequest,
  who: { accountId?: string; operator?: string; system?: string; rule: string },
  means: CaseMeans,
): TraceRecord {
  const { rule, ...actors } = who
  const { source, files } = request.corrected
  return means.record({
    type: 'correction-answered',
    at: means.clock.now(),
    actors: { bankId: hold.bankId, ...actors },
    caseId: hold.id,
    rule,
    outcome: 'correction-sent',
    facts: {
      by: request.by,
      part: partOf(source),
      round: source.round,
      items: source.items.length,
      materialIds: files.map(({ id }) => id),
      documentVersion: hold.documentVersion,
    },
    personal: {
      bankReference: hold.bankReference,
      ...Object.fromEntries(
        source.items.flatMap(({ part, number, changes }) =>
          changes.map(({ path, value }) => [
            `parts[${part}].items[${number}]${path.replaceAll('/', '.')}`,
            JSON.stringify(value),
          ]),
        ),
      ),
    },
  })
}

/** Of the event: the part, or 0 when it is about several. */
function partOf({ parts }: CorrectedSource): number {
  return parts.length === 1 ? (parts[0]?.number ?? 0) : 0
}

function answeredMemory(memory: CaseState, { by, corrected }: CorrectionRequest): CaseState {
  const { document, source, files } = corrected
  const instead = new Map(
    source.items.flatMap(({ material }) =>
      material?.replaces === undefined ? [] : [[material.replaces, material.id]],
    ),
  )
  const parts = memory.parts.map((one): PartState => {
    const own = document.parts.find(({ number }) => number === one.part)
    const isAnswered = source.parts.some(({ number }) => number === one.part)
    if (!isAnswered || own === undefined || one.correction === undefined) return one
    return {
      ...one,
      sent: sentEntries(own),
      // The registry goes on to speak of a paper by its old name: what took its place is meant.
      materials: {
        ...Object.fromEntries(Object.entries(one.materials ?? {}).map(([name, id]) => [name, instead.get(id) ?? id])),
        ...Object.fromEntries(own.materials.map(({ name, id }) => [name, id])),
      },
      correction: { ...one.correction, answered: { at: source.answeredAt, by } },
    }
  })
  const request = memory.request === 'withdrawal-pending' ? memory.request : 'correction-sent'
  return { ...memory, parts, request, lastSequence: (memory.lastSequence ?? 0) + files.length }
}
