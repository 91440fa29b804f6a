import { addressList } from './base/address-list.ts'

/** One setting: what it is called, what it means, and how its value is read. */
export interface Setting<T> {
  variable: string
  unit?: string
  secret?: true
  about: string
  fallback: T
  read(raw: unknown): T | Fault
}

/** What is wrong with a value, as the end of a sentence. */
export class Fault {
  readonly sentence: string
  constructor(sentence: string) {
    this.sentence = sentence
  }
}

// Without user and password: these addresses are shown.
export const URL_FORM = {
  pattern: /^https?:\/\/[^\s/?#@]+(\/\S*)?$/,
  form: 'an http or https address without credentials',
}

type About = { variable: string; about: string; unit?: string; secret?: true }

export function integer(about: About & { fallback: number; min: number; max: number }): Setting<number> {
  return {
    ...about,
    read: (raw) => {
      const value = typeof raw === 'number' ? raw : /^\d+$/.test(String(raw)) ? Number(raw) : Number.NaN
      if (Number.isInteger(value) && value >= about.min && value <= about.max) return value
      return new Fault(`must be a whole number from ${about.min} to ${about.max}`)
    },
  }
}

export function text(about: About & { fallback: string; pattern?: RegExp; form?: string }): Setting<string> {
  return {
    ...about,
    read: (raw) => {
      if (typeof raw !== 'string' || raw.trim() === '') return new Fault('must be text that is not empty')
      if (about.pattern !== undefined && !about.pattern.test(raw))
        return new Fault(`must be ${about.form ?? about.pattern.source}`)
      return raw
    },
  }
}

export function optional(about: About & { pattern?: RegExp; form?: string }): Setting<string | null> {
  const inner = text({ ...about, fallback: '' })
  return { ...about, fallback: null, read: (raw) => (raw === '' || raw === null ? null : inner.read(raw)) }
}

export function flag(about: About & { fallback: boolean }): Setting<boolean> {
  return {
    ...about,
    read: (raw) => {
      if (raw === true || raw === 'true') return true
      if (raw === false || raw === 'false') return false
      return new Fault('must be true or false')
    },
  }
}

/** Networks in CIDR notation, separated by commas or a list of the file; an empty value is an empty list. */
export function networks(about: About & { fallback: readonly string[] }): Setting<readonly string[]> {
  return {
    ...about,
    read: (raw) => {
      const items: unknown[] = Array.isArray(raw) ? raw : String(raw).split(',')
      const list = items.map((item) => String(item).trim()).filter((item) => item !== '')
      try {
        addressList(list)
        return list
      } catch {
        return new Fault('must be networks as in 10.1.0.0/16, fd00::/8, separated by commas')
      }
    },
  }
}

export function choice<T extends string>(about: About & { fallback: T; of: readonly T[] }): Setting<T> {
  return {
    ...about,
    read: (raw) => about.of.find((one) => one === raw) ?? new Fault(`must be one of ${about.of.join(', ')}`),
  }
}
