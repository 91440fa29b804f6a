import { tags } from './der.ts'

/** Writes DER; the counterpart of der.ts, as small as our own keys, certificates and signatures need. */

export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOctets(content.length), content])
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets = bigEndian(BigInt(length))
  return Buffer.from([0x80 | octets.length, ...octets])
}

function bigEndian(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

export function writeSequence(...contents: readonly Uint8Array[]): Buffer {
  return writeDer(tags.sequence, ...contents)
}

/** Not negative. */
export function writeInteger(value: bigint): Buffer {
  const octets = bigEndian(value)
  const first = octets[0] ?? 0
  return writeDer(tags.integer, first >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets)
}

export function writeOctets(value: Uint8Array): Buffer {
  return writeDer(tags.octetString, value)
}

export function writeBits(value: Uint8Array, unusedBits = 0): Buffer {
  return writeDer(tags.bitString, Buffer.of(unusedBits), value)
}

export function writeBoolean(value: boolean): Buffer {
  return writeDer(tags.boolean, Buffer.of(value ? 0xff : 0))
}

export function writeText(value: string): Buffer {
  return writeDer(tags.utf8String, Buffer.from(value, 'utf8'))
}

export function writeOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return writeDer(tags.oid, Buffer.from(octets))
}

/** UTCTime up to 2049 and GeneralizedTime after, as RFC 5280 asks. */
export function writeTime(at: Date): Buffer {
  const digits = at.toISOString().replace(/\.\d+|[-:T]/g, '')
  return at.getUTCFullYear() < 2050
    ? writeDer(tags.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : writeDer(tags.generalizedTime, Buffer.from(digits, 'latin1'))
}
