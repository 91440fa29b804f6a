/**
 * Expressions and conditions of the mapping language, as trees. Offsets are within the text that was parsed.
 * Nothing here knows schemas; the checker gives names their meaning.
 */
export interface Path {
  parts: readonly PathPart[]
  text: string
  offset: number
}

export type PathPart =
  | { kind: 'name'; name: string }
  | { kind: 'pick'; index: number }
  | { kind: 'filter'; field: readonly string[]; negated: boolean; value: FilterValue }
  | { kind: 'all' }

/** `bare` may be a literal or a path of an outer name: the checker decides by the names in scope. */
type FilterValue = { kind: 'bare' | 'quoted'; text: string }

type Source =
  | { kind: 'path'; path: Path }
  | { kind: 'literal'; text: string; offset: number }
  | { kind: 'row'; of: string | null; offset: number }

export interface Argument {
  kind: 'bare' | 'quoted' | 'literal'
  text: string
  offset: number
}

export interface StepCall {
  name: string
  args: readonly Argument[]
  offset: number
}

export interface Expression {
  source: Source
  steps: readonly StepCall[]
  text: string
}

export type Condition =
  | { kind: 'and' | 'or'; parts: readonly Condition[] }
  | { kind: 'not'; of: Condition }
  | { kind: 'compare'; path: Path; negated: boolean; literals: readonly { text: string; offset: number }[] }
  | { kind: 'present' | 'absent'; path: Path }

/** A text that is not of the grammar, with the offset where it stops being so. */
export class ExpressionFault extends Error {
  readonly offset: number
  readonly zh: string

  constructor(offset: number, zh: string, en: string) {
    super(en)
    this.name = 'ExpressionFault'
    this.offset = offset
    this.zh = zh
  }
}

const NAME = /[\p{L}_][\p{L}\p{N}_-]*/uy
const BARE_ARGUMENT = /[^,()|"]*/uy
const BARE_FILTER = /[^\]"]*/uy
const BARE_LITERAL = /[^\s(),"]+/uy
const QUOTED = /"(?:[^"\\]|\\.)*"/uy

class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get done(): boolean {
    return this.at >= this.text.length
  }

  blanks(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\n' || this.text[this.at] === '\t') this.at += 1
  }

  take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null || found[0] === '') return null
    this.at += found[0].length
    return found[0]
  }

  /** A word of the condition language, followed by a blank, a bracket or the end. */
  word(word: string): boolean {
    if (!this.text.startsWith(word, this.at) || /[\p{L}\p{N}_.[-]/u.test(this.text[this.at + word.length] ?? ' '))
      return false
    this.at += word.length
    return true
  }

  quoted(): string | null {
    if (this.text[this.at] !== '"') return null
    const start = this.at
    const found = this.match(QUOTED)
    if (found === null) return this.fail('引号没有结束', 'a quote that does not end', start)
    return found.slice(1, -1).replace(/\\(.)/gu, '$1')
  }

  fail(zh: string, en: string, at = this.at): never {
    throw new ExpressionFault(at, zh, en)
  }
}

/** @throws {ExpressionFault} */
export function parseExpression(text: string): Expression {
  const reader = new Reader(text)
  reader.blanks()
  const source = readSource(reader)
  const steps: StepCall[] = []
  reader.blanks()
  while (!reader.done) {
    if (!reader.take('|')) reader.fail('此处应为“|”或结束', 'a bar or the end is expected here')
    reader.blanks()
    steps.push(readStep(reader))
    reader.blanks()
  }
  return { source, steps, text: text.trim() }
}

/** @throws {ExpressionFault} */
export function parsePath(text: string): Path {
  const reader = new Reader(text)
  reader.blanks()
  const path = readPath(reader)
  reader.blanks()
  if (!reader.done) reader.fail('路径后有多余内容', 'something follows the path')
  return path
}

/** @throws {ExpressionFault} */
export function parseCondition(text: string): Condition {
  const reader = new Reader(text)
  const condition = readOr(reader)
  reader.blanks()
  if (!reader.done) reader.fail('条件后有多余内容', 'something follows the condition')
  return condition
}

/** `LIST as NAME`. @throws {ExpressionFault} */
export function parseEach(text: string): { path: Path; name: string; nameOffset: number } {
  const reader = new Reader(text)
  reader.blanks()
  const path = readPath(reader)
  reader.blanks()
  if (!reader.word('as')) reader.fail('each 的写法是“列表 as 名称”', 'each is written LIST as NAME')
  reader.blanks()
  const nameOffset = reader.at
  const name = reader.match(NAME) ?? reader.fail('缺少名称', 'a name is missing')
  reader.blanks()
  if (!reader.done) reader.fail('名称后有多余内容', 'something follows the name')
  return { path, name, nameOffset }
}

function readSource(reader: Reader): Source {
  const offset = reader.at
  if (reader.take('=')) {
    const quoted = reader.quoted()
    if (quoted !== null) return { kind: 'literal', text: quoted, offset }
    const bar = reader.text.indexOf(' | ', reader.at)
    const end = bar === -1 ? reader.text.length : bar
    const text = reader.text.slice(reader.at, end).trimEnd()
    reader.at = end
    return { kind: 'literal', text, offset }
  }
  if (reader.take('$n')) {
    if (!reader.take('(')) return { kind: 'row', of: null, offset }
    const of = reader.match(NAME) ?? reader.fail('$n(…) 中应为名称', 'a name is expected in $n(…)')
    if (!reader.take(')')) reader.fail('缺少“)”', 'a closing bracket is missing')
    return { kind: 'row', of, offset }
  }
  return { kind: 'path', path: readPath(reader) }
}

function readPath(reader: Reader): Path {
  const offset = reader.at
  const parts: PathPart[] = []
  do {
    const name = reader.match(NAME) ?? reader.fail('此处应为名称', 'a name is expected here')
    parts.push({ kind: 'name', name })
    while (reader.take('[')) parts.push(readBracket(reader))
  } while (reader.take('.'))
  return { parts, text: reader.text.slice(offset, reader.at), offset }
}

function readBracket(reader: Reader): PathPart {
  if (reader.take(']')) return { kind: 'all' }
  const index = reader.match(/\d+/y)
  if (index !== null) {
    if (!reader.take(']')) reader.fail('缺少“]”', 'a closing ] is missing')
    return { kind: 'pick', index: Number(index) }
  }
  const field: string[] = []
  do field.push(reader.match(NAME) ?? reader.fail('筛选应为 [字段=值]', 'a filter is written [field=value]'))
  while (reader.take('.'))
  const negated = reader.take('!')
  if (!reader.take('=')) reader.fail('筛选应为 [字段=值]', 'a filter is written [field=value]')
  const quoted = reader.quoted()
  const value: FilterValue =
    quoted === null
      ? { kind: 'bare', text: (reader.match(BARE_FILTER) ?? '').trim() }
      : { kind: 'quoted', text: quoted }
  if (!reader.take(']')) reader.fail('缺少“]”', 'a closing ] is missing')
  return { kind: 'filter', field, negated, value }
}

function readStep(reader: Reader): StepCall {
  const offset = reader.at
  const name = reader.match(NAME) ?? reader.fail('此处应为步骤名', 'the name of a step is expected here')
  const args: Argument[] = []
  if (reader.take('(')) {
    for (;;) {
      reader.blanks()
      const at = reader.at
      const literal = reader.take('=')
      const quoted = reader.quoted()
      if (quoted !== null) args.push({ kind: literal ? 'literal' : 'quoted', text: quoted, offset: at })
      else {
        const bare = readBareArgument(reader).trim()
        if (literal || bare !== '') args.push({ kind: literal ? 'literal' : 'bare', text: bare, offset: at })
        else if (args.length > 0) reader.fail('缺少参数', 'an argument is missing')
      }
      reader.blanks()
      if (reader.take(')')) break
      if (!reader.take(',')) reader.fail('此处应为“,”或“)”', 'a comma or a closing bracket is expected here')
    }
  }
  return { name, args, offset }
}

/** Up to the comma or closing bracket; what stands in `[ ]` belongs to a path, with its own quotes. */
function readBareArgument(reader: Reader): string {
  let text = ''
  for (;;) {
    const piece = reader.match(BARE_ARGUMENT) ?? ''
    text += piece
    const open = text.lastIndexOf('[') > text.lastIndexOf(']')
    if (!open || reader.done) return text
    const quoted = reader.match(QUOTED) ?? reader.match(/[,()|]/uy)
    if (quoted === null) return text
    text += quoted
  }
}

function readOr(reader: Reader): Condition {
  const parts = [readAnd(reader)]
  for (;;) {
    reader.blanks()
    if (!reader.word('or')) break
    parts.push(readAnd(reader))
  }
  return parts.length === 1 ? (parts[0] as Condition) : { kind: 'or', parts }
}

function readAnd(reader: Reader): Condition {
  const parts = [readOne(reader)]
  for (;;) {
    reader.blanks()
    if (!reader.word('and')) break
    parts.push(readOne(reader))
  }
  return parts.length === 1 ? (parts[0] as Condition) : { kind: 'and', parts }
}

function readOne(reader: Reader): Condition {
  reader.blanks()
  if (reader.word('not')) return { kind: 'not', of: readOne(reader) }
  if (reader.take('(')) {
    const inner = readOr(reader)
    reader.blanks()
    if (!reader.take(')')) reader.fail('缺少“)”', 'a closing bracket is missing')
    return inner
  }
  const path = readPath(reader)
  reader.blanks()
  if (reader.word('present')) return { kind: 'present', path }
  if (reader.word('absent')) return { kind: 'absent', path }
  if (reader.word('in')) {
    reader.blanks()
    if (!reader.take('(')) reader.fail('in 的写法是 in (a, b)', 'in is written in (a, b)')
    const literals = []
    do literals.push(readLiteral(reader))
    while (reader.take(','))
    if (!reader.take(')')) reader.fail('缺少“)”', 'a closing bracket is missing')
    return { kind: 'compare', path, negated: false, literals }
  }
  const negated = reader.take('!')
  if (!reader.take('=')) {
    reader.fail('条件应为 =、!=、in、present 或 absent', 'a condition says =, !=, in, present or absent')
  }
  return { kind: 'compare', path, negated, literals: [readLiteral(reader)] }
}

function readLiteral(reader: Reader): { text: string; offset: number } {
  reader.blanks()
  const offset = reader.at
  const text = reader.quoted() ?? reader.match(BARE_LITERAL) ?? reader.fail('缺少值', 'a literal is missing')
  reader.blanks()
  return { text, offset }
}
