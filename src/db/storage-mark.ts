import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isUuid, newId } from '../base/id.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'
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
  await inTransaction(pool, async (tx) => {
    const { known, found } = await compared(tx, folder)
    if (known !== null) return
    // The file first: one without a row is taken over by the next start.
    const id = found ?? newId()
    if (found === null) await writeMark(join(folder, FILE), id)
    await tx.query('insert into storage_mark (id) values ($1)', [id])
  })
}

/**
 * Looks only, and marks nothing. @param folder that need not be there.
 * @returns whether the database has files of its own, which are then in this folder.
 * @throws {StartRefused} `storage-differs`.
 */
export async function isStorageMarked(db: Queryable, folder: string): Promise<boolean> {
  return (await compared(db, folder)).known !== null
}

async function compared(db: Queryable, folder: string): Promise<{ known: string | null; found: string | null }> {
  const file = join(folder, FILE)
  const found = await readMark(file)
  const { rows } = await db.query<{ id: string }>('select id from storage_mark')
  const known = rows[0]?.id ?? null
  if (known !== null && known !== found) throw differs(file, known, found)
  // Files of another database, to which this one would be no more than a name mistyped: all of them orphans here.
  if (known === null && found !== null && (await holdsFiles(folder))) throw isOfAnother(folder, found)
  return { known, found }
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

/** Whether a file lies in one of the folders in the folder, which is where materials are. */
async function holdsFiles(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && (await readdir(join(folder, entry.name))).length > 0) return true
  }
  return false
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

function isOfAnother(folder: string, found: string): StartRefused {
  return new StartRefused('storage-differs', {
    zh: `${folder} 中已有数据文件，而本数据库是新的：这些文件属于另一个数据库，继续使用会被当作无主文件清除。请检查 DATABASE_URL 的数据库名，或恢复其备份；要重新开始，请把 DATA_DIR 指向空文件夹。若确系这些文件的数据库，请在其中执行：insert into storage_mark (id) values ('${found}')`,
    en: `${folder} holds files, and this database is new: they belong to another, and would be swept as nobody's. Check the database's name in DATABASE_URL, or restore its backup; to begin anew name an empty folder in DATA_DIR. If it is the database of these files, run in it: insert into storage_mark (id) values ('${found}')`,
  })
}
