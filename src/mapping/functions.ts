import { isDecimal, shiftDecimal } from '../base/money.ts'
import { type DatePattern, hasTimeOfDay, readDate, readInstant, writeDate, writeInstant } from './calendar.ts'
import { charactersIn, isLonger } from './characters.ts'
import { listFunctions } from './list-functions.ts'
import { both, misuse, type Notes, type Step, type StepFunction, textInput, type Value } from './step.ts'
import { type LeafValue, textValue, type ValueType } from './value-type.ts'

function money(input: ValueType, unit: 'wan' | 'yuan', result: 'wan' | 'yuan'): LeafValue {
  if (input.kind !== 'leaf' || (input.type !== 'decimal' && input.type !== 'integer')) {
    return misuse('此步骤只接受金额', 'this step takes an amount')
  }
  if (input.unit !== null && input.unit !== unit) {
    const [zh, en] = unit === 'wan' ? ['万元', '10,000 yuan (wan)'] : ['元', 'yuan']
    return misuse(`金额单位不符：此处应为${zh}`, `the unit does not fit: an amount in ${en} is expected`)
  }
  return textValue({ type: 'decimal', unit: result, mayBeAbsent: input.mayBeAbsent })
}

function shift(places: number, scaleOf: (scale: number) => number): StepFunction {
  return (value: string | number, scale: number, notes: Notes) => {
    const text = String(value)
    if (!isDecimal(text)) return notes.note('not-a-decimal')
    try {
      return shiftDecimal(text, places, scaleOf(scale))
    } catch {
      return notes.note('digit-lost')
    }
  }
}

/** `wan` in reads up to `scale` decimals, so that more is an error before the point is moved. */
const readWan: StepFunction = (value: string | number, scale: number, notes: Notes) => {
  const text = String(value)
  if (!isDecimal(text)) return notes.note('not-a-decimal')
  try {
    return shiftDecimal(shiftDecimal(text, 0, scale), 4, 2)
  } catch {
    return notes.note('digit-lost')
  }
}

const white = /[\s\u3000\ufeff]+/gu

const defined: Record<string, Step> = {
  code: {
    directions: ['out'],
    args: ['table'],
    absent: 'through',
    result: (input, { table }) => {
      const leaf = input.kind === 'leaf' ? input : misuse('code 只接受一个值', 'code takes one value')
      const words = leaf.type === 'boolean' ? ['false', 'true'] : leaf.words
      if (leaf.type !== 'boolean') textInput(leaf)
      const missing = (words ?? []).filter((word) => table?.toCode.has(word) !== true)
      if (missing.length > 0) {
        const list = missing.join(', ')
        misuse(`代码表 ${table?.name} 缺少：${list}`, `code table ${table?.name} does not have: ${list}`)
      }
      return textValue({
        table: table?.name ?? null,
        maxLength: table?.longestCode ?? null,
        mayBeAbsent: input.mayBeAbsent,
      })
    },
    run: both(
      (value: string | boolean, table: ReadonlyMap<string, string>, notes: Notes) =>
        table.get(String(value)) ?? notes.note('not-in-table'),
    ),
    example: {
      direction: 'out',
      input: 'ordinary',
      call: 'code(T)',
      output: '1',
      type: { type: 'code', words: ['ordinary', 'maximum'] },
    },
  },
  meaning: {
    directions: ['in'],
    args: ['table'],
    absent: 'through',
    result: (input, { table }) => {
      const leaf = textInput(input)
      if (leaf.table !== null && leaf.table !== table?.name) {
        misuse(`该字段的代码表是 ${leaf.table}`, `the code table of this field is ${leaf.table}`)
      }
      if (table?.isBoolean === true) return textValue({ type: 'boolean', mayBeAbsent: leaf.mayBeAbsent })
      return textValue({
        type: table?.unknown === 'keep' ? 'text' : 'code',
        words: [...new Set(table?.toWord.values() ?? [])],
        mayBeAbsent: leaf.mayBeAbsent,
      })
    },
    run: both((value: string, table: ReadonlyMap<string, string | boolean> & { keep?: boolean }, notes: Notes) => {
      return table.get(value) ?? (table.keep === true ? value : notes.note('not-in-table'))
    }),
    example: { direction: 'in', input: '2', call: 'meaning(T)', output: 'maximum' },
  },
  wan: {
    directions: ['out', 'in'],
    args: ['integer'],
    absent: 'through',
    result: (input, _, direction) => (direction === 'out' ? money(input, 'yuan', 'wan') : money(input, 'wan', 'yuan')),
    run: { out: shift(-4, (scale) => scale), in: readWan },
    example: { direction: 'out', input: '1286543.21', call: 'wan(6)', output: '128.654321', type: { type: 'decimal' } },
  },
  yuan: {
    directions: ['out', 'in'],
    args: ['integer'],
    absent: 'through',
    result: (input) => money(input, 'yuan', 'yuan'),
    run: both(shift(0, (scale) => scale)),
    example: { direction: 'in', input: '80', call: 'yuan(2)', output: '80.00', type: { type: 'decimal' } },
  },
  date: {
    directions: ['out', 'in'],
    args: ['pattern'],
    absent: 'through',
    result: (input, { pattern }, direction) => {
      if (pattern !== null && hasTimeOfDay(pattern)) {
        misuse(
          '日期没有时分秒：用 instant，或把 00:00:00 写成固定文字',
          'a date has no time of day: use instant, or write 00:00:00 as it is',
        )
      }
      if (direction === 'out') {
        if (input.kind !== 'leaf' || input.type !== 'date') misuse('date 只接受日期', 'date takes a date')
        return textValue({ stamp: 'date', pattern: pattern?.text ?? null, mayBeAbsent: input.mayBeAbsent })
      }
      wirePattern(textInput(input), pattern)
      return textValue({ type: 'date', mayBeAbsent: input.mayBeAbsent })
    },
    run: {
      out: (value: string, pattern: DatePattern, notes: Notes) => writeDate(value, pattern) ?? notes.note('not-a-date'),
      in: (value: string, pattern: DatePattern, notes: Notes) => readDate(value, pattern) ?? notes.note('not-a-date'),
    },
    example: {
      direction: 'out',
      input: '2026-11-06',
      call: `date("yyyy-MM-dd'T'00:00:00")`,
      output: '2026-11-06T00:00:00',
      type: { type: 'date' },
    },
  },
  instant: {
    directions: ['out', 'in'],
    args: ['pattern', 'zone'],
    absent: 'through',
    result: (input, { pattern }, direction) => {
      if (direction === 'out') {
        if (input.kind !== 'leaf' || input.type !== 'instant') misuse('instant 只接受时刻', 'instant takes an instant')
        return textValue({ stamp: 'instant', pattern: pattern?.text ?? null, mayBeAbsent: input.mayBeAbsent })
      }
      wirePattern(textInput(input), pattern)
      return textValue({ type: 'instant', mayBeAbsent: input.mayBeAbsent })
    },
    run: {
      out: (value: string, pattern: DatePattern, zone: string, notes: Notes) =>
        writeInstant(value, pattern, zone) ?? notes.note('not-a-date'),
      in: (value: string, pattern: DatePattern, zone: string, notes: Notes) => {
        const result = readInstant(value, pattern, zone)
        return typeof result === 'string' ? result : notes.note(result.fault)
      },
    },
    example: {
      direction: 'in',
      input: '2026-11-09T09:18:00',
      call: `instant("yyyy-MM-dd'T'HH:mm:ss", Asia/Shanghai)`,
      output: '2026-11-09T09:18:00+08:00',
    },
  },
  slice: {
    directions: ['out', 'in'],
    args: ['integer', 'optional-integer'],
    absent: 'through',
    result: (input, { integers }) => {
      const leaf = textInput(input)
      const [from = 0, to] = integers
      if (to !== undefined && to <= from) misuse('slice 的终点应大于起点', 'slice ends where it begins or before')
      return textValue({ mayBeAbsent: leaf.mayBeAbsent, maxLength: to === undefined ? leaf.maxLength : to - from })
    },
    run: both((value: string, from: number, to: number | undefined) => Array.from(value).slice(from, to).join('')),
    example: { direction: 'out', input: '420222001003GB00057', call: 'slice(0, 6)', output: '420222' },
  },
  pad: {
    directions: ['out', 'in'],
    args: ['integer', 'text'],
    absent: 'through',
    result: (input, { integers }) => {
      const leaf = textInput(input, true)
      const known = leaf.maxLength === null ? null : Math.max(leaf.maxLength, integers[0] ?? 0)
      return textValue({ mayBeAbsent: leaf.mayBeAbsent, maxLength: known })
    },
    run: both((value: string | number, width: number, filler: string) => String(value).padStart(width, filler)),
    example: { direction: 'out', input: 1, call: 'pad(2, 0)', output: '01', type: { type: 'integer' } },
  },
  strip: {
    directions: ['out', 'in'],
    args: ['optional-text'],
    absent: 'through',
    result: (input) => textValue({ ...pick(textInput(input)) }),
    run: both((value: string, characters: string | undefined) =>
      characters === undefined
        ? value.replace(white, '')
        : Array.from(value)
            .filter((one) => !characters.includes(one))
            .join(''),
    ),
    example: { direction: 'out', input: '01a1bddb-0550-78fb', call: 'strip(-)', output: '01a1bddb055078fb' },
  },
  upper: {
    directions: ['out', 'in'],
    args: [],
    absent: 'through',
    result: (input) => textValue({ ...pick(textInput(input)) }),
    run: both((value: string) => value.replace(/[a-z]+/g, (part) => part.toUpperCase())),
    example: { direction: 'out', input: 'sm3', call: 'upper', output: 'SM3' },
  },
  lower: {
    directions: ['out', 'in'],
    args: [],
    absent: 'through',
    result: (input) => textValue({ ...pick(textInput(input)) }),
    run: both((value: string) => value.replace(/[A-Z]+/g, (part) => part.toLowerCase())),
    example: { direction: 'in', input: 'SM3', call: 'lower', output: 'sm3' },
  },
  brackets: {
    directions: ['out', 'in'],
    args: ['half-or-full'],
    absent: 'through',
    result: (input) => textValue({ ...pick(textInput(input)) }),
    run: both((value: string, width: string) =>
      width === 'half'
        ? value.replaceAll('（', '(').replaceAll('）', ')')
        : value.replaceAll('(', '（').replaceAll(')', '）'),
    ),
    example: { direction: 'out', input: '鄂（2019）阳新县', call: 'brackets(half)', output: '鄂(2019)阳新县' },
  },
  text: {
    directions: ['out', 'in'],
    args: ['text', 'values'],
    absent: 'through',
    result: (input, { texts, values }) => {
      for (const value of [input, ...values]) textInput(value, true)
      const holes = (texts[0] ?? '').split('{}').length - 1
      if (holes !== values.length + 1) {
        misuse(
          `模板有 ${holes} 处 {}，值有 ${values.length + 1} 个`,
          `the template has ${holes} {} for ${values.length + 1} value(s)`,
        )
      }
      return textValue({ mayBeAbsent: [input, ...values].some((one) => one.mayBeAbsent) })
    },
    run: both((value: string | number, template: string, ...more: (string | number | undefined | Notes)[]) => {
      const values = [value, ...(more.slice(0, -1) as (string | number | undefined)[])]
      if (values.includes(undefined)) return undefined
      return template.split('{}').reduce((text, part, index) => text + String(values[index - 1]) + part)
    }),
    example: {
      direction: 'out',
      input: '2026-11-06',
      call: 'text("{}至{}", =2029-11-05)',
      output: '2026-11-06至2029-11-05',
    },
  },
  fits: {
    directions: ['out', 'in'],
    args: ['integer'],
    absent: 'through',
    result: (input, { integers }) => ({ ...textInput(input), maxLength: integers[0] ?? null }),
    run: both((value: string, most: number, notes: Notes) => (isLonger(value, most) ? notes.note('too-long') : value)),
    example: { direction: 'out', input: '阳新县', call: 'fits(3)', output: '阳新县' },
  },
  default: {
    directions: ['out', 'in'],
    args: ['value'],
    absent: 'handles',
    result: (input, { values }) => {
      const [other] = values
      if (input.kind !== 'leaf' || other?.kind !== 'leaf')
        return misuse('default 只用于单个值', 'default is for single values')
      if (other.literal === null && other.type !== input.type)
        misuse('default 的类型不同', 'default gives a value of another type')
      const longest = other.literal === null ? other.maxLength : charactersIn(other.literal)
      return {
        ...input,
        mayBeAbsent: other.mayBeAbsent,
        maxLength: input.maxLength === null || longest === null ? null : Math.max(input.maxLength, longest),
      }
    },
    run: both((value: Value, other: Value) => value ?? other),
    example: { direction: 'out', input: undefined, call: 'default(=/)', output: '/' },
  },
  required: {
    directions: ['out', 'in'],
    args: [],
    absent: 'handles',
    result: (input) =>
      input.kind === 'list'
        ? misuse('required 用于单个值', 'required is for single values')
        : { ...input, mayBeAbsent: false },
    run: both((value: Value, notes: Notes) => value ?? notes.note('missing')),
    example: { direction: 'out', input: 'x', call: 'required', output: 'x' },
  },
}

/** All steps of the language, by name. There are no others, and no scripts. */
export const functions: ReadonlyMap<string, Step> = new Map(Object.entries({ ...defined, ...listFunctions }))

function pick(leaf: LeafValue): Partial<LeafValue> {
  return { mayBeAbsent: leaf.mayBeAbsent, maxLength: leaf.maxLength }
}

function wirePattern(leaf: LeafValue, pattern: DatePattern | null): void {
  if (leaf.pattern !== null && leaf.pattern !== pattern?.text) {
    misuse(`该字段的格式是 ${leaf.pattern}`, `the pattern of this field is ${leaf.pattern}`)
  }
}
