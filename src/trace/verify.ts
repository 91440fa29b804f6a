import type { Pool } from '../db/pool.ts'
import { readAnchors } from './anchors.ts'
import type { CertificateResolver, SignatureCheck, SignedCheckpoint } from './checkpoint.ts'
import { type Finding, Findings } from './findings.ts'
import { leafHash } from './merkle.ts'
import { readFrontier } from './nodes.ts'
import {
  headSize,
  leavesBeyond,
  misplacedNodes,
  pendingCount,
  pendingRecords,
  recordsOf,
  strayPending,
} from './store.ts'
import { Strays } from './strays.ts'
import { TreeWalk } from './tree-walk.ts'

export interface Verified {
  /** Nothing was found. */
  readonly ok: boolean
  /** Numbered records that are there and are what their leaf says. */
  readonly records: number
  /** Leaves under the newest signed root that the tree was found to have. */
  readonly covered: number
  /** Records that no signed root covers yet: nothing can be said of their order or absence. */
  readonly unanchored: number
  /** Signed roots that the tree was found to have. */
  readonly checkpoints: number
  readonly findings: readonly Finding[]
  /** Findings beyond the limit. */
  readonly findingsOmitted: number
}

/**
 * Holds every record to its leaf, and all leaves to every root that was signed, beside a running gateway, in bounded
 * memory. A change, deletion, insertion, reordering or truncation of what a checkpoint covers is found, with the record
 * or the smallest range between two checkpoints named.
 * @param certificates which certificates may have signed; for an independent check not those of the checked machine.
 * @param findingsMaximum default 1,000.
 */
export async function verifyTrace(options: {
  pool: Pool
  checkpointDir: string
  certificates: CertificateResolver
  check?: SignatureCheck
  findingsMaximum?: number
  onProgress?: (leaves: number) => void
}): Promise<Verified> {
  const { pool } = options
  const findings = new Findings(options.findingsMaximum ?? 1000)
  const strays = await Strays.read(pool)
  const walk = new TreeWalk(pool, findings, strays, options.onProgress)
  const source = { db: pool, dir: options.checkpointDir, certificates: options.certificates }
  const held = new HeldRoots(pool, findings, walk)
  for await (const anchor of readAnchors(
    options.check === undefined ? source : { ...source, check: options.check },
    findings,
  )) {
    await walk.advance(anchor.size)
    await held.settle(anchor)
  }
  held.end()
  const head = await headSize(pool)
  if (head < held.signed) findings.add('truncated', { from: head, to: held.signed })
  if (head > walk.at) {
    await walk.advance(head)
    walk.settle(held.broken ? 'nothing' : 'leaves')
  }
  for (const leaf of await leavesBeyond(pool, walk.at, 1000)) {
    findings.add('leaf-beyond-head', { recordId: leaf.record_id, from: leaf.number })
  }
  for (const node of await misplacedNodes(pool, 1000)) {
    findings.add('node-changed', { from: node.index * 2 ** node.level, to: (node.index + 1) * 2 ** node.level })
  }
  for (const recordId of strays.left()) findings.add('record-without-leaf', { recordId })
  findings.omitted += strays.omitted
  await checkPending(pool, findings)
  return {
    ok: findings.list.length === 0,
    records: walk.sound,
    covered: held.covered,
    unanchored: Math.max(0, head - held.covered) + (await pendingCount(pool)),
    checkpoints: held.matched,
    findings: findings.list,
    findingsOmitted: findings.omitted,
  }
}

/** Compares the walk with each signed root, and finds a way on after a range that does not fit. */
class HeldRoots {
  covered = 0
  matched = 0
  /** Largest size that was ever signed. */
  signed = 0
  readonly #pool: Pool
  readonly #findings: Findings
  readonly #walk: TreeWalk
  /** The first root that did not fit, and the last of those that could not be held to anything since. */
  #broken: { from: number; to: number; last: number } | null = null

  constructor(pool: Pool, findings: Findings, walk: TreeWalk) {
    this.#pool = pool
    this.#findings = findings
    this.#walk = walk
  }

  /** Whether the last roots fitted nothing. */
  get broken(): boolean {
    return this.#broken !== null
  }

  async settle(anchor: SignedCheckpoint): Promise<void> {
    const { size, root } = anchor
    this.signed = Math.max(this.signed, size)
    let fit = this.#walk.fits(root)
    if (fit === null && (await this.#storedFits(anchor))) fit = 'nodes'
    if (fit === null) {
      // One and the same range may hold several faults; the records that do not fit their leaf are named in any case.
      this.#walk.settle('nothing')
      this.#broken ??= { from: this.covered, to: size, last: size }
      this.#broken.last = size
      return
    }
    if (this.#broken !== null) {
      const { from, to, last } = this.#broken
      if (fit === 'nodes') {
        this.#findings.add('range-changed', { from, to })
        if (size > to) this.#findings.add('range-unproven', { from: to, to: size })
      } else {
        // The leaves are those of this root, so they never were those of the earlier one.
        this.#findings.add('checkpoints-contradict', { from: to, to: last > to ? last : size })
      }
      this.#broken = null
    } else if (fit === 'nodes') {
      this.#findings.add('range-changed', { from: this.covered, to: size })
    }
    this.#walk.settle(fit)
    this.covered = size
    this.matched += 1
  }

  end(): void {
    if (this.#broken === null) return
    const { from, to, last } = this.#broken
    this.#findings.add('range-changed', { from, to })
    if (last > to) this.#findings.add('range-unproven', { from: to, to: last })
  }

  /** After a changed range the stored nodes can show the way on: they are what was signed if they make up the root. */
  async #storedFits({ size, root }: SignedCheckpoint): Promise<boolean> {
    try {
      const frontier = await readFrontier(this.#pool, size)
      if (!frontier.root().equals(root)) return false
      this.#walk.goOnFrom(frontier)
      return true
    } catch {
      return false
    }
  }
}

async function checkPending(pool: Pool, findings: Findings): Promise<void> {
  for (const { id } of await strayPending(pool, 1000)) findings.add('pending-stray', { recordId: id })
  const pending = await pendingRecords(pool, 10_000)
  for (let i = 0; i < pending.length; i += 500) {
    const page = pending.slice(i, i + 500)
    const records = await recordsOf(
      pool,
      page.map(({ id }) => id),
    )
    for (const { id, leaf_hash: hash } of page) {
      const record = records.get(id)
      if (record !== undefined && !leafHash(record.bytes).equals(hash)) {
        findings.add('pending-changed', { recordId: id })
      }
    }
  }
}
