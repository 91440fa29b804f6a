/**
 * A strict reader for DER (X.690), for certificates, keys and signatures that anyone may have sent: definite minimal
 * lengths, low tag numbers, everything bounded before anything is believed. Values are views into the given bytes.
 */

export class DerError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DerError'
  }
}

export interface DerNode {
  /** The identifier octet: class, constructed bit and tag number. */
  readonly tag: number
  /** Identifier, length and content. */
  readonly raw: Buffer
  readonly content: Buffer
  /** Parsed for constructed nodes, empty for primitive ones. */
  readonly children: readonly DerNode[]
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

const maxBytes = 65_536
const maxDepth = 16
const maxNodes = 4_096

/**
 * Reads exactly one value that fills `bytes`.
 * @throws {DerError}
 */
export function readDer(bytes: Buffer): DerNode {
  if (bytes.length > maxBytes) throw new DerError('the structure is too long')
  const budget = { nodes: maxNodes }
  const node = readNode(bytes, 0, 0, budget)
  if (node.raw.length !== bytes.length) throw new DerError('bytes follow the structure')
  return node
}

function readNode(bytes: Buffer, start: number, depth: number, budget: { nodes: number }): DerNode {
  if (depth > maxDepth) throw new DerError('the structure is too deep')
  budget.nodes -= 1
  if (budget.nodes < 0) throw new DerError('the structure has too many parts')
  const tag = byteAt(bytes, start)
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag number above 30')
  const { length, offset } = readLength(bytes, start + 1)
  const end = offset + length
  if (end > bytes.length) throw new DerError('a length reaches beyond the end')
  const content = bytes.subarray(offset, end)
  const children: DerNode[] = []
  if ((tag & 0x20) !== 0) {
    for (let at = 0; at < content.length; ) {
      const child = readNode(content, at, depth + 1, budget)
      children.push(child)
      at += child.raw.length
    }
  }
  return { tag, raw: bytes.subarray(start, end), content, children }
}

function readLength(bytes: Buffer, at: number): { length: number; offset: number } {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { length: first, offset: at + 1 }
  const count = first & 0x7f
  if (count === 0) throw new DerError('an indefinite length')
  if (count > 3) throw new DerError('a length of more than 3 bytes')
  let length = 0
  for (let index = 1; index <= count; index += 1) length = length * 256 + byteAt(bytes, at + index)
  if (length < 0x80 || byteAt(bytes, at + 1) === 0) throw new DerError('a length that is not minimal')
  return { length, offset: at + 1 + count }
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new DerError('the structure ends early')
  return byte
}

/** @throws {DerError} if the node is absent or of another type. */
export function expectTag(node: DerNode | undefined, tag: number, name: string): DerNode {
  if (node === undefined) throw new DerError(`${name} is missing`)
  if (node.tag !== tag) throw new DerError(`${name} has the tag ${node.tag}, not ${tag}`)
  return node
}

/** The children of a SEQUENCE. */
export function readSequence(node: DerNode | undefined, name: string): readonly DerNode[] {
  return expectTag(node, tags.sequence, name).children
}

export function readInteger(node: DerNode | undefined, name: string): bigint {
  const { content } = expectTag(node, tags.integer, name)
  const [first, second] = content
  if (first === undefined) throw new DerError(`${name} is empty`)
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError(`${name} is not minimal`)
  }
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`))
}

export function readBoolean(node: DerNode | undefined, name: string): boolean {
  const { content } = expectTag(node, tags.boolean, name)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError(`${name} is not a boolean`)
  return content[0] === 0xff
}

/** A BIT STRING of whole octets, as keys and signatures are. */
export function readOctetBits(node: DerNode | undefined, name: string): Buffer {
  const { content } = expectTag(node, tags.bitString, name)
  if (content[0] !== 0) throw new DerError(`${name} is not a string of whole octets`)
  return content.subarray(1)
}

/** The positions of the bits that are set in a BIT STRING of named bits. */
export function readNamedBits(node: DerNode | undefined, name: string): ReadonlySet<number> {
  const { content } = expectTag(node, tags.bitString, name)
  const unused = content[0]
  if (unused === undefined || unused > 7 || (unused > 0 && content.length === 1)) {
    throw new DerError(`${name} is not a bit string`)
  }
  const last = content[content.length - 1] ?? 0
  if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0)
    throw new DerError(`${name} has unused bits that are set`)
  const bits = new Set<number>()
  for (let index = 1; index < content.length; index += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (((content[index] ?? 0) & (0x80 >> bit)) !== 0) bits.add((index - 1) * 8 + bit)
    }
  }
  return bits
}

/** Dotted decimal. */
export function readOid(node: DerNode | undefined, name: string): string {
  const { content } = expectTag(node, tags.oid, name)
  if (content.length === 0 || content.length > 64) throw new DerError(`${name} is not an object identifier`)
  const arcs: bigint[] = []
  let arc = 0n
  let begins = true
  for (const byte of content) {
    if (begins && byte === 0x80) throw new DerError(`${name} has an arc that is not minimal`)
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    begins = byte < 0x80
    if (begins) {
      if (arcs.length === 0) {
        const root = arc < 80n ? arc / 40n : 2n
        arcs.push(root, arc - root * 40n)
      } else arcs.push(arc)
      arc = 0n
    }
  }
  if (!begins) throw new DerError(`${name} ends within an arc`)
  return arcs.join('.')
}

/** Text of any of the string types that certificates use. */
export function readText(node: DerNode | undefined, name: string): string {
  if (node === undefined) throw new DerError(`${name} is missing`)
  const { content } = node
  switch (node.tag) {
    case tags.utf8String:
      return decodeText('utf-8', content, name)
    case tags.bmpString:
      if (content.length % 2 !== 0) throw new DerError(`${name} is not a BMP string`)
      return decodeText('utf-16be', content, name)
    case tags.printableString:
    case tags.ia5String:
      if (content.some((byte) => byte > 0x7e || byte < 0x20)) throw new DerError(`${name} is not printable ASCII`)
      return content.toString('latin1')
    case tags.teletexString:
      return content.toString('latin1')
    default:
      throw new DerError(`${name} is not text`)
  }
}

function decodeText(encoding: string, content: Buffer, name: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    throw new DerError(`${name} is not ${encoding}`)
  }
}

/** UTCTime and GeneralizedTime in the forms that RFC 5280 allows: to the second, in Zulu time. */
export function readTime(node: DerNode | undefined, name: string): Date {
  if (node === undefined) throw new DerError(`${name} is missing`)
  const text = node.content.toString('latin1')
  const short = node.tag === tags.utcTime && /^\d{12}Z$/.test(text)
  const long = node.tag === tags.generalizedTime && /^\d{14}Z$/.test(text)
  if (!short && !long) throw new DerError(`${name} is not a time`)
  const full = long ? text : `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`
  const iso = full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z')
  const at = new Date(iso)
  if (Number.isNaN(at.getTime()) || at.toISOString() !== iso) throw new DerError(`${name} is not a time that exists`)
  return at
}
