import { setTimeout as sleep } from 'node:timers/promises'
import { type CountingProxy, countingProxy } from './counting-proxy.ts'
import type { Place } from './place.ts'

/** What PostgreSQL did for one request. */
export interface Activity {
  /** As the protocol executes them, begin and commit among them. */
  statements: number
  commits: number
  /** Shared buffers that were looked at, found or read. */
  buffers: number
}

/** A database whose statements are counted on their way. */
export interface Counted {
  /** The way to it. */
  url: string
  /** Counts over `work`, divided by `requests`. */
  over(requests: number, work: () => Promise<unknown>): Promise<Activity>
}

/** @param databaseUrl of the database `name`. */
export async function counted(place: Place, name: string, databaseUrl: string): Promise<Counted> {
  const proxy = await countingProxy(databaseUrl)
  place.onClose(() => proxy.close())
  return {
    url: proxy.url,
    over: async (requests, work) => {
      const before = await countersOf(place, name, proxy)
      await work()
      const after = await countersOf(place, name, proxy)
      const each = (one: keyof Activity): number => (after[one] - before[one]) / requests
      return { statements: each('statements'), commits: each('commits'), buffers: each('buffers') }
    },
  }
}

/** Backends tell their counts once they have been idle for a second. */
async function countersOf({ admin }: Place, name: string, proxy: CountingProxy): Promise<Activity> {
  const statements = proxy.statements()
  await sleep(1200)
  await admin.query('select pg_stat_clear_snapshot()')
  const { rows } = await admin.query<{ commits: string; buffers: string }>(
    'select xact_commit as commits, blks_hit + blks_read as buffers from pg_stat_database where datname = $1',
    [name],
  )
  return { statements, commits: Number(rows[0]?.commits), buffers: Number(rows[0]?.buffers) }
}
