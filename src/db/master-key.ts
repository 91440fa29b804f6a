import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Queryable } from './pool.ts'
import { openValue, SealBroken, sealValue } from './seal.ts'
import { StartRefused } from './start-refused.ts'

const KEY_BYTES = 32

/**
 * The key that wraps all data keys: as given (64 hex digits or base64 of 32 bytes), else from `master.key` in the data
 * folder, made there at the first start. It is never made when the database holds keys already: those were wrapped
 * under one that is lost or elsewhere.
 * @param db after migration.
 * @throws {StartRefused}
 */
export async function loadMasterKey(options: {
  given: string | null
  dataDir: string
  db: Queryable
}): Promise<Buffer> {
  if (options.given !== null) return parseKey(options.given, '配置的主密钥', 'The configured master key')
  const file = join(options.dataDir, 'master.key')
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text !== null) {
    const { mode } = await stat(file)
    if (process.platform !== 'win32' && (mode & 0o007) !== 0) {
      throw new StartRefused('master-key-open', {
        zh: `主密钥文件可被其他用户读取，请执行：chmod 600 '${file}'`,
        en: `The master key can be read by other users. Please: chmod 600 '${file}'`,
      })
    }
    return parseKey(text, `主密钥文件 ${file} 的内容`, `The master key in ${file}`)
  }
  const { rowCount } = await options.db.query('select from data_key limit 1')
  if (rowCount !== 0) {
    throw new StartRefused('master-key-missing', {
      zh: `数据库中已有用主密钥加密的数据，但找不到主密钥文件 ${file}。请恢复该文件或在配置中给出主密钥。`,
      en: `The database holds data sealed under a master key, but ${file} is missing. Restore it, or give the key in the configuration.`,
    })
  }
  const key = randomBytes(KEY_BYTES)
  await writeDurably(file, `${key.toString('hex')}\n`)
  return key
}

function parseKey(text: string, zh: string, en: string): Buffer {
  const trimmed = text.trim()
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64')
  if (key.length === KEY_BYTES && (trimmed.length === 64 || /^[A-Za-z0-9+/]{43}=$/.test(trimmed))) return key
  throw new StartRefused('master-key-malformed', {
    zh: `${zh}格式错误：应为 64 位十六进制，或 32 字节的 base64。`,
    en: `${en} is malformed: it must be 64 hex digits, or base64 of 32 bytes.`,
  })
}

/** What is sealed under this key is lost with it, so it must be on the disk before anything is. */
async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (process.platform === 'win32') return
  const folder = await open(join(file, '..'))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export interface WrappedKey {
  readonly id: string
  readonly month: string
  readonly purpose: string
  readonly wrapped: Buffer
}

/** Bound to its row: a key moved to another month or purpose does not unwrap. */
const place = ({ id, month, purpose }: Omit<WrappedKey, 'wrapped'>): string =>
  `data_key/wrapped/${id}/${month}/${purpose}`

export function wrapKey(masterKey: Buffer, row: Omit<WrappedKey, 'wrapped'>, key: KeyObject): Buffer {
  return sealValue({ id: row.id, key: createSecretKey(masterKey) }, key.export(), place(row))
}

/** @throws {StartRefused} when this is not the master key that wrapped it. */
export function unwrapKey(masterKey: Buffer, row: WrappedKey): KeyObject {
  try {
    return createSecretKey(openValue(createSecretKey(masterKey), row.wrapped, place(row)))
  } catch (error) {
    if (!(error instanceof SealBroken)) throw error
    throw new StartRefused(
      'master-key-wrong',
      {
        zh: '主密钥与数据库中已有数据不符，拒绝启动。请提供加密这些数据时所用的主密钥。',
        en: 'The master key is not the one under which the data in this database were sealed. Give the right one.',
      },
      error,
    )
  }
}
