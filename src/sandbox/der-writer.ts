/** Writes ASN.1 DER (X.690), as much as certificates, keys and signatures need. Every function gives one whole TLV. */

function tlv(tag: number, content: Uint8Array): Buffer {
  const length = content.length
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content])
  const lengthBytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthBytes.unshift(rest % 256)
  return Buffer.concat([Uint8Array.of(tag, 0x80 | lengthBytes.length, ...lengthBytes), content])
}

export const derSequence = (...items: Uint8Array[]): Buffer => tlv(0x30, Buffer.concat(items))
export const derSet = (...items: Uint8Array[]): Buffer => tlv(0x31, Buffer.concat(items))
export const derOctets = (bytes: Uint8Array): Buffer => tlv(0x04, bytes)
export const derNull = (): Buffer => tlv(0x05, Buffer.alloc(0))
export const derTrue = (): Buffer => tlv(0x01, Uint8Array.of(0xff))
export const derUtf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'))
export const derPrintable = (text: string): Buffer => tlv(0x13, Buffer.from(text, 'latin1'))

/** A constructed context tag `[number]` around whole TLVs (EXPLICIT). */
export const derContext = (number: number, ...items: Uint8Array[]): Buffer => tlv(0xa0 | number, Buffer.concat(items))

/** A primitive context tag `[number]` with bare content (IMPLICIT). */
export const derContextPrimitive = (number: number, content: Uint8Array): Buffer => tlv(0x80 | number, content)

/** A BIT STRING; `unusedBits` of the last byte are padding. */
export const derBits = (bytes: Uint8Array, unusedBits = 0): Buffer =>
  tlv(0x03, Buffer.concat([Uint8Array.of(unusedBits), bytes]))

/** A non-negative INTEGER in its shortest form. */
export function derInteger(value: bigint): Buffer {
  let hex = value.toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  const bytes = Buffer.from(hex, 'hex')
  return tlv(0x02, (bytes[0] as number) >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes)
}

export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) septets.unshift(0x80 | (left % 128))
    bytes.push(...septets)
  }
  return tlv(0x06, Uint8Array.from(bytes))
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on, as RFC 5280 asks; whole seconds, UTC. */
export function derTime(at: Date): Buffer {
  const digits = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return at.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : tlv(0x18, Buffer.from(digits, 'latin1'))
}

/** PEM text with lines of 64 characters (RFC 7468). */
export function pemText(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
