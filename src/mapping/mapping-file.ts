import { isMap, isScalar, isSeq } from 'yaml'
import {
  type Condition,
  type Expression,
  ExpressionFault,
  type Path,
  parseCondition,
  parseEach,
  parseExpression,
  parsePath,
} from './expression.ts'
import { offsetOf, type YamlFile } from './yaml-file.ts'

/** One mapping file as it is written. Offsets are of the file, so that every fault has its line and column. */
export interface MappingFile {
  yaml: YamlFile
  name: string
  version: string
  from: string
  to: string
  /** Offsets of the head's keys, for faults about them. */
  heads: ReadonlyMap<string, number>
  lines: readonly Line[]
  ignores: readonly { path: Path; offset: number }[]
}

/** One target and what is written there. */
export interface Line {
  target: string
  offset: number
  value: { kind: 'choice'; options: readonly Option[] } | { kind: 'blocks'; blocks: readonly Block[] }
}

/** A value and the condition under which it counts; null: always. */
export interface Option {
  when: Located<Condition> | null
  expression: Located<Expression>
}

/** Rows of a repeated group. Exactly one of `set` and `rows` is there. */
export interface Block {
  each: (Located<Path> & { name: string }) | null
  where: Located<Condition> | null
  set: readonly Line[] | null
  rows: readonly Block[] | null
  offset: number
}

export interface Located<T> {
  tree: T
  /** Offset of the text in the file; offsets within the tree are added to it. */
  offset: number
}

const RESERVED = new Set(['inverse-of', 'overlay', 'base', 'remove'])

/** Reads a mapping file; everything that is not of the grammar goes to the file's faults. */
export function readMappingFile(yaml: YamlFile): MappingFile {
  const heads = new Map<string, number>()
  const texts = new Map<string, string>()
  let lines: readonly Line[] = []
  const ignores: { path: Path; offset: number }[] = []
  for (const { key, offset, value } of yaml.entries(yaml.root, '')) {
    heads.set(key, offset)
    if (key === 'set') lines = readLines(yaml, value, '')
    else if (key === 'ignore') {
      for (const entry of yaml.entries(value, 'ignore')) {
        const reason = yaml.scalar(entry.value, entry.key, true)
        if (reason !== null && reason.text.trim() === '') {
          yaml.fault(entry.offset, entry.key, 'ignore 须写明原因', 'ignore needs a reason')
        }
        const path = attempt(yaml, entry.offset, entry.key, () => parsePath(entry.key))
        if (path !== null) ignores.push({ path, offset: entry.offset })
      }
    } else if (key === 'mapping' || key === 'version' || key === 'from' || key === 'to') {
      texts.set(key, yaml.scalar(value, key)?.text ?? '')
    } else if (RESERVED.has(key)) {
      yaml.fault(offset, key, `${key} 保留给以后的版本`, `${key} is reserved for a later form of the language`)
    } else yaml.fault(offset, key, '未知的键', `unknown key ${key}`)
  }
  for (const key of ['mapping', 'version', 'from', 'to', 'set']) {
    if (!heads.has(key)) yaml.fault(0, key, `缺少 ${key}`, `${key} is missing`)
  }
  const version = texts.get('version') ?? ''
  if (heads.has('version') && !/^[1-9]\d*$/.test(version)) {
    yaml.fault(heads.get('version') ?? 0, 'version', '版本应为正整数', 'the version is a whole number from 1')
  }
  return {
    yaml,
    name: texts.get('mapping') ?? '',
    version,
    from: texts.get('from') ?? '',
    to: texts.get('to') ?? '',
    heads,
    lines,
    ignores,
  }
}

function readLines(yaml: YamlFile, node: unknown, under: string): Line[] {
  return yaml.entries(node, under).flatMap(({ key, offset, value }): Line[] => {
    const read = readValue(yaml, value, under === '' ? key : `${under}.${key}`)
    return read === null ? [] : [{ target: key, offset, value: read }]
  })
}

function readValue(yaml: YamlFile, node: unknown, path: string): Line['value'] | null {
  if (isScalar(node) || node === null) {
    const expression = readExpression(yaml, node, path)
    return expression === null ? null : { kind: 'choice', options: [{ when: null, expression }] }
  }
  if (isMap(node)) {
    return isChoice(node)
      ? { kind: 'choice', options: readWhen(yaml, node, path) }
      : { kind: 'blocks', blocks: [readBlock(yaml, node, path)] }
  }
  if (isSeq(node)) {
    const items = node.items
    const choices = items.filter((item) => isChoice(item)).length
    if (choices === items.length && items.length > 0) {
      const options = items.flatMap((item) => readWhen(yaml, item, path))
      const early = options.slice(0, -1).find((option) => option.when === null)
      if (early !== undefined) yaml.fault(early.expression.offset, path, 'else 只能在最后', 'else comes last')
      return { kind: 'choice', options }
    }
    if (choices > 0)
      yaml.fault(offsetOf(node), path, '列表不能混用 when 与 each', 'a list has either when or each, not both')
    return { kind: 'blocks', blocks: items.map((item) => readBlock(yaml, item, path)) }
  }
  yaml.fault(offsetOf(node), path, '不支持的写法', 'not of the mapping language')
  return null
}

function isChoice(node: unknown): boolean {
  return isMap(node) && (node.has('when') || node.has('value') || node.has('else'))
}

/** `{ when, value, else }`, or `{ else }` at the end of a list. */
function readWhen(yaml: YamlFile, node: unknown, path: string): Option[] {
  let when: Located<Condition> | null = null
  let value: Located<Expression> | null = null
  let otherwise: Located<Expression> | null = null
  const keys = new Set<string>()
  for (const { key, offset, value: child } of yaml.entries(node, path)) {
    keys.add(key)
    if (key === 'when') when = readCondition(yaml, child, path)
    else if (key === 'value') value = readExpression(yaml, child, path)
    else if (key === 'else') otherwise = readExpression(yaml, child, path)
    else yaml.fault(offset, path, `此处不能有 ${key}`, `${key} has no place beside when, value and else`)
  }
  if (keys.has('when') !== keys.has('value')) {
    yaml.fault(offsetOf(node), path, 'when 与 value 须成对', 'when and value come together')
  }
  return [
    ...(when !== null && value !== null ? [{ when, expression: value }] : []),
    ...(otherwise === null ? [] : [{ when: null, expression: otherwise }]),
  ]
}

function readBlock(yaml: YamlFile, node: unknown, path: string): Block {
  let each: Block['each'] = null
  let where: Block['where'] = null
  let set: readonly Line[] | null = null
  let rows: readonly Block[] | null = null
  for (const { key, offset, value } of yaml.entries(node, path)) {
    if (key === 'each') each = readEach(yaml, value, path)
    else if (key === 'where') where = readCondition(yaml, value, path)
    else if (key === 'set') set = readLines(yaml, value, path)
    else if (key === 'rows') rows = (isSeq(value) ? value.items : [value]).map((item) => readBlock(yaml, item, path))
    else yaml.fault(offset, path, `块中不能有 ${key}`, `a block has each, where, and set or rows, not ${key}`)
  }
  const offset = offsetOf(node)
  if ((set === null) === (rows === null)) {
    yaml.fault(offset, path, '块中须有 set 或 rows 之一', 'a block has either set or rows')
    if (set === null) set = []
    else rows = null
  }
  return { each, where, set, rows, offset }
}

function readEach(yaml: YamlFile, node: unknown, path: string): Block['each'] {
  const scalar = yaml.scalar(node, path, true)
  if (scalar === null) return null
  const each = attempt(yaml, scalar.offset, path, () => parseEach(scalar.text))
  return each === null ? null : { tree: each.path, name: each.name, offset: scalar.offset }
}

function readCondition(yaml: YamlFile, node: unknown, path: string): Located<Condition> | null {
  const scalar = yaml.scalar(node, path, true)
  if (scalar === null) return null
  const tree = attempt(yaml, scalar.offset, path, () => parseCondition(scalar.text))
  return tree === null ? null : { tree, offset: scalar.offset }
}

function readExpression(yaml: YamlFile, node: unknown, path: string): Located<Expression> | null {
  const scalar = yaml.scalar(node, path, true)
  if (scalar === null) return null
  const tree = attempt(yaml, scalar.offset, path, () => parseExpression(scalar.text))
  return tree === null ? null : { tree, offset: scalar.offset }
}

function attempt<T>(yaml: YamlFile, offset: number, path: string, parse: () => T): T | null {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof ExpressionFault)) throw cause
    yaml.fault(offset + cause.offset, path, cause.zh, cause.message)
    return null
  }
}
