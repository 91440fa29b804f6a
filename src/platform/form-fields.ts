import type { FormField } from '../cases/correct.ts'
import type { CaseDocument } from '../cases/document.ts'

/**
 * How the platform's forms call a member of an application. They are numbered over the whole case as type 10 writes
 * them: one of the right for each part, then one for each unit, then one for each mortgagor and debtor of a part.
 * @param fields the platform's names by the member's pattern.
 */
export function formFields(fields: ReadonlyMap<string, string>): FormField {
  return ({ part, steps, pattern }, document) => {
    const field = fields.get(pattern)
    const number = field === undefined ? null : formNumber(document, part, steps)
    if (field === undefined || number === null) return undefined
    return { field, formId: `f${number}` }
  }
}

function formNumber({ parts }: CaseDocument, part: number, steps: readonly string[]): number | null {
  const index = parts.findIndex(({ number }) => number === part)
  const own = parts[index]
  if (own === undefined) return null
  const [list, given] = steps
  if (list === 'contact') return null
  if (list !== 'properties' && list !== 'parties') return index + 1
  const before = parts.slice(0, index)
  const place = Number(given)
  if (list === 'properties') return parts.length + count(before, (one) => one.properties.length) + place + 1
  const persons = (one: CaseDocument['parts'][number]): CaseDocument['parts'][number]['parties'] => [
    ...one.parties.filter(({ role }) => role === 'mortgagor'),
    ...one.parties.filter(({ role }) => role === 'debtor'),
  ]
  const person = own.parties[place]
  const order = person === undefined ? -1 : persons(own).indexOf(person)
  // A mortgagee stands in the form of the right, under other names.
  if (order < 0) return null
  const units = count(parts, (one) => one.properties.length)
  return parts.length + units + count(before, (one) => persons(one).length) + order + 1
}

function count(parts: CaseDocument['parts'], of: (part: CaseDocument['parts'][number]) => number): number {
  return parts.reduce((sum, part) => sum + of(part), 0)
}
