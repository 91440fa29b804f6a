import type { Json } from './json.ts'

/**
 * RFC 8785 (JCS): keys sorted by UTF-16 code units, no white space, ECMAScript number and string forms.
 * Members that are `undefined` are left out, as JSON.stringify does.
 * @throws {TypeError} for a number that JSON cannot hold, for lone surrogates, and for what is no JSON at all (dates,
 *   buffers, bigints): written as an empty object, it would be lost without a word.
 */
export function canonicalJson(value: Json | undefined): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('not a JSON number')
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('lone surrogate in text')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('not a JSON value')
  const record = value as { [key: string]: Json | undefined }
  const members: string[] = []
  for (const key of Object.keys(record).sort()) {
    const member = record[key]
    if (member !== undefined) members.push(`${canonicalJson(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}
