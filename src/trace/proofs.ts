import type { Queryable } from '../db/pool.ts'
import { readCheckpointBytes, type SignedCheckpoint } from './checkpoint.ts'
import { type Opening, openCommitments, type Sealer } from './commitments.ts'
import { consistencyRanges, inclusionRanges } from './merkle.ts'
import { readFrontier, readRanges } from './nodes.ts'
import { receiptText, secretsContext } from './record.ts'
import { checkpointCovering, headSize, leafOf, newestCheckpoint, recordSecrets } from './store.ts'

export interface InclusionProof {
  readonly recordId: string
  readonly leafHash: Buffer
  readonly number: number
  readonly size: number
  /** For `verifyInclusion`; its root is `root`. */
  readonly path: readonly Buffer[]
  readonly root: Buffer
}

/**
 * The proof that a record is in the tree of `size` leaves.
 * @param size default: that of the smallest checkpoint that covers the record.
 * @returns null while the record has no number, or no checkpoint covers it.
 */
export async function inclusionProof(db: Queryable, recordId: string, size?: number): Promise<InclusionProof | null> {
  const leaf = await leafOf(db, recordId)
  if (leaf === null) return null
  const covering = size ?? (await checkpointCovering(db, leaf.number + 1))?.size
  if (covering === undefined || covering <= leaf.number || covering > (await headSize(db))) return null
  const path = await readRanges(db, inclusionRanges(leaf.number, covering))
  const root = (await readFrontier(db, covering)).root()
  return { recordId, leafHash: leaf.leaf_hash, number: leaf.number, size: covering, path, root }
}

/**
 * The proof that the tree of `newSize` leaves begins with that of `oldSize`, for `verifyConsistency`.
 * @throws {RangeError} when oldSize is the larger or newSize is not reached.
 */
export async function consistencyProof(db: Queryable, oldSize: number, newSize: number): Promise<readonly Buffer[]> {
  if (newSize > (await headSize(db))) throw new RangeError(`the tree has not reached ${newSize} leaves`)
  return readRanges(db, consistencyRanges(oldSize, newSize))
}

/** Value of Trace-Receipt of a record; null when there is no such record. */
export async function receiptOf(db: Queryable, recordId: string): Promise<string | null> {
  const record = await recordSecrets(db, recordId)
  return record === null ? null : receiptText(record.leaf_hash)
}

/**
 * The personal values that a record commits to, each held against its commitment; none where they were erased.
 * @throws {Error} naming the path that does not fit.
 * @returns null when there is no such record.
 */
export async function openSecrets(
  db: Queryable,
  sealer: Pick<Sealer, 'open'>,
  recordId: string,
): Promise<Opening[] | null> {
  const record = await recordSecrets(db, recordId)
  if (record === null) return null
  const plain = record.secrets === null ? null : sealer.open(record.secrets, secretsContext(recordId))
  return openCommitments(record.bytes, plain)
}

/** The newest checkpoint that has its row; null before the first. */
export async function latestCheckpoint(db: Queryable): Promise<SignedCheckpoint | null> {
  const row = await newestCheckpoint(db)
  if (row === null) return null
  return { ...readCheckpointBytes(row.bytes), bytes: row.bytes, signature: row.signature }
}
