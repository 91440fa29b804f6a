import { ask, type Batch } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import type { CaseStreamsStep, Replacement } from './case-streams.ts'
import type { Sealer } from './sealer.ts'
import { sealContext } from './store.ts'

/** What an operator sees of an endpoint. Counts come from rows kept beside the messages, never from counting them. */
export interface QueueState {
  endpoint: string
  concurrency: number
  paused: boolean
  closedUntil: Date | null
  why: string | null
  /** Messages not yet delivered, dead ones apart. */
  live: number
  dead: number
  taken: number
  delivered: number
  sending: number
  /** Since when the head that is due the longest could have been sent; null when none is due. */
  oldestDueAt: Date | null
}

export async function listQueues(db: Queryable): Promise<QueueState[]> {
  const { rows } = await db.query<QueueState>(`
    select e.name as endpoint, e.concurrency, e.paused, e.closed_until as "closedUntil", e.why,
           coalesce(d.live, 0) as live, coalesce(d.dead, 0) as dead, coalesce(d.taken, 0) as taken,
           coalesce(d.delivered, 0) as delivered,
           (select count(*)::int from message m where m.endpoint = e.name and m.state = 'sending') as sending,
           (select m.due_at from message m
             where m.endpoint = e.name and m.state in ('ready', 'waiting') and m.due_at <= now()
             order by m.due_at, m.id limit 1) as "oldestDueAt"
      from endpoint e left join endpoint_depth d on d.endpoint = e.name order by e.name`)
  return rows
}

export interface DeadMessage {
  id: string
  caseId: string
  channel: string
  kind: string
  number: string
  state: string
  why: string | null
  since: Date
  dueAt: Date
  attempts: number
}

/** Dead letters of an endpoint, oldest first, after `after`. */
export async function listDead(
  db: Queryable,
  endpoint: string,
  after: string | null,
  limit: number,
): Promise<DeadMessage[]> {
  const { rows } = await db.query<DeadMessage>(
    `select id, case_id as "caseId", channel, kind, number, state, why, since, due_at as "dueAt", attempts
       from message where state = 'dead' and endpoint = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    [endpoint, after, limit],
  )
  return rows
}

export interface ShownMessage {
  id: string
  endpoint: string
  caseId: string
  channel: string
  position: number
  kind: string
  state: string
  why: string | null
  since: Date
  dueAt: Date | null
  attempts: number
  number: string
  documentVersion: number
  mapping: string | null
  receipt: string | null
  inquiry: string | null
  cursor: number | null
  supersedes: string | null
  /** Of the request that caused it: the same trace as in the log. */
  traceparent: string | null
  /** Personal data: for the eyes of staff, never for a log. */
  rendered: Buffer | null
  source: Buffer | null
  tried: ShownAttempt[]
}

interface ShownAttempt {
  id: string
  kind: string
  fence: number
  startedAt: Date
  endedAt: Date
  outcome: string
  reason: string | null
  requestDigest: Buffer | null
  response: Buffer | null
}

/** A live or finished message with its newest 100 attempts, newest first, opened. Null when there is none of this id. */
export async function showMessage(db: Queryable, sealer: Sealer, id: string): Promise<ShownMessage | null> {
  const shared = `id, endpoint, case_id as "caseId", channel, position, kind, state, why, since, attempts, number,
                  document_version as "documentVersion", mapping, supersedes, traceparent, rendered, source`
  const { rows } = await db.query<Omit<ShownMessage, 'tried'>>(
    `select ${shared}, due_at as "dueAt", null as receipt, inquiry, cursor from message where id = $1
     union all
     select ${shared}, null, receipt, null, null from message_history where id = $1`,
    [id],
  )
  const row = rows[0]
  if (row === undefined) return null
  const { rows: attempts } = await db.query<ShownAttempt>(
    `select id, kind, fence, started_at as "startedAt", ended_at as "endedAt", outcome, reason,
            request_digest as "requestDigest", response
       from attempt where message_id = $1 order by id desc limit 100`,
    [id],
  )
  const open = async (sealed: Buffer | null, context: string): Promise<Buffer | null> =>
    sealed === null ? null : sealer.openAsync(sealed, context)
  const tried: ShownAttempt[] = []
  for (const attempt of attempts) {
    tried.push({ ...attempt, response: await open(attempt.response, sealContext.response(attempt.id)) })
  }
  return {
    ...row,
    rendered: await open(row.rendered, sealContext.rendered(id)),
    source: await open(row.source, sealContext.source(id)),
    tried,
  }
}

export type Replayed =
  | { kind: 'revived'; id: string }
  | { kind: 'superseded'; id: string; by: string }
  | { kind: 'not-dead' }
  | { kind: 'not-found' }

/**
 * Moves a dead letter on. Without `anew` it goes on where it stopped: what may have arrived is asked about first, else
 * the same bytes are sent. With `anew`, a new message, rendered afresh, takes its place in the stream.
 */
export async function replay(
  db: Queryable,
  batch: Batch,
  streams: CaseStreamsStep,
  id: string,
  anew: Replacement | null = null,
): Promise<Replayed> {
  const { rows } = await db.query<{ case_id: string }>('select case_id from message where id = $1', [id])
  const caseId = rows[0]?.case_id
  if (caseId === undefined) return { kind: 'not-found' }
  const streamsAsk = ask(streams, caseId)
  return batch.submit<Replayed>({
    asks: [streamsAsk],
    decide: (held, changes) => {
      const own = held.of(streamsAsk)
      const message = own.find(id)
      if (message === undefined) return { kind: 'not-found' }
      if (message.state !== 'dead') return { kind: 'not-dead' }
      if (anew === null) {
        own.revive(changes, message)
        return { kind: 'revived', id }
      }
      own.supersede(changes, message, anew, 'replayed anew by staff')
      return { kind: 'superseded', id, by: anew.id }
    },
  })
}

/** Head of a stream that has not been delivered: where a case waits, since when, and why, in words of ours. */
export interface WaitingHead {
  channel: string
  kind: string
  state: string
  since: Date
  why: string | null
}

/** What a case is waiting for: the head of each of its streams. */
export async function waitingHeads(db: Queryable, caseId: string): Promise<WaitingHead[]> {
  const { rows } = await db.query<WaitingHead>({
    name: 'waiting heads',
    text: `select distinct on (channel) channel, kind, state, since, why from message
            where case_id = $1 order by channel, position`,
    values: [caseId],
  })
  return rows
}
