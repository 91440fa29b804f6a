import type { LeafNode, LeafType, SchemaNode } from './schema.ts'

/** What is known about a value before anything runs. */
export type ValueType = LeafValue | ListValue | RecordValue

export interface LeafValue {
  kind: 'leaf'
  type: LeafType
  mayBeAbsent: boolean
  /** Longest possible text in characters, null where nothing is known. */
  maxLength: number | null
  unit: 'wan' | 'yuan' | null
  /** The value is a code of this table. */
  table: string | null
  /** All words of the value's enumeration. */
  words: readonly string[] | null
  /** A text that stands for a date or instant by `pattern`: a wire value, or what `date` and `instant` wrote. */
  stamp: 'date' | 'instant' | null
  pattern: string | null
  /** The value itself, of a literal. */
  literal: string | null
}

interface ListValue {
  kind: 'list'
  item: ValueType
  /** A list is never absent, it may have no members. */
  mayBeEmpty: boolean
  mayBeAbsent: false
}

interface RecordValue {
  kind: 'record'
  node: Extract<SchemaNode, { kind: 'record' }>
  mayBeAbsent: boolean
}

export function textValue(more: Partial<Omit<LeafValue, 'kind'>> = {}): LeafValue {
  return {
    kind: 'leaf',
    type: 'text',
    mayBeAbsent: false,
    maxLength: null,
    unit: null,
    table: null,
    words: null,
    stamp: null,
    pattern: null,
    literal: null,
    ...more,
  }
}

/** What a path to `node` gives. `wire`: the node is of a message schema, where dates and codes are texts yet. */
export function valueTypeOf(node: SchemaNode, wire: boolean, mayBeAbsent: boolean): ValueType {
  switch (node.kind) {
    case 'leaf':
      return leafValueOf(node, wire, mayBeAbsent)
    case 'list':
      return {
        kind: 'list',
        item: valueTypeOf(node.item, wire, false),
        mayBeEmpty: mayBeAbsent || node.minItems === 0,
        mayBeAbsent: false,
      }
    case 'record':
      return { kind: 'record', node, mayBeAbsent }
  }
}

function leafValueOf(node: LeafNode, wire: boolean, mayBeAbsent: boolean): LeafValue {
  const stamp = wire && (node.type === 'date' || node.type === 'instant') ? node.type : null
  const asText = stamp !== null || (node.table !== null && node.type !== 'integer') || (wire && node.type === 'code')
  return textValue({
    type: asText ? 'text' : node.type,
    mayBeAbsent,
    maxLength: node.maxLength,
    unit: node.unit,
    table: node.table,
    words: wire || node.table !== null ? null : node.words,
    stamp,
    pattern: node.pattern,
  })
}

const NAMES: Record<LeafType, [string, string]> = {
  text: ['文本', 'text'],
  integer: ['整数', 'integer'],
  decimal: ['小数', 'decimal'],
  date: ['日期', 'date'],
  instant: ['时刻', 'instant'],
  boolean: ['是否', 'boolean'],
  code: ['枚举', 'enumeration word'],
}

/** Name of a type for people: Chinese, English. */
export function typeName(type: ValueType): [string, string] {
  if (type.kind === 'list') return ['列表', 'list']
  if (type.kind === 'record') return ['记录', 'record']
  return NAMES[type.type]
}
