import { literal } from './compile-value.ts'
import type { LeafNode, ListNode } from './schema.ts'

/**
 * What a compiled mapping writes into: XML text, JSON text or an object. Every method gives lines of code; `into` is
 * the variable of the record being written, which `open` declares.
 */
export interface Sink {
  open: (into: string) => string
  /** The last change of a value before it is written; notes what cannot be written. */
  convert: (value: string, node: LeafNode, as: LeafForm) => string
  leaf: (into: string, name: string, value: string, as: LeafForm) => string
  /** How an absent `x-empty` leaf is written, or null. */
  emptyLeaf: (into: string, name: string, node: LeafNode, as: LeafForm) => string | null
  record: (into: string, name: string, inner: string) => string
  /** Adds a row to the list that `open` declared as a list. */
  openList: (list: string) => string
  row: (list: string, name: string, inner: string, as: LeafForm) => string
  member: (list: string, name: string, value: string) => string
  closeList: (into: string, name: string, list: string) => string
  /** An absent list: written all the same where it is required or `x-empty`. */
  emptyList: (into: string, name: string, node: ListNode, required: boolean) => string | null
}

export type LeafForm = 'attribute' | 'element'

export function xmlSink(emptyValue: string): Sink {
  const element = (name: string): [string, string] => [literal(`<${name}>`), literal(`</${name}>`)]
  return {
    open: (into) => `let ${into} = ""`,
    convert: (value, node, as) => `${value} = H.${as}(${node.type === 'text' ? value : `String(${value})`}, R)`,
    leaf: (into, name, value, as) => {
      if (as === 'attribute') return `${into} += ${literal(` ${name}="`)} + ${value} + "\\""`
      const [start, end] = element(name)
      return `${into} += ${start} + ${value} + ${end}`
    },
    emptyLeaf: (into, name, node, as) => {
      if (!node.empty) return null
      const text = emptyValue.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
      return `${into} += ${literal(as === 'attribute' ? ` ${name}="${text}"` : `<${name}>${text}</${name}>`)}`
    },
    record: (into, name, inner) => {
      const [start, end] = element(name)
      return `${into} += ${start} + ${inner} + ${end}`
    },
    openList: (list) => `let ${list} = ""`,
    row: (list, name, inner, as) => {
      if (as === 'attribute') return `${list} += ${literal(`<${name}`)} + ${inner} + "/>"`
      const [start, end] = element(name)
      return `${list} += ${start} + ${inner} + ${end}`
    },
    member: (list, name, value) => {
      const [start, end] = element(name)
      return `${list} += ${start} + ${value} + ${end}`
    },
    closeList: (into, _name, list) => `${into} += ${list}`,
    emptyList: () => null,
  }
}

export function jsonSink(emptyValue: string): Sink {
  const key = (name: string): string => literal(`,${JSON.stringify(name)}:`)
  return {
    open: (into) => `let ${into} = ""`,
    convert: (value, node) => (node.json === 'string' ? `${value} = H.jsonText(String(${value}), R)` : ''),
    leaf: (into, name, value) => `${into} += ${key(name)} + ${value}`,
    emptyLeaf: (into, name, node) =>
      node.empty ? `${into} += ${literal(`,${JSON.stringify(name)}:${JSON.stringify(emptyValue)}`)}` : null,
    record: (into, name, inner) => `${into} += ${key(name)} + "{" + ${inner}.slice(1) + "}"`,
    openList: (list) => `let ${list} = ""`,
    row: (list, _name, inner) => `${list} += ",{" + ${inner}.slice(1) + "}"`,
    member: (list, _name, value) => `${list} += "," + ${value}`,
    closeList: (into, name, list) => `${into} += ${key(name)} + "[" + ${list}.slice(1) + "]"`,
    emptyList: (into, name, node, required) =>
      required || node.empty ? `${into} += ${literal(`,${JSON.stringify(name)}:[]`)}` : null,
  }
}

export function objectSink(): Sink {
  const set = (into: string, name: string, value: string): string => `${into}[${literal(name)}] = ${value}`
  return {
    open: (into) => `const ${into} = {}`,
    convert: () => '',
    leaf: set,
    emptyLeaf: () => null,
    record: set,
    openList: (list) => `const ${list} = []`,
    row: (list, _name, inner) => `${list}.push(${inner})`,
    member: (list, _name, value) => `${list}.push(${value})`,
    closeList: set,
    emptyList: (into, name, _node, required) => (required ? `${into}[${literal(name)}] = []` : null),
  }
}

/** The free-form forms of a JSON message: rows of field, alias and value, gone when absent. */
export interface FormSink {
  item: (into: string, name: string, node: LeafNode, value: string) => string
  form: (list: string, counter: string, name: string, alias: string, items: string) => string
}

export const formSink: FormSink = {
  item: (into, name, node, value) => {
    const head = JSON.stringify({ field: name, alias: node.alias ?? name }).slice(0, -1)
    return `${into} += ${literal(`,${head},"value":`)} + ${value} + "}"`
  },
  form: (list, counter, name, alias, items) => {
    const head = JSON.stringify({ FormName: name, FormAlias: alias }).slice(1, -1)
    return `${list} += ",{\\"UNID\\":\\"f" + ++${counter} + "\\"," + ${literal(head)} + ",\\"Items\\":[" + ${items}.slice(1) + "]}"`
  },
}
