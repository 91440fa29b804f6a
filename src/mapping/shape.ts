import type { Json } from '../base/json.ts'
import { isDecimal } from '../base/money.ts'
import { type MappingPlace, mappingPlace } from './faults.ts'
import type { LeafNode, RecordNode, SchemaNode } from './schema.ts'
import type { XmlElement } from './xml-element.ts'

/** A document in the form that compiled mappings read: known fields only, lists always there, integers as numbers. */
export type Shaped = { [key: string]: ShapedValue }
type ShapedValue = string | number | boolean | Shaped | ShapedValue[]

/**
 * Brings what was read into the form of its schema. Unknown elements, attributes and keys are left out; a known value
 * of the wrong type, a required one that is absent and a single one that occurs twice are places.
 */
export class Shaper {
  readonly places: MappingPlace[] = []
  readonly #emptyValue: string

  constructor(emptyValue: string) {
    this.#emptyValue = emptyValue
  }

  xml(element: XmlElement, node: RecordNode, path = ''): Shaped {
    const result: Shaped = {}
    const byName = new Map<string, XmlElement[]>()
    for (const child of element.children) {
      const same = byName.get(child.name)
      if (same === undefined) byName.set(child.name, [child])
      else same.push(child)
    }
    for (const [name, field] of node.fields) {
      const at = path === '' ? name : `${path}.${name}`
      const found = byName.get(name) ?? []
      const { node: inner } = field
      if (inner.kind === 'list') {
        const rows = node.as === 'rows'
        result[name] = found.map((child, index) => this.#xmlMember(child, inner.item, rows, `${at}[${index}]`))
        if (found.length < inner.minItems) this.#place(at, 'missing')
        continue
      }
      const [first] = found
      if (found.length > 1) this.#place(at, 'doubled')
      const value = first === undefined ? undefined : this.#xmlMember(first, inner, false, at)
      this.#set(result, name, value, field.required, at)
    }
    return result
  }

  #xmlMember(element: XmlElement, node: SchemaNode, row: boolean, at: string): ShapedValue {
    if (node.kind === 'leaf') return this.#leaf(element.text, node, at) as ShapedValue
    if (node.kind === 'list') return []
    return row ? this.#xmlRow(element, node, at) : this.xml(element, node, at)
  }

  #xmlRow(element: XmlElement, node: RecordNode, path: string): Shaped {
    const result: Shaped = {}
    for (const [name, field] of node.fields) {
      if (field.node.kind !== 'leaf') continue
      const at = `${path}.${name}`
      const raw = element.attributes.get(name)
      this.#set(result, name, raw === undefined ? undefined : this.#leaf(raw, field.node, at), field.required, at)
    }
    return result
  }

  json(json: Json, node: RecordNode, path = ''): Shaped {
    const result: Shaped = {}
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      this.#place(path, 'wrong-type')
      return result
    }
    for (const [name, field] of node.fields) {
      const at = path === '' ? name : `${path}.${name}`
      const raw = Object.hasOwn(json, name) ? (json as Record<string, Json>)[name] : undefined
      const value = raw === undefined || raw === null ? undefined : this.#jsonMember(raw, field.node, at)
      if (value === undefined && field.node.kind === 'list') {
        result[name] = []
        if (field.node.minItems > 0) this.#place(at, 'missing')
      } else this.#set(result, name, value, field.required, at)
    }
    return result
  }

  #jsonMember(raw: Json, node: SchemaNode, at: string): ShapedValue | undefined {
    if (node.kind === 'record') return node.forms === null ? this.json(raw, node, at) : this.#forms(raw, node, at)
    if (node.kind === 'list') {
      if (!Array.isArray(raw)) {
        this.#place(at, 'wrong-type')
        return []
      }
      if (raw.length < node.minItems) this.#place(at, 'missing')
      return (raw as Json[]).flatMap((one, index) => this.#jsonMember(one, node.item, `${at}[${index}]`) ?? [])
    }
    if (node.json === 'string' && typeof raw === 'string') return this.#leaf(raw, node, at)
    if (node.json === 'boolean' && typeof raw === 'boolean') return raw
    if (node.json === 'number' && Number.isSafeInteger(raw)) return raw as number
    this.#place(at, 'wrong-type')
    return undefined
  }

  /** Free-form forms: rows of field and value become fields, by the names that the schema knows. */
  #forms(raw: Json, node: RecordNode, path: string): Shaped {
    const result: Shaped = {}
    for (const [name, field] of node.fields) if (field.node.kind === 'list') result[name] = []
    if (!Array.isArray(raw)) {
      this.#place(path, 'wrong-type')
      return result
    }
    for (const [index, form] of (raw as Json[]).entries()) {
      const { FormName: name, Items: items } = (form ?? {}) as { FormName?: Json; Items?: Json }
      const field = typeof name === 'string' ? node.fields.get(name) : undefined
      if (field === undefined || typeof name !== 'string') continue
      const at = `${path}[${index}]`
      const repeated = field.node.kind === 'list'
      const row = field.node.kind === 'list' ? field.node.item : field.node
      if (row.kind !== 'record') continue
      const values = this.json(this.#items(items ?? [], at), row, `${at}.${name}`)
      if (repeated) (result[name] as Shaped[]).push(values)
      else if (result[name] === undefined) result[name] = values
      else this.#place(`${path}.${name}`, 'doubled')
    }
    return result
  }

  #items(items: Json, at: string): Json {
    const values = new Map<string, Json>()
    if (!Array.isArray(items)) this.#place(`${at}.Items`, 'wrong-type')
    else {
      for (const item of items as Json[]) {
        const { field, value } = (item ?? {}) as { field?: Json; value?: Json }
        if (typeof field !== 'string') continue
        if (values.has(field)) this.#place(`${at}.${field}`, 'doubled')
        else values.set(field, value ?? null)
      }
    }
    return Object.fromEntries(values)
  }

  #set(result: Shaped, name: string, value: ShapedValue | undefined, required: boolean, at: string): void {
    if (value !== undefined) result[name] = value
    else if (required && !this.places.some((place) => place.path === at)) this.#place(at, 'missing')
  }

  #leaf(raw: string, node: LeafNode, at: string): ShapedValue | undefined {
    if (node.empty && (raw === '' || raw === this.#emptyValue)) return undefined
    if (raw === '' && (node.type !== 'text' || node.table !== null)) return undefined
    if (node.type === 'integer') {
      if (/^-?\d{1,15}$/.test(raw)) return Number(raw)
      this.#place(at, 'wrong-type')
      return undefined
    }
    if (node.type === 'boolean') {
      if (raw === 'true' || raw === 'false') return raw === 'true'
      this.#place(at, 'wrong-type')
      return undefined
    }
    if (node.type === 'decimal' && !isDecimal(raw)) {
      this.#place(at, 'wrong-type')
      return undefined
    }
    return raw
  }

  #place(path: string, code: MappingPlace['code']): void {
    this.places.push(mappingPlace(path, code))
  }
}

/** A document without a schema: elements with attributes are always lists of rows, text-only elements are texts. */
export function rawDocument(element: XmlElement): Json {
  const members = new Map<string, Json>(element.attributes)
  const grouped = new Map<string, XmlElement[]>()
  for (const child of element.children) grouped.set(child.name, [...(grouped.get(child.name) ?? []), child])
  for (const [name, same] of grouped) {
    const values = same.map((one) =>
      one.attributes.size === 0 && one.children.length === 0 ? one.text : rawDocument(one),
    )
    const isRows = same.length > 1 || same.some((one) => one.attributes.size > 0)
    members.set(name, isRows ? values : (values[0] ?? null))
  }
  return Object.fromEntries(members)
}
