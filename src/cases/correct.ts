import type { ProblemCode } from '../base/problem.ts'
import type { FiledMaterial, NormalisedMaterial, NormalisedPart } from './application.ts'
import { type MemberPath, memberPath, pointerOf } from './correctable.ts'
import type { CorrectedChange, CorrectedItem, CorrectedPart, CorrectedSource } from './corrected.ts'
import type { CaseDocument } from './document.ts'
import { isCorrectionOpen } from './facets/correction.ts'
import { type CaseState, hasEnded, type PartState } from './state.ts'

/** The answer to one round of correction. */
export interface CorrectionAnswer {
  round: number
  /** When it was given. */
  appliedAt: string
  items: AnsweredItem[]
}

export interface AnsweredItem {
  /** Needed only where several parts have this round open. */
  part?: number
  number: number
  answer: string
  /** Id of the material that the new one takes the place of. */
  replaces?: string
  material?: FiledMaterial
  changes?: { path: string; value: string | number | boolean }[]
}

type CorrectionFault = Extract<ProblemCode, 'case-ended' | 'correction-not-open' | 'correction-round-wrong'>

/**
 * The parts that have this round open, or why none has. A withdrawal that is pending hinders nothing: a registry may
 * refuse it without a word and go on.
 */
export function openParts(memory: CaseState, round: number): { parts: PartState[] } | { fault: CorrectionFault } {
  if (memory.parts.every(hasEnded)) return { fault: 'case-ended' }
  const open = memory.parts.filter(isCorrectionOpen)
  if (open.length === 0) return { fault: 'correction-not-open' }
  const parts = open.filter(({ correction }) => correction?.round === round)
  return parts.length === 0 ? { fault: 'correction-round-wrong' } : { parts }
}

/** The part that an item is about: the one it names, or the only one that is open. */
export function partOfItem(item: Pick<AnsweredItem, 'part'>, open: readonly PartState[]): PartState | undefined {
  if (item.part === undefined) return open.length === 1 ? open[0] : undefined
  return open.find(({ part }) => part === item.part)
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

export interface CorrectSources {
  /** The material as it is kept, under its place in the order of the case's files. */
  stored(material: FiledMaterial, sequence: number): NormalisedMaterial
  /** The first place that is free. */
  sequence: number
  formField: FormField
}

/** Applies an answer without faults to the parts that are open. */
export function correctDocument(
  document: CaseDocument,
  open: readonly PartState[],
  answer: CorrectionAnswer,
  sources: CorrectSources,
): Corrected {
  const next = structuredClone(document)
  const files: NormalisedMaterial[] = []
  const parts = new Map<number, { own: NormalisedPart; changed: Set<string>; files: NormalisedMaterial[] }>()
  const items = answer.items.map((item): CorrectedItem => {
    const { part } = partOfItem(item, open) as PartState
    const own = next.parts.find(({ number }) => number === part) as NormalisedPart
    const touched = parts.get(part) ?? { own, changed: new Set<string>(), files: [] }
    parts.set(part, touched)
    const changes = (item.changes ?? []).map(({ path, value }): CorrectedChange => {
      const member = memberPath(path, part) as MemberPath
      setMember(member.steps[0] === 'contact' ? next : own, member.steps, value)
      for (const name of changesOf(member, own)) touched.changed.add(name)
      return {
        path: pointerOf(part, member.steps, next.parts.length),
        label: member.label,
        value: String(value),
        ...sources.formField(member, document),
      }
    })
    const { number, answer: text, material } = item
    if (material === undefined) return { part, number, answer: text, changes }
    const replaced = own.materials.find(({ id }) => id === item.replaces)
    const file = sources.stored(material, sources.sequence + files.length)
    files.push(file)
    touched.files.push(file)
    putMaterial(own, file, replaced?.id)
    const { id, name, fileName } = file
    const place = { id, name, fileName, sequence: replaced?.sequence ?? file.sequence }
    const instead = replaced === undefined ? {} : { replaces: replaced.id, replacedName: replaced.name }
    return { part, number, answer: text, material: { ...place, ...instead }, changes }
  })
  return {
    document: next,
    files,
    source: {
      round: answer.round,
      answeredAt: answer.appliedAt,
      appliedAt: next.appliedAt,
      ...(next.contact === undefined ? {} : { contact: next.contact }),
      parts: [...parts.values()].map((part) => told(part.own, part.changed, part.files)),
      items,
    },
  }
}

/** What of a part a changed member belongs to. A row of the registry holds members of the right beside the unit's. */
function changesOf({ steps }: MemberPath, own: NormalisedPart): string[] {
  const [list, place] = steps
  if (list === 'properties') return [`unit ${place}`]
  if (list === 'contact') return ['contact']
  if (list !== 'parties') return ['right']
  const role = own.parties[Number(place)]?.role
  if (role === 'debtor') return ['debtors']
  return role === 'mortgagee' ? ['right', 'applicants', 'mortgagees'] : ['right', 'applicants']
}

function told(own: NormalisedPart, changed: ReadonlySet<string>, files: NormalisedMaterial[]): CorrectedPart {
  const { number, registryNumber, reason, remarks, parties, mortgage } = own
  const properties = own.properties
    .map((property, index) => ({ ...property, number: index + 1 }))
    .filter((_, index) => changed.has('right') || changed.has(`unit ${index}`))
  const beside = (['mortgagees', 'applicants', 'debtors', 'contact'] as const).filter((name) => changed.has(name))
  return {
    number,
    registryNumber,
    ...(reason === undefined ? {} : { reason }),
    ...(remarks === undefined ? {} : { remarks }),
    parties,
    properties,
    ...(mortgage === undefined ? {} : { mortgage }),
    ...(beside.length === 0 ? {} : { changed: Object.fromEntries(beside.map((name) => [name, true as const])) }),
    materials: files,
  }
}

type Members = { [name: string]: unknown }

/** What holds a member; undefined where the application has no place for it. */
export function parentOf(root: object, steps: readonly string[]): Members | undefined {
  let node: unknown = root
  for (const step of steps.slice(0, -1)) node = (node as Members | undefined)?.[step]
  return typeof node === 'object' && node !== null ? (node as Members) : undefined
}

function setMember(root: object, steps: readonly string[], value: string | number | boolean): void {
  const parent = parentOf(root, steps)
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
