import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Json, JsonObject } from '../base/json.ts'
import type { FaultList } from './faults.ts'

export type LeafType = 'text' | 'integer' | 'decimal' | 'date' | 'instant' | 'boolean' | 'code'

/** One field that holds a value. `json` is how it stands in JSON. */
export interface LeafNode {
  kind: 'leaf'
  type: LeafType
  json: 'string' | 'number' | 'boolean'
  maxLength: number | null
  maxBytes: number | null
  unit: 'wan' | 'yuan' | null
  /** Code table of the field (`x-code`). */
  table: string | null
  /** Words of a canonical enumeration. */
  words: readonly string[] | null
  /** Pattern of a date or instant on the wire (`x-pattern`). */
  pattern: string | null
  /** Absent is written as the profile's empty value, unless the field is required: then it must have a value. */
  empty: boolean
  /** Name for people, of a free-form item. */
  alias: string | null
}

export interface RecordNode {
  kind: 'record'
  fields: ReadonlyMap<string, Field>
  /** XML: `elements` = child elements, `rows` = each field is a list of empty elements with attributes. */
  as: 'elements' | 'rows'
  /** Free-form forms (`x-items`): the fields are forms, with their names for people. */
  forms: ReadonlyMap<string, string> | null
}

export interface ListNode {
  kind: 'list'
  item: SchemaNode
  minItems: number
  maxItems: number | null
  empty: boolean
}

export type SchemaNode = LeafNode | RecordNode | ListNode

export interface Field {
  node: SchemaNode
  required: boolean
}

/** One schema file as the mapping language sees it. */
export interface MessageSchema {
  name: string
  file: string
  /** All texts that it was made of, for the version of a mapping. */
  texts: readonly string[]
  root: RecordNode
  /** Name of the XML root element, null where there is none. */
  rootElement: string | null
}

/** Reads `schemas/<name>.schema.json` files, each once, with local and relative `$ref`. */
export class SchemaFiles {
  readonly #dir: string
  readonly #faults: FaultList
  readonly #texts = new Map<string, { text: string; json: JsonObject } | null>()
  readonly #schemas = new Map<string, MessageSchema | null>()

  constructor(dir: string, faults: FaultList) {
    this.#dir = dir
    this.#faults = faults
  }

  /** The schema, or null when it is not there or cannot be read (the latter is a fault of its own). */
  load(name: string): MessageSchema | null {
    const known = this.#schemas.get(name)
    if (known !== undefined) return known
    const relative = `${name}.schema.json`
    const file = this.#read(relative)
    let schema: MessageSchema | null = null
    if (file !== null) {
      const used = new Set<string>([relative])
      const root = this.#node(file.json, { file: relative, pointer: '', used, stack: [] }, false)
      const xml = asObject(file.json['x-xml'])
      if (root?.kind === 'record') {
        schema = {
          name,
          file: relative,
          texts: [...used].map((one) => this.#texts.get(one)?.text ?? ''),
          root,
          rootElement: typeof xml?.['root'] === 'string' ? xml['root'] : null,
        }
      } else if (root !== null) {
        this.#fault(relative, '', '根必须是对象', 'the root must be an object')
      }
    }
    this.#schemas.set(name, schema)
    return schema
  }

  #read(relative: string): { text: string; json: JsonObject } | null {
    const known = this.#texts.get(relative)
    if (known !== undefined) return known
    let result: { text: string; json: JsonObject } | null = null
    let text: string | null = null
    try {
      text = readFileSync(path.join(this.#dir, relative), 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    }
    if (text !== null) {
      try {
        result = { text, json: JSON.parse(text) as JsonObject }
      } catch (cause) {
        this.#fault(relative, '', '不是有效的 JSON', `not JSON: ${(cause as Error).message}`)
      }
    }
    this.#texts.set(relative, result)
    return result
  }

  #node(json: JsonObject, at: Place, empty: boolean): SchemaNode | null {
    const flat = this.#flatten(json, at)
    if (flat === null) return null
    const { schema, place } = flat
    const types = Array.isArray(schema['type'])
      ? (schema['type'] as Json[]).filter((one) => one !== 'null')
      : [schema['type']]
    const type = types.length === 1 ? types[0] : undefined
    if (schema['x-items'] !== undefined) return this.#forms(schema, place)
    if (type === 'array' || (type === undefined && schema['items'] !== undefined)) {
      const items = asObject(schema['items'])
      if (items === null) return this.#fault(place.file, place.pointer, '数组缺少 items', 'an array without items')
      const item = this.#node(items, deeper(place, 'items'), false)
      if (item === null) return null
      return {
        kind: 'list',
        item,
        minItems: count(schema['minItems']) ?? 0,
        maxItems: count(schema['maxItems']),
        empty: empty || schema['x-empty'] === true,
      }
    }
    if (type === 'object' || schema['properties'] !== undefined) return this.#record(schema, place)
    return this.#leaf(schema, type, place, empty)
  }

  #record(schema: JsonObject, at: Place): RecordNode | null {
    const xml = asObject(schema['x-xml'])
    const as = xml?.['as'] ?? 'elements'
    if (as !== 'elements' && as !== 'rows') {
      return this.#fault(at.file, at.pointer, 'x-xml 的 as 只能是 elements 或 rows', 'x-xml: "as" is elements or rows')
    }
    const required = new Set((schema['required'] as string[] | undefined) ?? [])
    const fields = new Map<string, Field>()
    for (const [name, value] of Object.entries(asObject(schema['properties']) ?? {})) {
      const member = asObject(value)
      if (member === null) continue
      const node = this.#node(member, deeper(at, `properties/${name}`), xml?.['empty'] === true)
      if (node !== null) fields.set(name, { node, required: required.has(name) })
    }
    for (const name of required) {
      if (!fields.has(name)) {
        this.#fault(at.file, at.pointer, `required 中的 ${name} 未定义`, `required names ${name}, which is no property`)
      }
    }
    return { kind: 'record', fields, as, forms: null }
  }

  #forms(schema: JsonObject, at: Place): RecordNode {
    const fields = new Map<string, Field>()
    const aliases = new Map<string, string>()
    for (const [name, value] of Object.entries(asObject(schema['x-items']) ?? {})) {
      const form = asObject(value)
      const row = form === null ? null : this.#record(form, deeper(at, `x-items/${name}`))
      if (form === null || row === null) continue
      const repeat = form['repeat'] === true
      fields.set(name, {
        node: repeat ? { kind: 'list', item: row, minItems: 0, maxItems: null, empty: false } : row,
        required: false,
      })
      aliases.set(name, typeof form['alias'] === 'string' ? form['alias'] : name)
    }
    return { kind: 'record', fields, as: 'elements', forms: aliases }
  }

  #leaf(schema: JsonObject, type: Json | undefined, at: Place, empty: boolean): LeafNode | null {
    const words = Array.isArray(schema['enum'])
      ? (schema['enum'] as Json[]).filter((one) => one !== null).map(String)
      : schema['const'] === undefined
        ? null
        : [JSON.stringify(schema['const']).replace(/^"|"$/g, '')]
    const json = type === 'integer' || type === 'number' ? 'number' : type === 'boolean' ? 'boolean' : 'string'
    const given = schema['x-type']
    const leafType = given ?? leafTypeOf(json, schema['format'], words)
    if (!LEAF_TYPES.has(leafType as LeafType)) {
      return this.#fault(at.file, at.pointer, `未知的 x-type`, `unknown x-type ${JSON.stringify(given)}`)
    }
    if (type === 'number') {
      return this.#fault(
        at.file,
        at.pointer,
        '不使用浮点数',
        'type number is a float: use a string with x-type decimal',
      )
    }
    const unit = schema['x-unit'] ?? null
    if (unit !== null && unit !== 'wan' && unit !== 'yuan') {
      return this.#fault(at.file, at.pointer, 'x-unit 只能是 wan 或 yuan', 'x-unit is wan or yuan')
    }
    return {
      kind: 'leaf',
      type: leafType as LeafType,
      json,
      maxLength: count(schema['maxLength']),
      maxBytes: count(schema['x-bytes']),
      unit,
      table: text(schema['x-code']),
      words: json === 'string' ? words : null,
      pattern: text(schema['x-pattern']),
      empty: empty || schema['x-empty'] === true,
      alias: text(schema['x-alias']),
    }
  }

  /** Follows `$ref`, merges `allOf`, takes the properties of `oneOf` and `anyOf` as optional ones. */
  #flatten(json: JsonObject, at: Place): { schema: JsonObject; place: Place } | null {
    let schema = json
    let place = at
    if (typeof schema['$ref'] === 'string') {
      const target = this.#resolve(schema['$ref'], at)
      if (target === null) return null
      const inner = this.#flatten(target.json, target.place)
      if (inner === null) return null
      const { $ref: _, ...beside } = schema
      schema = merge(inner.schema, beside, true)
      place = inner.place
    }
    for (const part of (schema['allOf'] as JsonObject[] | undefined) ?? []) {
      const inner = this.#flatten(part, place)
      if (inner !== null) schema = merge(schema, inner.schema, true)
    }
    for (const part of [...((schema['oneOf'] as JsonObject[]) ?? []), ...((schema['anyOf'] as JsonObject[]) ?? [])]) {
      const inner = this.#flatten(part, place)
      if (inner !== null) schema = merge(schema, inner.schema, false)
    }
    return { schema, place }
  }

  #resolve(ref: string, at: Place): { json: JsonObject; place: Place } | null {
    const [fileRef = '', pointer = ''] = ref.split('#')
    const file = fileRef === '' ? at.file : path.posix.join(path.posix.dirname(at.file), fileRef)
    const key = `${file}#${pointer}`
    if (at.stack.includes(key)) {
      this.#fault(at.file, at.pointer, `循环引用 ${ref}`, `${ref} refers to itself`)
      return null
    }
    let found: Json | undefined = this.#read(file)?.json
    at.used.add(file)
    for (const part of pointer.split('/').filter((one) => one !== '')) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      found = (found as JsonObject | undefined)?.[name]
    }
    const json = asObject(found)
    if (json === null) {
      this.#fault(at.file, at.pointer, `找不到引用 ${ref}`, `${ref} is not there`)
      return null
    }
    return { json, place: { file, pointer, used: at.used, stack: [...at.stack, key] } }
  }

  #fault(file: string, pointer: string, zh: string, en: string): null {
    this.#faults.add(`schemas/${file}`, { line: 1, column: 1 }, `#${pointer}`, zh, en)
    return null
  }
}

interface Place {
  file: string
  pointer: string
  used: Set<string>
  stack: readonly string[]
}

const LEAF_TYPES = new Set<LeafType>(['text', 'integer', 'decimal', 'date', 'instant', 'boolean', 'code'])

function leafTypeOf(json: 'string' | 'number' | 'boolean', format: Json | undefined, words: unknown): LeafType {
  if (json === 'number') return 'integer'
  if (json === 'boolean') return 'boolean'
  if (format === 'date') return 'date'
  if (format === 'date-time') return 'instant'
  return words === null ? 'text' : 'code'
}

function merge(base: JsonObject, more: JsonObject, keepRequired: boolean): JsonObject {
  const properties = { ...asObject(base['properties']), ...asObject(more['properties']) }
  const required = new Set([
    ...((base['required'] as string[]) ?? []),
    ...(keepRequired ? ((more['required'] as string[]) ?? []) : []),
  ])
  const scalars = keepRequired ? { ...base, ...more } : { ...more, ...base }
  return {
    ...scalars,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.size === 0 ? {} : { required: [...required] }),
  }
}

function deeper(at: Place, pointer: string): Place {
  return { ...at, pointer: `${at.pointer}/${pointer}` }
}

function asObject(json: Json | undefined): JsonObject | null {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : null
}

function count(json: Json | undefined): number | null {
  return typeof json === 'number' && Number.isInteger(json) ? json : null
}

function text(json: Json | undefined): string | null {
  return typeof json === 'string' ? json : null
}
