import fc from 'fast-check'
import t from 'tap'
import {
  type FieldRule,
  type FieldRules,
  fieldRules,
  type Granted,
  networkZones,
  permitQuery,
  queryLevels,
  type Scope,
  type ScopeAsk,
  type ScopedField,
  scopedFields,
} from '../../src/access/scope.ts'
import { Problem } from '../../src/base/problem.ts'

/** A scope as plain words, for the evaluator below: it shares nothing with the compiled form. */
interface Plain {
  levels: string[]
  purposes: string[]
  areas: string[]
  zones: string[]
  fields: Record<ScopedField, FieldRule>
  needsLetter: boolean
  from: string
  to: string
}

const PURPOSES = ['mortgage-registration', 'loan-review', 'loan-management']
const AREAS = ['420222', '420281', '420202']
const DAYS = ['2026-11-01', '2026-11-15', '2026-11-25', '2026-12-31']

const some = (of: readonly string[]) => fc.subarray([...of])
const plainScope: fc.Arbitrary<Plain> = fc.record({
  levels: some(queryLevels),
  purposes: some(PURPOSES),
  areas: some(AREAS),
  zones: some(networkZones),
  fields: fc.record({
    name: fc.constantFrom(...fieldRules),
    idNumber: fc.constantFrom(...fieldRules),
    phone: fc.constantFrom(...fieldRules),
    address: fc.constantFrom(...fieldRules),
  }),
  needsLetter: fc.boolean(),
  from: fc.constantFrom(...DAYS),
  to: fc.constantFrom(...DAYS),
})
/** Most of it granted, so that a good part of the table is allowed. */
const wideScope = plainScope.map((one) => ({
  ...one,
  levels: [...queryLevels],
  purposes: [...new Set([...one.purposes, ...PURPOSES.slice(0, 2)])],
  areas: [...new Set([...one.areas, ...AREAS.slice(0, 2)])],
  zones: [...networkZones],
  from: '2026-11-01',
  to: '2026-12-31',
}))
const anyScope = fc.option(fc.oneof(plainScope, wideScope, wideScope), { nil: undefined, freq: 12 })
const question: fc.Arbitrary<ScopeAsk> = fc.record({
  level: fc.constantFrom(...queryLevels),
  purpose: fc.constantFrom(...PURPOSES),
  area: fc.constantFrom(...AREAS),
  zone: fc.constantFrom(...networkZones),
  day: fc.constantFrom(...DAYS),
  hasAuthorization: fc.boolean(),
  fields: fc.option(fc.subarray([...scopedFields]), { nil: null }),
})

function compiled(plain: Plain | undefined): Scope | undefined {
  if (plain === undefined) return undefined
  return {
    levels: new Set(plain.levels),
    purposes: new Set(plain.purposes),
    areas: new Set(plain.areas),
    zones: new Set(plain.zones),
    fields: plain.fields,
    authorizationRequired: plain.needsLetter,
    dailyQuota: 10,
    validFrom: plain.from,
    validTo: plain.to,
  }
}

/** What the words of a scope mean, said again and slowly: who grants what, field by field; null refuses. */
function naive(account: Plain | undefined, operator: Plain | undefined, ask: ScopeAsk): FieldRules | null {
  if (account === undefined || operator === undefined) return null
  for (const one of [account, operator]) {
    if (one.from > ask.day) return null
    if (one.to < ask.day) return null
    if (one.zones.indexOf(ask.zone) < 0) return null
    if (one.levels.indexOf(ask.level) < 0) return null
    if (one.purposes.indexOf(ask.purpose) < 0) return null
    if (one.areas.indexOf(ask.area) < 0) return null
    if (one.needsLetter && !ask.hasAuthorization) return null
  }
  const answer: Record<string, FieldRule> = {}
  for (const field of ['name', 'idNumber', 'phone', 'address'] as const) {
    const both = [account.fields[field], operator.fields[field]]
    let rule: FieldRule = 'show'
    if (both.includes('mask')) rule = 'mask'
    if (both.includes('hide')) rule = 'hide'
    if (ask.fields !== null && ask.fields.includes(field) && rule === 'hide') return null
    if (ask.fields !== null && !ask.fields.includes(field)) rule = 'hide'
    answer[field] = rule
  }
  return answer as unknown as FieldRules
}

function decided(account: Plain | undefined, operator: Plain | undefined, ask: ScopeAsk): Granted | Problem {
  try {
    return permitQuery(compiled(account), compiled(operator), ask)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

await t.test('every decision is that of a naive evaluator, and a refusal names its rule', async (t) => {
  const seen = { allowed: 0, refused: new Map<string, number>() }
  fc.assert(
    fc.property(anyScope, anyScope, question, (account, operator, ask) => {
      const decision = decided(account, operator, ask)
      const expected = naive(account, operator, ask)
      if (decision instanceof Problem) {
        if (expected !== null) throw new Error(`refused by ${decision.rule}, but granted`)
        if (decision.rule === undefined || decision.status !== 403) throw new Error('a refusal without its rule')
        seen.refused.set(decision.rule, (seen.refused.get(decision.rule) ?? 0) + 1)
      } else {
        if (JSON.stringify(decision.fields) !== JSON.stringify(expected)) throw new Error('other fields')
        seen.allowed += 1
      }
    }),
    { numRuns: 12_000 },
  )
  t.ok(seen.allowed > 200, `${seen.allowed} allowed`)
  const rules = ['valid', 'zone', 'level', 'purpose', 'area', 'authorization'].flatMap((rule) => [
    `scope.account.${rule}`,
    `scope.operator.${rule}`,
  ])
  for (const rule of ['scope.account', 'scope.operator', 'scope.fields', ...rules]) {
    t.ok((seen.refused.get(rule) ?? 0) > 0, `${rule} refused`)
  }
})

/** Every way to take one grant away. */
function reductions(plain: Plain): Plain[] {
  const without = (key: 'levels' | 'purposes' | 'areas' | 'zones') =>
    plain[key].map((one) => ({ ...plain, [key]: plain[key].filter((other) => other !== one) }))
  const lower = scopedFields.flatMap((field) =>
    fieldRules
      .slice(0, fieldRules.indexOf(plain.fields[field]))
      .map((rule) => ({ ...plain, fields: { ...plain.fields, [field]: rule } })),
  )
  return [
    ...without('levels'),
    ...without('purposes'),
    ...without('areas'),
    ...without('zones'),
    ...lower,
    { ...plain, needsLetter: true },
    { ...plain, to: '2026-11-01' },
    { ...plain, from: '2026-12-31' },
  ]
}

const weight = (rule: FieldRule): number => fieldRules.indexOf(rule)

await t.test('taking any grant away never widens an answer', async (t) => {
  let compared = 0
  fc.assert(
    fc.property(wideScope, wideScope, question, (account, operator, ask) => {
      const before = decided(account, operator, ask)
      const poorer: [Plain | undefined, Plain | undefined][] = [
        [undefined, operator],
        [account, undefined],
        ...reductions(account).map((one): [Plain, Plain] => [one, operator]),
        ...reductions(operator).map((one): [Plain, Plain] => [account, one]),
      ]
      for (const [a, o] of poorer) {
        const after = decided(a, o, ask)
        if (after instanceof Problem) continue
        compared += 1
        if (before instanceof Problem) throw new Error('a refusal became an answer')
        if (scopedFields.some((field) => weight(after.fields[field]) > weight(before.fields[field])))
          throw new Error('a field shows more')
      }
    }),
    { numRuns: 400 },
  )
  t.ok(compared > 1000, `${compared} poorer scopes compared`)
})
