import { isDecimal } from '../base/money.ts'
import { isLonger } from './characters.ts'
import { type MappingPlace, mappingPlace, type PlaceCode } from './faults.ts'
import type { Notes } from './step.ts'

/** One run of a compiled mapping: what it notes while a line is computed, and the places that come of it. */
export class Run implements Notes {
  readonly places: MappingPlace[] = []
  readonly notes: PlaceCode[] = []
  /** Bytes of a text in the profile's encoding, for limits in bytes. */
  readonly bytes: (text: string) => number
  /** Set to look for the fields that cannot be encoded; throws for such a text. */
  readonly probe: ((text: string) => unknown) | null

  constructor(bytes: (text: string) => number, probe: ((text: string) => unknown) | null = null) {
    this.bytes = bytes
    this.probe = probe
  }

  /** Notes what is wrong with the value being computed, which becomes absent. */
  note(code: PlaceCode): undefined {
    this.notes.push(code)
  }

  /** Gives the open notes their place. */
  at(path: string, source: string): void {
    for (const code of new Set(this.notes)) this.places.push(mappingPlace(path, code, { source }))
    this.notes.length = 0
  }

  missing(path: string, source: string): void {
    this.places.push(mappingPlace(path, 'missing', { source }))
  }

  tooMany(path: string, source: string): void {
    this.places.push(mappingPlace(path, 'too-many-rows', { source }))
  }
}

const NONE: readonly unknown[] = []
/** Surrogates are among them, paired or not: most texts have none. */
const ATTRIBUTE = /[&<>"\ud800-\udfff]|[^ -\ufffd]/
const ELEMENT = /[&<>\ud800-\udfff]|[^\t\n -\ufffd]/
const NOT_XML = /[^\t\n\r -\ufffd]/
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** What compiled code calls; each takes the run last. `undefined` is absent. */
export const runtime = {
  /** A list, or no members where there is none. */
  list(value: unknown, run: Run): readonly unknown[] {
    if (Array.isArray(value)) return value
    if (value !== undefined && value !== null) run.note('wrong-type')
    return NONE
  },

  /** Members of a list that are there. */
  members(value: readonly unknown[]): readonly unknown[] {
    return value.includes(null) || value.includes(undefined)
      ? value.filter((one) => one !== null && one !== undefined)
      : value
  },

  equal(a: unknown, b: unknown): boolean {
    return a !== undefined && a !== null && a === b
  },

  asText(value: unknown, run: Run): string | undefined {
    if (typeof value === 'string') return value
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
    return run.note('wrong-type')
  },

  asInteger(value: unknown, run: Run): number | undefined {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : run.note('wrong-type')
  },

  asBoolean(value: unknown, run: Run): boolean | undefined {
    if (typeof value === 'boolean') return value
    return value === 'true' || value === 'false' ? value === 'true' : run.note('wrong-type')
  },

  asDecimal(value: string, run: Run): string | undefined {
    return isDecimal(value) ? value : run.note('not-a-decimal')
  },

  inTable(value: string, codes: ReadonlySet<string>, run: Run): string | undefined {
    return codes.has(value) ? value : run.note('not-in-table')
  },

  limit(value: string, length: number | null, bytes: number | null, run: Run): string | undefined {
    if (length !== null && isLonger(value, length)) return run.note('too-long')
    return bytes !== null && value.length * 4 > bytes && run.bytes(value) > bytes ? run.note('too-many-bytes') : value
  },

  attribute(value: string, run: Run): string | undefined {
    return escape(value, ATTRIBUTE, run)
  },

  element(value: string, run: Run): string | undefined {
    return escape(value, ELEMENT, run)
  },

  jsonText(value: string, run: Run): string | undefined {
    if (!value.isWellFormed() || value.includes('\u0000')) return run.note('not-json')
    return JSON.stringify(value)
  },
} as const

function escape(value: string, special: RegExp, run: Run): string | undefined {
  if (run.probe !== null && value.isWellFormed()) {
    try {
      run.probe(value)
    } catch {
      return run.note('not-encodable')
    }
  }
  if (!special.test(value)) return value
  if (!value.isWellFormed() || NOT_XML.test(value)) return run.note('not-xml')
  return value.replace(special === ATTRIBUTE ? /[&<>"\t\n\r]/g : /[&<>\r]/g, (one) => REFERENCES[one] ?? one)
}
