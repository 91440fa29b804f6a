import type { Queryable } from '../db/pool.ts'
import {
  type CertificateResolver,
  checkpointVerdict,
  readCheckpointBytes,
  readCheckpointText,
  type SignatureCheck,
  type SignedCheckpoint,
} from './checkpoint.ts'
import { checkpointFile, checkpointFileSizes, LATEST_FILE, readIfThere } from './checkpoint-files.ts'
import type { Findings } from './findings.ts'
import { type CheckpointRow, checkpointSizes, checkpointsAfter, newestCheckpoint } from './store.ts'

const PAGE = 500

type Read = { state: 'good'; signed: SignedCheckpoint } | { state: 'bad' | 'unknown-key' | 'missing' }

export interface AnchorSource {
  readonly db: Queryable
  readonly dir: string
  readonly certificates: CertificateResolver
  readonly check?: SignatureCheck
}

/**
 * The signed roots that the tree is held to, in order of size: of each checkpoint the file and the row, whichever is
 * good. Names what is wrong with either.
 */
export async function* readAnchors(source: AnchorSource, findings: Findings): AsyncGenerator<SignedCheckpoint> {
  const { db } = source
  const newestRow = (await newestCheckpoint(db))?.size ?? -1
  const latest = await readFileOf(source, LATEST_FILE, null)
  const rowless = await rowlessSizes(source)
  if (latest.state === 'good' && latest.signed.size > newestRow && !rowless.includes(latest.signed.size)) {
    rowless.push(latest.signed.size)
  }
  if (latest.state === 'bad') findings.add('checkpoint-file-changed')
  if (latest.state === 'unknown-key') findings.add('checkpoint-key-unknown')
  rowless.sort((a, b) => a - b)

  const settle = async (size: number, row: CheckpointRow | null): Promise<SignedCheckpoint | null> => {
    let ofFile = await readFileOf(source, checkpointFile(size), size)
    // A crash may have left the newest one under `latest` alone.
    if (ofFile.state === 'missing' && row === null && latest.state === 'good' && latest.signed.size === size) {
      ofFile = latest
    }
    const ofRow = row === null ? ({ state: 'missing' } as const) : await readRow(source, row, ofFile)
    const covered = { from: 0, to: size }
    if (ofFile.state === 'unknown-key' || ofRow.state === 'unknown-key') findings.add('checkpoint-key-unknown', covered)
    if (ofFile.state === 'bad') findings.add('checkpoint-file-changed', covered)
    if (ofRow.state === 'bad') findings.add('checkpoint-row-changed', covered)
    if (ofFile.state === 'missing') findings.add('checkpoint-file-missing', covered)
    // The newest file may be without its row after a crash; it is taken over at the next turn.
    if (ofRow.state === 'missing' && size < newestRow) findings.add('checkpoint-row-missing', covered)
    if (ofFile.state === 'good' && ofRow.state === 'good' && !ofFile.signed.bytes.equals(ofRow.signed.bytes)) {
      findings.add('checkpoints-contradict', covered)
    }
    if (ofFile.state === 'good') return ofFile.signed
    return ofRow.state === 'good' ? ofRow.signed : null
  }

  let after = -1
  for (;;) {
    const rows = await checkpointsAfter(db, after, PAGE)
    for (const row of rows) {
      while ((rowless[0] ?? Number.POSITIVE_INFINITY) < row.size) {
        const anchor = await settle(rowless.shift() as number, null)
        if (anchor !== null) yield anchor
      }
      // Its row was written meanwhile.
      if (rowless[0] === row.size) rowless.shift()
      const anchor = await settle(row.size, row)
      if (anchor !== null) yield anchor
      after = row.size
    }
    if (rows.length < PAGE) break
  }
  for (const size of rowless) {
    const anchor = await settle(size, null)
    if (anchor !== null) yield anchor
  }
}

/** Sizes of files that have no row. */
async function rowlessSizes({ db, dir }: AnchorSource): Promise<number[]> {
  const found: number[] = []
  let page: number[] = []
  const look = async (): Promise<void> => {
    const known = await checkpointSizes(db, page)
    found.push(...page.filter((size) => !known.has(size)))
    page = []
  }
  for await (const size of checkpointFileSizes(dir)) {
    if (page.push(size) === PAGE) await look()
  }
  await look()
  return found
}

async function readFileOf(source: AnchorSource, name: string, size: number | null): Promise<Read> {
  const text = await readIfThere(source.dir, name)
  if (text === null) return { state: 'missing' }
  let signed: SignedCheckpoint
  try {
    signed = readCheckpointText(text)
  } catch {
    return { state: 'bad' }
  }
  if (size !== null && signed.size !== size) return { state: 'bad' }
  return judge(source, signed)
}

async function readRow(source: AnchorSource, row: CheckpointRow, ofFile: Read): Promise<Read> {
  let signed: SignedCheckpoint
  try {
    signed = { ...readCheckpointBytes(row.bytes), bytes: row.bytes, signature: row.signature }
  } catch {
    return { state: 'bad' }
  }
  const fits =
    signed.size === row.size &&
    signed.root.equals(row.root) &&
    signed.keyid === row.keyid &&
    signed.at.getTime() === row.at.getTime()
  if (!fits) return { state: 'bad' }
  const same =
    ofFile.state === 'good' &&
    ofFile.signed.bytes.equals(signed.bytes) &&
    ofFile.signed.signature.equals(signed.signature)
  return same ? ofFile : judge(source, signed)
}

async function judge(source: AnchorSource, signed: SignedCheckpoint): Promise<Read> {
  const verdict = await checkpointVerdict(signed, source.certificates, source.check)
  if (verdict === 'good') return { state: 'good', signed }
  return { state: verdict === 'unknown-key' ? 'unknown-key' : 'bad' }
}
