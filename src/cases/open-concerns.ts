import { gauge, type Metric } from '../base/metric.ts'
import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { updateSet } from '../db/row-set.ts'
import { concernContext } from './concern.ts'
import { concernKinds } from './concern-kinds.ts'
import type { Sealer } from './store.ts'

/** What a person is told of, without what lies sealed with it. */
export interface Concern {
  id: string
  kind: string
  /** Null where no case is known. */
  caseId: string | null
  bankId: string | null
  /** Ours, of the case. */
  businessNumber: string | null
  messageId: string | null
  at: Date
  /** Null while it is open. */
  closedAt: Date | null
}

const columns = `c.id, c.kind, c.case_id as "caseId", s.bank_id as "bankId", s.business_number as "businessNumber",
  c.message_id as "messageId", c.at, c.closed_at as "closedAt"`

/**
 * Open concerns, oldest first; closed ones are seen one by one.
 * @param query.afterId go on behind this one; an unknown id gives none.
 */
export async function openConcerns(
  db: Queryable,
  query: { kind: string | null; caseId: string | null; afterId: string | null; limit: number },
): Promise<Concern[]> {
  const { rows } = await db.query<Concern>(
    `select ${columns} from concern c left join cases s on s.id = c.case_id
      where c.closed_at is null and ($1::text is null or c.kind = $1) and ($2::uuid is null or c.case_id = $2)
        and ($3::uuid is null or (c.at, c.id) > (select at, id from concern where id = $3))
      order by c.at, c.id limit $4`,
    [query.kind, query.caseId, query.afterId, query.limit],
  )
  return rows
}

/** @returns null when there is none; `content` is as whoever raised it gave it. */
export async function readConcern(
  db: Queryable,
  sealer: Sealer,
  id: string,
): Promise<(Concern & { content: unknown }) | null> {
  const { rows } = await db.query<Concern & { sealed: Buffer }>(
    `select ${columns}, c.sealed from concern c left join cases s on s.id = c.case_id where c.id = $1`,
    [id],
  )
  if (rows[0] === undefined) return null
  const { sealed, ...concern } = rows[0]
  return { ...concern, content: JSON.parse(sealer.open(sealed, concernContext(id)).toString()) as unknown }
}

/** The lock of a concern; null where there is none. */
export const concernLock: Step<string, Pick<Concern, 'id' | 'kind' | 'caseId' | 'closedAt'> | null> = {
  name: 'concern',
  order: 67,
  run: async (tx, asks) => {
    const ids = [...new Set(asks)].sort()
    const { rows } = await tx.query<Pick<Concern, 'id' | 'kind' | 'caseId' | 'closedAt'>>({
      name: 'concern-lock',
      text: `select id, kind, case_id as "caseId", closed_at as "closedAt" from concern
              where id = any($1::uuid[]) order by id for update`,
      values: [ids],
    })
    const found = new Map(rows.map((row) => [row.id, row]))
    return asks.map((id) => found.get(id) ?? null)
  },
}

export const closedConcerns = updateSet<{ id: string; closed_at: Date }>('concern', 801, 'id', {
  id: 'uuid',
  closed_at: 'timestamptz',
})

/** Open concerns beyond this are not told apart: nobody looks at them, and that is all one needs to know. */
const COUNTED_MOST = 10_000

/** Open concerns by kind, in one bounded walk of a partial index. */
export async function concernMetrics(db: Queryable): Promise<Metric[]> {
  const { rows } = await db.query<{ kind: string; open: number }>({
    name: 'concern metrics',
    text: `select kind, count(*)::int as open
             from (select kind from concern where closed_at is null order by at limit $1) c group by kind`,
    values: [COUNTED_MOST],
  })
  const open = new Map<string, number>(Object.keys(concernKinds).map((kind) => [kind, 0]))
  for (const row of rows) {
    const kind = open.has(row.kind) ? row.kind : 'other'
    open.set(kind, (open.get(kind) ?? 0) + row.open)
  }
  return [
    gauge(
      'bdc_concerns_open',
      `What a person has to look at, counted up to ${COUNTED_MOST}.`,
      ...[...open].map(([kind, count]): [number, Record<string, string>] => [count, { kind }]),
    ),
  ]
}
