import type { Place } from './place.ts'

/** What PostgreSQL did for one request. */
export interface Activity {
  commits: number
  /** As their text was executed; null where the server does not count them. */
  statements: number | null
  /** Shared buffers that were looked at, found or read. */
  buffers: number
}

interface Counters {
  commits: number
  statements: number | null
  buffers: number
}

/** Counts over `work`, divided by `requests`. Backends tell their counts when they are idle for a moment. */
export async function activityOf(
  place: Place,
  database: string,
  requests: number,
  work: () => Promise<void>,
): Promise<Activity> {
  const before = await countersOf(place, database)
  await work()
  const after = await countersOf(place, database)
  const each = (name: 'commits' | 'buffers'): number => (after[name] - before[name]) / requests
  return {
    commits: each('commits'),
    buffers: each('buffers'),
    statements:
      after.statements === null || before.statements === null
        ? null
        : (after.statements - before.statements) / requests,
  }
}

async function countersOf({ admin }: Place, database: string): Promise<Counters> {
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await admin.query('select pg_stat_clear_snapshot()')
  const { rows } = await admin.query<{ commits: string; buffers: string }>(
    `select xact_commit as commits, blks_hit + blks_read as buffers from pg_stat_database where datname = $1`,
    [database],
  )
  const statements = await admin
    .query<{ calls: string | null }>(
      `select sum(calls) as calls from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1`,
      [database],
    )
    .then(
      (result) => Number(result.rows[0]?.calls ?? 0),
      () => null,
    )
  return { commits: Number(rows[0]?.commits), buffers: Number(rows[0]?.buffers), statements }
}

/** Where the server's time goes in a database, longest first; for whoever looks for what dominates. */
export async function longestStatements({ admin }: Place, database: string): Promise<Record<string, unknown>[]> {
  const { rows } = await admin.query<Record<string, unknown>>(
    `select round(total_exec_time::numeric) as ms, calls, rows, shared_blks_hit as hit, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as query
       from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1
      order by total_exec_time desc limit 30`,
    [database],
  )
  return rows
}
