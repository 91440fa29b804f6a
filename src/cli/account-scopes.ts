import { notFound } from '../access/administration-checks.ts'
import { listScopes, removeScope, type ScopeOwner, setScope } from '../access/administration-scopes.ts'
import { admit, permitFiling } from '../access/decide.ts'
import { purposes } from '../access/purposes.ts'
import { quotaUsed } from '../access/quota.ts'
import { refusal } from '../access/refusal.ts'
import {
  type Granted,
  networkZones,
  permitQuery,
  queryLevels,
  type Scope,
  type ScopeAsk,
  type ScopedField,
  scopedFields,
} from '../access/scope.ts'
import type { AccessSnapshot, Account, Operator, RegisteredCertificate } from '../access/snapshot.ts'
import { shanghaiDay } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, type Given, requiredText, requiredTexts, text, texts, UsageError } from './arguments.ts'
import type { Act } from './command.ts'
import { printList, table } from './table.ts'
import { withGround } from './with-ground.ts'

/** What is asked when `explain` is given no more than who asks. */
const PURPOSE = 'mortgage-registration'

/** `bdc-gateway account scope | unscope | explain`. */
export const scopeActs: Record<'scope' | 'scopes' | 'unscope' | 'explain', Act> = {
  scopes: {
    options: { bank: text, json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await listScopes(pool, given.optional('bank') ?? null), given.flag('json'), [
          ['银行 bank', (scope) => scope.bank],
          ['账号 account', (scope) => scope.account],
          ['人员 operator', (scope) => scope.operator],
          ['级别 levels', (scope) => scope.levels],
          ['目的 purposes', (scope) => scope.purposes],
          ['地区 areas', (scope) => scope.areas],
          ['网络 zones', (scope) => scope.zones],
          ['字段 fields', (scope) => scopedFields.map((field) => `${field}=${scope.fields[field]}`)],
          ['须授权书 authorization', (scope) => (scope.authorizationRequired ? 'yes' : 'no')],
          ['每日 daily quota', (scope) => scope.dailyQuota],
          ['有效期 valid', (scope) => `${scope.validFrom} – ${scope.validTo}`],
        ])
        return 0
      }),
  },
  scope: {
    options: {
      bank: requiredText,
      name: requiredText,
      operator: text,
      levels: requiredTexts,
      purposes: requiredTexts,
      areas: requiredTexts,
      zones: requiredTexts,
      fields: texts,
      'daily-quota': requiredText,
      'valid-from': requiredText,
      'valid-to': requiredText,
      'without-authorization': flag,
    },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const { id } = await setScope(
          {
            ...ownerOf(given),
            levels: given.texts('levels'),
            purposes: given.texts('purposes'),
            areas: given.texts('areas'),
            zones: given.texts('zones'),
            fields: given.texts('fields'),
            authorizationRequired: !given.flag('without-authorization'),
            dailyQuota: wholeNumber(given.text('daily-quota')),
            validFrom: given.text('valid-from'),
            validTo: given.text('valid-to'),
          },
          administrationMeans(ground),
        )
        console.log(`已设定查询范围 / scope set: ${id}`)
        return 0
      }),
  },
  unscope: {
    options: { bank: requiredText, name: requiredText, operator: text },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const { removed } = await removeScope(ownerOf(given), administrationMeans(ground))
        console.log(removed ? '已取消查询范围 / scope removed' : '原无查询范围 / there was none')
        return 0
      }),
  },
  explain: {
    options: {
      bank: requiredText,
      name: requiredText,
      operator: requiredText,
      level: text,
      purpose: text,
      area: text,
      zone: text,
      'field-list': texts,
      'without-authorization': flag,
      json: flag,
    },
    run: (given, env) =>
      withGround(env, async ({ directory, config, clock, pool }) => {
        const purpose = oneOf(Object.keys(purposes), given.optional('purpose') ?? PURPOSE, 'purpose')
        const area = given.optional('area') ?? config.areaCode
        if (!/^\d{6}$/.test(area)) throw usage('--area 应为 6 位行政区划代码', '--area must be six digits')
        const day = shanghaiDay(clock.now())
        const found = ownersOf(directory.current(), given)
        const used = await quotaUsed(pool, { accountId: found.account.id, operatorId: found.operator.id, day })
        const explained = explain(directory.current(), found, used, {
          level: oneOf(queryLevels, given.optional('level') ?? 'flags', 'level'),
          purpose,
          area,
          zone: oneOf(networkZones, given.optional('zone') ?? 'internet', 'zone'),
          day,
          hasAuthorization: !given.flag('without-authorization'),
          fields: given.texts('field-list').length === 0 ? null : fieldsOf(given.texts('field-list')),
        })
        console.log(given.flag('json') ? JSON.stringify(explained) : explanation(explained))
        return explained.allowed ? 0 : 1
      }),
  },
}

interface Explained {
  allowed: boolean
  rule: string
  code: string | null
  detail: string | null
  detailEn: string | null
  fields: Granted['fields'] | null
  dailyQuota: { account: number | null; operator: number | null }
  usedToday: { account: number; operator: number }
}

/** The very decision that a query meets, short of its certificate and its authorization. */
function explain(
  snapshot: AccessSnapshot,
  { account, operator }: { account: Account; operator: Operator },
  usedToday: { account: number; operator: number },
  ask: ScopeAsk,
): Explained {
  const ofAccount = snapshot.scope(account.id)
  const ofOperator = snapshot.scope(account.id, operator.id)
  const quotas = { dailyQuota: { account: quotaOf(ofAccount), operator: quotaOf(ofOperator) }, usedToday }
  try {
    const certificate: RegisteredCertificate = { fingerprint: '', der: Buffer.alloc(0), state: 'active', account }
    admit(snapshot, certificate, operator.code, true, ask.day)
    permitFiling(account, 'query', [])
    const { rule, fields } = permitQuery(ofAccount, ofOperator, ask)
    for (const whose of ['account', 'operator'] as const) {
      if (usedToday[whose] >= (quotas.dailyQuota[whose] ?? 0))
        throw refusal('quota-spent', `scope.${whose}.quota`, '当日查询次数已用完', 'the queries of the day are used up')
    }
    return { allowed: true, rule, code: null, detail: null, detailEn: null, fields, ...quotas }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { code, rule = code, detail } = error
    return { allowed: false, rule, code, detail: detail.zh, detailEn: detail.en, fields: null, ...quotas }
  }
}

function explanation({ allowed, rule, code, detail, detailEn, fields, dailyQuota, usedToday }: Explained): string {
  return table(
    [allowed ? '许可 allowed' : '拒绝 refused', ''],
    [
      ['规则 rule', rule],
      ...(code === null
        ? []
        : [
            ['错误码 code', code],
            ['说明 detail', `${detail} / ${detailEn}`],
          ]),
      ...(fields === null ? [] : scopedFields.map((field) => [`字段 ${field}`, fields[field]])),
      ['账号当日次数 account, of the day', `${usedToday.account} / ${dailyQuota.account ?? '–'}`],
      ['人员当日次数 operator, of the day', `${usedToday.operator} / ${dailyQuota.operator ?? '–'}`],
    ],
  )
}

const quotaOf = (scope: Scope | undefined): number | null => scope?.dailyQuota ?? null

function ownersOf(snapshot: AccessSnapshot, given: Given): { account: Account; operator: Operator } {
  const name = given.text('name')
  const account = snapshot.account(given.text('bank'), name)
  if (account === undefined) throw notFound(`该银行没有名为“${name}”的账号`, `the bank has no account "${name}"`)
  const operator = snapshot.operator(account.bank.id, given.text('operator'))
  if (operator === undefined) throw notFound('该银行没有这个业务办理人员', 'the bank has no such operator')
  return { account, operator }
}

function ownerOf(given: Given): ScopeOwner {
  const operator = given.optional('operator')
  return {
    bank: given.text('bank'),
    account: given.text('name'),
    ...(operator === undefined ? {} : { operator }),
  }
}

function wholeNumber(given: string): number {
  return /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN
}

function oneOf<T extends string>(known: readonly T[], given: string, option: string): T {
  const found = known.find((one) => one === given)
  if (found !== undefined) return found
  throw usage(`--${option} 应为 ${known.join('、')} 之一`, `--${option} must be one of ${known.join(', ')}`)
}

const usage = (zh: string, en: string): UsageError => new UsageError('account explain', [{ zh, en }])

function fieldsOf(given: readonly string[]): ScopedField[] {
  return given.map((field) => oneOf(scopedFields, field, 'field-list'))
}
