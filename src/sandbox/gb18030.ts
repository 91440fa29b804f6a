/**
 * GB18030 by turning the platform's decoder around: whatever decodes to a character encodes it. Independent of the
 * gateway's tables, so that both can be held against each other.
 */
const decoder = new TextDecoder('gb18030', { fatal: true })

/** @throws {TypeError} for bytes that are no GB18030. */
export function decodeGb18030(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** @throws {RangeError} for a character that GB18030 does not have (lone surrogates, a few private ones). */
export function encodeGb18030(text: string): Buffer {
  reverse ??= reverseTable()
  const bytes = Buffer.alloc(text.length * 4)
  let length = 0
  for (const character of text) {
    const point = character.codePointAt(0) as number
    if (point < 0x80) {
      bytes[length] = point
      length += 1
    } else if (point > 0xffff) {
      length = writeFour(bytes, length, point - 0x10000 + FIRST_BEYOND_BMP)
    } else {
      const code = reverse[point] as number
      if (code === 0) throw new RangeError(`GB18030 has no code for U+${point.toString(16).toUpperCase()}`)
      length = code >= FOUR_BYTES ? writeFour(bytes, length, code - FOUR_BYTES) : bytes.writeUInt16BE(code, length)
    }
  }
  return bytes.subarray(0, length)
}

/** Position of 0x90308130 among the four-byte codes: U+10000. */
const FIRST_BEYOND_BMP = 189_000
const FOUR_BYTES = 0x10000
let reverse: Uint32Array | undefined

/** Per BMP character its two-byte code, or 0x10000 + its position among the four-byte codes, or 0. */
function reverseTable(): Uint32Array {
  const table = new Uint32Array(0x10000)
  const note = (bytes: Buffer, code: number): void => {
    let text: string
    try {
      text = decoder.decode(bytes)
    } catch {
      return
    }
    const point = text.codePointAt(0) as number
    // The first code of a character is kept: two bytes before four, and the lower of two equals (U+3000 is A1A1).
    if (text.length === 1 && table[point] === 0) table[point] = code
  }
  const two = Buffer.alloc(2)
  for (let lead = 0x81; lead <= 0xfe; lead += 1) {
    for (let trail = 0x40; trail <= 0xfe; trail += 1) {
      if (trail === 0x7f) continue
      const code = lead * 256 + trail
      two.writeUInt16BE(code)
      note(two, code)
    }
  }
  const four = Buffer.alloc(4)
  for (let position = 0; position < 39_420; position += 1) {
    writeFour(four, 0, position)
    note(four, FOUR_BYTES + position)
  }
  return table
}

function writeFour(bytes: Buffer, at: number, position: number): number {
  bytes[at] = 0x81 + Math.floor(position / 12_600)
  bytes[at + 1] = 0x30 + (Math.floor(position / 1260) % 10)
  bytes[at + 2] = 0x81 + (Math.floor(position / 10) % 126)
  bytes[at + 3] = 0x30 + (position % 10)
  return at + 4
}
