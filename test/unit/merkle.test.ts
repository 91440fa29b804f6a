import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  consistencyRanges,
  Frontier,
  foldNodes,
  inclusionRanges,
  type LeafRange,
  leafHash,
  rangeNodes,
  verifyConsistency,
  verifyInclusion,
} from '../../src/trace/merkle.ts'

const sm3 = (...parts: Buffer[]): Buffer => createHash('sm3').update(Buffer.concat(parts)).digest()

/** MTH of RFC 6962 section 2.1, word for word. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sm3()
  if (leaves.length === 1) return sm3(Buffer.from([0]), leaves[0] as Buffer)
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return sm3(Buffer.from([1]), mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}

/** PATH of RFC 6962 section 2.1.1. */
function path(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return []
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))]
}

/** PROOF and SUBPROOF of RFC 6962 section 2.1.2. */
function proof(m: number, leaves: readonly Buffer[], whole = true): Buffer[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)]
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return m <= k
    ? [...proof(m, leaves.slice(0, k), whole), mth(leaves.slice(k))]
    : [...proof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))]
}

// The eight inputs of the test vectors that came with the first transparency log.
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => Buffer.from(hex, 'hex'),
)
const many = Array.from({ length: 200 }, (_, i) => Buffer.from(`record ${i}`))

/** What the store does: complete subtrees by (level, index), each range folded from its own. */
function folding(leaves: readonly Buffer[]): (range: LeafRange) => Buffer {
  const nodes = new Map<string, Buffer>()
  const frontier = new Frontier()
  for (const [i, leaf] of leaves.entries()) {
    nodes.set(`0/${i}`, leafHash(leaf))
    for (const { level, index, hash } of frontier.append(leafHash(leaf))) nodes.set(`${level}/${index}`, hash)
  }
  return (range) => foldNodes(rangeNodes(range).map(({ level, index }) => nodes.get(`${level}/${index}`) as Buffer))
}

await t.test('SM3 is the one of GB/T 32905, and the empty tree has its digest of nothing', (t) => {
  t.equal(sm3(Buffer.from('abc')).toString('hex'), '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0')
  t.equal(new Frontier().root().toString('hex'), '1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b')
  t.end()
})

await t.test('the roots of the eight known inputs are those of the definition', (t) => {
  const frontier = new Frontier()
  for (const [i, input] of inputs.entries()) {
    frontier.append(leafHash(input))
    t.equal(frontier.root().toString('hex'), mth(inputs.slice(0, i + 1)).toString('hex'), `${i + 1} leaves`)
  }
  t.end()
})

await t.test('every inclusion proof of every tree up to 40 leaves is the one of the definition', (t) => {
  const fold = folding(many)
  for (let size = 1; size <= 40; size += 1) {
    const leaves = many.slice(0, size)
    for (let number = 0; number < size; number += 1) {
      const ours = inclusionRanges(number, size).map(fold)
      if (!Buffer.concat(ours).equals(Buffer.concat(path(number, leaves)))) t.fail(`leaf ${number} of ${size}`)
      if (!verifyInclusion(leafHash(many[number] as Buffer), number, size, ours, mth(leaves))) {
        t.fail(`leaf ${number} of ${size} does not verify`)
      }
    }
  }
  t.end()
})

await t.test('every consistency proof of every pair up to 40 leaves is the one of the definition', (t) => {
  const fold = folding(many)
  for (let to = 1; to <= 40; to += 1) {
    for (let from = 1; from <= to; from += 1) {
      const ours = consistencyRanges(from, to).map(fold)
      if (!Buffer.concat(ours).equals(Buffer.concat(proof(from, many.slice(0, to))))) t.fail(`${from} to ${to}`)
    }
  }
  t.end()
})

await t.test('proofs hold for any two sizes below 200 and for nothing else', (t) => {
  const fold = folding(many)
  const roots = Array.from({ length: 201 }, (_, size) => fold({ from: 0, to: size }))
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 199 }), fc.integer({ min: 0, max: 199 }), fc.nat(), (a, b, pick) => {
      const [from, to] = a <= b ? [a, b] : [b, a]
      const consistency = consistencyRanges(from, to).map(fold)
      const rootOf = (size: number): Buffer => roots[size] as Buffer
      if (!rootOf(to).equals(mth(many.slice(0, to)))) return false
      if (!verifyConsistency(from, rootOf(from), to, rootOf(to), consistency)) return false
      const wrong = Buffer.from(rootOf(from))
      wrong[pick % 32] = (wrong[pick % 32] as number) ^ 1
      if (verifyConsistency(from, wrong, to, rootOf(to), consistency)) return false
      // Every tree begins with the empty one, so there the newer root says nothing.
      if (from > 0 && verifyConsistency(from, rootOf(from), to, wrong, consistency)) return false
      if (consistency.length > 0 && verifyConsistency(from, rootOf(from), to, rootOf(to), consistency.slice(1))) {
        return false
      }
      if (from > 0 && verifyConsistency(from, rootOf(from), to, rootOf(to), [...consistency, wrong])) return false
      if (to === 0) return true
      const number = pick % to
      const leaf = leafHash(many[number] as Buffer)
      const inclusion = inclusionRanges(number, to).map(fold)
      if (!verifyInclusion(leaf, number, to, inclusion, rootOf(to))) return false
      if (verifyInclusion(leaf, number, to, inclusion, wrong)) return false
      if (verifyInclusion(leaf, number, to, [...inclusion, wrong], rootOf(to))) return false
      if (to > 1 && verifyInclusion(leaf, (number + 1) % to, to, inclusion, rootOf(to))) return false
      return inclusion.length === 0 || !verifyInclusion(leaf, number, to, inclusion.slice(1), rootOf(to))
    }),
    { numRuns: 1000 },
  )
  t.end()
})

await t.test('a frontier taken up from stored subtrees grows as if it had never stopped', (t) => {
  const fold = folding(many)
  for (let size = 0; size < 200; size += 1) {
    const taken = new Frontier(
      size,
      rangeNodes({ from: 0, to: size }).map(({ level, index }) =>
        fold({ from: index * 2 ** level, to: (index + 1) * 2 ** level }),
      ),
    )
    taken.append(leafHash(many[size] as Buffer))
    if (!taken.root().equals(fold({ from: 0, to: size + 1 }))) t.fail(`taken up at ${size}`)
  }
  t.end()
})

await t.test('sizes beyond 32 bits keep their arithmetic', (t) => {
  const size = 2 ** 40 + 2 ** 33 + 5
  t.strictSame(rangeNodes({ from: 0, to: size }), [
    { level: 40, index: 0 },
    { level: 33, index: 128 },
    { level: 2, index: (2 ** 40 + 2 ** 33) / 4 },
    { level: 0, index: 2 ** 40 + 2 ** 33 + 4 },
  ])
  t.equal(inclusionRanges(2 ** 40 + 1, size).length, 35)
  t.throws(() => inclusionRanges(5, 5), RangeError)
  t.throws(() => consistencyRanges(6, 5), RangeError)
  t.end()
})
