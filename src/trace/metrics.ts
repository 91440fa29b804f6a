import { idTimeMs } from '../base/id.ts'
import { counter, gauge, type Metric } from '../base/metric.ts'
import type { Queryable } from '../db/pool.ts'

/** Records beyond this are not told apart: the sealer is far behind, and that is all one needs to know. */
const PENDING_MOST = 10_000

interface TraceRow {
  size: number
  anchored: number
  /** The first record that no signed checkpoint covers. */
  unanchoredId: string | null
  pending: number
  pendingId: string | null
}

/** The transparency log, in probes of its indexes; what is pending is counted to a bound. */
export async function traceMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<TraceRow>({
    name: 'trace metrics',
    text: `
      select h.size, c.size as anchored,
             (select l.record_id from trace_leaf l where l.number = c.size) as "unanchoredId",
             (select count(*)::int from (select from trace_pending limit $1) p) as pending,
             (select p.id from trace_pending p order by p.id limit 1) as "pendingId"
        from trace_head h
       cross join (select coalesce((select size from trace_checkpoint order by size desc limit 1), 0) as size) c`,
    values: [PENDING_MOST],
  })
  const row = rows[0]
  if (row === undefined) throw new Error('trace_head has no row')
  const age = (id: string | null): number => (id === null ? 0 : Math.max(0, (Date.now() - idTimeMs(id)) / 1000))
  return [
    counter('bdc_trace_records_total', 'Records in the tree of the transparency log.', [row.size]),
    gauge('bdc_trace_unanchored_records', 'Records in the tree that no signed checkpoint covers yet.', [
      Math.max(0, row.size - row.anchored),
    ]),
    // A record is first pending, then in the tree, then covered: until then nobody outside could hold us to it.
    gauge('bdc_trace_unanchored_age_seconds', 'Age of the oldest record that no signed checkpoint covers; 0: none.', [
      Math.max(age(row.unanchoredId), age(row.pendingId)),
    ]),
    gauge('bdc_trace_pending_records', `Records without a place in the tree yet, counted up to ${PENDING_MOST}.`, [
      row.pending,
    ]),
    gauge('bdc_trace_pending_age_seconds', 'Age of the oldest of them; 0: none.', [age(row.pendingId)]),
  ]
}
