import { createHash } from 'node:crypto'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'

/** What must not stand in clear, by kind. */
export const kinds = [
  'name',
  'id number',
  'phone',
  'unit number',
  'certificate number',
  'address',
  'contract number',
] as const
type Kind = (typeof kinds)[number]

export interface Secret {
  kind: Kind
  value: string
}

export interface Needle extends Secret {
  /** How the value is written: `base64 of GB18030`. */
  form: string
  bytes: Buffer
}

const KIND_OF: Readonly<Record<string, Kind>> = {
  name: 'name',
  person: 'name',
  idNumber: 'id number',
  phone: 'phone',
  mobile: 'phone',
  unitNumber: 'unit number',
  property: 'unit number',
  certificateNumber: 'certificate number',
  address: 'address',
  location: 'address',
  contractNumber: 'contract number',
  principalContractNumbers: 'contract number',
}

/**
 * Every secret of an application, by the name of its member. The mortgagee's own name and code are the bank's, which
 * the gateway administers in clear, as are bank references. A material's name is that of a kind of document; the
 * person's name in it is a secret of its own.
 */
export function secretsOf(application: unknown): Secret[] {
  const found = new Map<string, Secret>()
  const take = (member: string, value: unknown): void => {
    const kind = KIND_OF[member]
    if (typeof value === 'string' && kind !== undefined) found.set(`${kind} ${value}`, { kind, value })
    else if (Array.isArray(value)) for (const item of value) take(member, item)
    else if (typeof value === 'object' && value !== null) {
      const isBank = (value as { role?: unknown }).role === 'mortgagee'
      for (const [name, inner] of Object.entries(value)) {
        if (isBank && (name === 'name' || name === 'idNumber')) continue
        if (member === 'materials' && name === 'name') continue
        take(name, inner)
      }
    }
  }
  take('', application)
  return [...found.values()]
}

/** Shorter needles would be found by chance in this many random bytes. */
export const NEEDLE_BYTES = 6

/** Each value in every form in which a careless program writes it. */
export function needlesOf(secrets: readonly Secret[]): Needle[] {
  const needles = new Map<string, Needle>()
  for (const secret of secrets) {
    for (const spelling of spellings(secret.value)) {
      for (const [form, bytes] of formsOf(spelling)) {
        const key = bytes.toString('latin1')
        if (bytes.length >= NEEDLE_BYTES && !needles.has(key)) needles.set(key, { ...secret, form, bytes })
      }
    }
  }
  return [...needles.values()]
}

/** Certificate numbers are written with either kind of bracket. */
function spellings(value: string): string[] {
  const half = value.replaceAll('（', '(').replaceAll('）', ')')
  return [...new Set([value, half, half.replaceAll('(', '（').replaceAll(')', '）')])]
}

type Form = [form: string, bytes: Buffer]

function* formsOf(value: string): Generator<Form> {
  const encoded: Form[] = [
    ['UTF-8', Buffer.from(value)],
    ['GB18030', encodeGb18030(value, '2022')],
    ['GB18030 of 2005', encodeGb18030(value, '2005')],
    ['UTF-16LE', Buffer.from(value, 'utf16le')],
    ['UTF-16BE', Buffer.from(value, 'utf16le').swap16()],
  ]
  yield* encoded
  for (const [encoding, bytes] of encoded) {
    for (const [form, text] of textsOf(bytes)) yield [`${form} of ${encoding}`, Buffer.from(text)]
  }
  for (const [form, text] of escapesOf(value)) yield [form, Buffer.from(text)]
  yield* digestsOf(value)
}

function* textsOf(bytes: Buffer): Generator<[form: string, text: string]> {
  for (const [before, from] of [
    [0, 0],
    [1, 2],
    [2, 3],
  ] as const) {
    // Only the digits that depend on nothing but the value: its neighbours share the first and the last.
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const to = Math.floor((padded.length * 8) / 6)
    yield ['base64', padded.toString('base64').slice(from, to)]
    yield ['base64url', padded.toString('base64url').slice(from, to)]
  }
  const hex = bytes.toString('hex')
  yield ['hex', hex]
  yield ['upper-case hex', hex.toUpperCase()]
  const percent = hex.replaceAll(/../g, '%$&')
  yield ['percent-encoding', percent]
  yield ['upper-case percent-encoding', percent.toUpperCase()]
  const spared = percent.replaceAll(/%(..)/g, (code, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return /[A-Za-z0-9\-._~]/.test(character) ? character : code
  })
  yield ['URL-encoding', spared]
  yield ['upper-case URL-encoding', spared.replaceAll(/%../g, (code) => code.toUpperCase())]
}

/** Each with what is beyond ASCII escaped, and with all of it escaped. */
function* escapesOf(value: string): Generator<[form: string, text: string]> {
  for (const all of [false, true]) {
    const units = (escape: (code: string) => string): string =>
      Array.from({ length: value.length }, (_, at) => {
        const code = value.charCodeAt(at)
        return code < 0x80 && !all ? value.charAt(at) : escape(code.toString(16).padStart(4, '0'))
      }).join('')
    const points = (escape: (point: number) => string): string =>
      Array.from(value, (character) => {
        const point = character.codePointAt(0) as number
        return point < 0x80 && !all ? character : escape(point)
      }).join('')
    yield ['\\u escapes', units((code) => `\\u${code}`)]
    yield ['upper-case \\u escapes', units((code) => `\\u${code.toUpperCase()}`)]
    yield ['escaped \\u escapes', units((code) => `\\\\u${code}`)]
    yield ['escaped upper-case \\u escapes', units((code) => `\\\\u${code.toUpperCase()}`)]
    yield ['\\u{} escapes', points((point) => `\\u{${point.toString(16)}}`)]
    yield ['decimal references', points((point) => `&#${point};`)]
    yield ['hexadecimal references', points((point) => `&#x${point.toString(16)};`)]
    yield ['upper-case hexadecimal references', points((point) => `&#x${point.toString(16).toUpperCase()};`)]
  }
  // These two leave different brackets alone.
  yield ['encodeURIComponent', encodeURIComponent(value)]
  yield ['form-encoding', new URLSearchParams({ value }).toString().slice('value='.length)]
}

/** A digest without salt or key hides nothing from whoever can try all numbers of a kind. */
function* digestsOf(value: string): Generator<Form> {
  for (const algorithm of ['sha256', 'sm3', 'sha1', 'md5']) {
    for (const [what, text] of [
      ['the text', value],
      ['its JSON', JSON.stringify(value)],
    ] as const) {
      const digest = createHash(algorithm).update(text).digest()
      const form = `${algorithm} of ${what}`
      yield [form, digest.subarray(0, 12)]
      yield [`${form} in hex`, Buffer.from(digest.toString('hex', 0, 12))]
      yield [`${form} in base64`, Buffer.from(digest.toString('base64', 0, 12))]
      yield [`${form} in base64url`, Buffer.from(digest.toString('base64url', 0, 12))]
    }
  }
}
