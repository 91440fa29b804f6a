import { gathered } from '../db/gathered.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet } from '../db/row-set.ts'
import type { MaterialType } from './content-type.ts'
import type { StoredFile } from './files.ts'

interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

export interface Material {
  id: string
  bankId: string
  mediaType: MaterialType
  sizeBytes: number
  createdAt: Date
  /** Hex. */
  sha256: string
  sm3: string
  /** Opens the file. */
  key: Buffer
}

export interface MaterialRow {
  id: string
  bank_id: string
  account_id: string
  operator_code: string
  media_type: string
  size_bytes: number
  sealed: Buffer
  created_at: Date
}

export const materialInserts = insertSet<MaterialRow>('material', 130, {
  id: 'uuid',
  bank_id: 'uuid',
  account_id: 'uuid',
  operator_code: 'text',
  media_type: 'text',
  size_bytes: 'bigint',
  sealed: 'bytea',
  created_at: 'timestamptz',
})

/** A file's key and digests, sealed: a digest in the clear would tell who else holds the same file. */
export function sealFileFacts(
  table: 'material' | 'certificate',
  id: string,
  file: StoredFile,
  more: object,
  sealer: Sealer,
): Buffer {
  const facts = {
    ...more,
    key: file.key.toString('base64'),
    sha256: file.sha256.toString('hex'),
    sm3: file.sm3.toString('hex'),
  }
  return sealer.seal(Buffer.from(JSON.stringify(facts)), `${table}/sealed/${id}`)
}

/** What `sealFileFacts` sealed. */
export function openFileFacts(
  table: 'material' | 'certificate',
  id: string,
  sealed: Buffer,
  sealer: Sealer,
): Record<string, unknown> & { key: string; sha256: string; sm3: string } {
  return JSON.parse(sealer.open(sealed, `${table}/sealed/${id}`).toString()) as Record<string, unknown> & {
    key: string
    sha256: string
    sm3: string
  }
}

/** Materials of a bank by id; ids of other banks and unknown ids are simply not in the answer. */
export async function readMaterials(
  db: Queryable,
  bankId: string,
  ids: readonly string[],
  sealer: Sealer,
): Promise<Map<string, Material>> {
  const rows = (await readRows(db, ids)).filter((row) => row.bank_id === bankId)
  const found = new Map<string, Material>()
  for (const row of rows) {
    const facts = openFileFacts('material', row.id, row.sealed, sealer)
    found.set(row.id, {
      id: row.id,
      bankId: row.bank_id,
      mediaType: row.media_type as MaterialType,
      sizeBytes: row.size_bytes,
      createdAt: row.created_at,
      sha256: facts.sha256,
      sm3: facts.sm3,
      key: Buffer.from(facts.key, 'base64'),
    })
  }
  return found
}

const readRows = gathered<readonly string[], MaterialRow[]>(async (db, asks) => {
  const { rows } = await db.query<MaterialRow>({
    name: 'materials',
    text: 'select * from material where id = any($1::uuid[])',
    values: [[...new Set(asks.flat())]],
  })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return asks.map((ids) => [...new Set(ids)].map((id) => byId.get(id)).filter((row) => row !== undefined))
})

/** Which of these file ids have rows, of materials or certificates. */
export async function knownFiles(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    'select id from material where id = any($1::uuid[]) union all select id from certificate where id = any($1::uuid[])',
    [ids],
  )
  return new Set(rows.map((row) => row.id))
}
