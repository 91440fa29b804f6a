import { notFound } from '../access/administration-checks.ts'
import { removeScope, type ScopeOwner, setScope } from '../access/administration-scopes.ts'
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
import type { AccessSnapshot, Account } from '../access/snapshot.ts'
import { shanghaiDay } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, type Given, requiredText, requiredTexts, text, texts, UsageError } from './arguments.ts'
import type { Act } from './command.ts'
import { table } from './table.ts'
import { withGround } from './with-ground.ts'

/** What is asked when `explain` is given no more than who asks. */
const PURPOSE = 'mortgage-registration'

/** `bdc-gateway account scope | unscope | explain`. */
export const scopeActs: Record<'scope' | 'unscope' | 'explain', Act> = {
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
      withGround(env, async ({ directory, config, clock }) => {
        const explained = explain(directory.current(), given, {
          level: oneOf(queryLevels, given.optional('level') ?? 'flags', 'level'),
          purpose: given.optional('purpose') ?? PURPOSE,
          area: given.optional('area') ?? config.areaCode,
          zone: oneOf(networkZones, given.optional('zone') ?? 'internet', 'zone'),
          day: shanghaiDay(clock.now()),
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
}

/** The very decision that a query meets. Standing, agreement and quota in use are not looked at. */
function explain(snapshot: AccessSnapshot, given: Given, ask: ScopeAsk): Explained {
  const account = accountOf(snapshot, given.text('bank'), given.text('name'))
  const operator = snapshot.operator(account.bank.id, given.text('operator'))
  if (operator === undefined) throw notFound('该银行没有这个业务办理人员', 'the bank has no such operator')
  const ofAccount = snapshot.scope(account.id)
  const ofOperator = snapshot.scope(account.id, operator.id)
  const dailyQuota = { account: quotaOf(ofAccount), operator: quotaOf(ofOperator) }
  if (!account.businessTypes.has('query')) {
    return {
      allowed: false,
      rule: 'business-type.granted',
      code: 'business-type-not-granted',
      detail: '账号未开通查询业务',
      detailEn: 'the business type query is not granted to the account',
      fields: null,
      dailyQuota,
    }
  }
  try {
    const { rule, fields } = permitQuery(ofAccount, ofOperator, ask)
    return { allowed: true, rule, code: null, detail: null, detailEn: null, fields, dailyQuota }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { code, rule = code, detail } = error
    return { allowed: false, rule, code, detail: detail.zh, detailEn: detail.en, fields: null, dailyQuota }
  }
}

function explanation({ allowed, rule, code, detail, detailEn, fields, dailyQuota }: Explained): string {
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
      ['账号每日次数 account quota', dailyQuota.account ?? '–'],
      ['人员每日次数 operator quota', dailyQuota.operator ?? '–'],
    ],
  )
}

const quotaOf = (scope: Scope | undefined): number | null => scope?.dailyQuota ?? null

function accountOf(snapshot: AccessSnapshot, bank: string, name: string): Account {
  const found = snapshot.account(bank, name)
  if (found === undefined) throw notFound(`该银行没有名为“${name}”的账号`, `the bank has no account "${name}"`)
  return found
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
  throw new UsageError('account explain', [
    { zh: `--${option} 应为 ${known.join('、')} 之一`, en: `--${option} must be one of ${known.join(', ')}` },
  ])
}

function fieldsOf(given: readonly string[]): ScopedField[] {
  return given.map((field) => oneOf(scopedFields, field, 'field-list'))
}
