import { firstCharacters, withoutControls } from '../base/text.ts'
import { answerCorrection, correctionRecord, isOvertaken } from '../cases/answer-correction.ts'
import type { FiledMaterial } from '../cases/application.ts'
import { type Corrected, type CorrectionAnswer, correctDocument, type FormField, openParts } from '../cases/correct.ts'
import type { CaseDocument } from '../cases/document.ts'
import { storedMaterial } from '../cases/normalise.ts'
import type { Numbers } from '../cases/numbers.ts'
import { answerFaults } from '../cases/rules/answer-rules.ts'
import { correctionFaults } from '../cases/rules/correction-rules.ts'
import type { CorrectionItem, PartState } from '../cases/state.ts'
import { type CaseHold, type MemoryMeans, readCases, readDocument, type Sealer } from '../cases/store.ts'
import type { Pool } from '../db/pool.ts'
import type { Validate } from '../http/validator.ts'
import { type Material, readMaterials } from '../materials/store.ts'
import { type Applied, type Ground, raise } from './apply-callback.ts'
import { type Callback, type CallbackItem, uuidOf } from './callback.ts'

export interface CorrectionMeans {
  pool: Pool
  sealer: Sealer
  cases: MemoryMeans
  numbers: Numbers
  validateApplication: Validate
  formField: FormField
  now: Date
}

/** Code points that the registry takes. */
const ANSWER_LENGTH = 500

/** What reading a case beforehand made of an answer given at the platform. */
export type PreparedCorrection =
  | { kind: 'ready'; answer: CorrectionAnswer; seen: CaseHold; corrected: Corrected; numbers: string[] }
  /** Its round has not been asked yet, as far as we know. */
  | { kind: 'early' }
  | { kind: 'raise'; reason: 'correction-not-open' | 'correction-unusable' }

/**
 * Reads the case and makes of the platform's items the answer that the bank could have given: changes of the fields that
 * were asked for, and files that we hold. What it cannot be made of is for a person.
 */
export async function prepareCorrection(
  caseId: string,
  callback: Callback,
  means: CorrectionMeans,
): Promise<PreparedCorrection> {
  const { correction } = callback
  const [hold] = await readCases(means.pool, [caseId], means.cases)
  if (hold === undefined || correction === undefined) return { kind: 'raise', reason: 'correction-unusable' }
  const found = openParts(hold.memory, correction.round)
  if ('fault' in found)
    return isEarly(hold, correction.round) ? { kind: 'early' } : { kind: 'raise', reason: 'correction-not-open' }
  const [part, other] = found.parts
  // The platform's items name no part.
  if (part === undefined || other !== undefined) return { kind: 'raise', reason: 'correction-unusable' }
  const document = await readDocument(means.pool, caseId, hold.documentVersion, means.sealer)
  const ids = correction.items.flatMap(({ materialId }) => uuidOf(materialId ?? '') ?? [])
  const files = await readMaterials(means.pool, hold.bankId, ids, means.sealer)
  const answer = answerOf(callback, document, part, files, means.now)
  if (answer === null || answerFaults(document, [part], answer).length > 0) {
    return { kind: 'raise', reason: 'correction-unusable' }
  }
  const stored = (material: FiledMaterial, sequence: number): ReturnType<typeof storedMaterial> =>
    storedMaterial(material, sequence, false, {
      file: (id) => {
        const file = files.get(id)
        if (file === undefined) return null
        return { mediaType: file.mediaType, sizeBytes: file.sizeBytes, digest: { algorithm: 'sm3', value: file.sm3 } }
      },
      operatorName: () => null,
    })
  const sequence = (hold.memory.lastSequence ?? 0) + 1
  const corrected = correctDocument(document, [part], answer, { stored, sequence, formField: means.formField })
  const broken = correctionFaults(document, corrected.document, answer, [part], means.validateApplication, {
    bankCodes: new Set(),
    operatorId: document.operator.id,
    isOperator: () => true,
    isMaterial: () => true,
    now: means.now,
  })
  // No operator of the bank has checked a file that was handed in at the platform.
  const own = [...broken.shape, ...broken.rules].filter(
    ({ pointer, code }) => !/\/material(\/checkedBy)?$/.test(pointer) || !unchecked.has(code),
  )
  if (own.length > 0) return { kind: 'raise', reason: 'correction-unusable' }
  const numbers = await means.numbers.take('message', corrected.files.length + 1)
  return { kind: 'ready', answer, seen: hold, corrected, numbers }
}

const unchecked = new Set(['field-missing', 'checker-missing'])

/** Joins a prepared answer to its case under lock. */
export function applyCorrection(callback: Callback, prepared: PreparedCorrection, ground: Ground): Applied {
  if (prepared.kind === 'early') return 'waiting'
  if (prepared.kind === 'raise') return raise(prepared.reason, callback, ground)
  const { hold, streams, rows, means } = ground
  // Overtaken between reading and lock: it is looked at anew.
  if ('fault' in openParts(hold.memory, prepared.answer.round) || isOvertaken(prepared.seen, hold)) return 'waiting'
  const request = { by: 'platform' as const, ...prepared }
  answerCorrection(hold, streams, request, rows, means)
  correctionRecord(hold, request, { system: 'platform', rule: 'callback.correction' }, means).addTo(rows)
  return 'applied'
}

/** A round that the registry may still ask for. */
function isEarly({ memory }: CaseHold, round: number): boolean {
  return memory.parts.some(
    ({ position, correction }) => position < 2 * round + 1 && (correction === undefined || correction.round < round),
  )
}

function answerOf(
  callback: Callback,
  document: CaseDocument,
  part: PartState,
  files: ReadonlyMap<string, Material>,
  now: Date,
): CorrectionAnswer | null {
  const { correction } = callback
  if (correction === undefined) return null
  const own = document.parts.find(({ number }) => number === part.part)
  const appliedAt = callback.sentAt ?? now.toISOString()
  const items: CorrectionAnswer['items'] = []
  for (const item of correction.items) {
    const wanted = part.correction?.items.find(({ number }) => number === item.number)
    const answer = firstCharacters(withoutControls(item.answer ?? '已在平台答复'), ANSWER_LENGTH)
    if (item.mode === 'form') {
      const change = changeOf(item, wanted)
      if (change === null) return null
      items.push({ number: item.number, answer, changes: [change] })
      continue
    }
    const id = uuidOf(item.materialId ?? '')
    const replaces = uuidOf(item.replaces ?? '') ?? wanted?.resolved?.materialId
    const replaced = own?.materials.find((material) => material.id === replaces)
    if (id === null || !files.has(id) || replaced === undefined) return null
    const { kind, form, copies, pages, property, person } = replaced
    items.push({
      number: item.number,
      answer,
      replaces: replaced.id,
      material: {
        id,
        kind,
        name: item.name ?? replaced.name,
        ...(form === undefined ? {} : { form }),
        ...(copies === undefined ? {} : { copies }),
        ...(pages === undefined ? {} : { pages }),
        ...(property === undefined ? {} : { property }),
        ...(person === undefined ? {} : { person }),
        // When it was taken in. Nobody of the bank has checked it against an original, so no checker is named.
        checkedAt: appliedAt,
      },
    })
  }
  return { round: correction.round, appliedAt, items }
}

/** The field that the item asks for; the platform's values are texts. */
function changeOf(item: CallbackItem, wanted: CorrectionItem | undefined): { path: string; value: string } | null {
  const path = wanted?.resolved?.path
  return path === undefined || item.value === undefined ? null : { path, value: item.value }
}
