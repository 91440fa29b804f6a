import { inflateRawSync } from 'node:zlib'
import { gb18030Table } from './gb18030-table.ts'

/**
 * GB18030 in both directions, one bijection per edition: every code point but the surrogates has exactly one code, and
 * no code is read as another's character. So a text that came in goes out as the same bytes.
 *
 * The editions differ in 18 characters. `2005` has them in the private use area in two bytes, and gives their Unicode
 * code points four bytes; `2022` swaps the two. Six more two-byte codes (FE51, FE52, FE53, FE6C, FE76, FE91) lost their
 * glyphs in 2022, as doubles of ideographs of extension B; both editions keep them as U+E816 and so on, and the
 * ideographs in four bytes.
 */
export type Gb18030Edition = '2005' | '2022'

/** A character that the target encoding lacks; the text itself is not in the message. */
export class UnencodableError extends Error {
  /** Place in the text, in UTF-16 code units. */
  readonly index: number
  readonly codePoint: number

  constructor(encoding: string, index: number, codePoint: number) {
    super(`character ${index} has no code in ${encoding}`)
    this.name = 'UnencodableError'
    this.index = index
    this.codePoint = codePoint
  }
}

/** Bytes that are no text in the declared encoding. */
export class UndecodableError extends Error {
  /** Place of the first wrong byte sequence. */
  readonly offset: number

  constructor(encoding: string, offset: number) {
    super(`byte ${offset} begins no character of ${encoding}`)
    this.name = 'UndecodableError'
    this.offset = offset
  }
}

interface Tables {
  /** By pointer of the two-byte area: code point. 0: no character. */
  twoToUnicode: Uint16Array
  /** By code point of the BMP: two-byte code, 0 when there is none. */
  unicodeToTwo: Uint16Array
  /** By linear number of the four-byte area's first part: code point. */
  fourToUnicode: Uint16Array
  /** By code point of the BMP: linear number in the four-byte area. */
  unicodeToFour: Uint16Array
}

const TWO_BYTE_CODES = 126 * 190
const FOUR_BYTE_BMP_CODES = 39_420
/** Linear number of 90308130, which is U+10000; from there on it is arithmetic. */
const FOUR_BYTE_ASTRAL = 189_000

/** Two-byte code, code point in 2005, code point in 2022. */
const CHANGED_IN_2022: readonly (readonly [number, number, number])[] = [
  [0xa6d9, 0xe78d, 0xfe10],
  [0xa6da, 0xe78e, 0xfe12],
  [0xa6db, 0xe78f, 0xfe11],
  [0xa6dc, 0xe790, 0xfe13],
  [0xa6dd, 0xe791, 0xfe14],
  [0xa6de, 0xe792, 0xfe15],
  [0xa6df, 0xe793, 0xfe16],
  [0xa6ec, 0xe794, 0xfe17],
  [0xa6ed, 0xe795, 0xfe18],
  [0xa6f3, 0xe796, 0xfe19],
  [0xfe59, 0xe81e, 0x9fb4],
  [0xfe61, 0xe826, 0x9fb5],
  [0xfe66, 0xe82b, 0x9fb6],
  [0xfe67, 0xe82c, 0x9fb7],
  [0xfe6d, 0xe832, 0x9fb8],
  [0xfe7e, 0xe843, 0x9fb9],
  [0xfe90, 0xe854, 0x9fba],
  [0xfea0, 0xe864, 0x9fbb],
]

const editions = new Map<Gb18030Edition, Tables>()
let gbk: Tables | undefined

/** @throws {UnencodableError} for a lone surrogate, the only thing that GB18030 lacks. */
export function encodeGb18030(text: string, edition: Gb18030Edition): Buffer {
  return encode(text, tablesOf(edition), true, 'GB18030')
}

/** @throws {UndecodableError} for any sequence that the standard does not define, bytes 80 and FF included. */
export function decodeGb18030(bytes: Uint8Array, edition: Gb18030Edition): string {
  return decode(bytes, tablesOf(edition), true, 'GB18030')
}

/**
 * Plain GBK, the characters of code page 936: without the euro sign, GB18030's additions and the private use area.
 * @throws {UnencodableError} for everything else, 䶮 and 𠮷 among it.
 */
export function encodeGbk(text: string): Buffer {
  return encode(text, gbkTables(), false, 'GBK')
}

/** @throws {UndecodableError} also for two-byte codes that only GB18030 or a user-defined area fills. */
export function decodeGbk(bytes: Uint8Array): string {
  return decode(bytes, gbkTables(), false, 'GBK')
}

function encode(text: string, tables: Tables, hasFourBytes: boolean, name: string): Buffer {
  const { unicodeToTwo, unicodeToFour } = tables
  const most = text.length * (hasFourBytes ? 4 : 2)
  const out = most <= scratch.length ? scratch : Buffer.allocUnsafe(most)
  let end = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) {
      out[end++] = unit
      continue
    }
    const two = unicodeToTwo[unit] ?? 0
    if (two !== 0) {
      out[end++] = two >> 8
      out[end++] = two & 0xff
      continue
    }
    let linear: number
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const codePoint = text.codePointAt(index) ?? unit
      if (codePoint < 0x10000 || !hasFourBytes) throw new UnencodableError(name, index, codePoint)
      linear = codePoint - 0x10000 + FOUR_BYTE_ASTRAL
      index++
    } else {
      if (!hasFourBytes) throw new UnencodableError(name, index, unit)
      linear = unicodeToFour[unit] ?? 0
    }
    out[end + 3] = 0x30 + (linear % 10)
    linear = Math.trunc(linear / 10)
    out[end + 2] = 0x81 + (linear % 126)
    linear = Math.trunc(linear / 126)
    out[end + 1] = 0x30 + (linear % 10)
    out[end] = 0x81 + Math.trunc(linear / 10)
    end += 4
  }
  return out === scratch ? Buffer.from(out.subarray(0, end)) : out.subarray(0, end)
}

/** Room for a message of the usual size: what it could need at most is four times what it needs. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024)

function decode(bytes: Uint8Array, tables: Tables, hasFourBytes: boolean, name: string): string {
  const { twoToUnicode, fourToUnicode } = tables
  // Every code of one or two bytes gives one UTF-16 unit and every code of four bytes at most two.
  const units = Buffer.allocUnsafe(bytes.length * 2)
  let end = 0
  const put = (unit: number): void => {
    units[end++] = unit & 0xff
    units[end++] = unit >> 8
  }
  for (let offset = 0; offset < bytes.length; ) {
    const lead = bytes[offset] ?? 0
    if (lead < 0x80) {
      put(lead)
      offset++
      continue
    }
    const trail = bytes[offset + 1] ?? 0
    if (lead === 0x80 || lead === 0xff) throw new UndecodableError(name, offset)
    if (trail >= 0x40) {
      const codePoint = trail === 0x7f || trail === 0xff ? 0 : (twoToUnicode[pointerOf(lead, trail)] ?? 0)
      if (codePoint === 0) throw new UndecodableError(name, offset)
      put(codePoint)
      offset += 2
      continue
    }
    const third = bytes[offset + 2] ?? 0
    const fourth = bytes[offset + 3] ?? 0
    const inRange = trail >= 0x30 && trail <= 0x39 && third >= 0x81 && third <= 0xfe && fourth >= 0x30 && fourth <= 0x39
    if (!inRange || !hasFourBytes) throw new UndecodableError(name, offset)
    const linear = (((lead - 0x81) * 10 + trail - 0x30) * 126 + third - 0x81) * 10 + fourth - 0x30
    const astral = linear - FOUR_BYTE_ASTRAL
    if (linear < FOUR_BYTE_BMP_CODES) {
      put(fourToUnicode[linear] ?? 0)
    } else if (astral >= 0 && astral <= 0xfffff) {
      put(0xd800 + (astral >> 10))
      put(0xdc00 + (astral & 0x3ff))
    } else {
      throw new UndecodableError(name, offset)
    }
    offset += 4
  }
  return units.toString('utf16le', 0, end)
}

function pointerOf(lead: number, trail: number): number {
  return (lead - 0x81) * 190 + trail - (trail > 0x7f ? 0x41 : 0x40)
}

function codeOf(pointer: number): number {
  const trail = pointer % 190
  return ((Math.trunc(pointer / 190) + 0x81) << 8) | (trail + (trail >= 0x3f ? 0x41 : 0x40))
}

/** Made on first use, in about 3 ms, and kept. */
function tablesOf(edition: Gb18030Edition): Tables {
  const known = editions.get(edition)
  if (known !== undefined) return known
  const tables = tables2005()
  if (edition === '2022') {
    for (const [code, old, now] of CHANGED_IN_2022) {
      const linear = tables.unicodeToFour[now] ?? 0
      tables.twoToUnicode[pointerOf(code >> 8, code & 0xff)] = now
      tables.unicodeToTwo[now] = code
      tables.unicodeToTwo[old] = 0
      tables.fourToUnicode[linear] = old
      tables.unicodeToFour[old] = linear
    }
  }
  editions.set(edition, tables)
  return tables
}

function tables2005(): Tables {
  const twoToUnicode = readTable()
  const unicodeToTwo = new Uint16Array(0x10000)
  twoToUnicode.forEach((codePoint, pointer) => {
    unicodeToTwo[codePoint] = codeOf(pointer)
  })
  // The four-byte area holds, in order, what two bytes left over in edition 2000. That edition had U+E7C7 where 2005 has
  // U+1E3F, so U+E7C7 takes the place of U+1E3F.
  const fourToUnicode = new Uint16Array(FOUR_BYTE_BMP_CODES)
  const unicodeToFour = new Uint16Array(0x10000)
  let linear = 0
  for (let codePoint = 0x80; codePoint < 0x10000; codePoint++) {
    if (codePoint === 0xd800) codePoint = 0xe000
    if (codePoint === 0xe7c7 || (unicodeToTwo[codePoint] !== 0 && codePoint !== 0x1e3f)) continue
    const actual = codePoint === 0x1e3f ? 0xe7c7 : codePoint
    fourToUnicode[linear] = actual
    unicodeToFour[actual] = linear++
  }
  if (linear !== FOUR_BYTE_BMP_CODES) throw new Error(`the GB18030 table is damaged: ${linear} four-byte codes`)
  return { twoToUnicode, unicodeToTwo, fourToUnicode, unicodeToFour }
}

function readTable(): Uint16Array {
  const bytes = inflateRawSync(Buffer.from(gb18030Table, 'base64'))
  const codePoints = new Uint16Array(TWO_BYTE_CODES)
  let previous = 0
  for (let pointer = 0; pointer < TWO_BYTE_CODES; pointer++) {
    previous = (previous + ((bytes[pointer] ?? 0) << 8) + (bytes[TWO_BYTE_CODES + pointer] ?? 0)) & 0xffff
    codePoints[pointer] = previous
  }
  // User-defined areas: AAA1-AFFE, F8A1-FEFE, A140-A7A0, one after another from U+E000.
  let next = 0xe000
  const fill = (leads: [number, number], trails: [number, number]): void => {
    for (let lead = leads[0]; lead <= leads[1]; lead++)
      for (let trail = trails[0]; trail <= trails[1]; trail++)
        if (trail !== 0x7f) codePoints[pointerOf(lead, trail)] = next++
  }
  fill([0xaa, 0xaf], [0xa1, 0xfe])
  fill([0xf8, 0xfe], [0xa1, 0xfe])
  fill([0xa1, 0xa7], [0x40, 0xa0])
  return codePoints
}

function gbkTables(): Tables {
  if (gbk !== undefined) return gbk
  const { twoToUnicode, fourToUnicode, unicodeToFour } = tables2005()
  const unicodeToTwo = new Uint16Array(0x10000)
  twoToUnicode.forEach((codePoint, pointer) => {
    const code = codeOf(pointer)
    const isPrivate = codePoint >= 0xe000 && codePoint <= 0xf8ff
    if (isPrivate || isAddedByGb18030(code)) twoToUnicode[pointer] = 0
    else unicodeToTwo[codePoint] = code
  })
  gbk = { twoToUnicode, unicodeToTwo, fourToUnicode, unicodeToFour }
  return gbk
}

/** € ḿ ǹ, the ideographic description characters, and 80 ideographs and radicals: two-byte codes that GBK leaves empty. */
function isAddedByGb18030(code: number): boolean {
  return (
    code === 0xa2e3 ||
    code === 0xa8bc ||
    code === 0xa8bf ||
    (code >= 0xa989 && code <= 0xa995) ||
    (code >= 0xfe50 && code <= 0xfea0)
  )
}
