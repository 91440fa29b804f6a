import { newId } from '../base/id.ts'
import type { Queryable } from '../db/pool.ts'
import { deleteSet, insertSet } from '../db/row-set.ts'
import { type AdministrationMeans, changeAccess, type Statement } from './administration.ts'
import { closed, GivenFaults, notFound } from './administration-checks.ts'
import { isPurpose, purposes } from './purposes.ts'
import {
  type FieldRule,
  type FieldRules,
  fieldRules,
  networkZones,
  queryLevels,
  type ScopedField,
  scopedFields,
} from './scope.ts'

/** Whose scope: the account's, or with an operator's code what that operator may for it. */
export interface ScopeOwner {
  /** The bank's 统一社会信用代码. */
  bank: string
  /** The account's name. */
  account: string
  operator?: string
}

export interface NewScope extends ScopeOwner {
  levels: readonly string[]
  purposes: readonly string[]
  areas: readonly string[]
  zones: readonly string[]
  /** `name=show`, …; a field that is not named is hidden. */
  fields: readonly string[]
  authorizationRequired: boolean
  dailyQuota: number
  validFrom: string
  validTo: string
}

const scopeRows = insertSet<{
  id: string
  account_id: string
  operator_id: string | null
  levels: string
  purposes: string
  areas: string
  zones: string
  fields: string
  authorization_required: boolean
  daily_quota: number
  valid_from: string
  valid_to: string
}>('query_scope', 36, {
  id: 'uuid',
  account_id: 'uuid',
  operator_id: 'uuid',
  levels: 'text[]',
  purposes: 'text[]',
  areas: 'text[]',
  zones: 'text[]',
  fields: 'jsonb',
  authorization_required: 'boolean',
  daily_quota: 'int',
  valid_from: 'date',
  valid_to: 'date',
})

const removals = deleteSet('query_scope', 35, 'id', 'uuid')

/** More than this a day is no bank's branch at a counter. */
const QUOTA_MAXIMUM = 1_000_000

/**
 * Sets a scope in place of the one that was; holds for the next request on every node.
 * @throws {Problem} administration-invalid, -not-found, -closed.
 */
export async function setScope(given: NewScope, means: AdministrationMeans): Promise<{ id: string }> {
  const faults = new GivenFaults()
  const lists = { levels: queryLevels, purposes: Object.keys(purposes), zones: networkZones } as const
  for (const [member, known] of Object.entries(lists) as [keyof typeof lists, readonly string[]][]) {
    if (given[member].length > 0 && given[member].every((one) => known.includes(one))) continue
    faults.add(
      member,
      'value-not-in-list',
      `应为以下之一或多个：${known.join('、')}`,
      `must be one or several of ${known.join(', ')}`,
    )
  }
  faults.areas('areas', given.areas)
  const fields = readFields(given.fields, faults)
  if (!Number.isInteger(given.dailyQuota) || given.dailyQuota < 0 || given.dailyQuota > QUOTA_MAXIMUM) {
    faults.add(
      'dailyQuota',
      'out-of-range',
      `应为 0 至 ${QUOTA_MAXIMUM} 的整数`,
      `must be a whole number from 0 to ${QUOTA_MAXIMUM}`,
    )
  }
  faults.period('validFrom', given.validFrom, 'validTo', given.validTo)
  faults.refuse()
  const id = newId()
  const list = (values: readonly string[]): string => `{${[...new Set(values)].join(',')}}`
  return changeAccess(ownerReads(given), means, ({ accounts, operators, held }, rows) => {
    const owner = ownerOf(given, accounts, operators)
    for (const row of held) rows.add(removals, String(row['id']))
    rows.add(scopeRows, {
      id,
      account_id: owner.accountId,
      operator_id: owner.operatorId,
      levels: list(given.levels),
      purposes: list(given.purposes.filter(isPurpose)),
      areas: list(given.areas),
      zones: list(given.zones),
      fields: JSON.stringify(fields),
      authorization_required: given.authorizationRequired,
      daily_quota: given.dailyQuota,
      valid_from: given.validFrom,
      valid_to: given.validTo,
    })
    return {
      result: { id },
      told: {
        what: held.length > 0 ? 'scope-changed' : 'scope-added',
        facts: {
          scopeId: id,
          accountId: owner.accountId,
          operatorId: owner.operatorId ?? undefined,
          levels: given.levels,
          purposes: given.purposes,
          areas: given.areas,
          zones: given.zones,
          fields: scopedFields.map((field) => `${field}:${fields[field]}`),
          authorizationRequired: given.authorizationRequired,
          dailyQuota: given.dailyQuota,
          validFrom: given.validFrom,
          validTo: given.validTo,
        },
      },
    }
  })
}

/** Takes a scope away: nothing may be queried under it from the next request on. @throws {Problem} administration-not-found. */
export function removeScope(owner: ScopeOwner, means: AdministrationMeans): Promise<{ removed: boolean }> {
  return changeAccess(ownerReads(owner), means, ({ accounts, operators, held }, rows) => {
    const { accountId, operatorId } = ownerOf(owner, accounts, operators, 'closed too')
    for (const row of held) rows.add(removals, String(row['id']))
    return {
      result: { removed: held.length > 0 },
      told:
        held.length === 0 ? null : { what: 'scope-removed', facts: { accountId, operatorId: operatorId ?? undefined } },
    }
  })
}

function readFields(given: readonly string[], faults: GivenFaults): Record<ScopedField, FieldRule> {
  const rules: Record<ScopedField, FieldRule> = { name: 'hide', idNumber: 'hide', phone: 'hide', address: 'hide' }
  for (const one of given) {
    const [field = '', rule = '', ...rest] = one.split('=')
    const known = scopedFields.find((name) => name === field)
    const wanted = fieldRules.find((name) => name === rule)
    if (known === undefined || wanted === undefined || rest.length > 0) {
      faults.add(
        'fields',
        'field-rule-invalid',
        `应为 字段=规则，字段为 ${scopedFields.join('、')}，规则为 ${fieldRules.join('、')}`,
        `must be FIELD=RULE with a field of ${scopedFields.join(', ')} and a rule of ${fieldRules.join(', ')}`,
      )
      break
    }
    rules[known] = wanted
  }
  return rules
}

type Found = readonly { readonly [column: string]: unknown }[]

function ownerReads({ bank, account, operator }: ScopeOwner): Record<'accounts' | 'operators' | 'held', Statement> {
  const code = operator ?? null
  return {
    accounts: {
      text: 'select a.id, a.state from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2',
      values: [bank, account],
    },
    operators: {
      text: 'select o.id, o.state from operator o join bank b on b.id = o.bank_id where b.code = $1 and o.code = $2',
      values: [bank, code],
    },
    held: {
      text: `select s.id from query_scope s join account a on a.id = s.account_id join bank b on b.id = a.bank_id
             left join operator o on o.id = s.operator_id
             where b.code = $1 and a.name = $2 and o.code is not distinct from $3`,
      values: [bank, account, code],
    },
  }
}

function ownerOf(
  { account, operator }: ScopeOwner,
  accounts: Found,
  operators: Found,
  closedToo?: 'closed too',
): { accountId: string; operatorId: string | null } {
  const found = accounts[0]
  if (found === undefined) throw notFound(`该银行没有名为“${account}”的账号`, `the bank has no account "${account}"`)
  const person = operators[0]
  if (operator !== undefined && person === undefined) {
    throw notFound(`该银行没有编号为 ${operator} 的业务办理人员`, `the bank has no operator ${operator}`)
  }
  if (closedToo === undefined && [found, person].some((one) => one?.['state'] === 'closed'))
    throw closed('账号或业务办理人员已注销', 'the account or operator is closed')
  return {
    accountId: String(found['id']),
    operatorId: operator === undefined || person === undefined ? null : String(person['id']),
  }
}

export interface ListedScope {
  bank: string
  account: string
  /** Null: the account's own. */
  operator: string | null
  levels: string[]
  purposes: string[]
  areas: string[]
  zones: string[]
  fields: FieldRules
  authorizationRequired: boolean
  dailyQuota: number
  validFrom: string
  validTo: string
}

export async function listScopes(db: Queryable, bank: string | null): Promise<ListedScope[]> {
  const { rows } = await db.query<ListedScope>(
    `select b.code as bank, a.name as account, o.code as operator, s.levels, s.purposes, s.areas, s.zones, s.fields,
            s.authorization_required as "authorizationRequired", s.daily_quota as "dailyQuota",
            s.valid_from::text as "validFrom", s.valid_to::text as "validTo"
       from query_scope s join account a on a.id = s.account_id join bank b on b.id = a.bank_id
       left join operator o on o.id = s.operator_id
      where $1::text is null or b.code = $1 order by b.code, a.name, o.code nulls first`,
    [bank],
  )
  return rows
}
