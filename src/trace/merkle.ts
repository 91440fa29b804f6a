import { hash } from 'node:crypto'

/**
 * The tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) with SM3 for SHA-256: leaf SM3(0x00 ‖ bytes), node
 * SM3(0x01 ‖ left ‖ right). Leaves are numbered from 0. A complete subtree of `level` covers 2^level leaves, the one at
 * `index` those from index · 2^level on. Pure: what has to be read is named first, then folded.
 */
export interface NodeAt {
  readonly level: number
  readonly index: number
}

/** Leaves `from` to before `to`; in this file always one that RFC 6962's recursion meets, so `from` is aligned. */
export interface LeafRange {
  readonly from: number
  readonly to: number
}

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

export function sm3(bytes: Buffer): Buffer {
  return hash('sm3', bytes, 'buffer')
}

export function leafHash(bytes: Buffer): Buffer {
  return sm3(Buffer.concat([LEAF, bytes]))
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sm3(Buffer.concat([NODE, left, right]))
}

/** The complete subtrees that make up an aligned range, largest first: one for each bit of its length. */
export function rangeNodes({ from, to }: LeafRange): NodeAt[] {
  const nodes: NodeAt[] = []
  let at = from
  while (at < to) {
    // Sizes may pass 2^32: no bit operators.
    let level = 0
    while (at + 2 ** (level + 1) <= to) level += 1
    nodes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return nodes
}

/** The hash of a range from those of its `rangeNodes`; none is the root of the empty tree. */
export function foldNodes(hashes: readonly Buffer[]): Buffer {
  let folded: Buffer | undefined
  for (let i = hashes.length - 1; i >= 0; i -= 1) {
    const left = hashes[i] as Buffer
    folded = folded === undefined ? left : nodeHash(left, folded)
  }
  return folded ?? sm3(Buffer.alloc(0))
}

/** The largest power of two below `length` (2 or more): where the recursion splits. */
function splitOf(length: number): number {
  let split = 1
  while (split * 2 < length) split *= 2
  return split
}

/** The ranges whose hashes prove that leaf `number` is in the tree of `size`, in the order of RFC 6962 2.1.1. */
export function inclusionRanges(number: number, size: number): LeafRange[] {
  if (!(Number.isSafeInteger(number) && number >= 0 && number < size)) {
    throw new RangeError(`leaf ${number} is not in a tree of ${size}`)
  }
  const ranges: LeafRange[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (number < middle) {
      ranges.push({ from: middle, to })
      to = middle
    } else {
      ranges.push({ from, to: middle })
      from = middle
    }
  }
  return ranges.reverse()
}

/** The ranges whose hashes prove that the tree of `newSize` begins with that of `oldSize` (RFC 6962 2.1.2). */
export function consistencyRanges(oldSize: number, newSize: number): LeafRange[] {
  if (!(Number.isSafeInteger(oldSize) && oldSize >= 0 && oldSize <= newSize)) {
    throw new RangeError(`a tree of ${newSize} does not hold one of ${oldSize}`)
  }
  if (oldSize === 0 || oldSize === newSize) return []
  const ranges: LeafRange[] = []
  let from = 0
  let to = newSize
  let known = true
  while (oldSize < to) {
    const middle = from + splitOf(to - from)
    if (oldSize <= middle) {
      ranges.push({ from: middle, to })
      to = middle
    } else {
      ranges.push({ from, to: middle })
      from = middle
      known = false
    }
  }
  if (!known) ranges.push({ from, to })
  return ranges.reverse()
}

/** Whether `path` leads from a leaf's hash to the root (RFC 9162 2.1.3.2). */
export function verifyInclusion(
  leaf: Buffer,
  number: number,
  size: number,
  path: readonly Buffer[],
  root: Buffer,
): boolean {
  if (!(Number.isSafeInteger(number) && Number.isSafeInteger(size) && number >= 0 && number < size)) return false
  let fn = number
  let sn = size - 1
  let folded = leaf
  for (const sibling of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      folded = nodeHash(sibling, folded)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else {
      folded = nodeHash(folded, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && folded.equals(root)
}

/** Whether `path` shows that the newer tree begins with the older one (RFC 9162 2.1.4.2). */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Buffer,
  newSize: number,
  newRoot: Buffer,
  path: readonly Buffer[],
): boolean {
  if (!(Number.isSafeInteger(oldSize) && Number.isSafeInteger(newSize) && oldSize >= 0 && oldSize <= newSize)) {
    return false
  }
  if (oldSize === newSize) return path.length === 0 && oldRoot.equals(newRoot)
  if (oldSize === 0) return path.length === 0 && oldRoot.equals(foldNodes([]))
  let fn = oldSize - 1
  let sn = newSize - 1
  while (fn % 2 === 1) {
    fn = (fn - 1) / 2
    sn = Math.floor(sn / 2)
  }
  // A power of two is a complete subtree of the newer tree: its root is where both begin.
  const rest = fn === 0 ? path : path.slice(1)
  const first = fn === 0 ? oldRoot : path[0]
  if (first === undefined) return false
  let oldFolded = first
  let newFolded = first
  for (const sibling of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      oldFolded = nodeHash(sibling, oldFolded)
      newFolded = nodeHash(sibling, newFolded)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else {
      newFolded = nodeHash(newFolded, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && oldFolded.equals(oldRoot) && newFolded.equals(newRoot)
}

/** The right edge of a growing tree: one hash for each bit of its size. */
export class Frontier {
  #size: number
  #hashes: Buffer[]

  /** @param hashes those of `rangeNodes({ from: 0, to: size })`, in that order. */
  constructor(size = 0, hashes: readonly Buffer[] = []) {
    if (hashes.length !== rangeNodes({ from: 0, to: size }).length) throw new Error('a frontier needs all its nodes')
    this.#size = size
    this.#hashes = [...hashes]
  }

  get size(): number {
    return this.#size
  }

  /** The root of the tree so far. */
  root(): Buffer {
    return foldNodes(this.#hashes)
  }

  /** Adds the next leaf; gives the subtrees (level 1 and up) that it completes. */
  append(leaf: Buffer): { level: number; index: number; hash: Buffer }[] {
    const completed: { level: number; index: number; hash: Buffer }[] = []
    let level = 0
    let index = this.#size
    let folded = leaf
    while (index % 2 === 1) {
      folded = nodeHash(this.#hashes.pop() as Buffer, folded)
      level += 1
      index = (index - 1) / 2
      completed.push({ level, index, hash: folded })
    }
    this.#hashes.push(folded)
    this.#size += 1
    return completed
  }

  copy(): Frontier {
    return new Frontier(this.#size, this.#hashes)
  }
}
