import type { Step } from '../db/batch.ts'
import { gathered } from '../db/gathered.ts'
import type { Queryable } from '../db/pool.ts'
import { deleteSet, insertSet } from '../db/row-set.ts'

export interface KeyAsk {
  accountId: string
  /** Method and route pattern: one key may be used on several routes. */
  route: string
  key: string
  /** Digest of what was asked: body and path. */
  requestDigest: Buffer
  requestId: string
}

/** `holder` is the request that has the key; its answer is in `idempotency_answer` once that request's work is done. */
export type KeyResult =
  | { won: true }
  | { won: false; holder: string; sameRequest: boolean }
  | { won: false; freed: true }

/** Gate: claims a key, or tells who has it. A key claimed by a neighbour in the same batch counts as taken. */
export const keyGate: Step<KeyAsk, KeyResult> = {
  name: 'idempotency-key',
  order: 30,
  run: async (tx, asks) => {
    const sorted = [...asks].sort((a, b) =>
      a.accountId < b.accountId
        ? -1
        : a.accountId > b.accountId
          ? 1
          : a.route < b.route
            ? -1
            : a.route > b.route
              ? 1
              : a.key < b.key
                ? -1
                : a.key > b.key
                  ? 1
                  : 0,
    )
    const accounts = sorted.map((ask) => ask.accountId)
    const routes = sorted.map((ask) => ask.route)
    const keys = sorted.map((ask) => ask.key)
    const { rows: claimed } = await tx.query<{ request_id: string }>({
      name: 'idempotency-claim',
      text: `insert into idempotency_key (account_id, route, key, request_digest, request_id)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::uuid[])
             on conflict do nothing returning request_id`,
      values: [accounts, routes, keys, sorted.map((ask) => ask.requestDigest), sorted.map((ask) => ask.requestId)],
    })
    const won = new Set(claimed.map((row) => row.request_id))
    if (won.size === asks.length) return asks.map(() => ({ won: true }))
    // A statement of its own: it sees what a rival transaction committed while the claim waited for it.
    const { rows: held } = await tx.query<{
      account_id: string
      route: string
      key: string
      request_digest: Buffer
      request_id: string
    }>({
      name: 'idempotency-holders',
      text: `select k.* from idempotency_key k
             join (select distinct * from unnest($1::uuid[], $2::text[], $3::text[]) as v(account_id, route, key)) v
             using (account_id, route, key)`,
      values: [accounts, routes, keys],
    })
    const holders = new Map(held.map((row) => [`${row.account_id}\n${row.route}\n${row.key}`, row]))
    return asks.map((ask) => {
      if (won.has(ask.requestId)) return { won: true }
      const holder = holders.get(`${ask.accountId}\n${ask.route}\n${ask.key}`)
      // Its holder was refused for now and gave it back meanwhile.
      if (holder === undefined) return { won: false, freed: true }
      return { won: false, holder: holder.request_id, sameRequest: holder.request_digest.equals(ask.requestDigest) }
    })
  },
}

/** The request that holds a key already: spares a repeat its preparation. The gate alone decides. */
export const findKey = gathered<KeyAsk, string | undefined>(async (db, asks) => {
  // A look into the index for each, whatever the planner believes of the table's size.
  const { rows } = await db.query<{ place: number; request_id: string | null }>({
    name: 'idempotency-find',
    text: `select v.place::int, (select k.request_id from idempotency_key k
                                  where k.account_id = v.account_id and k.route = v.route and k.key = v.key)
             from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as v(account_id, route, key, place)`,
    values: [asks.map((ask) => ask.accountId), asks.map((ask) => ask.route), asks.map((ask) => ask.key)],
  })
  const found = new Map(rows.map((row) => [row.place, row.request_id ?? undefined]))
  return asks.map((_, i) => found.get(i + 1))
})

/** Frees the key of a request that was refused for now only: the retry is a new try. */
export const freedKeys = deleteSet('idempotency_key', 195, 'request_id', 'uuid')

export interface AnswerRow {
  request_id: string
  status: number
  headers: string
  /** Sealed under `idempotency_answer/body/<request id>`. */
  body: Buffer
  receipt: string | null
}

export const answerRows = insertSet<AnswerRow>('idempotency_answer', 200, {
  request_id: 'uuid',
  status: 'smallint',
  headers: 'jsonb',
  body: 'bytea',
  receipt: 'text',
})

export interface StoredAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
  receipt: string | null
}

/** The stored answer of a request; undefined while it is at work. */
export async function readAnswer(db: Queryable, requestId: string): Promise<StoredAnswer | undefined> {
  const { rows } = await db.query<StoredAnswer>({
    name: 'idempotency-answer',
    text: 'select status, headers, body, receipt from idempotency_answer where request_id = $1',
    values: [requestId],
  })
  return rows[0]
}

/**
 * Forgets keys and answers of requests older than `beforeId` (a UUIDv7), a bounded number at a time.
 * @returns how many keys were forgotten; 0 when none is left.
 */
export async function sweepAnswers(db: Queryable, beforeId: string): Promise<number> {
  const { rows } = await db.query<{ forgotten: number }>(
    `with old as (delete from idempotency_key where request_id in
       (select request_id from idempotency_key where request_id < $1 order by request_id limit 2000) returning request_id),
     answers as (delete from idempotency_answer where request_id in (select request_id from old))
     select count(*) as forgotten from old`,
    [beforeId],
  )
  return rows[0]?.forgotten ?? 0
}
