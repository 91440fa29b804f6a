import { setTimeout as sleep } from 'node:timers/promises'
import { firstIdAt } from '../base/id.ts'
import { advisoryLock } from './advisory-lock.ts'
import { inTransaction, type Pool, type Queryable, type Transaction } from './pool.ts'

const DAY_MS = 86_400_000

interface Month {
  /** yyyy_MM, in UTC. */
  readonly label: string
  readonly from: string
  readonly to: string
}

/**
 * Makes the monthly partitions of tables that are `partition by range (id)` over UUIDv7: this month and `monthsAhead`
 * more (and, in a month's first days, the one before, for ids of clocks that lag), and the default partition that takes
 * what fits none. Rows that lie in the default partition meanwhile are moved. Cheap when nothing is to be done, safe to
 * run on every node; to be called at start and daily.
 * @returns the names of the partitions made.
 */
export async function ensurePartitions(
  pool: Pool,
  tables: readonly string[],
  now: Date,
  monthsAhead: number = 3,
): Promise<string[]> {
  const months = monthsBetween(new Date(now.getTime() - 2 * DAY_MS), now, monthsAhead)
  const made: string[] = []
  for (const table of tables) {
    const present = await partitionsOf(pool, table)
    if (!present.has(`${table}_default`)) made.push(...(await makeDefault(pool, table)))
    for (const month of months) {
      if (present.has(`${table}_${month.label}`)) continue
      if (await makeMonth(pool, table, month)) made.push(`${table}_${month.label}`)
    }
  }
  return made
}

/** The tables that `ensurePartitions` is for. */
export async function partitionedTables(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
      where p.partstrat = 'r' and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** True when rows lie in the default partition, which is an alarm: `ensurePartitions` did not run, or a clock is off. */
export async function defaultPartitionRows(db: Queryable, table: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select exists (select from ${identifier(`${table}_default`)}) as found`,
  )
  return rows[0]?.found === true
}

function monthsBetween(first: Date, now: Date, ahead: number): Month[] {
  const months: Month[] = []
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)
  for (let number = first.getUTCMonth(); ; number += 1) {
    const from = new Date(Date.UTC(first.getUTCFullYear(), number))
    if (from.getTime() > end) return months
    months.push({
      label: from.toISOString().slice(0, 7).replace('-', '_'),
      from: firstIdAt(from.getTime()),
      to: firstIdAt(Date.UTC(first.getUTCFullYear(), number + 1)),
    })
  }
}

async function partitionsOf(db: Queryable, table: string): Promise<Set<string>> {
  const { rows } = await db.query<{ kind: string; name: string | null }>(
    `select p.relkind as kind, c.relname as name from pg_class p
       left join pg_inherits i on i.inhparent = p.oid left join pg_class c on c.oid = i.inhrelid
      where p.oid = to_regclass($1)`,
    [identifier(table)],
  )
  if (rows[0]?.kind !== 'p') throw new Error(`${table} is no partitioned table`)
  return new Set(rows.flatMap(({ name }) => (name === null ? [] : [name])))
}

/** One process at a time, and never waiting for long with a lock that would hold up all who write. */
async function alone<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(pool, async (tx) => {
        await tx.query('select pg_advisory_xact_lock($1)', [advisoryLock.partitions])
        await tx.query(`set local lock_timeout = '2s'`)
        return work(tx)
      })
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03' || tries === 10) throw error
      await sleep(200 * tries)
    }
  }
}

async function makeDefault(pool: Pool, table: string): Promise<string[]> {
  const name = `${table}_default`
  return alone(pool, async (tx) => {
    if ((await partitionsOf(tx, table)).has(name)) return []
    await tx.query(`create table ${identifier(name)} partition of ${identifier(table)} default`)
    return [name]
  })
}

/**
 * Made aside and attached: that locks the default partition only, where `create table … partition of` would lock the
 * whole table against writers.
 */
async function makeMonth(pool: Pool, table: string, { label, from, to }: Month): Promise<boolean> {
  const name = `${table}_${label}`
  const [parent, partition, rest] = [identifier(table), identifier(name), identifier(`${table}_default`)]
  return alone(pool, async (tx) => {
    if ((await partitionsOf(tx, table)).has(name)) return false
    await tx.query(`lock table ${rest} in access exclusive mode`)
    await tx.query(
      `create table ${partition}
         (like ${parent} including defaults including constraints including generated including storage)`,
    )
    await tx.query(
      `with moved as (delete from ${rest} where id >= '${from}' and id < '${to}' returning *)
       insert into ${partition} select * from moved`,
    )
    await tx.query(`alter table ${parent} attach partition ${partition} for values from ('${from}') to ('${to}')`)
    return true
  })
}

function identifier(name: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`not a table's name: ${name}`)
  return name
}
