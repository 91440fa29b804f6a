import type { Fault } from '../../base/problem.ts'
import type { Application, FiledMaterial, NormalisedCase, NormalisedMaterial } from '../application.ts'
import { type AnsweredItem, type CorrectionAnswer, partOfItem } from '../correct.ts'
import { memberPath } from '../correctable.ts'
import type { PartState } from '../state.ts'
import { checkMortgageFirst } from './mortgage-first.ts'
import type { RuleContext } from './rule-context.ts'

/** Faults that a correction brings in, of shape and of rules, with pointers into the correction as it was sent. */
export interface CorrectionFaults {
  shape: Fault[]
  rules: Fault[]
}

/**
 * Checks the corrected case as an application would be checked, and leaves out what was so before: an answer is not held
 * to what has changed in the world since.
 */
export function correctionFaults(
  before: NormalisedCase,
  after: NormalisedCase,
  answer: CorrectionAnswer,
  open: readonly PartState[],
  validate: (body: unknown) => Fault[],
  context: RuleContext,
): CorrectionFaults {
  const [old, corrected] = [filedAgain(before), filedAgain(after)]
  const news = (check: (application: Application) => Fault[]): Fault[] => {
    const known = new Set(check(old).map((fault) => keyOf(fault, old)))
    return check(corrected)
      .filter((fault) => !known.has(keyOf(fault, corrected)))
      .map((fault) => ({ ...fault, pointer: inAnswer(fault.pointer, corrected, answer, open) }))
  }
  const shape = news(validate)
  // Rules read what the schema has allowed.
  return { shape, rules: shape.length > 0 ? [] : news((application) => checkMortgageFirst(application, context)) }
}

/** A kept case as the application that it could have been, in parts. */
export function filedAgain(document: NormalisedCase): Application {
  const { bankReference, businessType, appliedAt, operator } = document
  const { contact, authorizationIds, declarations, delivery, fee } = document
  const materials = new Map<string, FiledMaterial & { parts: number[] }>()
  for (const { number, materials: own } of document.parts) {
    for (const material of own) {
      const known = materials.get(material.id)
      if (known === undefined) materials.set(material.id, { ...asFiled(material), parts: [number] })
      else known.parts.push(number)
    }
  }
  return {
    bankReference,
    businessType,
    appliedAt,
    operator,
    ...(contact === undefined ? {} : { contact }),
    ...(authorizationIds === undefined ? {} : { authorizationIds }),
    ...(declarations === undefined ? {} : { declarations }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(fee === undefined ? {} : { fee }),
    parts: document.parts.map((part) => {
      const { number, businessType: own, registryNumber: _, materials: __, ...content } = part
      return { part: number, businessType: own ?? businessType, ...content }
    }),
    materials: [...materials.values()],
  }
}

function asFiled(material: NormalisedMaterial): FiledMaterial {
  const { sequence: _, repeated: __, checkedByName: ___, fileName: ____, ...rest } = material
  const { mediaType: _____, sizeBytes: ______, digest: _______, ...filed } = rest
  return filed
}

/** A fault in both versions is one fault, wherever the material stands in the list. */
function keyOf({ pointer, code }: Fault, application: Application): string {
  return `${code} ${pointer.replace(/^\/materials\/(\d+)/, (_, place) => `/materials/${application.materials[Number(place)]?.id}`)}`
}

function inAnswer(
  pointer: string,
  corrected: Application,
  answer: CorrectionAnswer,
  open: readonly PartState[],
): string {
  const material = /^\/materials\/(\d+)(.*)$/.exec(pointer)
  if (material !== null) {
    const id = corrected.materials[Number(material[1])]?.id
    const place = answer.items.findIndex((item) => item.material?.id === id)
    return place < 0 ? '/items' : `/items/${place}/material${material[2] ?? ''}`
  }
  const hits = answer.items.flatMap((item, place) =>
    changesAt(item, pointer, partOfItem(item, open)?.part ?? 1).map(
      (index) => `/items/${place}/changes/${index}/value`,
    ),
  )
  return hits[0] ?? '/items'
}

/** Places of the changes that are what the fault points at, lie in it, or hold it. */
function changesAt(item: AnsweredItem, pointer: string, part: number): number[] {
  return (item.changes ?? []).flatMap(({ path }, index) => {
    const member = memberPath(path, part)
    if (member === null) return []
    const full = `${member.steps[0] === 'contact' ? '' : `/parts/${member.part - 1}`}/${member.steps.join('/')}`
    const isHit = full === pointer || full.startsWith(`${pointer}/`) || pointer.startsWith(`${full}/`)
    return isHit ? [index] : []
  })
}
