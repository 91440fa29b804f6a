import { gauge, type Metric } from '../base/metric.ts'
import type { Queryable } from '../db/pool.ts'
import type { WebhookState } from './webhook-store.ts'

const STATES: readonly WebhookState[] = ['approved', 'pending', 'suspended']

/**
 * How far webhooks are behind their banks' feeds: the end of the feed less the cursor, both kept with the rows, so that
 * what waits is never counted. The age costs one index probe for each approved webhook that is behind.
 */
export async function webhookMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<{ state: WebhookState; webhooks: number; behind: number; oldest: number | null }>({
    name: 'webhook metrics',
    text: `select w.state, count(*)::int as webhooks,
                  sum(greatest(0, coalesce(f.last, 0) - w.cursor))::float8 as behind,
                  extract(epoch from now() - min(next.at))::float8 as oldest
             from webhook w left join feed_counter f on f.bank_id = w.bank_id
             left join lateral (select e.at from event e
                                 where w.state = 'approved' and f.last > w.cursor
                                   and e.bank_id = w.bank_id and e.feed_number > w.cursor
                                 order by e.feed_number limit 1) next on true
            group by w.state`,
  })
  const of = (state: WebhookState) => rows.find((row) => row.state === state)
  const byState = (value: (state: WebhookState) => number) =>
    STATES.map((state): [number, Record<string, string>] => [value(state), { state }])
  return [
    gauge('bdc_webhooks', 'Webhooks that banks have set.', ...byState((state) => of(state)?.webhooks ?? 0)),
    gauge(
      'bdc_webhook_events_behind',
      'Events that webhooks have not been given, of all banks together.',
      ...byState((state) => of(state)?.behind ?? 0),
    ),
    gauge(
      'bdc_webhook_oldest_event_age_seconds',
      'Age of the oldest event that an approved webhook has not been given; 0: none is behind.',
      [Math.max(0, of('approved')?.oldest ?? 0)],
    ),
  ]
}
