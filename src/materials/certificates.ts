import type { Queryable } from '../db/pool.ts'
import { openFileFacts } from './store.ts'

/** An electronic certificate whose file is here. */
export interface StoredCertificate {
  /** Also the file's id. */
  id: string
  part: number
  number: string
  unitNumber: string | null
  /** Metadata as the registry gave them. */
  certificate: unknown
  mediaType: string
  sizeBytes: number
  /** Hex. */
  sha256: string
  sm3: string
  key: Buffer
}

/** Certificates of a case, oldest first; of a file that was fetched twice the newer. */
export async function readCertificates(
  db: Queryable,
  caseId: string,
  sealer: { seal(plain: Buffer, context: string): Buffer; open(sealed: Buffer, context: string): Buffer },
): Promise<StoredCertificate[]> {
  const { rows } = await db.query<{ id: string; part: number; media_type: string; size_bytes: number; sealed: Buffer }>(
    {
      name: 'certificates',
      text: 'select id, part, media_type, size_bytes, sealed from certificate where case_id = $1 order by id',
      values: [caseId],
    },
  )
  const found = new Map<string, StoredCertificate>()
  for (const row of rows) {
    const facts = openFileFacts('certificate', row.id, row.sealed, sealer)
    const number = String(facts['number'])
    found.set(number, {
      id: row.id,
      part: row.part,
      number,
      unitNumber: (facts['unitNumber'] as string | null | undefined) ?? null,
      certificate: facts['certificate'],
      mediaType: row.media_type,
      sizeBytes: row.size_bytes,
      sha256: facts.sha256,
      sm3: facts.sm3,
      key: Buffer.from(facts.key, 'base64'),
    })
  }
  return [...found.values()]
}
