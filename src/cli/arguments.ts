import { parseArgs } from 'node:util'

/** `text` takes a value once, `texts` values separated by commas or given again, `flag` none. */
interface OptionSpec {
  kind: 'text' | 'texts' | 'flag'
  required?: true
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>

export const text = { kind: 'text' } as const
export const requiredText = { kind: 'text', required: true } as const
export const texts = { kind: 'texts' } as const
export const requiredTexts = { kind: 'texts', required: true } as const
export const flag = { kind: 'flag' } as const

interface UsageFault {
  zh: string
  en: string
}

/** Wrong usage, every fault of it. */
export class UsageError extends Error {
  readonly command: string
  readonly faults: readonly UsageFault[]

  constructor(command: string, faults: readonly UsageFault[]) {
    super(faults.map(({ en }) => en).join('; '))
    this.name = 'UsageError'
    this.command = command
    this.faults = faults
  }
}

/** What was given; asking for what a command does not declare is a fault of ours. */
export interface Given {
  /** Of an option or positional that is required. */
  text(name: string): string
  optional(name: string): string | undefined
  texts(name: string): string[]
  flag(name: string): boolean
}

interface Expected {
  options?: OptionSpecs
  positionals?: readonly string[]
}

/** @throws {UsageError} naming every unknown, missing, repeated and valueless option and every surplus word. */
export function readArguments(command: string, expected: Expected, args: readonly string[]): Given {
  const { options = {}, positionals = [] } = expected
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { kind }]) => [
        name,
        { type: kind === 'flag' ? ('boolean' as const) : ('string' as const), multiple: true },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const named = new Set<string>()
  const words: string[] = []
  const faults: UsageFault[] = []
  let unknownAt = -1
  for (const token of tokens) {
    if (token.kind === 'positional') {
      // The word behind an unknown option is taken for its value: one fault, not two.
      if (token.index !== unknownAt + 1 || unknownAt < 0) words.push(token.value)
      continue
    }
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const spec = Object.hasOwn(options, name) ? options[name] : undefined
    if (spec === undefined) {
      unknownAt = value === undefined ? token.index : -1
      faults.push({ zh: `没有选项 ${rawName}`, en: `there is no option ${rawName}` })
      continue
    }
    if (named.has(name) && spec.kind !== 'texts') {
      faults.push({ zh: `选项 ${rawName} 给出多次`, en: `${rawName} is given more than once` })
    }
    named.add(name)
    if (spec.kind === 'flag') {
      if (value !== undefined) faults.push({ zh: `选项 ${rawName} 不带值`, en: `${rawName} takes no value` })
    } else if (value === undefined || value === '' || (!token.inlineValue && value.startsWith('-'))) {
      faults.push({
        zh: `选项 ${rawName} 需要一个值（以 - 开头的值写作 ${rawName}=值）`,
        en: `${rawName} needs a value (one that begins with - is written ${rawName}=VALUE)`,
      })
    } else values.set(name, [...(values.get(name) ?? []), value])
  }
  for (const [name, { required }] of Object.entries(options)) {
    if (required === true && !named.has(name)) faults.push({ zh: `缺少选项 --${name}`, en: `--${name} is missing` })
  }
  for (const [i, place] of positionals.entries()) {
    const word = words[i]
    const name = place.replace(/\?$/, '')
    if (word !== undefined) values.set(name, [word])
    else if (!place.endsWith('?')) faults.push({ zh: `缺少 ${name}`, en: `${name} is missing` })
  }
  for (const word of words.slice(positionals.length)) {
    faults.push({ zh: `多余的参数 ${word}`, en: `${word} is one argument too many` })
  }
  if (faults.length > 0) throw new UsageError(command, faults)
  return {
    text: (name) => {
      const value = values.get(name)?.[0]
      if (value === undefined) throw new Error(`${command} did not require ${name}`)
      return value
    },
    optional: (name) => values.get(name)?.[0],
    texts: (name) =>
      (values.get(name) ?? [])
        .flatMap((value) => value.split(/[,，]/))
        .map((value) => value.trim())
        .filter((value) => value !== ''),
    flag: (name) => named.has(name),
  }
}
