import { type Queryable, sendTogether, type Transaction } from '../db/pool.ts'
import type { RowSet } from '../db/row-set.ts'
import { insertSet } from '../db/row-set.ts'
import type { ClaimedMessage, Finished, LiveMessage } from './message.ts'
import type { Sealer } from './sealer.ts'

/*
 * The rows that delivery writes. Order within a transaction: what is replaced leaves first (its place in the stream is
 * taken over), then new rows, changes, what is finished, attempts; depth counters last.
 */
const ORDER = { replaced: 700, inserted: 710, changed: 720, finished: 730, attempt: 740, depth: 950 }

function moveSet(name: string, order: number): RowSet<Finished> {
  const text = `
    with gone as (
      delete from message m using unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as v(id, state, why, receipt)
       where m.id = v.id returning m.*, v.state as end_state, v.why as end_why, v.receipt)
    insert into message_history (id, endpoint, case_id, channel, position, kind, state, since, why, attempts, number,
                                 document_version, source, rendered, mapping, receipt, supersedes, traceparent)
    select id, endpoint, case_id, channel, position, kind, end_state, now(), end_why, attempts, number,
           document_version, source, rendered, mapping, receipt, supersedes, traceparent from gone`
  return {
    name,
    order,
    key: (row) => row.id,
    write: async (tx, rows) =>
      void (await tx.query({
        name,
        text,
        values: [column(rows, 'id'), column(rows, 'state'), column(rows, 'why'), column(rows, 'receipt')],
      })),
  }
}

/** A message whose place another takes. */
export const replacedMessages = moveSet('replace message', ORDER.replaced)

/** Live row → history. */
export const finishedMessages = moveSet('finish message', ORDER.finished)

export const insertedMessages: RowSet<LiveMessage> = {
  name: 'insert message',
  order: ORDER.inserted,
  key: (row) => row.id,
  write: async (tx, rows) =>
    void (await tx.query({
      name: 'insert message',
      text: `
        insert into message (id, endpoint, case_id, channel, position, kind, state, after_fact, depends_on, due_at,
                             since, why, number, document_version, source, supersedes, traceparent)
        select v.id, endpoint, case_id, channel, position, kind, state, after_fact, depends_on,
               now() + due_ms * interval '1 ms', now(), why, number, document_version, source, supersedes, traceparent
          from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[],
                      $9::uuid[], $10::float8[], $11::text[], $12::text[], $13::int[], $14::bytea[], $15::uuid[],
                      $16::text[])
            as v(id, endpoint, case_id, channel, position, kind, state, after_fact, depends_on, due_ms, why, number,
                 document_version, source, supersedes, traceparent)`,
      values: [
        column(rows, 'id'),
        column(rows, 'endpoint'),
        column(rows, 'caseId'),
        column(rows, 'channel'),
        column(rows, 'position'),
        column(rows, 'kind'),
        column(rows, 'state'),
        column(rows, 'afterFact'),
        column(rows, 'dependsOn'),
        rows.map((row) => row.change.due?.ms ?? 0),
        column(rows, 'why'),
        column(rows, 'number'),
        column(rows, 'documentVersion'),
        rows.map((row) => row.change.source),
        column(rows, 'supersedes'),
        column(rows, 'traceparent'),
      ],
    })),
}

export const changedMessages: RowSet<LiveMessage> = {
  name: 'change message',
  order: ORDER.changed,
  key: (row) => row.id,
  write: async (tx, all) => {
    const rows = all.filter((row) => !row.change.isNew)
    if (rows.length === 0) return
    await tx.query({
      name: 'change message',
      text: `
        update message t set
               state = v.state, after_fact = v.after_fact, depends_on = v.depends_on, why = v.why,
               attempts = v.attempts, inquiry = v.inquiry, inquiries = v.inquiries, unclear = v.unclear,
               cursor = v.cursor,
               since = case when v.state = t.state then t.since else now() end,
               due_at = case v.due_from
                 when 'now' then now() + v.due_ms * interval '1 ms'
                 when 'lease' then greatest(coalesce(t.lease_until, now()), now()) + v.due_ms * interval '1 ms'
                 else t.due_at end,
               lease_until = case v.lease
                 when 'clear' then null when 'renew' then now() + v.lease_ms * interval '1 ms' else t.lease_until end,
               lease_owner = case v.lease when 'clear' then null else t.lease_owner end,
               rendered = case v.keep when 'keep' then t.rendered else v.rendered end,
               mapping = case v.keep when 'keep' then t.mapping else v.mapping end
          from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::int[], $7::text[], $8::int[],
                      $9::int[], $10::int[], $11::text[], $12::float8[], $13::text[], $14::float8[], $15::text[],
                      $16::bytea[], $17::text[])
            as v(id, state, after_fact, depends_on, why, attempts, inquiry, inquiries, unclear, cursor, due_from,
                 due_ms, lease, lease_ms, keep, rendered, mapping)
         where t.id = v.id`,
      values: [
        column(rows, 'id'),
        column(rows, 'state'),
        column(rows, 'afterFact'),
        column(rows, 'dependsOn'),
        column(rows, 'why'),
        column(rows, 'attempts'),
        column(rows, 'inquiry'),
        column(rows, 'inquiries'),
        column(rows, 'unclear'),
        column(rows, 'cursor'),
        rows.map(({ change }) => change.due?.from ?? null),
        rows.map(({ change }) => change.due?.ms ?? 0),
        rows.map(({ change }) => (typeof change.lease === 'object' ? 'renew' : change.lease)),
        rows.map(({ change }) => (typeof change.lease === 'object' ? change.lease.renewMs : 0)),
        rows.map(({ change }) => (typeof change.rendered === 'object' ? 'set' : change.rendered)),
        rows.map(({ change }) => (typeof change.rendered === 'object' ? change.rendered.sealed : null)),
        rows.map(({ change }) => (typeof change.rendered === 'object' ? change.rendered.mapping : null)),
      ],
    })
  },
}

export interface AttemptRow {
  id: string
  message_id: string
  case_id: string
  endpoint: string
  kind: string
  fence: number
  started_at: Date
  ended_at: Date
  outcome: string
  reason: string | null
  request_digest: Buffer | null
  response: Buffer | null
}

/** An attempt recorded again (its first commit's answer was lost) changes nothing. */
export const attemptRows: RowSet<AttemptRow> = insertSet<AttemptRow>(
  'attempt',
  ORDER.attempt,
  {
    id: 'uuid',
    message_id: 'uuid',
    case_id: 'uuid',
    endpoint: 'text',
    kind: 'text',
    fence: 'int',
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    outcome: 'text',
    reason: 'text',
    request_digest: 'bytea',
    response: 'bytea',
  },
  { onConflict: '(id) do nothing' },
)

interface Depth {
  endpoint: string
  live: number
  dead: number
  taken: number
  delivered: number
  retried: number
}

export const depthChanges: RowSet<Depth> = {
  name: 'endpoint depth',
  order: ORDER.depth,
  write: async (tx, rows) => {
    const sums = new Map<string, Depth>()
    for (const row of rows) {
      const sum = sums.get(row.endpoint) ?? {
        endpoint: row.endpoint,
        live: 0,
        dead: 0,
        taken: 0,
        delivered: 0,
        retried: 0,
      }
      for (const name of ['live', 'dead', 'taken', 'delivered', 'retried'] as const) sum[name] += row[name]
      sums.set(row.endpoint, sum)
    }
    const sorted = [...sums.values()].sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1))
    await tx.query({
      name: 'endpoint depth',
      text: `
        insert into endpoint_depth as d (endpoint, live, dead, taken, delivered, retried)
        select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
            on conflict (endpoint) do update set live = d.live + excluded.live, dead = d.dead + excluded.dead,
               taken = d.taken + excluded.taken, delivered = d.delivered + excluded.delivered,
               retried = d.retried + excluded.retried`,
      values: [
        column(sorted, 'endpoint'),
        column(sorted, 'live'),
        column(sorted, 'dead'),
        column(sorted, 'taken'),
        column(sorted, 'delivered'),
        column(sorted, 'retried'),
      ],
    })
  },
}

function column<R, K extends keyof R>(rows: readonly R[], name: K): R[K][] {
  return rows.map((row) => row[name])
}

interface LiveRow {
  id: string
  endpoint: string
  case_id: string
  channel: string
  position: number
  kind: string
  state: LiveMessage['state']
  after_fact: string | null
  depends_on: string | null
  why: string | null
  fence: number
  attempts: number
  inquiry: string | null
  inquiries: number
  unclear: number
  cursor: number
  number: string
  document_version: number
  supersedes: string | null
  traceparent: string | null
  has_rendered: boolean
  lease_over: boolean
}

/**
 * The live messages of each case of $1, in its order and by the index, whatever the planner believes of a table that is
 * empty at one time and long at another.
 */
const eachCase = (columns: string): string =>
  `unnest($1::uuid[]) as v(case_id) cross join lateral (
     select ${columns} from message t where t.case_id = v.case_id order by t.channel, t.position`

/**
 * Locks and reads all live messages of the cases, in sorted order. Read in a statement of its own: what another
 * transaction put behind a row while its lock was waited for is then seen too.
 */
export async function lockMessages(tx: Transaction, caseIds: readonly string[]): Promise<LiveMessage[]> {
  const [, { rows }] = await Promise.all(
    sendTogether(
      tx,
      () =>
        [
          tx.query({
            name: 'lock messages',
            text: `select from ${eachCase('id')} for update) m`,
            values: [caseIds],
          }),
          tx.query<LiveRow>({
            name: 'read locked messages',
            text: `
      select id, endpoint, m.case_id, channel, position, kind, state, after_fact, depends_on, why, fence, attempts,
             inquiry, inquiries, unclear, cursor, number, document_version, supersedes, traceparent,
             rendered is not null as has_rendered, coalesce(lease_until < now(), false) as lease_over
        from ${eachCase('*')}) m`,
            values: [caseIds],
          }),
        ] as const,
    ),
  )
  return rows.map((row) => ({
    id: row.id,
    endpoint: row.endpoint,
    caseId: row.case_id,
    channel: row.channel,
    position: row.position,
    kind: row.kind,
    state: row.state,
    afterFact: row.after_fact,
    dependsOn: row.depends_on,
    why: row.why,
    fence: row.fence,
    attempts: row.attempts,
    inquiry: row.inquiry,
    inquiries: row.inquiries,
    unclear: row.unclear,
    cursor: row.cursor,
    number: row.number,
    documentVersion: row.document_version,
    supersedes: row.supersedes,
    traceparent: row.traceparent,
    hasRendered: row.has_rendered,
    leaseOver: row.lease_over,
    change: { due: null, lease: 'keep', rendered: 'keep', isNew: false, source: null },
  }))
}

export interface LeasedRow
  extends Omit<
    LiveRow,
    'has_rendered' | 'lease_over' | 'state' | 'after_fact' | 'depends_on' | 'why' | 'inquiries' | 'unclear'
  > {
  source: Buffer | null
  rendered: Buffer | null
}

/** A message under lease, still sealed. */
export interface Leased {
  readonly message: ClaimedMessage
  readonly rendered: Buffer | null
}

export const leasedColumns: readonly string[] = (
  'id endpoint case_id channel position kind fence attempts inquiry cursor number document_version ' +
  'supersedes traceparent source rendered'
).split(' ')

/** @throws {SealBroken} */
export async function openLeased(row: LeasedRow, sealer: Sealer): Promise<Leased> {
  const message: ClaimedMessage = {
    id: row.id,
    endpoint: row.endpoint,
    caseId: row.case_id,
    channel: row.channel,
    position: row.position,
    kind: row.kind,
    number: row.number,
    documentVersion: row.document_version,
    source: row.source === null ? null : await sealer.openAsync(row.source, sealContext.source(row.id)),
    cursor: row.cursor,
    attempts: row.attempts,
    fence: row.fence,
    inquiry: row.inquiry,
    supersedes: row.supersedes,
    traceparent: row.traceparent,
  }
  return {
    message,
    rendered: row.rendered === null ? null : await sealer.openAsync(row.rendered, sealContext.rendered(row.id)),
  }
}

/** Where a sealed value of a message lies; it keeps its context when the row moves to the history. */
export const sealContext = {
  source: (id: string): string => `message/source/${id}`,
  rendered: (id: string): string => `message/rendered/${id}`,
  response: (attemptId: string): string => `attempt/response/${attemptId}`,
}

/** Messages of these endpoints whose lease ran out while sending; at most `limit`. */
export async function expiredLeases(db: Queryable, endpoints: readonly string[], limit: number): Promise<LeasedRow[]> {
  const { rows } = await db.query<LeasedRow>({
    name: 'expired leases',
    text: `select ${leasedColumns.join(', ')} from message
            where state = 'sending' and endpoint = any($1::text[]) and lease_until < now()
            order by lease_until limit $2`,
    values: [endpoints, limit],
  })
  return rows
}

/** Which of these endpoints have due work that may be sent: one index probe each. */
export async function dueEndpoints(db: Queryable, endpoints: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    name: 'due endpoints',
    text: `
      select e.name from endpoint e
       where e.name = any($1::text[]) and not e.paused and (e.closed_until is null or e.closed_until <= now())
         and exists (select from message m where m.endpoint = e.name and m.state in ('ready', 'waiting')
                        and m.due_at <= now())`,
    values: [endpoints],
  })
  return rows.map((row) => row.name)
}
