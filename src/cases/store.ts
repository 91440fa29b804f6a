import type { Step } from '../db/batch.ts'
import { gathered } from '../db/gathered.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet, type RowSet, updateSet } from '../db/row-set.ts'
import type { ConcernKind } from './concern-kinds.ts'
import type { CaseDocument } from './document.ts'
import { completedMemory, isOfEarlierVersion } from './earlier-memory.ts'
import type { CaseRules, CaseState } from './state.ts'
import type { CaseSummary } from './summary.ts'

/** Opens and seals columns; the context is `table/column/id`. */
export interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

/** What reading a case's memory needs: the rules too, for what an earlier version of the gateway did not keep. */
export interface MemoryMeans {
  sealer: Sealer
  rules: Pick<CaseRules, 'correctionFields'>
}

export interface CaseHead {
  id: string
  bankId: string
  accountId: string
  operatorCode: string
  businessType: string
  bankReference: string
  area: string
  businessNumber: string
  platformNumber: string | null
  registryNumber: string | null
  state: string
  facets: CaseSummary
  documentVersion: number
  completedAt: Date | null
  createdAt: Date
  updatedAt: Date
}

/** A case under its lock: one object for all members of a batch, so that each sees what the last one did. */
export interface CaseHold extends CaseHead {
  memory: CaseState
  nextPosition: number
}

interface CaseRow {
  id: string
  bank_id: string
  account_id: string
  operator_code: string
  business_type: string
  bank_reference: string
  area: string
  business_number: string
  platform_number: string | null
  registry_number: string | null
  state: string
  facets: CaseSummary
  memory: Buffer
  document_version: number
  next_position: number
  completed_at: Date | null
  created_at: Date
  updated_at: Date
}

const memoryContext = (caseId: string): string => `cases/memory/${caseId}`
const documentContext = (caseId: string, version: number): string => `case_document/sealed/${caseId}/${version}`
const eventContext = (eventId: string): string => `event/sealed/${eventId}`

/** The lock of a case; gives null where there is none. Taken in the order of ids, before messages and counters. */
export function caseLock(means: MemoryMeans): Step<string, CaseHold | null> {
  return {
    name: 'case',
    order: 60,
    run: async (tx, asks) => {
      const ids = [...new Set(asks)].sort()
      const { rows } = await tx.query<CaseRow>({
        name: 'case-lock',
        text: `select c.* from unnest($1::uuid[]) as v(id)
               cross join lateral (select * from cases t where t.id = v.id for update) c`,
        values: [ids],
      })
      const holds = new Map((await toHolds(tx, rows, means)).map((hold) => [hold.id, hold]))
      return asks.map((id) => holds.get(id) ?? null)
    },
  }
}

function toHead(row: Omit<CaseRow, 'memory' | 'next_position'>): CaseHead {
  return {
    id: row.id,
    bankId: row.bank_id,
    accountId: row.account_id,
    operatorCode: row.operator_code,
    businessType: row.business_type,
    bankReference: row.bank_reference,
    area: row.area,
    businessNumber: row.business_number,
    platformNumber: row.platform_number,
    registryNumber: row.registry_number,
    state: row.state,
    facets: row.facets,
    documentVersion: row.document_version,
    completedAt: row.completed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

async function toHolds(db: Queryable, rows: readonly CaseRow[], means: MemoryMeans): Promise<CaseHold[]> {
  const holds: CaseHold[] = []
  for (const row of rows) {
    const memory = JSON.parse(means.sealer.open(row.memory, memoryContext(row.id)).toString()) as CaseState
    holds.push({
      ...toHead(row),
      memory: isOfEarlierVersion(memory) ? await completed(db, row, memory, means) : memory,
      nextPosition: row.next_position,
    })
  }
  return holds
}

/** Memories lie sealed and are not migrated: what an earlier version did not keep is read from what it did keep. */
async function completed(db: Queryable, row: CaseRow, memory: CaseState, means: MemoryMeans): Promise<CaseState> {
  const document = await readDocument(db, row.id, row.document_version, means.sealer)
  const { rows } = await db.query<SealedEvent>({
    name: 'case-corrections',
    text: `select id, case_id, feed_number, sealed from event
           where case_id = $1 and id >= $1 and type = 'correction-requested' order by feed_number`,
    values: [row.id],
  })
  const asked = rows.map((event) => toStoredEvent(event, means.sealer).body)
  return completedMemory(memory, document, asked, means.rules.correctionFields ?? new Map())
}

const caseColumns = {
  id: 'uuid',
  platform_number: 'text',
  registry_number: 'text',
  state: 'text',
  facets: 'jsonb',
  memory: 'bytea',
  document_version: 'integer',
  next_position: 'integer',
  completed_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const

type StoredCase = Omit<CaseRow, 'facets'> & { facets: string }

export const caseInserts: RowSet<StoredCase> = insertSet<StoredCase>('cases', 100, {
  ...caseColumns,
  bank_id: 'uuid',
  account_id: 'uuid',
  operator_code: 'text',
  business_type: 'text',
  bank_reference: 'text',
  area: 'text',
  business_number: 'text',
  created_at: 'timestamptz',
})

export const caseUpdates = updateSet<Pick<StoredCase, keyof typeof caseColumns>>('cases', 110, 'id', caseColumns)

/** The row of a held case as it stands now; of an insert all columns are used, of an update those that change. */
export function toStored(hold: CaseHold, sealer: Sealer): StoredCase {
  return {
    id: hold.id,
    bank_id: hold.bankId,
    account_id: hold.accountId,
    operator_code: hold.operatorCode,
    business_type: hold.businessType,
    bank_reference: hold.bankReference,
    area: hold.area,
    business_number: hold.businessNumber,
    platform_number: hold.platformNumber,
    registry_number: hold.registryNumber,
    state: hold.state,
    facets: JSON.stringify(hold.facets),
    memory: sealer.seal(Buffer.from(JSON.stringify(hold.memory)), memoryContext(hold.id)),
    document_version: hold.documentVersion,
    next_position: hold.nextPosition,
    completed_at: hold.completedAt,
    created_at: hold.createdAt,
    updated_at: hold.updatedAt,
  }
}

export const documentInserts = insertSet<{ case_id: string; version: number; sealed: Buffer }>('case_document', 120, {
  case_id: 'uuid',
  version: 'integer',
  sealed: 'bytea',
})

export function sealDocument(caseId: string, version: number, document: CaseDocument, sealer: Sealer): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(document)), documentContext(caseId, version))
}

/** The normalised application in one of its versions. @throws when there is none: a broken assumption. */
export async function readDocument(
  db: Queryable,
  caseId: string,
  version: number,
  sealer: Sealer,
): Promise<CaseDocument> {
  const sealed = await readSealedDocument(db, { caseId, version })
  if (sealed === null) throw new Error('a case has no document of that version')
  return JSON.parse(sealer.open(sealed, documentContext(caseId, version)).toString()) as CaseDocument
}

const readSealedDocument = gathered<{ caseId: string; version: number }, Buffer | null>(async (db, asks) => {
  const { rows } = await db.query<{ sealed: Buffer | null }>({
    name: 'case-document',
    text: `select (select d.sealed from case_document d where d.case_id = v.case_id and d.version = v.version) as sealed
             from unnest($1::uuid[], $2::int[]) with ordinality as v(case_id, version, place) order by place`,
    values: [asks.map(({ caseId }) => caseId), asks.map(({ version }) => version)],
  })
  return rows.map(({ sealed }) => sealed)
})

const headColumns = `id, bank_id, account_id, operator_code, business_type, bank_reference, area, business_number, platform_number,
  registry_number, state, facets, document_version, completed_at, created_at, updated_at`

/** A case without its memory; undefined where there is none. */
export const readCase = gathered<string, CaseHead | undefined>(async (db, caseIds) => {
  const { rows } = await db.query<Omit<CaseRow, 'memory' | 'next_position'>>({
    name: 'case-head',
    text: `select ${headColumns} from cases where id = any($1::uuid[])`,
    values: [[...new Set(caseIds)]],
  })
  const heads = new Map(rows.map((row) => [row.id, toHead(row)]))
  return caseIds.map((id) => heads.get(id))
})

/** Cases of a bank after `afterId` in the order of their ids, in one state if one is named, without their memories. */
export async function listCases(
  db: Queryable,
  bankId: string,
  query: { afterId: string | null; state: string | null; limit: number },
): Promise<CaseHead[]> {
  const { rows } = await db.query<Omit<CaseRow, 'memory' | 'next_position'>>({
    name: 'case-list',
    text: `select ${headColumns} from cases
           where bank_id = $1 and ($2::uuid is null or id > $2) and ($3::text is null or state = $3)
           order by id limit $4`,
    values: [bankId, query.afterId, query.state, query.limit],
  })
  return rows.map(toHead)
}

/** A case with its memory, without a lock: for questions and pages, never for a change. */
export async function readCases(db: Queryable, caseIds: readonly string[], means: MemoryMeans): Promise<CaseHold[]> {
  const { rows } = await db.query<CaseRow>({
    name: 'case-whole',
    text: 'select * from cases where id = any($1::uuid[])',
    values: [caseIds],
  })
  return await toHolds(db, rows, means)
}

export interface EventRow {
  id: string
  case_id: string
  bank_id: string
  type: string
  part: number
  at: Date
  sealed: Buffer
}

/**
 * Events, written last: each takes the next number of its bank's feed from a counter whose row lock is held to the
 * commit, banks in sorted order. So a reader never sees a number before all lower ones.
 */
export const eventInserts: RowSet<EventRow> = {
  name: 'event',
  order: 920,
  write: async (tx, rows) => {
    // How many events of the same bank follow one, itself included: its number is so far below the next.
    const counts = new Map<string, number>()
    const behind = rows.toReversed().map(({ bank_id }) => {
      const count = (counts.get(bank_id) ?? 0) + 1
      counts.set(bank_id, count)
      return count
    })
    const banks = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
    await tx.query({
      name: 'event',
      text: `
        with counter as (
          insert into feed_counter (bank_id, last) select * from unnest($1::uuid[], $2::bigint[])
              on conflict (bank_id) do update set last = feed_counter.last + excluded.last returning bank_id, last)
        insert into event (id, case_id, bank_id, type, part, at, sealed, feed_number)
        select v.id, v.case_id, v.bank_id, v.type, v.part, v.at, v.sealed, c.last - v.behind + 1
          from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::timestamptz[], $9::bytea[],
                      $10::bigint[]) as v(id, case_id, bank_id, type, part, at, sealed, behind)
          join counter c using (bank_id)`,
      values: [
        banks.map(([bank]) => bank),
        banks.map(([, count]) => count),
        rows.map(({ id }) => id),
        rows.map(({ case_id }) => case_id),
        rows.map(({ bank_id }) => bank_id),
        rows.map(({ type }) => type),
        rows.map(({ part }) => part),
        rows.map(({ at }) => at),
        rows.map(({ sealed }) => sealed),
        behind.toReversed(),
      ],
    })
  },
}

export function sealEvent(eventId: string, body: unknown, sealer: Sealer): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(body)), eventContext(eventId))
}

interface SealedEvent {
  id: string
  case_id: string
  feed_number: number
  sealed: Buffer
}

export interface StoredEvent {
  id: string
  caseId: string
  feedNumber: number
  body: Record<string, unknown>
}

/** Events of a case after `afterId`, oldest first. Ids begin no earlier than the case's, which prunes partitions. */
export async function readEvents(
  db: Queryable,
  caseId: string,
  fromId: string,
  afterFeedNumber: number,
  limit: number,
  sealer: Sealer,
): Promise<StoredEvent[]> {
  const { rows } = await db.query<SealedEvent>({
    name: 'case-events',
    text: `select id, case_id, feed_number, sealed from event
           where case_id = $1 and id >= $2 and feed_number > $3 order by feed_number limit $4`,
    values: [caseId, fromId, afterFeedNumber, limit],
  })
  return rows.map((row) => toStoredEvent(row, sealer))
}

export function toStoredEvent(row: SealedEvent, sealer: Sealer): StoredEvent {
  return {
    id: row.id,
    caseId: row.case_id,
    feedNumber: row.feed_number,
    body: JSON.parse(sealer.open(row.sealed, eventContext(row.id)).toString()) as Record<string, unknown>,
  }
}

export const concernInserts = insertSet<{
  id: string
  case_id: string | null
  message_id: string | null
  kind: ConcernKind
  at: Date
  sealed: Buffer
}>('concern', 800, {
  id: 'uuid',
  case_id: 'uuid',
  message_id: 'uuid',
  kind: 'text',
  at: 'timestamptz',
  sealed: 'bytea',
})
