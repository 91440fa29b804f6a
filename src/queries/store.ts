import type { FieldRules, ScopedField } from '../access/scope.ts'
import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet, updateSet } from '../db/row-set.ts'
import type { Asked, AskedBy, Findings } from './findings.ts'

export interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

/** What a query row seals of the question. */
export interface SealedQuestion {
  asked: Asked
  by: AskedBy
  /** What the scope granted when it was asked; less may leave later, never more. */
  granted: FieldRules
  /** Fields that the bank named; null: whatever is granted. */
  fields: readonly ScopedField[] | null
  /** Who must be among the holders. */
  authorizer: { name: string; idType: string; idNumber: string } | null
}

export interface Query extends SealedQuestion {
  id: string
  bankId: string
  accountId: string
  operatorId: string
  operatorCode: string
  requestId: string
  authorizationId: string | null
  state: 'asking' | 'answered' | 'failed'
  replied: boolean
  attempts: number
  quotaDay: string
  code: string | null
  findings: Findings | null
  createdAt: Date
  answeredAt: Date | null
}

interface QueryRow {
  id: string
  bank_id: string
  account_id: string
  operator_id: string
  operator_code: string
  request_id: string
  authorization_id: string | null
  state: Query['state']
  replied: boolean
  attempts: number
  quota_day: string
  code: string | null
  asked: Buffer
  answer: Buffer | null
  created_at: Date
  answered_at: Date | null
}

const askedContext = (id: string): string => `query/asked/${id}`
const answerContext = (id: string): string => `query/answer/${id}`

export function sealQuestion(id: string, question: SealedQuestion, sealer: Sealer): Buffer {
  const { asked, by, granted, fields, authorizer } = question
  return sealer.seal(Buffer.from(JSON.stringify({ asked, by, granted, fields, authorizer })), askedContext(id))
}

export function sealFindings(id: string, findings: Findings, sealer: Sealer): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(findings)), answerContext(id))
}

export const queryInserts = insertSet<{
  id: string
  bank_id: string
  account_id: string
  operator_id: string
  operator_code: string
  request_id: string
  authorization_id: string | null
  state: string
  due_at: Date
  quota_day: string
  asked: Buffer
  created_at: Date
}>('query', 85, {
  id: 'uuid',
  bank_id: 'uuid',
  account_id: 'uuid',
  operator_id: 'uuid',
  operator_code: 'text',
  request_id: 'uuid',
  authorization_id: 'uuid',
  state: 'text',
  due_at: 'timestamptz',
  quota_day: 'date',
  asked: 'bytea',
  created_at: 'timestamptz',
})

export const queryReplies = updateSet<{ id: string; replied: boolean }>(
  'query',
  86,
  'id',
  { id: 'uuid', replied: 'boolean' },
  'query reply',
)

export const queryRetries = updateSet<{ id: string; due_at: Date; why: string }>(
  'query',
  87,
  'id',
  { id: 'uuid', due_at: 'timestamptz', why: 'text' },
  'query retry',
)

export const queryEnds = updateSet<{
  id: string
  state: string
  code: string
  asked: Buffer
  answer: Buffer | null
  answered_at: Date
}>(
  'query',
  88,
  'id',
  { id: 'uuid', state: 'text', code: 'text', asked: 'bytea', answer: 'bytea', answered_at: 'timestamptz' },
  'query end',
)

/** How a query stands under its lock; one object for all members of a batch, so that each sees what the last one did. */
export interface QueryHold {
  state: Query['state']
  replied: boolean
  /** Somebody in this batch gives back what it had reserved. */
  isReleased: boolean
}

/** Locks queries in sorted order. */
export const queryLock: Step<string, QueryHold | null> = {
  name: 'query',
  order: 44,
  run: async (tx, asks) => {
    const { rows } = await tx.query<{ id: string; state: Query['state']; replied: boolean }>({
      name: 'query-lock',
      text: 'select id, state, replied from query where id = any($1::uuid[]) order by id for update',
      values: [[...new Set(asks)].sort()],
    })
    const held = new Map(rows.map(({ id, state, replied }) => [id, { state, replied, isReleased: false }]))
    return asks.map((id) => held.get(id) ?? null)
  },
}

const columns = `id, bank_id, account_id, operator_id, operator_code, request_id, authorization_id, state, replied, attempts,
  quota_day::text, code, asked, answer, created_at, answered_at`

/** A query of a bank; another bank's is as little there as one that never was. */
export async function readQuery(
  db: Queryable,
  bankId: string,
  by: { id: string } | { requestId: string },
  sealer: Sealer,
): Promise<Query | undefined> {
  const [column, value] = 'id' in by ? (['id', by.id] as const) : (['request_id', by.requestId] as const)
  const { rows } = await db.query<QueryRow>({
    name: `query-by-${column}`,
    text: `select ${columns} from query where ${column} = $1 and bank_id = $2`,
    values: [value, bankId],
  })
  return rows[0] === undefined ? undefined : toQuery(rows[0], sealer)
}

/**
 * Takes queries whose lease ran out; nobody else takes them before `leaseMs` is over.
 * @param underWay what this process is asking already: it may wait for its turn longer than its lease.
 */
export async function claimQueries(
  db: Queryable,
  limit: number,
  leaseMs: number,
  underWay: readonly string[],
  sealer: Sealer,
): Promise<Query[]> {
  const { rows } = await db.query<QueryRow>({
    name: 'query-claim',
    text: `update query set due_at = now() + $2 * interval '1 ms', attempts = attempts + 1
           where id in (select id from query where state = 'asking' and due_at <= now() and id <> all($3::uuid[]) order by due_at limit $1
                        for update skip locked)
           returning ${columns}`,
    values: [limit, leaseMs, underWay],
  })
  return rows.map((row) => toQuery(row, sealer))
}

/** Keeps others from asking for another `leaseMs`; false when one of them has taken it, or it is over. */
export async function renewQuery(db: Queryable, { id, attempts }: Query, leaseMs: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'query-renew',
    text: `update query set due_at = now() + $3 * interval '1 ms' where id = $1 and state = 'asking' and attempts = $2`,
    values: [id, attempts, leaseMs],
  })
  return rowCount === 1
}

/** Lets others ask at once what this process is asking. */
export async function handBackQueries(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query(`update query set due_at = least(due_at, now()) where state = 'asking' and id = any($1::uuid[])`, [
    ids,
  ])
}

function toQuery(row: QueryRow, sealer: Sealer): Query {
  const question = JSON.parse(sealer.open(row.asked, askedContext(row.id)).toString()) as SealedQuestion
  return {
    ...question,
    id: row.id,
    bankId: row.bank_id,
    accountId: row.account_id,
    operatorId: row.operator_id,
    operatorCode: row.operator_code,
    requestId: row.request_id,
    authorizationId: row.authorization_id,
    state: row.state,
    replied: row.replied,
    attempts: row.attempts,
    quotaDay: row.quota_day,
    code: row.code,
    findings:
      row.answer === null ? null : (JSON.parse(sealer.open(row.answer, answerContext(row.id)).toString()) as Findings),
    createdAt: row.created_at,
    answeredAt: row.answered_at,
  }
}

export interface OpenQuery {
  id: string
  bank: string
  since: Date
  attempts: number
  dueAt: Date
  why: string | null
}

/** Queries that the registry has not answered, oldest first; at most `limit`. For ops. */
export async function openQueries(db: Queryable, limit: number): Promise<OpenQuery[]> {
  const { rows } = await db.query<OpenQuery>(
    `select q.id, b.code as bank, q.created_at as since, q.attempts, q.due_at as "dueAt", q.why
       from query q join bank b on b.id = q.bank_id where q.state = 'asking' order by q.due_at limit $1`,
    [limit],
  )
  return rows
}
