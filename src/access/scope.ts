import { refusal } from './refusal.ts'

export const queryLevels = ['flags', 'detail'] as const
export type QueryLevel = (typeof queryLevels)[number]

export const fieldRules = ['hide', 'mask', 'show'] as const
export type FieldRule = (typeof fieldRules)[number]

/** Fields of persons that a scope rules; what an answer holds of anything else is ruled by its level. */
export const scopedFields = ['name', 'idNumber', 'phone', 'address'] as const
export type ScopedField = (typeof scopedFields)[number]

/** A rule for each field, none left out: default hide. */
export type FieldRules = { readonly [Field in ScopedField]: FieldRule }

/** Where a call comes from: 互联网, or 电子政务外网. */
export const networkZones = ['internet', 'egov'] as const
export type NetworkZone = (typeof networkZones)[number]

/** What one account, or one operator of it, may query. Nothing that is not listed is granted. */
export interface Scope {
  levels: ReadonlySet<string>
  purposes: ReadonlySet<string>
  /** Six-digit division codes. */
  areas: ReadonlySet<string>
  zones: ReadonlySet<string>
  fields: FieldRules
  authorizationRequired: boolean
  /** Queries a day in Asia/Shanghai. */
  dailyQuota: number
  /** Days `yyyy-MM-dd`, both included. */
  validFrom: string
  validTo: string
}

/** What a query asks of a scope. */
export interface ScopeAsk {
  level: QueryLevel
  purpose: string
  area: string
  zone: NetworkZone
  /** Today in Asia/Shanghai. */
  day: string
  hasAuthorization: boolean
  /** Fields that the bank names; null: whatever is granted. */
  fields: readonly ScopedField[] | null
}

/** What a scope lets leave. */
export interface Granted {
  /** The rule that allowed it, for the trace. */
  rule: string
  fields: FieldRules
}

/**
 * Decides on a query: account and operator must both grant it, and of a field the narrower rule counts. Default deny;
 * with any grant taken away an answer never holds more.
 * @throws {Problem} naming the first rule that refuses.
 */
export function permitQuery(account: Scope | undefined, operator: Scope | undefined, ask: ScopeAsk): Granted {
  if (account === undefined) {
    throw refusal('scope-missing', 'scope.account', '账号没有查询范围', 'the account has no query scope')
  }
  if (operator === undefined) {
    throw refusal('scope-missing', 'scope.operator', '该业务办理人员没有查询范围', 'the operator has no query scope')
  }
  for (const [whose, scope] of [
    ['account', account],
    ['operator', operator],
  ] as const) {
    refuseOutside(whose, scope, ask)
  }
  const fields = narrower(account.fields, operator.fields)
  const hidden = (ask.fields ?? []).filter((field) => fields[field] === 'hide')
  if (hidden.length > 0) {
    throw refusal(
      'field-not-granted',
      'scope.fields',
      `查询范围不含字段 ${hidden.join('、')}`,
      `fields outside the scope: ${hidden.join(', ')}`,
    )
  }
  return { rule: `query.${ask.level}`, fields: only(fields, ask.fields) }
}

function refuseOutside(whose: 'account' | 'operator', scope: Scope, ask: ScopeAsk): void {
  const zh = whose === 'account' ? '账号' : '业务办理人员'
  if (ask.day < scope.validFrom || ask.day > scope.validTo) {
    throw refusal(
      'scope-not-valid',
      `scope.${whose}.valid`,
      `${zh}的查询范围不在有效期内`,
      `the ${whose}'s query scope is not valid today`,
    )
  }
  if (!scope.zones.has(ask.zone)) {
    throw refusal(
      'network-not-granted',
      `scope.${whose}.zone`,
      `${zh}不得从该网络查询`,
      `the ${whose} may not query from this network`,
    )
  }
  if (!scope.levels.has(ask.level)) {
    throw refusal(
      'query-level-not-granted',
      `scope.${whose}.level`,
      `${zh}未开通 ${ask.level} 级查询`,
      `queries of level ${ask.level} are not granted to the ${whose}`,
    )
  }
  if (!scope.purposes.has(ask.purpose)) {
    throw refusal(
      'purpose-not-granted',
      `scope.${whose}.purpose`,
      `${zh}未开通该查询目的`,
      `this purpose is not granted to the ${whose}`,
    )
  }
  if (!scope.areas.has(ask.area)) {
    throw refusal(
      'area-not-granted',
      `scope.${whose}.area`,
      `${zh}未开通地区 ${ask.area}`,
      `the area ${ask.area} is not granted to the ${whose}`,
    )
  }
  if (scope.authorizationRequired && !ask.hasAuthorization) {
    throw refusal(
      'authorization-required',
      `scope.${whose}.authorization`,
      '查询须有权利人的查询授权书',
      "a query needs the owner's authorization",
    )
  }
}

/** Of each field the narrower rule. */
export function narrower(a: FieldRules, b: FieldRules): FieldRules {
  const of = (field: ScopedField): FieldRule =>
    fieldRules[Math.min(fieldRules.indexOf(a[field]), fieldRules.indexOf(b[field]))] as FieldRule
  return { name: of('name'), idNumber: of('idNumber'), phone: of('phone'), address: of('address') }
}

/** Whether `a` lets nothing leave that `b` does not. */
export function isWithin(a: FieldRules, b: FieldRules): boolean {
  return scopedFields.every((field) => fieldRules.indexOf(a[field]) <= fieldRules.indexOf(b[field]))
}

/** What was not asked for is not sent. */
function only(fields: FieldRules, asked: readonly ScopedField[] | null): FieldRules {
  if (asked === null) return fields
  const of = (field: ScopedField): FieldRule => (asked.includes(field) ? fields[field] : 'hide')
  return { name: of('name'), idNumber: of('idNumber'), phone: of('phone'), address: of('address') }
}
