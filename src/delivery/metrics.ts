import { idTimeMs } from '../base/id.ts'
import { counter, gauge, type Metric } from '../base/metric.ts'
import type { Queryable } from '../db/pool.ts'
import type { WakeQueue } from './queue.ts'

interface EndpointRow {
  endpoint: string
  paused: boolean
  live: number
  dead: number
  taken: number
  delivered: number
  retried: number
  overdueSeconds: number
  oldestId: string | null
}

/**
 * What waits at each endpoint: counters kept with the rows and two index probes an endpoint. Endpoints of one kind that
 * are told apart by an id count as one, so that labels neither grow with banks nor point to one.
 */
export async function deliveryMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<EndpointRow>({
    name: 'delivery metrics',
    text: `
      select e.name as endpoint, e.paused, coalesce(d.live, 0) as live, coalesce(d.dead, 0) as dead,
             coalesce(d.taken, 0) as taken, coalesce(d.delivered, 0) as delivered, coalesce(d.retried, 0) as retried,
             coalesce(greatest(0, extract(epoch from now() - due.due_at)), 0)::float8 as "overdueSeconds",
             oldest.id as "oldestId"
        from endpoint e
        left join endpoint_depth d on d.endpoint = e.name
        left join lateral (select m.due_at from message m
                            where m.endpoint = e.name and m.state in ('ready', 'waiting')
                            order by m.due_at, m.id limit 1) due on true
        left join lateral (select m.id from message m
                            where m.endpoint = e.name and m.state in ('ready', 'waiting')
                            order by m.id limit 1) oldest on true
       order by e.name`,
  })
  const kinds = new Map<string, EndpointRow[]>()
  for (const row of rows) kinds.set(kindOf(row.endpoint), [...(kinds.get(kindOf(row.endpoint)) ?? []), row])
  const now = Date.now()
  const sum = (value: (row: EndpointRow) => number) =>
    [...kinds].map(([endpoint, of]): Labelled => [of.reduce((total, row) => total + value(row), 0), { endpoint }])
  const most = (value: (row: EndpointRow) => number) =>
    [...kinds].map(([endpoint, of]): Labelled => [Math.max(...of.map(value)), { endpoint }])
  const age = ({ oldestId }: EndpointRow): number =>
    oldestId === null ? 0 : Math.max(0, (now - idTimeMs(oldestId)) / 1000)
  return [
    gauge('bdc_messages_live', 'Messages not yet delivered, dead letters apart.', ...sum(({ live }) => live)),
    gauge('bdc_messages_dead', 'Dead letters: only a person moves them on.', ...sum(({ dead }) => dead)),
    counter('bdc_messages_taken_total', 'Messages ever written for the endpoint.', ...sum(({ taken }) => taken)),
    counter('bdc_messages_delivered_total', 'Messages that the peer took.', ...sum(({ delivered }) => delivered)),
    counter(
      'bdc_message_retries_total',
      'How often a message was put back to be sent again.',
      ...sum(({ retried }) => retried),
    ),
    gauge(
      'bdc_message_overdue_seconds',
      'How long the message that is due the longest could have been sent; 0: none is due.',
      ...most(({ overdueSeconds }) => overdueSeconds),
    ),
    gauge(
      'bdc_message_oldest_age_seconds',
      'Since the oldest message that is ready or waits for its next try was written; 0: there is none.',
      ...most(age),
    ),
    gauge('bdc_endpoints_paused', 'Endpoints that staff has paused.', ...sum(({ paused }) => Number(paused))),
  ]
}

/** The queue of wake-ups as this process sees it. */
export function queueMetric(queue: Pick<WakeQueue, 'isUp'>): Metric {
  return gauge('bdc_queue_up', 'Whether the queue of wake-ups is reached; 0: due work waits for a tick.', [
    Number(queue.isUp()),
  ])
}

type Labelled = [value: number, labels: Record<string, string>]

/** `webhook:…` → `webhook`: the kind in front of what tells endpoints of that kind apart. */
function kindOf(endpoint: string): string {
  return /^[a-z]+(?:-[a-z]+)*(?=$|[:/.]|-[0-9a-f]{8}-)/.exec(endpoint)?.[0] ?? 'other'
}
