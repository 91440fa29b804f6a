import { isDecimal, shiftDecimal } from '../base/money.ts'
import { both, listInput, misuse, type Notes, type Step, textInput, type Value } from './step.ts'
import { type LeafValue, textValue, type ValueType } from './value-type.ts'

/** The steps that take or give a list. */
export const listFunctions: Record<string, Step> = {
  join: {
    directions: ['out', 'in'],
    args: ['text'],
    absent: 'gives',
    result: (input) => {
      listOfTexts(input)
      return textValue({ mayBeAbsent: listInput(input).mayBeEmpty })
    },
    run: both((value: readonly string[], separator: string) =>
      value.length === 0 ? undefined : value.join(separator),
    ),
    example: {
      direction: 'out',
      input: ['柯𠮷明', '古丽娜·艾山江'],
      call: 'join(、)',
      output: '柯𠮷明、古丽娜·艾山江',
    },
  },
  split: {
    directions: ['out', 'in'],
    args: ['text'],
    absent: 'through',
    result: (input) => ({
      kind: 'list',
      item: textValue({ maxLength: textInput(input).maxLength }),
      mayBeEmpty: input.mayBeAbsent,
      mayBeAbsent: false,
    }),
    run: both((value: string, separator: string) => value.split(separator)),
    example: {
      direction: 'in',
      input: '柯𠮷明、古丽娜·艾山江',
      call: 'split(、)',
      output: ['柯𠮷明', '古丽娜·艾山江'],
    },
  },
  first: {
    directions: ['out', 'in'],
    args: [],
    absent: 'gives',
    result: (input) => firstOf(input),
    run: both((value: readonly Value[]) => value[0]),
    example: { direction: 'out', input: ['a', 'b'], call: 'first', output: 'a' },
  },
  only: {
    directions: ['out', 'in'],
    args: [],
    absent: 'through',
    result: memberOf,
    run: both((value: readonly Value[], notes: Notes) => (value.length === 1 ? value[0] : notes.note('not-single'))),
    example: { direction: 'in', input: ['a'], call: 'only', output: 'a' },
  },
  count: {
    directions: ['out', 'in'],
    args: [],
    absent: 'through',
    result: (input) => {
      listInput(input)
      return textValue({ type: 'integer' })
    },
    run: both((value: readonly Value[]) => value.length),
    example: { direction: 'out', input: ['a', 'b'], call: 'count', output: 2 },
  },
  sum: {
    directions: ['out', 'in'],
    args: [],
    absent: 'gives',
    result: (input) => {
      const { item, mayBeEmpty } = listInput(input)
      if (item.kind !== 'leaf' || item.type !== 'decimal') misuse('sum 只接受小数列表', 'sum takes a list of decimals')
      return { ...item, mayBeAbsent: mayBeEmpty }
    },
    run: both((value: readonly string[], notes: Notes) => {
      if (value.length === 0) return undefined
      return value.every(isDecimal) ? exactSum(value) : notes.note('not-a-decimal')
    }),
    example: {
      direction: 'in',
      input: ['0.10', '0.20', '80'],
      call: 'sum',
      output: '80.30',
      type: { type: 'decimal' },
    },
  },
}

function listOfTexts(input: ValueType): LeafValue {
  return textInput(listInput(input).item)
}

function firstOf(input: ValueType): ValueType {
  const { item, mayBeEmpty } = listInput(input)
  return item.kind === 'list' ? item : { ...item, mayBeAbsent: mayBeEmpty }
}

function memberOf(input: ValueType): ValueType {
  return listInput(input).item
}

function exactSum(values: readonly string[]): string {
  const scale = Math.max(...values.map((value) => (value.split('.')[1] ?? '').length))
  let total = 0n
  for (const value of values) total += BigInt(shiftDecimal(value, scale, 0))
  return shiftDecimal(String(total), -scale, scale)
}
