import type { Queryable } from '../db/pool.ts'
import { type Sealer, type StoredEvent, toStoredEvent } from './store.ts'

/** A page of events, of a case or of a bank's whole feed: the one form in which they leave, asked for or pushed. */
export interface EventPage {
  /** Oldest first, each with its cursor: the feed number, in decimal. */
  events: (Record<string, unknown> & { cursor: string })[]
  /** What to ask after next. */
  next: string
  /** There is more behind it now. */
  more: boolean
}

/** What of a page is told by its trace record. */
export interface EventDisclosure {
  /** Members that occur in any of its events. */
  fields: string[]
  types: string[]
  count: number
  caseIds: string[]
  /** Values that name a property or a certificate, by their path in the page. */
  personal: Record<string, string>
}

/** @param found up to `limit` events after `after`, and one more where there is one. */
export function eventPage(
  found: readonly StoredEvent[],
  after: number,
  limit: number,
): { page: EventPage; disclosure: EventDisclosure } {
  const own = found.slice(0, limit)
  const bodies = own.map(({ body }) => body)
  return {
    page: {
      events: own.map(({ body, feedNumber }) => ({ ...body, cursor: String(feedNumber) })),
      next: String(own.at(-1)?.feedNumber ?? after),
      more: found.length > limit,
    },
    disclosure: {
      fields: [...new Set(bodies.flatMap((body) => Object.keys(body)))].sort(),
      types: [...new Set(bodies.map((body) => String(body['type'])))].sort(),
      count: own.length,
      caseIds: [...new Set(own.map(({ caseId }) => caseId))].sort(),
      personal: Object.fromEntries(
        bodies.flatMap((body, i) =>
          Object.entries(subjectsOf(body)).map(([name, value]) => [`events[${i}].${name}`, value]),
        ),
      ),
    },
  }
}

/** What in an event's body names a property or a certificate. */
function subjectsOf(body: Record<string, unknown>): Record<string, string> {
  const entry = body['entry'] as Record<string, unknown> | undefined
  const found = {
    subject: body['type'] === 'review-step' ? undefined : body['subject'],
    unitNumber: body['unitNumber'] ?? entry?.['unitNumber'],
    proofNumber: entry?.['proofNumber'],
  }
  const named: Record<string, string> = {}
  for (const [name, value] of Object.entries(found)) if (typeof value === 'string') named[name] = value
  return named
}

/** Events of a bank after a feed number, in the order of its feed. Numbers that are read once stay for ever. */
export async function readFeed(
  db: Queryable,
  bankId: string,
  after: number,
  limit: number,
  sealer: Sealer,
): Promise<StoredEvent[]> {
  const { rows } = await db.query<{ id: string; case_id: string; feed_number: number; sealed: Buffer }>({
    name: 'bank-feed',
    text: `select id, case_id, feed_number, sealed from event
           where bank_id = $1 and feed_number > $2 order by feed_number limit $3`,
    values: [bankId, after, limit],
  })
  return rows.map((row) => toStoredEvent(row, sealer))
}

/** Numbers of the last event of these banks' feeds; a bank without events is not among them. */
export async function feedEnds(db: Queryable, bankIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ bank_id: string; last: number }>({
    name: 'feed-ends',
    text: 'select bank_id, last from feed_counter where bank_id = any($1::uuid[])',
    values: [bankIds],
  })
  return new Map(rows.map((row) => [row.bank_id, row.last]))
}
