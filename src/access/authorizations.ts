import type { Problem } from '../base/problem.ts'
import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet, type RowSet, updateSet } from '../db/row-set.ts'
import { refusal } from './refusal.ts'
import type { QueryLevel } from './scope.ts'

export interface PersonId {
  name: string
  idType: string
  idNumber: string
}

/** What an authorization says; sealed in the store. */
export interface AuthorizationDocument {
  authorizer: PersonId & { phone?: string }
  /** The one property meant; without it, whatever the authorizer holds. */
  certificateNumber?: string
  proofNumber?: string
  purpose: string
  level: QueryLevel
  validFrom: string
  validTo: string
  usesMaximum?: number
  evidence: { materialId: string; kind: string; signedAt: string }
}

export interface Authorization {
  id: string
  bankId: string
  state: 'active' | 'revoked'
  purpose: string
  level: QueryLevel
  validFrom: string
  validTo: string
  usesMaximum: number | null
  used: number
  caseId: string | null
  createdAt: Date
  revokedAt: Date | null
  document: AuthorizationDocument
}

interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

const context = (id: string): string => `query_authorization/sealed/${id}`

export function sealAuthorization(id: string, document: AuthorizationDocument, sealer: Sealer): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(document)), context(id))
}

export const authorizationInserts = insertSet<{
  id: string
  bank_id: string
  account_id: string
  operator_code: string
  state: string
  purpose: string
  level: string
  valid_from: string
  valid_to: string
  uses_maximum: number | null
  sealed: Buffer
  created_at: Date
}>('query_authorization', 80, {
  id: 'uuid',
  bank_id: 'uuid',
  account_id: 'uuid',
  operator_code: 'text',
  state: 'text',
  purpose: 'text',
  level: 'text',
  valid_from: 'date',
  valid_to: 'date',
  uses_maximum: 'int',
  sealed: 'bytea',
  created_at: 'timestamptz',
})

export const authorizationRevocations = updateSet<{ id: string; state: string; revoked_at: Date }>(
  'query_authorization',
  81,
  'id',
  { id: 'uuid', state: 'text', revoked_at: 'timestamptz' },
  'authorization revocation',
)

/** The first application that followed; a later one does not take it over. */
export const authorizationBindings: RowSet<{ id: string; caseId: string }> = {
  name: 'authorization case',
  order: 83,
  write: async (tx, rows) =>
    void (await tx.query({
      name: 'authorization-case',
      text: `update query_authorization a set case_id = v.case_id from unnest($1::uuid[], $2::uuid[]) as v(id, case_id)
             where a.id = v.id and a.case_id is null`,
      values: [rows.map(({ id }) => id), rows.map(({ caseId }) => caseId)],
    })),
}

/** Uses, counted with the query's own transaction; negative where the registry could not answer. */
export const authorizationUses: RowSet<{ id: string; count: 1 | -1 }> = {
  name: 'authorization use',
  order: 82,
  write: async (tx, rows) => {
    const sums = new Map<string, number>()
    for (const { id, count } of rows) sums.set(id, (sums.get(id) ?? 0) + count)
    const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
    await tx.query({
      name: 'authorization-use',
      text: `update query_authorization a set used = greatest(0, a.used + v.count)
             from unnest($1::uuid[], $2::int[]) as v(id, count) where a.id = v.id`,
      values: [sorted.map(([id]) => id), sorted.map(([, count]) => count)],
    })
  },
}

/** How an authorization stands under its lock; one object for all members of a batch, each of which counts its use. */
export interface AuthorizationHold {
  state: 'active' | 'revoked'
  validFrom: string
  validTo: string
  usesMaximum: number | null
  used: number
}

/** Gate: locks authorizations in sorted order; null where there is none. */
export const authorizationLock: Step<string, AuthorizationHold | null> = {
  name: 'authorization',
  order: 45,
  run: async (tx, asks) => {
    const { rows } = await tx.query<{
      id: string
      state: 'active' | 'revoked'
      valid_from: string
      valid_to: string
      uses_maximum: number | null
      used: number
    }>({
      name: 'authorization-lock',
      text: `select id, state, valid_from::text, valid_to::text, uses_maximum, used from query_authorization
             where id = any($1::uuid[]) order by id for update`,
      values: [[...new Set(asks)].sort()],
    })
    const holds = new Map(
      rows.map(({ id, state, valid_from, valid_to, uses_maximum, used }) => [
        id,
        { state, validFrom: valid_from, validTo: valid_to, usesMaximum: uses_maximum, used },
      ]),
    )
    return asks.map((id) => holds.get(id) ?? null)
  },
}

/** Authorizations of a bank by their ids; another bank's are not there. */
export async function readAuthorizations(
  db: Queryable,
  bankId: string,
  ids: readonly string[],
  sealer: Sealer,
): Promise<Map<string, Authorization>> {
  if (ids.length === 0) return new Map()
  const { rows } = await db.query<{
    id: string
    bank_id: string
    state: 'active' | 'revoked'
    purpose: string
    level: QueryLevel
    valid_from: string
    valid_to: string
    uses_maximum: number | null
    used: number
    case_id: string | null
    created_at: Date
    revoked_at: Date | null
    sealed: Buffer
  }>({
    name: 'authorizations',
    text: `select id, bank_id, state, purpose, level, valid_from::text, valid_to::text, uses_maximum, used, case_id,
             created_at, revoked_at, sealed from query_authorization where bank_id = $1 and id = any($2::uuid[])`,
    values: [bankId, ids],
  })
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        bankId: row.bank_id,
        state: row.state,
        purpose: row.purpose,
        level: row.level,
        validFrom: row.valid_from,
        validTo: row.valid_to,
        usesMaximum: row.uses_maximum,
        used: row.used,
        caseId: row.case_id,
        createdAt: row.created_at,
        revokedAt: row.revoked_at,
        document: JSON.parse(sealer.open(row.sealed, context(row.id)).toString()) as AuthorizationDocument,
      },
    ]),
  )
}

export interface AuthorizedAsk {
  level: QueryLevel
  purpose: string
  certificateNumber?: string
  proofNumber?: string
}

/**
 * Whether a query lies within what was authorized. Whether it still stands is asked again under its lock.
 * @throws {Problem} naming what lies beyond.
 */
export function checkAuthorized({ document }: Authorization, ask: AuthorizedAsk): void {
  if (document.purpose !== ask.purpose) {
    throw refusal(
      'authorization-purpose-differs',
      'authorization.purpose',
      '授权书的用途不是该查询目的',
      'the authorization was given for another purpose',
    )
  }
  if (document.level === 'flags' && ask.level === 'detail') {
    throw refusal(
      'authorization-exceeded',
      'authorization.level',
      '授权书只许可核验标志，不许可登记明细',
      'the authorization allows flags only, no detail',
    )
  }
  const { certificateNumber, proofNumber } = document
  const isFree = certificateNumber === undefined && proofNumber === undefined
  const isSame =
    (certificateNumber !== undefined && sameNumber(certificateNumber, ask.certificateNumber)) ||
    (proofNumber !== undefined && sameNumber(proofNumber, ask.proofNumber))
  if (!isFree && !isSame) {
    throw refusal(
      'authorization-exceeded',
      'authorization.property',
      '授权书是为另一不动产出具的',
      'the authorization was given for another property',
    )
  }
}

/** @throws {Problem} why it does not stand today. */
export function checkStanding(hold: AuthorizationHold | null, day: string): void {
  if (hold === null) throw authorizationNotFound()
  if (hold.state === 'revoked') throw authorizationRevoked()
  if (day < hold.validFrom || day > hold.validTo) {
    throw refusal(
      'authorization-expired',
      'authorization.period',
      '授权书不在有效期内',
      'the authorization is not in its period',
    )
  }
  if (hold.usesMaximum !== null && hold.used >= hold.usesMaximum) {
    throw refusal(
      'authorization-used-up',
      'authorization.uses',
      '授权书许可的查询次数已用完',
      'the authorization was used as often as it allows',
    )
  }
}

export function authorizationRevoked(): Problem {
  return refusal('authorization-revoked', 'authorization.active', '授权书已撤销', 'the authorization was revoked')
}

export function authorizationNotFound(): Problem {
  return refusal('authorization-not-found', 'authorization.of-bank', '没有此授权书', 'there is no such authorization')
}

/** Certificate numbers are written with either kind of bracket; they are one number. */
export function sameNumber(a: string, b: string | undefined): boolean {
  const plain = (text: string): string => text.replaceAll('（', '(').replaceAll('）', ')')
  return b !== undefined && plain(a) === plain(b)
}
