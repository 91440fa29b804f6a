import type { DatePattern } from './calendar.ts'
import type { CodeTable } from './code-table.ts'
import type { PlaceCode } from './faults.ts'
import { type LeafValue, typeName, type ValueType } from './value-type.ts'

export type Direction = 'out' | 'in'

/** What a running step tells that it cannot do; the compiled line then adds the place. */
export interface Notes {
  note: (code: PlaceCode) => void
}

export type Value = unknown

export interface StepArguments {
  integers: readonly number[]
  texts: readonly string[]
  table: CodeTable | null
  pattern: DatePattern | null
  /** Types of the arguments that are values themselves. */
  values: readonly ValueType[]
}

export type ArgumentKind =
  | 'integer'
  | 'optional-integer'
  | 'text'
  | 'optional-text'
  | 'half-or-full'
  | 'table'
  | 'pattern'
  | 'zone'
  | 'value'
  | 'values'

/** One step. Absent never reaches `run` unless `absent` is `handles`. */
export interface Step {
  directions: readonly Direction[]
  args: readonly ArgumentKind[]
  /** `through`: absent stays absent. `gives`: may give absent for a value that is there. `handles`: takes absent. */
  absent: 'through' | 'gives' | 'handles'
  /** Type of the result. @throws {StepMisuse} when the input cannot be taken. */
  result: (input: ValueType, args: StepArguments, direction: Direction) => ValueType
  /** Arguments at run time in the order of `args`; a table is given as its Map. */
  run: Readonly<Record<Direction, StepFunction>>
  /** A line of the reference that is also a test; `table` gives the values of T. */
  example: { direction: Direction; input: Value; call: string; output: Value; type?: Partial<LeafValue> }
}

export type StepFunction = (value: never, ...more: never[]) => Value

export class StepMisuse extends Error {
  readonly zh: string

  constructor(zh: string, en: string) {
    super(en)
    this.name = 'StepMisuse'
    this.zh = zh
  }
}

export function misuse(zh: string, en: string): never {
  throw new StepMisuse(zh, en)
}

/** A value that is text when the program runs, also where it stands for something else. */
export function textInput(input: ValueType, integers = false): LeafValue {
  if (input.kind === 'leaf' && input.type !== 'boolean' && (integers || input.type !== 'integer')) return input
  const [zh, en] = typeName(input)
  return misuse(`此步骤只接受文本，得到的是${zh}`, `this step takes a text, not a ${en}`)
}

export function listInput(input: ValueType): Extract<ValueType, { kind: 'list' }> {
  if (input.kind === 'list') return input
  return misuse('此步骤只接受列表', 'this step takes a list')
}

export function both(run: StepFunction): Record<Direction, StepFunction> {
  return { out: run, in: run }
}
