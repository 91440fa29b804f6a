import type { Clock } from '../base/clock.ts'
import { faultPoint } from '../base/fault-point.ts'
import { inTransaction, type Pool, type Transaction } from '../db/pool.ts'
import {
  type CertificateResolver,
  checkpointText,
  checkpointVerdict,
  readCheckpointText,
  type SignatureCheck,
  type SignedCheckpoint,
  type Signer,
  signCheckpoint,
} from './checkpoint.ts'
import {
  checkpointFile,
  LATEST_FILE,
  makeCheckpointDir,
  readIfThere,
  writeCertificate,
  writeDurably,
} from './checkpoint-files.ts'
import { consistencyRanges, verifyConsistency } from './merkle.ts'
import { readFrontier, readRanges } from './nodes.ts'
import { type CheckpointRow, headSize, insertCheckpoint, newestCheckpoint, takeCheckpointTurn } from './store.ts'

/** The log in the database is not the one that was signed before. Nothing is signed until a person has looked. */
class LogContradiction extends Error {
  constructor(why: string) {
    super(`the trace contradicts a signed checkpoint: ${why}`)
    this.name = 'LogContradiction'
  }
}

export interface CheckpointMeans {
  readonly pool: Pool
  readonly signer: Signer
  /** Certificates trusted for a checkpoint that a crash left without its row; the signer's own is always. */
  readonly certificates?: CertificateResolver
  readonly check?: SignatureCheck
  readonly dir: string
  /** Name of the log, for instance bdc-gateway/420222. */
  readonly origin: string
  readonly clock: Clock
}

/**
 * Signs the tree as it is, if it has grown: first `latest`, then the numbered file, both durable, then the row; one node
 * at a time. A checkpoint in `latest` whose row a crash prevented is taken over when it is right. What is signed is
 * proved to begin with what was signed before, in the database and outside.
 * @param minimumAgeMs nothing is looked at while the newest row is younger than this, or covers all; without it the
 *   folder is held against the database in any case.
 * @param wait whether to wait for another node's turn; else null.
 * @returns the newest checkpoint; null when there is none or it was not the time.
 * @throws {LogContradiction} @throws {TreeBroken}
 */
export async function makeCheckpoint(
  means: CheckpointMeans,
  options: { wait?: boolean; minimumAgeMs?: number } = {},
): Promise<SignedCheckpoint | null> {
  if (options.minimumAgeMs !== undefined && !(await isDue(means.pool, options.minimumAgeMs))) return null
  await makeCheckpointDir(means.dir)
  for (;;) {
    const turn = await inTransaction(means.pool, (tx) => takeTurn(means, options, tx))
    if (!turn.tookOver) return turn.signed
  }
}

interface Turn {
  signed: SignedCheckpoint | null
  /** The row of one that a crash left without; committed before anything is signed upon it, else a second crash loses it. */
  tookOver: boolean
}

async function takeTurn(
  means: CheckpointMeans,
  options: { wait?: boolean; minimumAgeMs?: number },
  tx: Transaction,
): Promise<Turn> {
  const done = (signed: SignedCheckpoint | null): Turn => ({ signed, tookOver: false })
  if (!(await takeCheckpointTurn(tx, options.wait ?? false))) return done(null)
  const row = await newestCheckpoint(tx)
  const size = await headSize(tx)
  const { signed: previous, tookOver } = await newestSigned(means, tx, row, size)
  if (tookOver) return { signed: previous, tookOver }
  if (size === 0) return done(null)
  if (previous !== null && previous.size === size) return done(previous)
  if (row !== null && row.age_ms < (options.minimumAgeMs ?? 0)) return done(null)
  const root = (await readFrontier(tx, size)).root()
  if (previous !== null) await proveGrowth(tx, previous, size, root)
  const signed = await signCheckpoint({ origin: means.origin, size, root, at: means.clock.now() }, means.signer)
  await writeCertificate(means.dir, means.signer.keyid, means.signer.certificateDer)
  await writeDurably(means.dir, LATEST_FILE, checkpointText(signed))
  await writeDurably(means.dir, checkpointFile(size), checkpointText(signed))
  await faultPoint('checkpoint-not-stored')
  await insertCheckpoint(tx, toRow(signed))
  return done(signed)
}

/** Told without a lock, so that an idle log writes nothing. */
async function isDue(pool: Pool, minimumAgeMs: number): Promise<boolean> {
  const row = await newestCheckpoint(pool)
  return (row?.size ?? 0) < (await headSize(pool)) && (row === null || row.age_ms >= minimumAgeMs)
}

/** The newest checkpoint that was ever signed: of the row and of `latest`, the larger. */
async function newestSigned(
  means: CheckpointMeans,
  tx: Transaction,
  row: CheckpointRow | null,
  size: number,
): Promise<Turn> {
  const text = await readIfThere(means.dir, LATEST_FILE)
  const ofRow = row === null ? null : readCheckpointText(Buffer.from(checkpointText(row)))
  if (ofRow?.size !== row?.size) throw new LogContradiction(`the row of size ${row?.size} holds another checkpoint`)
  if (text === null) return { signed: refuseSmaller(ofRow, size), tookOver: false }
  const held = readCheckpointText(text)
  if (ofRow !== null && held.size < ofRow.size) return { signed: refuseSmaller(ofRow, size), tookOver: false }
  if (ofRow !== null && held.size === ofRow.size) {
    if (!held.bytes.equals(ofRow.bytes)) throw new LogContradiction(`row and file of size ${held.size} differ`)
    return { signed: refuseSmaller(ofRow, size), tookOver: false }
  }
  const resolve: CertificateResolver = (keyid) =>
    keyid === means.signer.keyid ? means.signer.certificateDer : (means.certificates?.(keyid) ?? null)
  const verdict = await checkpointVerdict(held, resolve, means.check)
  if (verdict !== 'good') throw new LogContradiction(`the file of size ${held.size} is not signed by us (${verdict})`)
  if (held.origin !== means.origin) throw new LogContradiction('the folder holds the checkpoints of another log')
  refuseSmaller(held, size)
  if (ofRow !== null) await proveGrowth(tx, ofRow, held.size, held.root)
  if (!(await readFrontier(tx, held.size)).root().equals(held.root)) {
    throw new LogContradiction(`the tree of size ${held.size} has another root than its file`)
  }
  const numbered = await readIfThere(means.dir, checkpointFile(held.size))
  if (numbered === null) await writeDurably(means.dir, checkpointFile(held.size), text)
  else if (!numbered.equals(text)) throw new LogContradiction(`two files of size ${held.size} differ`)
  await insertCheckpoint(tx, toRow(held))
  return { signed: held, tookOver: true }
}

function refuseSmaller(signed: SignedCheckpoint | null, size: number): SignedCheckpoint | null {
  if (signed !== null && signed.size > size) {
    throw new LogContradiction(`${signed.size} leaves were signed, ${size} are there`)
  }
  return signed
}

async function proveGrowth(tx: Transaction, old: SignedCheckpoint, size: number, root: Buffer): Promise<void> {
  const path = await readRanges(tx, consistencyRanges(old.size, size))
  if (!verifyConsistency(old.size, old.root, size, root, path)) {
    throw new LogContradiction(`the tree of ${size} leaves does not begin with the one of ${old.size} that was signed`)
  }
}

function toRow({ size, root, at, bytes, keyid, signature }: SignedCheckpoint): CheckpointRow {
  return { size, root, at, bytes, keyid, signature }
}
