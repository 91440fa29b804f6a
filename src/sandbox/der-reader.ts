/** One TLV of a DER document; `end` is the offset behind it. */
export interface DerNode {
  tag: number
  content: Buffer
  end: number
}

/** @throws {Error} when the bytes at `offset` are no TLV with a definite, shortest length that fits. */
export function readDer(bytes: Buffer, offset = 0): DerNode {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) throw new Error('DER ends early')
  let length = first
  let start = offset + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4 || start + count > bytes.length) throw new Error('bad DER length')
    length = bytes.readUIntBE(start, count)
    start += count
    if (length < 0x80 || (count > 1 && length < 2 ** (8 * (count - 1)))) throw new Error('DER length not shortest')
  }
  if (start + length > bytes.length) throw new Error('DER ends early')
  return { tag, content: bytes.subarray(start, start + length), end: start + length }
}

/** The TLVs that fill `bytes` exactly. */
export function readDerAll(bytes: Buffer): DerNode[] {
  const nodes: DerNode[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const node = readDer(bytes, offset)
    nodes.push(node)
    offset = node.end
  }
  return nodes
}

/** The value of an INTEGER node; @throws {Error} when negative or not in its shortest form. */
export function derIntegerValue(node: DerNode | undefined): bigint {
  if (node?.tag !== 0x02 || node.content.length === 0) throw new Error('no DER integer')
  const [first = 0, second = 0x80] = node.content
  if (first >= 0x80 || (first === 0 && node.content.length > 1 && second < 0x80)) throw new Error('bad DER integer')
  return BigInt(`0x${node.content.toString('hex')}`)
}
