import type { Json } from '../base/json.ts'
import type { Fault, ProblemCode } from '../base/problem.ts'
import type { FiledMaterial, NormalisedMaterial, NormalisedPart } from './application.ts'
import { type MemberPath, memberPath, pointerOf } from './correctable.ts'
import type { CorrectedChange, CorrectedItem, CorrectedSource } from './corrected.ts'
import type { CaseDocument } from './document.ts'
import { isCorrectionOpen } from './facets/correction.ts'
import { ruleFault } from './rules/faults.ts'
import { type CaseState, type CorrectionItem, hasEnded, type PartState } from './state.ts'

/** The answer to one round of correction of one part. */
export interface CorrectionAnswer {
  round: number
  /** Needed only where several parts have this round open. */
  part?: number
  appliedAt: string
  items: AnsweredItem[]
}

export interface AnsweredItem {
  number: number
  answer: string
  /** Id of the material that the new one takes the place of. */
  replaces?: string
  material?: FiledMaterial
  changes?: { path: string; value: Json }[]
}

type CorrectionFault = Extract<
  ProblemCode,
  'case-ended' | 'withdrawal-pending' | 'correction-not-open' | 'correction-round-wrong'
>

/** The part whose open round is answered, or why none is. */
export function correctedPart(
  memory: CaseState,
  { round, part }: Pick<CorrectionAnswer, 'round' | 'part'>,
): { part: PartState } | { fault: CorrectionFault } {
  if (memory.parts.every(hasEnded)) return { fault: 'case-ended' }
  if (memory.request === 'withdrawal-pending') return { fault: 'withdrawal-pending' }
  const open = memory.parts.filter((one) => isCorrectionOpen(one) && (part === undefined || one.part === part))
  if (open.length === 0) return { fault: 'correction-not-open' }
  const ofRound = open.filter(({ correction }) => correction?.round === round)
  const [found, other] = ofRound
  if (found === undefined) return { fault: 'correction-round-wrong' }
  return other === undefined ? { part: found } : { fault: 'correction-round-wrong' }
}

/** How a platform's forms call a member; undefined where they do not have it. */
export type FormField = (path: MemberPath, document: CaseDocument) => { field: string; formId: string } | undefined

/** The case's document in its next version, and what is told of the correction. */
export interface Corrected {
  document: CaseDocument
  source: CorrectedSource
  /** The new files, in the order in which they are sent. */
  files: NormalisedMaterial[]
}

/** Faults of an answer by itself: its items against those asked, what it replaces, and which members it changes. */
export function answerFaults(document: CaseDocument, part: PartState, answer: CorrectionAnswer): Fault[] {
  const asked = part.correction?.items ?? []
  const own = document.parts.find(({ number }) => number === part.part) as NormalisedPart
  const faults: Fault[] = []
  answer.items.forEach((item, index) => {
    const at = `/items/${index}`
    if (answer.items.slice(0, index).some(({ number }) => number === item.number)) {
      faults.push(ruleFault(`${at}/number`, 'correction-item-repeated'))
    }
    const wanted = asked.find(({ number }) => number === item.number)
    if (wanted === undefined) faults.push(ruleFault(`${at}/number`, 'correction-item-unknown'))
    if (item.replaces !== undefined && !own.materials.some(({ id }) => id === item.replaces)) {
      faults.push(ruleFault(`${at}/replaces`, 'correction-replaces-unknown'))
    }
    item.changes?.forEach(({ path }, place) => {
      const code = pathFault(path, own, wanted)
      if (code !== null) faults.push(ruleFault(`${at}/changes/${place}/path`, code))
    })
  })
  for (const { number } of asked) {
    if (answer.items.some((item) => item.number === number)) continue
    faults.push(ruleFault('/items', 'correction-item-missing', { zh: `第 ${number} 项`, en: `item ${number}` }))
  }
  return faults
}

/**
 * Applies an answer without faults.
 * @param stored the material as it is kept, under its place in the order of the case's files.
 * @param sequence the first place that is free.
 */
export function correctDocument(
  document: CaseDocument,
  part: PartState,
  answer: CorrectionAnswer,
  stored: (material: FiledMaterial, sequence: number) => NormalisedMaterial,
  sequence: number,
  formField: FormField,
): Corrected {
  const next = structuredClone(document)
  const own = next.parts.find(({ number }) => number === part.part) as NormalisedPart
  const changed = new Set<string>()
  const files: NormalisedMaterial[] = []
  const items = answer.items.map((item): CorrectedItem => {
    const changes = (item.changes ?? []).map(({ path, value }): CorrectedChange => {
      const member = memberPath(path, part.part) as MemberPath
      setMember(own, member.steps, value)
      changed.add(member.steps[0] === 'properties' ? `properties/${member.steps[1]}` : 'all')
      return {
        path: pointerOf(member.part, member.steps, next.parts.length),
        label: member.label,
        value,
        ...formField(member, document),
      }
    })
    const { number, answer: text, material } = item
    if (material === undefined) return { part: part.part, number, answer: text, changes }
    const replaced = own.materials.find(({ id }) => id === item.replaces)
    const file = stored(material, sequence + files.length)
    files.push(file)
    putMaterial(own, file, replaced?.id)
    return {
      part: part.part,
      number,
      answer: text,
      material: {
        id: file.id,
        name: file.name,
        fileName: file.fileName,
        sequence: file.sequence,
        ...(replaced === undefined ? {} : { replaces: replaced.id, replacedName: replaced.name }),
      },
      changes,
    }
  })
  // A row of the registry holds members of the part beside those of the unit, so a change of the part changes them all.
  const properties = own.properties.filter((_, index) => changed.has('all') || changed.has(`properties/${index}`))
  return {
    document: next,
    files,
    source: {
      round: answer.round,
      answeredAt: answer.appliedAt,
      parts: [{ ...own, properties, materials: files }],
      items,
    },
  }
}

function pathFault(
  path: string,
  own: NormalisedPart,
  wanted: CorrectionItem | undefined,
): 'correction-path-refused' | 'correction-path-elsewhere' | null {
  const member = memberPath(path, own.number)
  if (member === null || member.part !== own.number) return 'correction-path-refused'
  const [list, place] = member.steps
  if (list === 'properties' || list === 'parties') {
    if (own[list][Number(place)] === undefined) return 'correction-path-refused'
  }
  if (member.steps.length > 2 && parentOf(own, member.steps) === undefined) return 'correction-path-refused'
  const asked = wanted?.resolved?.path
  if (asked === undefined) return null
  const askedMember = memberPath(asked, own.number)
  // What was asked for may bring its neighbours along, an area its unit say; nothing else.
  return askedMember === null || askedMember.steps.slice(0, -1).join('/') === member.steps.slice(0, -1).join('/')
    ? null
    : 'correction-path-elsewhere'
}

type Record = { [name: string]: unknown }

function parentOf(part: NormalisedPart, steps: readonly string[]): Record | undefined {
  let node: unknown = part
  for (const step of steps.slice(0, -1)) node = (node as Record | undefined)?.[step]
  return typeof node === 'object' && node !== null ? (node as Record) : undefined
}

function setMember(part: NormalisedPart, steps: readonly string[], value: Json): void {
  const parent = parentOf(part, steps)
  if (parent === undefined) throw new Error('a changed member has no place')
  parent[steps.at(-1) as string] = value
}

function putMaterial(part: NormalisedPart, file: NormalisedMaterial, replaces: string | undefined): void {
  const place = part.materials.findIndex(({ id }) => id === replaces)
  if (place < 0) part.materials.push(file)
  else part.materials[place] = file
  for (const { agent } of part.parties) {
    if (replaces !== undefined && agent?.authorizationMaterialId === replaces) agent.authorizationMaterialId = file.id
  }
}
