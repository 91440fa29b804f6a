import { gauge, type Metric } from '../base/metric.ts'
import type { Queryable } from '../db/pool.ts'

/** Queries beyond this are not told apart: the registry does not answer, and that is all one needs to know. */
const ASKING_MOST = 10_000

/** Queries that the registry has not answered, in probes of one partial index. */
export async function queryMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<{ asking: number; oldest: number | null }>({
    name: 'query metrics',
    text: `select count(*)::int as asking, extract(epoch from now() - min(created_at))::float8 as oldest
             from (select created_at from query where state = 'asking' order by due_at limit $1) q`,
    values: [ASKING_MOST],
  })
  const { asking = 0, oldest = null } = rows[0] ?? {}
  return [
    gauge('bdc_queries_asking', `Queries that the registry has not answered, counted up to ${ASKING_MOST}.`, [asking]),
    gauge('bdc_queries_asking_oldest_age_seconds', 'Age of the oldest of them; 0: none.', [Math.max(0, oldest ?? 0)]),
  ]
}
