import type { ArgumentPlan, ChoicePlan, ConditionPlan, PathPartPlan, PathPlan, StepPlan, ValuePlan } from './plan.ts'
import type { Direction } from './step.ts'

/** Lines of the function that is being written, fresh names, and the values that it is given. */
export class Code {
  readonly lines: string[] = []
  readonly constants: unknown[] = []
  readonly direction: Direction
  #names = 0

  constructor(direction: Direction) {
    this.direction = direction
  }

  add(...lines: string[]): void {
    this.lines.push(...lines)
  }

  name(prefix: string): string {
    this.#names += 1
    return `${prefix}${this.#names}`
  }

  /** A value that cannot be written as a literal: a step, a table, a pattern. */
  constant(value: unknown): string {
    const at = this.constants.indexOf(value)
    return `K[${at === -1 ? this.constants.push(value) - 1 : at}]`
  }
}

/** Every text that comes from a file goes into code through here. */
export function literal(value: string | number | boolean): string {
  return JSON.stringify(value)
}

/** Writes the lines that set `into` to the first option that holds; it is declared and absent before. */
export function writeChoice(code: Code, choice: ChoicePlan, into: string): void {
  let open = 0
  for (const { when, value } of choice.options) {
    if (when !== null) {
      code.add(`if (${conditionCode(code, when)}) {`)
      writeValue(code, value, into)
      code.add('} else {')
      open += 1
    } else writeValue(code, value, into)
  }
  code.add('}'.repeat(open))
}

export function writeValue(code: Code, plan: ValuePlan, into: string): void {
  const { source } = plan
  if (source.kind === 'literal') code.add(`${into} = ${literal(source.text)}`)
  else if (source.kind === 'row') code.add(`${into} = i${source.block}`)
  else {
    code.add(`${into} = ${pathCode(code, source.path)}`)
    writeGuard(code, source.path, into)
  }
  for (const step of plan.steps) writeStep(code, step, into)
}

/** Documents were checked before, yet a value of another type must become a place and not an exception. */
function writeGuard(code: Code, path: PathPlan, into: string): void {
  const type = path.type.kind === 'list' ? path.type.item : path.type
  if (type.kind !== 'leaf') return
  const js = type.type === 'integer' ? 'number' : type.type === 'boolean' ? 'boolean' : 'string'
  const wrong =
    path.type.kind === 'list'
      ? `!${into}.every((one) => typeof one === "${js}")`
      : `${into} !== undefined && typeof ${into} !== "${js}"`
  code.add(`if (${wrong}) ${into} = R.note("wrong-type")`)
}

function writeStep(code: Code, plan: StepPlan, into: string): void {
  const args = plan.args.map((arg) => argumentCode(code, arg, plan))
  const call = `${into} = ${code.constant(plan.step.run[code.direction])}(${[into, ...args, 'R'].join(', ')})`
  if (plan.step.absent === 'handles') code.add(`if (N.length === 0) ${call}`)
  else code.add(`if (${into} !== undefined) ${call}`)
}

function argumentCode(code: Code, arg: ArgumentPlan, step: StepPlan): string {
  switch (arg.kind) {
    case 'integer':
    case 'text':
      return arg.value === null ? 'undefined' : literal(arg.value)
    case 'pattern':
      return code.constant(arg.pattern)
    case 'table':
      return code.constant(code.direction === 'out' ? arg.table.toCode : wordsOf(arg))
    case 'value': {
      const { source } = arg.value
      const integer = step.name === 'default' && step.input.kind === 'leaf' && step.input.type === 'integer'
      if (source.kind === 'literal' && integer) return literal(Number(source.text))
      const name = code.name('a')
      code.add(`let ${name}`)
      writeValue(code, arg.value, name)
      return name
    }
  }
}

function wordsOf({ table }: Extract<ArgumentPlan, { kind: 'table' }>): ReadonlyMap<string, string | boolean> {
  const words = new Map<string, string | boolean>(table.toWord)
  if (table.isBoolean) for (const [key, word] of table.toWord) words.set(key, word === 'true')
  return Object.assign(words, { keep: table.unknown === 'keep' })
}

/** A path as one JavaScript expression: a value, `undefined` when it is absent, or an array of members. */
export function pathCode(code: Code, path: PathPlan): string {
  const { start } = path
  const variable = start.kind === 'block' ? `b${start.id}` : start.kind === 'source' ? 's' : 'c'
  const walked = walk(code, variable, path.parts)
  if (path.type.kind === 'list')
    return walked.isArray ? `H.members(${walked.text})` : `H.members(H.list(${walked.text}, R))`
  return path.parts.length === 0 ? walked.text : `(${walked.text} ?? undefined)`
}

function walk(code: Code, from: string, parts: readonly PathPartPlan[]): { text: string; isArray: boolean } {
  let text = from
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as PathPartPlan
    if (part.kind === 'name') {
      text += `?.[${literal(part.name)}]`
      continue
    }
    text = `H.list(${text}, R)`
    let at = index
    for (;;) {
      const bracket = parts[at]
      if (bracket === undefined || bracket.kind === 'name' || bracket.kind === 'pick') break
      if (bracket.kind === 'filter') text += filterCode(code, bracket)
      at += 1
    }
    const next = parts[at]
    if (next?.kind === 'pick') {
      text += `[${next.index}]`
      index = at
      continue
    }
    const rest = parts.slice(at)
    if (rest.length === 0) return { text, isArray: true }
    const member = code.name('m')
    const inner = walk(code, member, rest)
    return { text: `${text}.flatMap((${member}) => ${inner.text} ?? [])`, isArray: true }
  }
  return { text, isArray: false }
}

function filterCode(code: Code, part: Extract<PathPartPlan, { kind: 'filter' }>): string {
  const member = code.name('m')
  const value = `${member}${part.field.map((name) => `?.[${literal(name)}]`).join('')}`
  const other = part.equals.kind === 'literal' ? literal(part.equals.value) : pathCode(code, part.equals.path)
  return `.filter((${member}) => ${part.negated ? '!' : ''}H.equal(${value}, ${other}))`
}

export function conditionCode(code: Code, plan: ConditionPlan): string {
  switch (plan.kind) {
    case 'and':
    case 'or':
      return `(${plan.parts.map((part) => conditionCode(code, part)).join(plan.kind === 'and' ? ' && ' : ' || ')})`
    case 'not':
      return `!${conditionCode(code, plan.of)}`
    case 'present':
      return plan.path.type.kind === 'list'
        ? `(${pathCode(code, plan.path)}.length > 0)`
        : `(${pathCode(code, plan.path)} !== undefined)`
    case 'compare': {
      const value = pathCode(code, plan.path)
      const [first, ...more] = plan.literals.map((one) => literal(one.value))
      const test = more.length === 0 ? `${value} === ${first}` : `[${[first, ...more].join(', ')}].includes(${value})`
      return `${plan.negated ? '!' : ''}(${test})`
    }
  }
}
