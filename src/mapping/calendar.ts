/**
 * Dates and instants by pattern. A date is year, month, day and nothing else: no zone, no midnight. An instant is
 * ISO 8601 with an offset. Letters of a pattern: yyyy MM dd HH mm ss SSS; text in quotes; everything else is itself.
 */
export interface DatePattern {
  text: string
  tokens: readonly ({ field: PatternField } | { literal: string })[]
  fields: ReadonlySet<PatternField>
  /** A group for each field, in the order of `tokens`. */
  reader: RegExp
}

type PatternField = 'yyyy' | 'MM' | 'dd' | 'HH' | 'mm' | 'ss' | 'SSS'

/** Why a text is not what the pattern says: `not-a-date`, or `local-time-unclear` for a time that never or twice was. */
export type CalendarFault = 'not-a-date' | 'local-time-unclear'

interface LocalTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  millisecond: number
}

const TOKEN = /yyyy|MM|dd|HH|mm|ss|SSS|'[^']*'|[^A-Za-z']+|./gsu
const FIELDS = new Set<string>(['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss', 'SSS'])

/** @throws {RangeError} for a letter or field that patterns do not have, or that occurs twice. */
export function datePattern(text: string): DatePattern {
  const tokens: ({ field: PatternField } | { literal: string })[] = []
  const fields = new Set<PatternField>()
  for (const [token] of text.matchAll(TOKEN)) {
    if (FIELDS.has(token)) {
      if (fields.has(token as PatternField)) throw new RangeError(`${token} occurs twice`)
      fields.add(token as PatternField)
      tokens.push({ field: token as PatternField })
    } else if (/^'[^']*'$/u.test(token)) tokens.push({ literal: token.slice(1, -1) })
    else if (/^[^A-Za-z']+$/u.test(token)) tokens.push({ literal: token })
    else throw new RangeError(`"${token}" has no meaning in a pattern: quote it`)
  }
  if (!['yyyy', 'MM', 'dd'].every((field) => fields.has(field as PatternField))) {
    throw new RangeError('a pattern has yyyy, MM and dd')
  }
  const parts = tokens.map((token) =>
    'literal' in token ? token.literal.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&') : `(\\d{${token.field.length}})`,
  )
  return { text, tokens, fields, reader: new RegExp(`^${parts.join('')}$`, 'u') }
}

/** The fields of an instant that a pattern may have but a date must not. */
export function hasTimeOfDay(pattern: DatePattern): boolean {
  return ['HH', 'mm', 'ss', 'SSS'].some((field) => pattern.fields.has(field as PatternField))
}

/** `2026-11-09` by the pattern, or null when it is no date. */
export function writeDate(date: string, pattern: DatePattern): string | null {
  const time = date.length === 10 ? dayAt(date) : null
  return time === null ? null : write(time, pattern)
}

/** A text of the pattern as `2026-11-09`, or null. */
export function readDate(text: string, pattern: DatePattern): string | null {
  const time = read(text, pattern)
  return time === null ? null : isoDate(time)
}

/** An ISO 8601 instant with offset as local time of the zone, or null when it is no instant. Fractions of a second that the pattern has no place for are left out. */
export function writeInstant(instant: string, pattern: DatePattern, zone: string): string | null {
  const time = dayAt(instant)
  if (time === null || !INSTANT_REST.test(instant)) return null
  // Most come with the zone's own offset: then they are local time as they stand.
  const given = instant.length === OFFSET_AT + 6 ? givenOffsetMs(instant, OFFSET_AT) : null
  const hour = digits(instant, 11, 2)
  const minute = digits(instant, 14, 2)
  const second = digits(instant, 17, 2)
  if (given !== null && hour < 24 && minute < 60 && second < 60 && time.year >= 1000) {
    time.hour = hour
    time.minute = minute
    time.second = second
    if (offsetMs(utcMs(time) - given, zone) === given) return write(time, pattern)
  }
  const epochMs = Date.parse(instant)
  return Number.isNaN(epochMs) ? null : write(localTime(epochMs, zone), pattern)
}

/** Place of the offset in an instant without a fraction. */
const OFFSET_AT = 19
const INSTANT_REST = /^.{10}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

function givenOffsetMs(instant: string, at: number): number | null {
  const hours = digits(instant, at + 1, 2)
  const minutes = digits(instant, at + 4, 2)
  if (hours > 23 || minutes > 59) return null
  return (instant.charCodeAt(at) === HYPHEN ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** The number that stands there in so many digits, or NaN. */
function digits(text: string, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i += 1) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/** The date that a text begins with, at midnight; null when it is none. */
function dayAt(text: string): LocalTime | null {
  if (text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN) return null
  const time = midnight(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2))
  return isDay(time) ? time : null
}

/** Local time of the zone as an instant with its offset, e.g. `2026-11-09T09:18:00+08:00`. */
export function readInstant(text: string, pattern: DatePattern, zone: string): string | { fault: CalendarFault } {
  const time = read(text, pattern)
  if (time === null) return { fault: 'not-a-date' }
  const asUtcMs = utcMs(time)
  const offset = offsetAt(asUtcMs, zone)
  if (offset === null) return { fault: 'local-time-unclear' }
  // ISO 8601 has no seconds in an offset; local mean time, before the zones, has. The same instant, told by a full minute:
  // a later one, so that no first day becomes the one before.
  const told = Math.ceil(offset / 60_000)
  const local = told * 60_000 === offset ? time : timeOf(asUtcMs - offset + told * 60_000)
  const minutes = Math.abs(told)
  const sign = told < 0 ? '-' : '+'
  const clock = `${two(local.hour)}:${two(local.minute)}:${two(local.second)}`
  const fraction = local.millisecond === 0 ? '' : `.${String(local.millisecond).padStart(3, '0')}`
  return `${isoDate(local)}T${clock}${fraction}${sign}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

/** The offset of a local time; null when it never was, or was twice. */
function offsetAt(asUtcMs: number, zone: string): number | null {
  const before = offsetMs(asUtcMs - DAY_MS, zone)
  const after = offsetMs(asUtcMs + DAY_MS, zone)
  const isBefore = offsetMs(asUtcMs - before, zone) === before
  if (before === after) return isBefore ? before : null
  const isAfter = offsetMs(asUtcMs - after, zone) === after
  return isBefore === isAfter ? null : isBefore ? before : after
}

/** Whether the running system knows the zone. */
export function isZone(zone: string): boolean {
  try {
    formatter(zone)
    return true
  } catch {
    return false
  }
}

const DAY_MS = 86_400_000
const HYPHEN = 0x2d

function midnight(year: number, month: number, day: number): LocalTime {
  return { year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 }
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(zone: string): Intl.DateTimeFormat {
  let found = formatters.get(zone)
  if (found === undefined) {
    found = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, found)
  }
  return found
}

function localTime(epochMs: number, zone: string): LocalTime {
  return timeOf(epochMs + offsetMs(epochMs, zone))
}

/** The other way round than `utcMs`. */
function timeOf(asUtcMs: number): LocalTime {
  const local = new Date(asUtcMs)
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    millisecond: local.getUTCMilliseconds(),
  }
}

/** Offsets of days (UTC) on which they do not change, by zone: asking the formatter costs more than all the rest. */
const dayOffsets = new Map<string, Map<number, number>>()
const MOST_DAYS = 10_000

function offsetMs(epochMs: number, zone: string): number {
  let days = dayOffsets.get(zone)
  if (days === undefined) {
    days = new Map()
    dayOffsets.set(zone, days)
  }
  const day = Math.floor(epochMs / DAY_MS)
  const known = days.get(day)
  if (known !== undefined) return known
  const offset = askedOffsetMs(day * DAY_MS, zone)
  if (askedOffsetMs((day + 1) * DAY_MS, zone) !== offset) return askedOffsetMs(epochMs, zone)
  if (days.size >= MOST_DAYS) days.clear()
  days.set(day, offset)
  return offset
}

function askedOffsetMs(epochMs: number, zone: string): number {
  const time = midnight(0, 0, 0)
  for (const part of formatter(zone).formatToParts(epochMs)) {
    if (part.type in time) time[part.type as keyof LocalTime] = Number(part.value)
  }
  time.millisecond = ((epochMs % 1000) + 1000) % 1000
  return utcMs(time) - epochMs
}

function utcMs(time: LocalTime): number {
  const ms = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second, time.millisecond)
  // Date.UTC takes the years before 100 for those of the twentieth century.
  return time.year < 100 ? new Date(ms).setUTCFullYear(time.year) : ms
}

function read(text: string, pattern: DatePattern): LocalTime | null {
  const groups = pattern.reader.exec(text)
  if (groups === null) return null
  const time = midnight(0, 0, 0)
  let place = 0
  for (const token of pattern.tokens) {
    if ('literal' in token) continue
    place += 1
    time[MEMBERS[token.field]] = Number(groups[place])
  }
  return isDay(time) && time.hour < 24 && time.minute < 60 && time.second < 60 ? time : null
}

const MEMBERS = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: 'minute',
  ss: 'second',
  SSS: 'millisecond',
} as const satisfies Record<PatternField, keyof LocalTime>

function write(time: LocalTime, pattern: DatePattern): string {
  let text = ''
  for (const token of pattern.tokens) text += 'literal' in token ? token.literal : writeField(time, token.field)
  return text
}

function writeField(time: LocalTime, field: PatternField): string {
  const value = time[MEMBERS[field]]
  return field === 'yyyy' || field === 'SSS' ? String(value).padStart(field.length, '0') : two(value)
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

function isDay({ year, month, day }: LocalTime): boolean {
  if (!(year >= 1) || day < 1) return false
  const isLeap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day <= (MONTH_DAYS[month - 1] ?? 0) + (isLeap ? 1 : 0)
}

function isoDate(time: LocalTime): string {
  return `${String(time.year).padStart(4, '0')}-${two(time.month)}-${two(time.day)}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
