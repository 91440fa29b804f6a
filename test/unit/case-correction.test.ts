import fc from 'fast-check'
import t from 'tap'
import type { FiledMaterial, NormalisedMaterial } from '../../src/cases/application.ts'
import { type CorrectionAnswer, correctDocument, openParts } from '../../src/cases/correct.ts'
import { memberPath, pointerOf } from '../../src/cases/correctable.ts'
import type { CaseDocument } from '../../src/cases/document.ts'
import type { Fact } from '../../src/cases/facts.ts'
import { answerFaults } from '../../src/cases/rules/answer-rules.ts'
import { correctionFaults, filedAgain } from '../../src/cases/rules/correction-rules.ts'
import { ruleFaults } from '../../src/cases/rules/faults.ts'
import { type CaseState, initialState } from '../../src/cases/state.ts'
import { transition } from '../../src/cases/transition.ts'
import { withdrawalFault } from '../../src/cases/withdrawal.ts'
import type { LiveMessage } from '../../src/delivery/message.ts'
import { openValidator } from '../../src/http/validator.ts'
import { loadMappings } from '../../src/mapping/mapping-set.ts'
import { formFields } from '../../src/platform/form-fields.ts'
import { defaultRules, goldenCase, goldenFacts } from '../support/golden-case.ts'

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const correctionFields = mappings.profile('yx-registry').tables.get('BZZD')?.toWord ?? new Map<string, string>()
const rules = { ...defaultRules, correctionFields }
const formField = formFields(mappings.profile('yx-platform').tables.get('EgovFormField')?.toCode ?? new Map())
const validate = openValidator('schemas')('application')
const filedBy = {
  operator: { id: 'yx-sub-0031', name: '经办员甲' },
  account: { id: 'a', bankName: 'b', bankCode: 'c' },
}
const document: CaseDocument = { ...goldenCase(), filedBy }
const combined: CaseDocument = { ...goldenCase('canonical-combined'), filedBy }

const asked = goldenFacts(1).find(({ fact }) => fact === 'correction-requested') as Fact
/** As the registry tells it: the gateway has resolved nothing yet. */
const told: Fact = {
  ...asked,
  items: (asked['items'] as object[]).map((item) => ({ ...item, resolved: undefined })),
} as unknown as Fact

function joined(state: CaseState, ...facts: Fact[]): CaseState {
  return facts.reduce((before, fact) => transition(before, fact, rules).state, state)
}

const open = joined(initialState(document), told)

const stored = (material: FiledMaterial, sequence: number): NormalisedMaterial => ({
  ...material,
  sequence,
  fileName: `${material.name}.pdf`,
  mediaType: 'application/pdf',
  sizeBytes: 1,
  digest: { algorithm: 'sm3', value: '00' },
})
const sources = { stored, sequence: 10, formField }

function answerWith(changes: { path: string; value: string }[]): CorrectionAnswer {
  return {
    round: 1,
    appliedAt: '2026-11-09T14:05:00+08:00',
    items: [
      { number: 1, answer: '已重新签署' },
      { number: 2, answer: '已更正', changes },
    ],
  }
}

await t.test('the golden items are resolved as the golden event says, and kept open', async (t) => {
  const { events } = transition(initialState(document), told, rules)
  t.strictSame(events[0]?.fact?.['items'], asked['items'])
  t.match(open.parts[0]?.correction, { round: 1, answered: null, by: '受理员一', items: asked['items'] })
  t.match(openParts(open, 1), { parts: [{ part: 1 }] })
  t.strictSame(openParts(open, 2), { fault: 'correction-round-wrong' })
  t.strictSame(openParts(initialState(document), 1), { fault: 'correction-not-open' })
  const ended = joined(open, { ...asked, fact: 'withdrawn', items: [] })
  t.strictSame(openParts(ended, 1), { fault: 'case-ended' })
  const streams = (...kinds: string[]) => ({ messages: kinds.map((kind) => ({ kind }) as LiveMessage) })
  const means = { clock: { now: () => new Date('2026-11-10T10:00:00Z') }, withdrawalAgainMs: 60_000 }
  const askedAt = (requestedAt: string, knownAt?: string): CaseState => {
    const withdrawal = { number: 1, by: 'bank' as const, requestedAt, ...(knownAt === undefined ? {} : { knownAt }) }
    return { ...open, request: 'withdrawal-pending', withdrawal }
  }
  for (const [memory, kinds, fault] of [
    [ended, [], 'case-ended'],
    [open, [], null],
    [askedAt('2026-11-10T09:59:30Z'), [], 'withdrawal-pending'],
    [askedAt('2026-11-10T09:59:00Z'), [], null],
    [askedAt('2026-11-01T09:59:00Z', '2026-11-10T09:59:30Z'), [], 'withdrawal-pending'],
    [askedAt('2026-11-10T09:59:00Z'), ['WITHDRAW'], 'withdrawal-pending'],
    [askedAt('2026-11-10T09:59:00Z'), ['CORRECT'], null],
  ] as const)
    t.equal(withdrawalFault({ memory }, streams(...kinds), means), fault)
})

await t.test('rounds come in any order, the state is the same', async (t) => {
  const base = { part: 1, saidBy: 'registry' as const, reportedIn: 'progress', messageId: 'm' }
  const facts: Fact[] = [
    { ...base, fact: 'submitted', round: 1, occurredAt: '2026-11-09T09:21:02+08:00' },
    { ...told, messageId: 'm' },
    { ...base, fact: 'submitted', round: 2, occurredAt: '2026-11-09T11:00:00+08:00' },
    { ...told, round: 2, occurredAt: '2026-11-09T12:00:00+08:00', messageId: 'm' },
    { ...base, fact: 'submitted', round: 3, occurredAt: '2026-11-09T13:00:00+08:00' },
  ]
  const expected = joined(initialState(document), ...facts)
  t.match(expected.parts[0], { state: 'submitted', correction: { round: 2 } })
  fc.assert(
    fc.property(fc.shuffledSubarray(facts, { minLength: facts.length }), (order) => {
      const state = joined(initialState(document), ...order)
      t.strictSame({ ...state, known: {} }, { ...expected, known: {} })
      t.strictSame(new Set(Object.keys(state.known)), new Set(Object.keys(expected.known)))
    }),
    { numRuns: 60 },
  )
})

const place = fc.nat({ max: 40 })
await t.test('a pointer names one member, however it is written', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom('area', 'location', 'useCode'), place, fc.nat({ max: 19 }), (member, unit, part) => {
      const flat = `/properties/${unit}/${member}`
      const full = `/parts/${part}${flat}`
      const read = memberPath(full, 1)
      t.strictSame(read, memberPath(flat, part + 1))
      t.equal(pointerOf(part + 1, read?.steps ?? [], 2), full)
      t.equal(pointerOf(1, read?.steps ?? [], 1), flat)
    }),
  )
  fc.assert(
    fc.property(fc.webPath(), (path) => {
      const read = memberPath(path, 1)
      t.ok(read === null || read.label.length > 0)
    }),
  )
  for (const path of [
    '/properties/0/unitNumber',
    '/parties/0/role',
    '/mortgage/kind',
    '/bankReference',
    '/__proto__/a',
  ])
    t.equal(memberPath(path, 1), null, path)
})

const change = fc.record({
  unit: fc.nat({ max: 1 }),
  member: fc.constantFrom('area', 'location', 'useCode', 'assessedValue'),
  value: fc.constantFrom('96.46', '12'),
})
await t.test('a correction changes what it names, and nothing else', async (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), (changes) => {
      const before = JSON.stringify(document)
      const named = changes.map(({ unit, member, value }) => ({ path: `/properties/${unit}/${member}`, value }))
      const { document: next, source, files } = correctDocument(document, open.parts, answerWith(named), sources)
      t.equal(JSON.stringify(document), before, 'the version before stays as it was')
      t.strictSame(files, [])
      const undone = structuredClone(next)
      for (const { unit, member } of changes) {
        const [now, then] = [undone, document].map(({ parts }) => parts[0]?.properties[unit]) as unknown as [
          Record<string, unknown>,
          Record<string, unknown>,
        ]
        now[member] = then[member]
      }
      t.strictSame(undone, document)
      const units = [...new Set(changes.map(({ unit }) => unit + 1))].sort((a, b) => a - b)
      t.strictSame(
        source.parts[0]?.properties.map(({ number }) => number),
        units,
        'only the units that changed are told',
      )
    }),
  )
})

await t.test('a new file takes the place of the old one, also where it is referred to', async (t) => {
  const old = '01a1bddb-c8a0-77c6-a48d-fab132ac95bc'
  const id = '01a1bee2-8a40-7053-a15d-f05b47270a58'
  const material = { id, kind: 'letter-of-authority', name: '授权委托书（古丽娜·艾山江）补' }
  const answer: CorrectionAnswer = {
    ...answerWith([{ path: '/properties/1/area', value: '96.46' }]),
    items: [
      { number: 1, answer: '已重新签署', replaces: old, material },
      { number: 2, answer: '已更正', changes: [{ path: '/properties/1/area', value: '96.46' }] },
    ],
  }
  const { document: next, source, files } = correctDocument(document, open.parts, answer, sources)
  t.strictSame(
    files.map(({ sequence }) => sequence),
    [10],
  )
  t.notOk(JSON.stringify(next).includes(old))
  t.equal(next.parts[0]?.parties.find(({ agent }) => agent !== undefined)?.agent?.authorizationMaterialId, id)
  t.match(source.items, [
    { material: { id, replaces: old, sequence: 6, replacedName: '授权委托书（古丽娜·艾山江）' } },
    { changes: [{ path: '/properties/1/area', label: '建筑面积（平方米）', field: 'DJXX_JZAREA', formId: 'f3' }] },
  ])
  const filed = filedAgain(next)
  t.equal(filed.materials.length, 9)
})

await t.test('every fault of an answer by its code and place; what was wrong before is not the answer’s', async (t) => {
  const seen = new Set<string>()
  const faults = (answer: CorrectionAnswer, doc = document, state = open): string[] =>
    answerFaults(doc, state.parts, answer).map(({ pointer, code }) => {
      seen.add(code)
      return `${code} ${pointer}`
    })
  const good = answerWith([{ path: '/properties/1/area', value: '96.46' }])
  t.strictSame(faults(good), [])
  const items = (...more: CorrectionAnswer['items']): CorrectionAnswer => ({ ...good, items: [...good.items, ...more] })
  t.strictSame(faults(items({ number: 3, answer: 'x' })), ['correction-item-unknown /items/2/number'])
  t.strictSame(faults(items({ number: 2, answer: 'x' })), ['correction-item-repeated /items/2/number'])
  t.strictSame(faults({ ...good, items: good.items.slice(1) }), ['correction-item-missing /items'])
  t.strictSame(faults(answerWith([{ path: '/mortgage/scope', value: 'x' }])), [
    'correction-path-elsewhere /items/1/changes/0/path',
  ])
  for (const path of ['/properties/2/area', '/parts/1/properties/0/area', '/mortgage/kind'])
    t.strictSame(faults(answerWith([{ path, value: 'x' }])), ['correction-path-refused /items/1/changes/0/path'], path)
  const replaced = { ...good, items: [{ number: 1, answer: 'x', replaces: 'nothing' }, ...good.items.slice(1)] }
  t.strictSame(faults(replaced), ['correction-replaces-unknown /items/0/replaces'])
  const both = joined(initialState(combined), { ...told, part: 1 }, { ...told, part: 2, registryNumber: 'other' })
  const wordsOnly = { ...good, items: good.items.map(({ number, answer }) => ({ number, answer })) }
  t.match(faults(wordsOnly, combined, both), ['correction-part-missing /items/0/part', /./, /./, /./, /./, /./])
  const named = wordsOnly.items.flatMap((item) => [1, 2].map((part) => ({ ...item, part })))
  t.strictSame(faults({ ...good, items: named }, combined, both), [])
  t.strictSame(
    [...seen].sort(),
    Object.keys(ruleFaults)
      .filter((code) => code.startsWith('correction-'))
      .sort(),
  )

  // Years later nobody is operator any more, and no bank is the caller: that was not brought in by the answer.
  const context = {
    bankCodes: new Set<string>(),
    operatorId: 'nobody',
    isOperator: () => false,
    isMaterial: () => false,
    now: new Date('2026-11-09T15:00:00+08:00'),
  }
  const check = (answer: CorrectionAnswer): unknown => {
    const { document: next } = correctDocument(document, open.parts, answer, sources)
    const { shape, rules: broken } = correctionFaults(document, next, answer, open.parts, validate, context)
    return [shape, broken].map((list) => list.map(({ pointer, code }) => `${code} ${pointer}`))
  }
  t.strictSame(check(good), [[], []])
  t.strictSame(check(answerWith([{ path: '/properties/1/area', value: '0' }])), [
    [],
    ['area-invalid /items/1/changes/0/value'],
  ])
  t.strictSame(check(answerWith([{ path: '/properties/1/area', value: 'x' }])), [
    ['format-wrong /items/1/changes/0/value'],
    [],
  ])
})
