import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { advisoryLock } from './advisory-lock.ts'
import { type Pool, silentFor } from './pool.ts'
import { StartRefused } from './start-refused.ts'

interface Migration {
  readonly number: number
  /** The file's name: NNNN-what.sql. */
  readonly name: string
  readonly sql: string
  /** Hex SHA-256 of the text with LF line ends, so that a checkout's line ends do not matter. */
  readonly sha256: string
}

export interface Migrated {
  /** Names of the files applied now. */
  readonly applied: string[]
  /** Names of migrations of a newer version, which this one runs on: schemas expand before they contract. */
  readonly newer: string[]
}

const ownMigrations = fileURLToPath(new URL('./migrations', import.meta.url))

/**
 * Brings the schema up to this version: numbered SQL files, forward only, one transaction each, one process at a time.
 * @throws {StartRefused} when a file was edited or lost after it had been applied, comes late under an old number, or
 *   the server is too old or not UTF-8. Nothing is changed then.
 */
export async function migrate(pool: Pool, folder: string = ownMigrations): Promise<Migrated> {
  const files = await readMigrations(folder)
  const client = await pool.connect()
  let broken = true
  try {
    await refuseServer(client)
    await client.query('set statement_timeout = 0')
    await client.query(silentFor(ANY_TIME_MS, `select pg_advisory_lock(${advisoryLock.migrate})`))
    await client.query(
      `create table if not exists schema_migration (
         number integer primary key, name text not null, sha256 text not null,
         applied_at timestamptz not null default now())`,
    )
    const { rows } = await client.query<AppliedRow>('select number, name, sha256 from schema_migration order by number')
    const { pending, newer } = compare(files, rows)
    for (const file of pending) await apply(client, file)
    await client.query('select pg_advisory_unlock($1)', [advisoryLock.migrate])
    await client.query('reset statement_timeout')
    broken = false
    return { applied: pending.map(({ name }) => name), newer }
  } finally {
    // A session that failed in between may hold the lock: it is closed, not given back.
    client.release(broken)
  }
}

interface AppliedRow {
  number: number
  name: string
  sha256: string
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const files: Migration[] = []
  for (const name of names) {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1])
    if (!Number.isInteger(number)) throw new Error(`a migration is named NNNN-what.sql, not ${name}`)
    if (files.at(-1)?.number === number) throw new Error(`two migrations have the number ${number}`)
    const sql = (await readFile(`${folder}/${name}`, 'utf8')).replaceAll('\r\n', '\n')
    files.push({ number, name, sql, sha256: createHash('sha256').update(sql).digest('hex') })
  }
  if (files.length === 0) throw new Error(`no migrations in ${folder}`)
  return files
}

function compare(files: readonly Migration[], rows: readonly AppliedRow[]): { pending: Migration[]; newer: string[] } {
  const byNumber = new Map(files.map((file) => [file.number, file]))
  const newest = files.at(-1)?.number ?? 0
  for (const { number, name, sha256 } of rows) {
    const file = byNumber.get(number)
    if (file === undefined && number <= newest) {
      throw refused(
        'migration-missing',
        name,
        '已应用，但本版本缺少该文件',
        'was applied, but this version lacks its file',
      )
    }
    if (file !== undefined && file.sha256 !== sha256) {
      const how = '在应用之后被修改；请恢复原文件，另加新的迁移'
      throw refused(
        'migration-edited',
        name,
        how,
        'was changed after it had been applied; restore it and add a new migration',
      )
    }
  }
  const last = rows.at(-1)?.number ?? 0
  const applied = new Set(rows.map(({ number }) => number))
  const pending = files.filter(({ number }) => !applied.has(number))
  const late = pending.find(({ number }) => number < last)
  if (late !== undefined) {
    const how = `的编号早于已应用的最新迁移（${last}）；请重新编号`
    throw refused(
      'migration-late',
      late.name,
      how,
      `has a number below the newest applied one (${last}); give it a new number`,
    )
  }
  return { pending, newer: rows.filter(({ number }) => number > newest).map(({ name }) => name) }
}

/** The most that a timer can hold: for a migration of a large table, and for whoever waits for another's. */
const ANY_TIME_MS = 2 ** 31 - 1

async function apply(client: pg.PoolClient, file: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(silentFor(ANY_TIME_MS, file.sql))
    await client.query('insert into schema_migration (number, name, sha256) values ($1, $2, $3)', [
      file.number,
      file.name,
      file.sha256,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`migration ${file.name} failed`, { cause: error })
  }
}

const OLDEST_SERVER = 150_000

async function refuseServer(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
  )
  const { version = 0, encoding = '' } = rows[0] ?? {}
  if (version < OLDEST_SERVER) {
    throw new StartRefused('database-too-old', {
      zh: `数据库服务器版本过低（${version}），需要 PostgreSQL 15 或更高版本。`,
      en: `The database server is too old (${version}): PostgreSQL 15 or newer is needed.`,
    })
  }
  if (encoding !== 'UTF8') {
    throw new StartRefused('database-encoding', {
      zh: `数据库编码为 ${encoding}，需要 UTF8。`,
      en: `The database's encoding is ${encoding}; UTF8 is needed.`,
    })
  }
}

function refused(code: string, name: string, zh: string, en: string): StartRefused {
  return new StartRefused(code, { zh: `数据库迁移 ${name} ${zh}。`, en: `The migration ${name} ${en}.` })
}
