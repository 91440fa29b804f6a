import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet, type RowSet } from '../db/row-set.ts'
import type { Callback } from './callback.ts'

interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

/** A callback as it is kept. */
export interface InboxRow {
  platform: string
  unid: string
  digest: Buffer
  type: string
  state: 'waiting' | 'applied' | 'raised'
  platform_number: string | null
  subject: string | null
  body: Buffer
  answer: Buffer
  receipt: string
  received_at: Date
  due_at: Date
}

export const inboxInserts = insertSet<InboxRow>('platform_callback', 150, {
  platform: 'text',
  unid: 'text',
  digest: 'bytea',
  type: 'text',
  state: 'text',
  platform_number: 'text',
  subject: 'uuid',
  body: 'bytea',
  answer: 'bytea',
  receipt: 'text',
  received_at: 'timestamptz',
  due_at: 'timestamptz',
})

export interface InboxKey {
  platform: string
  unid: string
}

interface Kept {
  digest: Buffer
  /** Sealed. */
  answer: Buffer
  receipt: string
}

/** What is kept of a message; null while it is new. One of these an id and batch: whoever stores it says so here. */
export interface Slot {
  kept: Kept | null
}

const keyOf = ({ platform, unid }: InboxKey): string => `${platform}\n${unid}`

/** Gate: a lock of the id, held to the commit, makes of two messages that come at the same time a first and a second. */
export const inboxGate: Step<InboxKey, Slot> = {
  name: 'platform-inbox',
  order: 32,
  run: async (tx, asks) => {
    const keys = [...new Set(asks.map(keyOf))].sort()
    await tx.query({
      name: 'platform-inbox-lock',
      text: 'select pg_advisory_xact_lock(hashtextextended(k, 7)) from (select unnest($1::text[]) as k) keys',
      values: [keys],
    })
    const { rows } = await tx.query<InboxKey & Kept>({
      name: 'platform-inbox-known',
      text: `select platform, unid, digest, answer, receipt from platform_callback
              where (platform, unid) in (select * from unnest($1::text[], $2::text[]))`,
      values: [asks.map(({ platform }) => platform), asks.map(({ unid }) => unid)],
    })
    const slots = new Map<string, Slot>(keys.map((key) => [key, { kept: null }]))
    for (const row of rows) slots.set(keyOf(row), { kept: row })
    return asks.map((one) => slots.get(keyOf(one)) as Slot)
  },
}

/** Lock of a callback that waits; null once it no longer does. */
export const waitingLock: Step<InboxKey, { tries: number } | null> = {
  name: 'platform-waiting',
  order: 33,
  run: async (tx, asks) => {
    const { rows } = await tx.query<InboxKey & { tries: number }>({
      name: 'platform-waiting-lock',
      text: `select platform, unid, tries from platform_callback
              where state = 'waiting' and (platform, unid) in (select * from unnest($1::text[], $2::text[]))
              order by platform, unid for update`,
      values: [asks.map(({ platform }) => platform), asks.map(({ unid }) => unid)],
    })
    const waiting = new Map(rows.map((row) => [keyOf(row), { tries: row.tries }]))
    return asks.map((one) => waiting.get(keyOf(one)) ?? null)
  },
}

export interface InboxChange extends InboxKey {
  state: 'waiting' | 'applied' | 'raised'
  due_at: Date
}

export const inboxChanges: RowSet<InboxChange> = {
  name: 'platform_callback changes',
  order: 151,
  key: keyOf,
  write: async (tx, rows) => {
    await tx.query({
      name: 'platform-callback-change',
      text: `update platform_callback p set state = v.state, due_at = v.due_at, tries = p.tries + 1, leased_until = null
               from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as v(platform, unid, state, due_at)
              where p.platform = v.platform and p.unid = v.unid`,
      values: [
        rows.map(({ platform }) => platform),
        rows.map(({ unid }) => unid),
        rows.map(({ state }) => state),
        rows.map(({ due_at }) => due_at),
      ],
    })
  },
}

/** Callbacks that were waiting for this number are due: in the transaction that learns it. */
export const inboxWakes: RowSet<string> = {
  name: 'platform_callback wakes',
  order: 152,
  key: (number) => number,
  write: async (tx, numbers) => {
    await tx.query({
      name: 'platform-callback-wake',
      text: `update platform_callback set due_at = least(due_at, received_at)
              where state = 'waiting' and platform_number = any($1::text[])`,
      values: [numbers],
    })
  },
}

export interface DueCallback extends InboxKey {
  /** The case that it names, else those that have the number that it names: none is known by it yet, one, or several. */
  caseIds: string[]
  callback: Callback
}

/**
 * Takes callbacks that are to be looked at now, oldest first; nobody else takes them before `until`, unless what they
 * wait for becomes known meanwhile. Two who look at one do it no harm: see `waitingLock`. Of those of one number only
 * the oldest, and none while another holds an older one: so they are joined in the order in which they came.
 */
export async function claimCallbacks(
  db: Queryable,
  sealer: Sealer,
  { now, limit, until }: { now: Date; limit: number; until: Date },
): Promise<DueCallback[]> {
  const { rows } = await db.query<InboxKey & { body: Buffer; case_ids: string[] }>({
    name: 'platform-callbacks-claim',
    text: `with due as (
             select platform, unid, due_at from platform_callback c
              where state = 'waiting' and due_at <= $1
                and not exists (
                  select from platform_callback e
                   where e.state = 'waiting' and e.platform_number = c.platform_number
                     and (e.received_at, e.platform, e.unid) < (c.received_at, c.platform, c.unid)
                     and (e.due_at <= $1 or e.leased_until > $1))
              order by due_at, received_at limit $2 for update skip locked),
           taken as (
             update platform_callback c set due_at = $3, leased_until = $3
               from due d where c.platform = d.platform and c.unid = d.unid
             returning c.platform, c.unid, c.body, c.subject, c.platform_number, c.received_at, d.due_at as was_due)
           select platform, unid, body,
             coalesce((select array[id] from cases where id = p.subject),
                      array(select id from cases where platform_number = p.platform_number order by id limit 10)) as case_ids
             from taken p order by was_due, received_at`,
    values: [now, limit, until],
  })
  return rows.map(({ platform, unid, body, case_ids }) => ({
    platform,
    unid,
    caseIds: case_ids,
    callback: JSON.parse(sealer.open(body, bodyContext({ platform, unid })).toString()) as Callback,
  }))
}

/** Gives back callbacks that nobody looked at, for others to take at once; `until` as they were claimed. */
export async function returnCallbacks(
  db: Queryable,
  callbacks: readonly InboxKey[],
  { now, until }: { now: Date; until: Date },
): Promise<void> {
  await db.query({
    name: 'platform-callbacks-return',
    text: `update platform_callback set due_at = least(due_at, $1), leased_until = null
            where state = 'waiting' and leased_until = $2
              and (platform, unid) in (select * from unnest($3::text[], $4::text[]))`,
    values: [now, until, callbacks.map(({ platform }) => platform), callbacks.map(({ unid }) => unid)],
  })
}

/** The case that a message of ours belongs to, by the message's id. */
export async function caseOfMessage(db: Queryable, id: string): Promise<string | null> {
  const { rows } = await db.query<{ case_id: string }>(
    'select case_id from message where id = $1 union all select case_id from message_history where id = $1 limit 1',
    [id],
  )
  return rows[0]?.case_id ?? null
}

export function bodyContext(key: InboxKey): string {
  return `platform_callback/body/${key.platform}/${key.unid}`
}

export function answerContext(key: InboxKey): string {
  return `platform_callback/answer/${key.platform}/${key.unid}`
}
