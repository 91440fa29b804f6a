import type pg from 'pg'
import { insertTrace, TRACE_TABLE, type TraceRow } from './trace-row.ts'

const TABLES = [
  'create table nonce (key bytea primary key, request_id uuid not null)',
  `create table idempotency (key text primary key, digest bytea not null, request_id uuid not null, status smallint not null,
     answer bytea not null)`,
  `create table cases (id uuid primary key, reference text not null unique, state text not null, sealed bytea not null,
     created_at timestamptz not null)`,
  'create table feed_counter (bank text primary key, last bigint not null)',
  `create table event (id uuid primary key, case_id uuid not null, bank text not null, feed_number bigint not null,
     type text not null, sealed bytea not null)`,
  'create index event_feed on event (bank, feed_number)',
  `create table message (id uuid primary key, case_id uuid not null, endpoint text not null, kind text not null,
     state text not null, due_at timestamptz not null default now(), number text not null)`,
  "create index message_due on message (endpoint, due_at, id) where state = 'ready'",
  TRACE_TABLE,
]

export async function makeTables(client: pg.Client): Promise<void> {
  for (const table of TABLES) await client.query(table)
}

/** Everything that one application writes. */
export interface Filed {
  requestId: string
  nonce: Buffer
  key: string
  digest: Buffer
  answer: Buffer
  caseId: string
  reference: string
  sealed: Buffer
  at: Date
  eventId: string
  event: Buffer
  messages: { id: string; endpoint: string; kind: string; number: string }[]
  trace: TraceRow[]
}

/** One statement a table, those sent together that need no other's answer; tells of each whether it was the first. */
export async function writeFiled(client: pg.Client, all: readonly Filed[]): Promise<readonly boolean[]> {
  const { rows: fresh } = await client.query<{ request_id: string }>({
    name: 'nonce',
    text: `insert into nonce select * from unnest($1::bytea[], $2::uuid[]) on conflict do nothing returning request_id`,
    values: [all.map(({ nonce }) => nonce), all.map(({ requestId }) => requestId)],
  })
  const isFresh = new Set(fresh.map((row) => row.request_id))
  const asking = all.filter(({ requestId }) => isFresh.has(requestId))
  const { rows: won } = await client.query<{ request_id: string }>({
    name: 'idempotency',
    text: `insert into idempotency (key, digest, request_id, status, answer)
           select v.key, v.digest, v.id, 202, v.answer from unnest($1::text[], $2::bytea[], $3::uuid[], $4::bytea[])
             as v(key, digest, id, answer) on conflict do nothing returning request_id`,
    values: [
      asking.map(({ key }) => key),
      asking.map(({ digest }) => digest),
      asking.map(({ requestId }) => requestId),
      asking.map(({ answer }) => answer),
    ],
  })
  const hasWon = new Set(won.map((row) => row.request_id))
  const filed = asking.filter(({ requestId }) => hasWon.has(requestId))
  const messages = filed.flatMap((each) => each.messages.map((message) => ({ ...message, caseId: each.caseId })))
  await Promise.all([
    client.query({
      name: 'cases',
      text: `insert into cases (id, reference, state, sealed, created_at)
             select v.id, v.reference, 'received', v.sealed, v.at
               from unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[]) as v(id, reference, sealed, at)`,
      values: [
        filed.map(({ caseId }) => caseId),
        filed.map(({ reference }) => reference),
        filed.map(({ sealed }) => sealed),
        filed.map(({ at }) => at),
      ],
    }),
    client.query({
      name: 'message',
      text: `insert into message (id, case_id, endpoint, kind, state, number)
             select v.id, v.case_id, v.endpoint, v.kind, 'ready', v.number
               from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
                 as v(id, case_id, endpoint, kind, number)`,
      values: [
        messages.map(({ id }) => id),
        messages.map(({ caseId }) => caseId),
        messages.map(({ endpoint }) => endpoint),
        messages.map(({ kind }) => kind),
        messages.map(({ number }) => number),
      ],
    }),
    client.query(insertTrace(filed.flatMap(({ trace }) => trace))),
    client.query({
      name: 'feed',
      text: `with counter as (
               insert into feed_counter (bank, last) values ('bank', $4)
               on conflict (bank) do update set last = feed_counter.last + excluded.last returning last)
             insert into event (id, case_id, bank, feed_number, type, sealed)
             select v.id, v.case_id, 'bank', counter.last - $4 + v.place, 'received', v.sealed
               from counter, unnest($1::uuid[], $2::uuid[], $3::bytea[]) with ordinality as v(id, case_id, sealed, place)`,
      values: [
        filed.map(({ eventId }) => eventId),
        filed.map(({ caseId }) => caseId),
        filed.map(({ event }) => event),
        filed.length,
      ],
    }),
  ])
  return all.map(({ requestId }) => hasWon.has(requestId))
}
