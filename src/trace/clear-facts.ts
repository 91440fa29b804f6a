import type { Json, JsonObject } from '../base/json.ts'

/**
 * What may stand in the clear part of a record: true and false, small whole numbers, moments, and short texts of one of
 * the forms below. They are the gateway's own words and ids, never copied from a message; whatever names a person or a
 * property belongs in `personal`.
 */
type Fact = boolean | number | string | Date | null | readonly Fact[]
export type Facts = { readonly [name: string]: Fact | undefined }

// A phone number has 11 digits.
const NUMBER_LIMIT = 1e10
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What there is one of for each bank: `webhook:<id>`. */
const OF_ONE = /^[a-z]{1,20}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const DIGEST = /^([0-9a-f]{64}|[0-9a-f]{40})$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
/** Area, yyMMdd, sequence, and two digits of a part at most; an id number has the century 18, 19 or 20 at that place. */
const BUSINESS_NUMBER = /^\d{6}(?!18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{6}(\d\d)?$/
const WORD = /^[A-Za-z0-9][\w.:/#@+-]{0,119}$/
const PATH = /^[\w/.[\]~-]{1,200}$/
const NAME = /^[a-zA-Z][a-zA-Z0-9]{0,39}$/

/** Id numbers have 15 or 18 digits, phones 7 or more, unit numbers 12 in a row, dates of birth 8. */
const LONG_DIGITS = /\d{7}/

export function isSafeText(text: string): boolean {
  if (UUID.test(text) || OF_ONE.test(text) || DIGEST.test(text) || INSTANT.test(text) || BUSINESS_NUMBER.test(text))
    return true
  return WORD.test(text) && !LONG_DIGITS.test(text)
}

export function isSafePath(path: string): boolean {
  return PATH.test(path) && !LONG_DIGITS.test(path)
}

/** Codes of operators and staff come from outside; one that could be a phone or an id number is committed to instead. */
export function isSafeActor(code: string): boolean {
  return /^[\w.@:-]{1,64}$/.test(code) && !/\d{11}/.test(code)
}

/** @throws {Error} naming the fact, never its value, when it has none of the safe forms. */
export function clearFacts(facts: Facts): JsonObject {
  const clear: Record<string, Json> = {}
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === undefined) continue
    if (!NAME.test(name)) throw new Error('a fact of a trace record has an unsafe name')
    clear[name] = clearFact(name, fact)
  }
  return clear
}

function clearFact(name: string, fact: Fact): Json {
  if (fact === null || typeof fact === 'boolean') return fact
  if (typeof fact === 'number') {
    if (Number.isInteger(fact) && Math.abs(fact) < NUMBER_LIMIT) return fact
  } else if (typeof fact === 'string') {
    if (isSafeText(fact)) return fact
  } else if (fact instanceof Date) {
    return fact.toISOString()
  } else {
    return fact.map((one) => clearFact(name, one))
  }
  throw new Error(`fact ${name} of a trace record is of no safe form; personal values are only committed to`)
}

/**
 * The last guard: no personal value of the record may stand in a text of its clear part. Short values without a
 * character beyond ASCII are left out, they occur by chance.
 * @throws {Error} naming the path, never the value.
 */
export function assertNothingPersonal(clear: Json, personal: readonly { path: string; value: string }[]): void {
  const telling = personal.filter(({ value }) => value.length >= 8 || /[^\0-\x7f]/.test(value))
  if (telling.length === 0) return
  const texts: string[] = []
  collectTexts(clear, texts)
  for (const { path, value } of telling) {
    if (texts.some((text) => text.includes(value))) {
      throw new Error(`the personal value ${path} stands in the clear part of a trace record`)
    }
  }
}

function collectTexts(value: Json, into: string[]): void {
  if (typeof value === 'string') {
    // Digits of a personal value may stand in an id by chance, a date in a moment.
    if (!UUID.test(value) && !OF_ONE.test(value) && !DIGEST.test(value) && !INSTANT.test(value)) into.push(value)
  } else if (Array.isArray(value)) for (const one of value as readonly Json[]) collectTexts(one, into)
  else if (value !== null && typeof value === 'object') {
    for (const one of Object.values(value as JsonObject)) collectTexts(one, into)
  }
}
