import { gauge, type Metric } from '../base/metric.ts'
import type { Queryable } from '../db/pool.ts'

/** Callbacks beyond this are not told apart: none is joined, and that is all one needs to know. */
const WAITING_MOST = 10_000

/** Callbacks that are stored and not joined to their case, in one bounded walk of a partial index. */
export async function callbackMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<{ waiting: number; oldest: number | null }>({
    name: 'callback metrics',
    text: `select count(*)::int as waiting, extract(epoch from now() - min(received_at))::float8 as oldest
             from (select received_at from platform_callback where state = 'waiting' order by due_at limit $1) p`,
    values: [WAITING_MOST],
  })
  const { waiting = 0, oldest = null } = rows[0] ?? {}
  return [
    gauge(
      'bdc_platform_callbacks_waiting',
      `Callbacks of the platform that are not joined to a case, counted up to ${WAITING_MOST}.`,
      [waiting],
    ),
    gauge('bdc_platform_callbacks_oldest_age_seconds', 'Age of the oldest of them; 0: none waits.', [
      Math.max(0, oldest ?? 0),
    ]),
  ]
}
