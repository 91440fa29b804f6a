import { newId } from '../base/id.ts'
import type { CaseMeans, CertificateSource } from '../cases/apply.ts'
import type { CaseHold } from '../cases/store.ts'
import type { Rows } from '../db/batch.ts'
import { insertSet } from '../db/row-set.ts'
import type { ClaimedMessage, SendResult } from '../delivery/destination.ts'
import { SinkError } from '../http/call.ts'
import { contentType, type MaterialType } from '../materials/content-type.ts'
import { type FileFacts, type Files, FileTooLarge, type StoredFile } from '../materials/files.ts'
import { sealFileFacts } from '../materials/store.ts'
import type { RegistryClient } from './client.ts'

/** A certificate's file, stored and found to be what the registry described. */
export interface FetchedCertificate {
  fileId: string
  file: StoredFile
  mediaType: MaterialType
}

/** The bytes are not those that the registry described. */
class NotAsDescribed extends Error {}

interface FetchMeans {
  client: RegistryClient
  files: Files
  certificateLimitBytes: number
}

/**
 * Fetches a certificate's file, or takes it from the answer that held it; checks size and digest against what the
 * registry said and passes the bytes on untouched. Nothing is kept of a file that does not fit.
 */
export async function fetchCertificate(means: FetchMeans, message: ClaimedMessage): Promise<SendResult> {
  const source = JSON.parse((message.source as Buffer).toString()) as CertificateSource
  const fileId = newId()
  let stored: StoredFile | null = null
  const store = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    try {
      stored = await means.files.store(chunks, fileId, means.certificateLimitBytes, (facts) => check(facts, source))
    } catch (error) {
      if (error instanceof NotAsDescribed || error instanceof FileTooLarge)
        throw new SinkError(error.message, { cause: error })
      throw error
    }
  }
  try {
    const { content, location } = source.file
    if (content !== null) await store(single(Buffer.from(content, 'base64')))
    else if (location === null)
      return { outcome: { kind: 'refused', code: 'no-file', reason: 'the registry named no file' } }
    else {
      const reply = await means.client.fetchFile(location, store)
      if (reply.kind !== 'answered') return { outcome: { kind: 'retry', reason: reply.reason } }
      if (reply.status !== 200) return { outcome: { kind: 'retry', reason: `status ${reply.status}` } }
    }
  } catch (error) {
    if (error instanceof SinkError) return { outcome: { kind: 'retry', reason: error.message } }
    throw error
  }
  if (stored === null) return { outcome: { kind: 'retry', reason: 'no content came' } }
  const file: StoredFile = stored
  const mediaType = contentType(file.head, file.tail)
  if (mediaType === null)
    return { outcome: { kind: 'refused', code: 'not-a-certificate', reason: 'neither PDF nor OFD' } }
  const said: FetchedCertificate = { fileId, file, mediaType }
  return { outcome: { kind: 'delivered', receipt: null }, said }
}

async function* single(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

function check(facts: FileFacts, { file }: CertificateSource): void {
  if (file.sizeBytes !== null && file.sizeBytes !== facts.sizeBytes)
    throw new NotAsDescribed('the size is not as described')
  if (file.digest === null) throw new NotAsDescribed('the registry gave no digest')
  const { algorithm, value } = file.digest
  const digest = algorithm === 'sm3' ? facts.sm3 : algorithm === 'sha-256' ? facts.sha256 : null
  if (digest === null) throw new NotAsDescribed('the digest is of an unknown kind')
  if (digest.toString('hex') !== value.toLowerCase()) throw new NotAsDescribed('the digest is not as described')
}

const certificateInserts = insertSet<{
  id: string
  case_id: string
  bank_id: string
  part: number
  media_type: string
  size_bytes: number
  sealed: Buffer
  created_at: Date
}>('certificate', 140, {
  id: 'uuid',
  case_id: 'uuid',
  bank_id: 'uuid',
  part: 'integer',
  media_type: 'text',
  size_bytes: 'bigint',
  sealed: 'bytea',
  created_at: 'timestamptz',
})

export function certificateRow(
  hold: CaseHold,
  source: CertificateSource,
  fetched: FetchedCertificate,
  rows: Rows,
  means: CaseMeans,
): void {
  const { subject, unitNumber, certificate } = source
  rows.add(certificateInserts, {
    id: fetched.fileId,
    case_id: hold.id,
    bank_id: hold.bankId,
    part: source.part,
    media_type: fetched.mediaType,
    size_bytes: fetched.file.sizeBytes,
    sealed: sealFileFacts(
      'certificate',
      fetched.fileId,
      fetched.file,
      { number: subject, unitNumber, certificate },
      means.sealer,
    ),
    created_at: means.clock.now(),
  })
}
