import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { type Finding, NeedleScanner } from './needle-scanner.ts'
import { needlesOf, type Secret } from './needles.ts'
import type { World } from './world.ts'

export interface StoreScan {
  findings: Finding[]
  scanned: { columns: number; files: string[]; bytes: number }
}

/** What a failed test says: place and form, and the value, which is made up. */
export function told({ where, kind, form, value, at, count }: Finding): string {
  return `${kind} ${value} as ${form} in ${where} at ${at}, ${count} times`
}

/** A superuser on the embedded server of a data folder. */
export async function superuser(
  t: { teardown(work: () => Promise<void>): unknown },
  folder: string,
  database: string,
): Promise<pg.Client> {
  const password = (await readFile(join(folder, 'postgres.password'), 'utf8')).trim()
  const port = (await readFile(join(folder, 'postgres.port'), 'utf8')).trim()
  const client = new pg.Client(`postgres://postgres:${password}@127.0.0.1:${port}/${database}?sslmode=disable`)
  client.on('error', () => undefined)
  await client.connect()
  t.teardown(() => client.end().catch(() => undefined))
  return client
}

interface Column {
  schema: string
  table: string
  column: string
  type: string
  isLong: boolean
}

async function columns(client: pg.Client): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select n.nspname as schema, c.relname as table, a.attname as column, t.typname as type, a.attlen = -1 as "isLong"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type t on t.oid = a.atttypid
      where c.relkind in ('r', 'm') and n.nspname not like 'pg_toast%' order by 1, 2, a.attnum`,
  )
  return rows
}

/**
 * Keeps values as they are in the server's files: PostgreSQL compresses long ones and pages in the log, and no scan
 * would find anything in those.
 */
export async function keepUncompressed(client: pg.Client): Promise<void> {
  for (const { schema, table, column, isLong, type } of await columns(client)) {
    if (!isLong || type === 'numeric' || schema === 'pg_catalog' || schema === 'information_schema') continue
    await client.query(`alter table "${schema}"."${table}" alter column "${column}" set storage external`)
  }
}

/** Every column of every table of every schema, those of PostgreSQL itself included. */
async function scanTables(
  client: pg.Client,
  scanner: NeedleScanner,
): Promise<{ findings: Finding[]; columns: number }> {
  const findings: Finding[] = []
  const all = await columns(client)
  for (const { schema, table, column, type } of all) {
    const value = type === 'bytea' ? `"${column}"` : `convert_to("${column}"::text, 'UTF8')`
    const { rows } = await client.query<{ value: Buffer }>(
      `select ${value} as value from "${schema}"."${table}" where "${column}" is not null`,
    )
    const bytes = Buffer.concat(rows.flatMap((row) => [row.value, Buffer.of(0)]))
    findings.push(...scanner.scan(bytes, `table ${schema}.${table}.${column}`))
  }
  return { findings, columns: all.length }
}

/** Every file below a folder, but those below `except`. */
async function scanFiles(
  folder: string,
  scanner: NeedleScanner,
  except: readonly string[] = [],
): Promise<{ findings: Finding[]; files: string[]; bytes: number }> {
  const findings: Finding[] = []
  const files: string[] = []
  let bytes = 0
  const walk = async (path: string): Promise<void> => {
    if (except.includes(path)) return
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name)
      if (entry.isDirectory()) await walk(inner)
      else if (entry.isFile()) {
        const content = await readFile(inner).catch((error: NodeJS.ErrnoException) => {
          // A running server removes files.
          if (error.code === 'ENOENT') return Buffer.alloc(0)
          throw error
        })
        files.push(inner)
        bytes += content.length
        findings.push(...scanner.scan(content, `file ${inner.slice(folder.length + 1)}`))
      }
    }
  }
  await walk(folder)
  return { findings, files, bytes }
}

/** Looks for secrets in everything that the gateway of a world has written: tables, log of changes, files, its log. */
export async function scanStore(
  world: World,
  /** Of the embedded server, with the data folders of the databases on it. */
  folder: string,
  server: pg.Client,
  database: pg.Client,
  secrets: readonly Secret[],
): Promise<StoreScan> {
  // Everything that is kept in memory for a while comes to the disk.
  await world.gateway.ground.trace.refusals.flush()
  await world.gateway.ground.trace.checkpointNow()
  const scanner = new NeedleScanner(needlesOf(secrets))
  const { findings, columns } = await scanTables(database, scanner)
  await server.query('select pg_switch_wal()')
  // The log of changes before the checkpoint, which may drop the older part of it.
  const log = await scanFiles(join(folder, 'postgres', 'pg_wal'), scanner)
  await server.query('checkpoint')
  const worldFolder = join(world.database.dataDir, 'world')
  // The counterparties' own folders are not the gateway's.
  const all = await scanFiles(folder, scanner, [join(worldFolder, 'registry'), join(worldFolder, 'platform')])
  return {
    findings: [
      ...findings,
      ...log.findings.map((one) => ({ ...one, where: one.where.replace('file ', 'file postgres/pg_wal/') })),
      ...all.findings,
    ],
    scanned: { columns, files: [...log.files, ...all.files], bytes: log.bytes + all.bytes },
  }
}
