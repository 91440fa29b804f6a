import { type Path, type PathPart, parsePath } from './expression.ts'
import type { LiteralPlan, PathPartPlan, PathPlan } from './plan.ts'
import type { RecordNode, SchemaNode } from './schema.ts'
import { type LeafValue, type ValueType, valueTypeOf } from './value-type.ts'

/** What a name means at a place of a mapping: the `each` names, then the contexts, then the source document. */
export class Scope {
  readonly root: RecordNode
  readonly contexts: RecordNode
  readonly wire: boolean
  readonly names: readonly ScopeName[]
  /** Paths that a condition around the place says to be there. */
  readonly known: ReadonlySet<string>

  constructor(
    root: RecordNode,
    contexts: RecordNode,
    wire: boolean,
    names: readonly ScopeName[] = [],
    known: ReadonlySet<string> = new Set(),
  ) {
    this.root = root
    this.contexts = contexts
    this.wire = wire
    this.names = names
    this.known = known
  }

  with(name: ScopeName): Scope {
    return new Scope(this.root, this.contexts, this.wire, [...this.names, name], this.known)
  }

  knowing(paths: Iterable<string>): Scope {
    return new Scope(this.root, this.contexts, this.wire, this.names, new Set([...this.known, ...paths]))
  }
}

export interface ScopeName {
  /** Null: a block without `each`. */
  name: string | null
  block: number
  node: SchemaNode
  wire: boolean
  /** Source path of the members, without and with filters; null for members of a context. */
  key: string | null
  filteredKey: string | null
}

/** Source leaves that lines use, without and with the filters of their paths. */
export interface Usage {
  plain: Set<string>
  filtered: Set<string>
}

export interface ResolvedPath {
  plan: PathPlan
  node: SchemaNode
  wire: boolean
  key: string | null
  filteredKey: string | null
  /** Names the path for what conditions say about it. */
  known: string
}

export type Report = (offset: number, zh: string, en: string) => null

/** Resolves a path, reports what is wrong with it, and notes what it uses. `ignore` lines resolve against the source alone. */
export function resolvePath(
  path: Path,
  scope: Scope,
  usage: Usage | null,
  report: Report,
  sourceOnly = false,
): ResolvedPath | null {
  const walk = startOf(path, scope, sourceOnly)
  const parts: PathPartPlan[] = []
  let { node, key, filteredKey, known, mayBeAbsent } = walk
  let many = false
  /** The current list has been filtered or opened with `[]`. */
  let opened = false
  let mayBeEmpty = false
  for (const part of path.parts.slice(walk.taken)) {
    if (part.kind === 'name') {
      if (node.kind === 'list') {
        if (!opened)
          return report(
            path.offset,
            `${path.text}：列表后须写 []、[0] 或筛选`,
            `${path.text}: a list needs [], [0] or a filter before .${part.name}`,
          )
        many = true
        node = node.item
      }
      const field = node.kind === 'record' ? node.fields.get(part.name) : undefined
      if (field === undefined)
        return report(path.offset, `源路径不存在：${path.text}`, `unknown source path ${path.text} (no ${part.name})`)
      node = field.node
      opened = false
      known += `.${part.name}`
      mayBeAbsent = (mayBeAbsent || !field.required) && !scope.known.has(known)
      mayBeEmpty ||= mayBeAbsent || (node.kind === 'list' && node.minItems === 0)
      key = join(key, part.name, node)
      filteredKey = filteredKey === null ? null : `${filteredKey}${filteredKey === '' ? '' : '.'}${part.name}`
      parts.push({ kind: 'name', name: part.name })
      continue
    }
    if (node.kind !== 'list')
      return report(path.offset, `${path.text} 不是列表`, `${path.text} has a bracket where there is no list`)
    known += bracketText(part)
    if (filteredKey !== null) filteredKey += part.kind === 'filter' ? bracketText(part) : '[]'
    if (part.kind === 'pick') {
      mayBeAbsent = (mayBeAbsent || mayBeEmpty || part.index >= node.minItems) && !scope.known.has(known)
      mayBeEmpty = mayBeAbsent
      node = node.item
      opened = false
      parts.push(part)
    } else if (part.kind === 'all') {
      opened = true
      parts.push(part)
    } else {
      const filter = resolveFilter(part, path, node.item, { scope, usage, report, wire: walk.wire, key, filteredKey })
      if (filter === null) return null
      opened = true
      mayBeEmpty = true
      parts.push(filter)
    }
  }
  const isList = node.kind === 'list'
  const inner = valueTypeOf(isList ? (node as Extract<SchemaNode, { kind: 'list' }>).item : node, walk.wire, false)
  const type: ValueType =
    many || isList
      ? { kind: 'list', item: inner, mayBeEmpty, mayBeAbsent: false }
      : valueTypeOf(node, walk.wire, mayBeAbsent)
  if (usage !== null && key !== null && inner.kind === 'leaf') {
    usage.plain.add(key)
    if (filteredKey !== null)
      usage.filtered.add(isList && !filteredKey.endsWith(']') ? `${filteredKey}[]` : filteredKey)
  }
  return { plan: { start: walk.start, parts, type }, node, wire: walk.wire, key, filteredKey, known }
}

interface Start {
  start: PathPlan['start']
  node: SchemaNode
  wire: boolean
  key: string | null
  filteredKey: string | null
  known: string
  mayBeAbsent: boolean
  /** How many parts of the path the start takes. */
  taken: number
}

function startOf(path: Path, scope: Scope, sourceOnly: boolean): Start {
  const first = path.parts[0]
  const name = first?.kind === 'name' ? first.name : ''
  const named = sourceOnly ? undefined : scope.names.findLast((one) => one.name === name)
  if (named !== undefined) {
    const { block: id, node, wire, key, filteredKey } = named
    return { start: { kind: 'block', id }, node, wire, key, filteredKey, known: `${id}`, mayBeAbsent: false, taken: 1 }
  }
  if (!sourceOnly && scope.contexts.fields.has(name)) {
    return {
      start: { kind: 'contexts' },
      node: scope.contexts,
      wire: false,
      key: null,
      filteredKey: null,
      known: 'c',
      mayBeAbsent: false,
      taken: 0,
    }
  }
  return {
    start: { kind: 'source' },
    node: scope.root,
    wire: scope.wire,
    key: '',
    filteredKey: '',
    known: 's',
    mayBeAbsent: false,
    taken: 0,
  }
}

interface FilterPlace {
  scope: Scope
  usage: Usage | null
  report: Report
  wire: boolean
  key: string | null
  filteredKey: string | null
}

function resolveFilter(
  part: Extract<PathPart, { kind: 'filter' }>,
  path: Path,
  item: SchemaNode,
  at: FilterPlace,
): PathPartPlan | null {
  let node = item
  let key = at.key
  for (const name of part.field) {
    const field = node.kind === 'record' ? node.fields.get(name) : undefined
    if (field === undefined)
      return at.report(
        path.offset,
        `筛选字段不存在：${part.field.join('.')}`,
        `unknown field ${part.field.join('.')} in a filter of ${path.text}`,
      )
    node = field.node
    key = join(key, name, node)
  }
  const type = valueTypeOf(node, at.wire, true)
  if (type.kind !== 'leaf') return at.report(path.offset, '筛选字段须为单个值', 'a filter compares a single value')
  if (at.usage !== null && key !== null) at.usage.plain.add(key)
  const other = part.value.kind === 'bare' ? outerPath(part.value.text, at.scope) : null
  if (other === null) {
    const literal = typedLiteral(part.value.text, type)
    if (typeof literal === 'string')
      return at.report(path.offset, literal, `${part.value.text} cannot be a value of ${part.field.join('.')}`)
    return { kind: 'filter', field: part.field, negated: part.negated, equals: literal }
  }
  const resolved = resolvePath({ ...other, offset: path.offset }, at.scope, at.usage, at.report)
  if (resolved === null) return null
  if (resolved.plan.type.kind !== 'leaf' || (resolved.plan.type.type === 'integer') !== (type.type === 'integer')) {
    return at.report(path.offset, '筛选两边的类型不同', 'the two sides of the filter are not of one type')
  }
  return { kind: 'filter', field: part.field, negated: part.negated, equals: { kind: 'path', path: resolved.plan } }
}

/** `row.YWH` is a path when `row` is a name of an outer block or a context; any other bare text is a literal. */
function outerPath(text: string, scope: Scope): Path | null {
  const first = /^([^.[\]]+)/u.exec(text)?.[1] ?? ''
  const isName =
    scope.names.some((one) => one.name === first) || (scope.contexts.fields.has(first) && text.includes('.'))
  if (!isName) return null
  try {
    return parsePath(text)
  } catch {
    return null
  }
}

/** A literal as it compares with a value of the type; a text says (in Chinese) why it cannot. */
export function typedLiteral(text: string, type: LeafValue): LiteralPlan | string {
  switch (type.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? { kind: 'literal', value: Number(text) } : `${text} 不是整数`
    case 'boolean':
      return text === 'true' || text === 'false'
        ? { kind: 'literal', value: text === 'true' }
        : `${text} 不是 true 或 false`
    case 'code':
      return type.words === null || type.words.includes(text) ? { kind: 'literal', value: text } : `枚举中没有 ${text}`
    case 'decimal':
    case 'instant':
      return '小数与时刻不能这样比较'
    case 'text':
    case 'date':
      return { kind: 'literal', value: text }
  }
}

function join(key: string | null, name: string, node: SchemaNode): string | null {
  if (key === null) return null
  return `${key}${key === '' ? '' : '.'}${name}${node.kind === 'list' ? '[]' : ''}`
}

function bracketText(part: Exclude<PathPart, { kind: 'name' }>): string {
  if (part.kind === 'all') return '[]'
  return part.kind === 'pick'
    ? `[${part.index}]`
    : `[${part.field.join('.')}${part.negated ? '!' : ''}=${part.value.text}]`
}
