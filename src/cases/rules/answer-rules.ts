import type { Fault } from '../../base/problem.ts'
import type { NormalisedPart } from '../application.ts'
import { type AnsweredItem, type CorrectionAnswer, parentOf, partOfItem } from '../correct.ts'
import { memberPath } from '../correctable.ts'
import type { CaseDocument } from '../document.ts'
import type { CorrectionItem, PartState } from '../state.ts'
import { ruleFault } from './faults.ts'

/** Faults of an answer by itself: its items against those asked, what it replaces, and which members it changes. */
export function answerFaults(document: CaseDocument, open: readonly PartState[], answer: CorrectionAnswer): Fault[] {
  const faults: Fault[] = []
  const answered = new Map<PartState, Set<number>>()
  answer.items.forEach((item, index) => {
    const at = `/items/${index}`
    const part = partOfItem(item, open)
    if (part === undefined) {
      const code = item.part === undefined ? 'correction-part-missing' : 'correction-item-unknown'
      faults.push(ruleFault(`${at}/part`, code))
      return
    }
    const numbers = answered.get(part) ?? new Set()
    answered.set(part, numbers)
    if (numbers.has(item.number)) faults.push(ruleFault(`${at}/number`, 'correction-item-repeated'))
    numbers.add(item.number)
    const wanted = part.correction?.items.find(({ number }) => number === item.number)
    if (wanted === undefined) faults.push(ruleFault(`${at}/number`, 'correction-item-unknown'))
    const own = document.parts.find(({ number }) => number === part.part) as NormalisedPart
    faults.push(...itemFaults(at, item, wanted, own, document))
  })
  // The registry takes one answer to a round, for all its parts.
  for (const part of open) {
    for (const { number } of part.correction?.items ?? []) {
      if (answered.get(part)?.has(number) === true) continue
      const about = { zh: `第 ${part.part} 部分第 ${number} 项`, en: `part ${part.part}, item ${number}` }
      faults.push(ruleFault('/items', 'correction-item-missing', about))
    }
  }
  return faults
}

function itemFaults(
  at: string,
  item: AnsweredItem,
  wanted: CorrectionItem | undefined,
  own: NormalisedPart,
  document: CaseDocument,
): Fault[] {
  const faults: Fault[] = []
  if (item.replaces !== undefined && !own.materials.some(({ id }) => id === item.replaces)) {
    faults.push(ruleFault(`${at}/replaces`, 'correction-replaces-unknown'))
  }
  item.changes?.forEach(({ path }, place) => {
    const code = pathFault(path, own, document, wanted)
    if (code !== null) faults.push(ruleFault(`${at}/changes/${place}/path`, code))
  })
  return faults
}

function pathFault(
  path: string,
  own: NormalisedPart,
  document: CaseDocument,
  wanted: CorrectionItem | undefined,
): 'correction-path-refused' | 'correction-path-elsewhere' | null {
  const member = memberPath(path, own.number)
  if (member === null || member.part !== own.number) return 'correction-path-refused'
  const parent = parentOf(member.steps[0] === 'contact' ? document : own, member.steps)
  if (parent === undefined || (Array.isArray(parent) && parent[Number(member.steps.at(-1))] === undefined))
    return 'correction-path-refused'
  // Who is asked for a paper answers with a paper.
  if (wanted?.resolved?.materialId !== undefined) return 'correction-path-elsewhere'
  const asked = wanted?.resolved?.path
  const askedMember = asked === undefined ? null : memberPath(asked, own.number)
  if (askedMember === null) return null
  // What was asked for may bring its neighbours along, an area its unit say; nothing else.
  const [one, other] = [askedMember, member].map(({ steps }) => steps.slice(0, -1).join('/'))
  return one === other ? null : 'correction-path-elsewhere'
}
