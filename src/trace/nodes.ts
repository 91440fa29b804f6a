import type { Queryable } from '../db/pool.ts'
import { Frontier, foldNodes, type LeafRange, type NodeAt, nodeHash, rangeNodes } from './merkle.ts'

/** Levels of the tree between two that are stored: a stored node stands for 256 of the stored level below. */
export const STORED_EVERY = 8

/** A leaf or node that the tree's size promises is not there. */
class TreeBroken extends Error {
  constructor(level: number, index: number) {
    super(
      level === 0 ? `leaf ${index} of the trace is missing` : `node ${index} of level ${level} of the trace is missing`,
    )
    this.name = 'TreeBroken'
  }
}

/**
 * Hashes of complete subtrees in the order asked. Each costs the reading of at most 128 rows.
 * @throws {TreeBroken} when a row is missing.
 */
async function readNodes(db: Queryable, nodes: readonly NodeAt[]): Promise<Buffer[]> {
  const wanted = new Map<number, { from: number[]; to: number[] }>()
  const places = nodes.map(({ level, index }) => {
    const base = level - (level % STORED_EVERY)
    const width = 2 ** (level - base)
    const ranges = wanted.get(base) ?? { from: [], to: [] }
    ranges.from.push(index * width)
    ranges.to.push((index + 1) * width)
    wanted.set(base, ranges)
    return { base, first: index * width, width }
  })
  const held = new Map<number, Map<number, Buffer>>()
  for (const [base, { from, to }] of wanted) {
    const { rows } = await db.query<{ index: number; hash: Buffer }>(
      base === 0
        ? {
            name: 'trace leaf hashes',
            text: `select l.number as index, l.leaf_hash as hash from unnest($1::bigint[], $2::bigint[]) r(low, high)
                     join trace_leaf l on l.number >= r.low and l.number < r.high`,
            values: [from, to],
          }
        : {
            name: 'trace node hashes',
            text: `select n.index, n.hash from unnest($1::bigint[], $2::bigint[]) r(low, high)
                     join trace_node n on n.level = $3 and n.index >= r.low and n.index < r.high`,
            values: [from, to, base],
          },
    )
    held.set(base, new Map(rows.map(({ index, hash }) => [index, hash])))
  }
  return places.map(({ base, first, width }) => {
    let hashes: Buffer[] = []
    for (let i = first; i < first + width; i += 1) {
      const hash = held.get(base)?.get(i)
      if (hash === undefined) throw new TreeBroken(base, i)
      hashes.push(hash)
    }
    while (hashes.length > 1) {
      const above: Buffer[] = []
      for (let i = 0; i < hashes.length; i += 2) above.push(nodeHash(hashes[i] as Buffer, hashes[i + 1] as Buffer))
      hashes = above
    }
    return hashes[0] as Buffer
  })
}

/** Hashes of the ranges that a proof names. */
export async function readRanges(db: Queryable, ranges: readonly LeafRange[]): Promise<Buffer[]> {
  const nodes = ranges.map((range) => rangeNodes(range))
  const hashes = await readNodes(db, nodes.flat())
  let at = 0
  return nodes.map(({ length }) => foldNodes(hashes.slice(at, (at += length))))
}

/** The right edge of the tree of `size` leaves. */
export async function readFrontier(db: Queryable, size: number): Promise<Frontier> {
  return new Frontier(size, await readNodes(db, rangeNodes({ from: 0, to: size })))
}
