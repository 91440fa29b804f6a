import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isUuid, newId } from '../base/id.ts'
import { inTransaction, type Pool } from './pool.ts'
import { StartRefused } from './start-refused.ts'

/** Among the files, since it is these that must be the same for all. */
const FILE = 'storage-id'

/**
 * Holds the folder of files against the database, both marked at the first start: a process with another folder, an
 * unmounted one say, would take files that the others lack and miss theirs.
 * @param folder that exists. To be called by one process at a time.
 * @throws {StartRefused} `storage-differs`.
 */
export async function holdStorageMark(pool: Pool, folder: string): Promise<void> {
  const file = join(folder, FILE)
  const found = await readMark(file)
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: string }>('select id from storage_mark')
    const known = rows[0]?.id
    if (known !== undefined && known === found) return
    if (known !== undefined) throw differs(file, known, found)
    // The file first: one without a row is taken over by the next start.
    const id = found ?? newId()
    if (found === null) await writeMark(file, id)
    await tx.query('insert into storage_mark (id) values ($1)', [id])
  })
}

async function readMark(file: string): Promise<string | null> {
  try {
    const text = (await readFile(file, 'utf8')).trim()
    // A power cut may leave it empty.
    return isUuid(text) ? text : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function writeMark(file: string, id: string): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(`${id}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function differs(file: string, known: string, found: string | null): StartRefused {
  return new StartRefused('storage-differs', {
    zh: `${file} ${found === null ? '不存在' : '属于另一个数据库'}：数据文件夹（DATA_DIR）不是本数据库所用的文件夹，请检查路径与挂载。若确系从备份恢复的同一文件夹，请在该文件中写入 ${known}。`,
    en: `${file} ${found === null ? 'is missing' : 'belongs to another database'}: this data folder (DATA_DIR) is not the one that this database's files lie in; check the path and the mount. If it is the same folder restored, write ${known} into that file.`,
  })
}
