import type { Queryable } from '../db/pool.ts'
import { type Material, readMaterials } from '../materials/store.ts'
import { messageFiles } from './case-files.ts'
import { readCase, readDocument, type Sealer } from './store.ts'

/** One file of a case under way to a counterparty, and whether others follow it. */
export interface FileToSend extends Material {
  more: boolean
}

/**
 * The file at a place in the order of the message's files.
 * @throws {Error} when there is none: a broken assumption, filing has checked them all.
 */
export async function fileToSend(
  db: Queryable,
  sealer: Sealer,
  message: { caseId: string; documentVersion: number; cursor: number; source: Buffer | null },
): Promise<FileToSend> {
  const head = await readCase(db, message.caseId)
  if (head === undefined) throw new Error('a message belongs to no case')
  const files = messageFiles(message, await readDocument(db, head.id, message.documentVersion, sealer))
  const id = files[message.cursor]?.id ?? ''
  const material = (await readMaterials(db, head.bankId, [id], sealer)).get(id)
  if (material === undefined) throw new Error('a material of a case is not there')
  return { ...material, more: message.cursor + 1 < files.length }
}
