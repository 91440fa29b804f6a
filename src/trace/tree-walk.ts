import type { Queryable } from '../db/pool.ts'
import type { Findings } from './findings.ts'
import { Frontier, leafHash } from './merkle.ts'
import { STORED_EVERY } from './nodes.ts'
import { clearColumns } from './record.ts'
import { type LeafRow, leavesFrom, nextLeaf, type RecordRow, recordsOf, storedNodes } from './store.ts'
import { FIRST_ID, type Strays } from './strays.ts'

const PAGE = 1000

/** What a walked range was found to fit: its leaves, the records instead of their leaves, the stored nodes, nothing. */
export type Fit = 'leaves' | 'records' | 'nodes' | 'nothing'

/**
 * Goes over all leaves in order, once, and keeps the right edge of two trees: as the leaves say, and as the records
 * themselves say. What does not fit is held until a signed root tells which of the two was changed.
 */
export class TreeWalk {
  /** Number of the next leaf. */
  at = 0
  /** Records that are what their leaf says. */
  sound = 0
  readonly #db: Queryable
  readonly #findings: Findings
  readonly #strays: Strays
  readonly #onProgress: (leaves: number) => void
  #byLeaf: Frontier | null = new Frontier()
  #byRecord: Frontier | null = new Frontier()
  #lastId = FIRST_ID
  #differing: { recordId: string; number: number }[] = []
  #placed: { recordId: string; number: number }[] = []
  #nodes: { level: number; index: number }[] = []

  constructor(
    db: Queryable,
    findings: Findings,
    strays: Strays,
    onProgress: (leaves: number) => void = () => undefined,
  ) {
    this.#db = db
    this.#findings = findings
    this.#strays = strays
    this.#onProgress = onProgress
  }

  /** Walks to before leaf `to`. */
  async advance(to: number): Promise<void> {
    while (this.at < to) {
      const end = Math.min(to, this.at + PAGE)
      const leaves = await leavesFrom(this.#db, this.at, end)
      const records = await recordsOf(
        this.#db,
        leaves.map((leaf) => leaf.record_id),
      )
      const completed: { level: number; index: number; hash: Buffer }[] = []
      for (const leaf of leaves) {
        if (leaf.number > this.at) await this.#passGap(leaf.number, leaf)
        this.#take(leaf, records.get(leaf.record_id), completed)
      }
      if (this.at < end) {
        const next = await nextLeaf(this.#db, this.at)
        await this.#passGap(Math.min(next?.number ?? to, to), next)
      }
      await this.#compareNodes(completed)
      this.#onProgress(this.at)
    }
  }

  /** Whether the leaves walked so far, or the records in their place, have this root. */
  fits(root: Buffer): Fit | null {
    if (this.#byLeaf?.root().equals(root)) return 'leaves'
    if (this.#byRecord?.root().equals(root)) return 'records'
    return null
  }

  /** Goes on from nodes that a signed root has vouched for. */
  goOnFrom(frontier: Frontier): void {
    this.#byLeaf = frontier
    this.#byRecord = frontier.copy()
  }

  /** Names what was held back since the last time, in the light of what the range was found to fit. */
  settle(fit: Fit): void {
    for (const { recordId, number } of this.#differing) {
      this.#findings.add(fit === 'records' ? 'leaf-changed' : 'record-changed', { recordId, from: number })
    }
    for (const { recordId, number } of this.#placed) {
      if (fit === 'leaves' || fit === 'records') this.#findings.add('leaf-deleted', { recordId, from: number })
      else {
        this.#strays.release(recordId)
        this.#findings.add('leaves-missing', { from: number })
      }
    }
    // Where leaves were changed, that the nodes differ is only to be expected.
    if (fit === 'leaves') {
      for (const { level, index } of this.#nodes) {
        this.#findings.add('node-changed', { from: index * 2 ** level, to: (index + 1) * 2 ** level })
      }
    }
    if (fit === 'records' && this.#byRecord !== null) this.#byLeaf = this.#byRecord.copy()
    if (fit === 'leaves' && this.#byLeaf !== null) this.#byRecord = this.#byLeaf.copy()
    this.#differing = []
    this.#placed = []
    this.#nodes = []
  }

  #take(
    leaf: LeafRow,
    record: RecordRow | undefined,
    completed: { level: number; index: number; hash: Buffer }[],
  ): void {
    const number = leaf.number
    const recordId = leaf.record_id
    const ofRecord = record === undefined ? leaf.leaf_hash : leafHash(record.bytes)
    if (record === undefined) this.#findings.add('record-deleted', { recordId, from: number })
    else if (!ofRecord.equals(leaf.leaf_hash)) this.#differing.push({ recordId, number })
    else if (!isAsWritten(record, ofRecord)) this.#findings.add('record-columns-changed', { recordId, from: number })
    else this.sound += 1
    for (const node of this.#byLeaf?.append(leaf.leaf_hash) ?? []) {
      if (node.level % STORED_EVERY === 0) completed.push(node)
    }
    this.#byRecord?.append(ofRecord)
    this.#lastId = recordId
    this.at = number + 1
  }

  /** Leaves from here to before `to` are missing; `next` is the first that follows, at or behind `to`. */
  async #passGap(to: number, next: LeafRow | null): Promise<void> {
    const from = this.at
    const length = to - from
    const candidates = this.#strays.between(this.#lastId, next?.record_id ?? null)
    const fitting = next === null ? candidates.length >= length : candidates.length === next.number - from
    if (fitting) {
      const ids = candidates.slice(0, length)
      const records = await recordsOf(this.#db, ids)
      for (const [i, recordId] of ids.entries()) {
        const record = records.get(recordId)
        if (record === undefined) throw new Error('a record was deleted while the trace was verified')
        this.#strays.place(recordId)
        this.#placed.push({ recordId, number: from + i })
        const hash = leafHash(record.bytes)
        this.#byLeaf?.append(hash)
        this.#byRecord?.append(hash)
        this.#lastId = recordId
      }
    } else {
      this.#findings.add('leaves-missing', { from, to })
      this.#byLeaf = null
      this.#byRecord = null
    }
    this.at = to
  }

  async #compareNodes(completed: readonly { level: number; index: number; hash: Buffer }[]): Promise<void> {
    if (completed.length === 0) return
    const stored = await storedNodes(this.#db, completed)
    for (const { level, index, hash } of completed) {
      if (stored.get(`${level}/${index}`)?.equals(hash) !== true) this.#nodes.push({ level, index })
    }
  }
}

/** Whether the columns beside a record's bytes are what the bytes say. */
function isAsWritten(record: RecordRow, hash: Buffer): boolean {
  const written = clearColumns(record.bytes)
  return (
    written !== null &&
    written.id === record.id &&
    new Date(written.at).getTime() === record.at.getTime() &&
    written.type === record.type &&
    written.caseId === record.case_id &&
    written.bankId === record.bank_id &&
    record.leaf_hash.equals(hash)
  )
}
