import fc from 'fast-check'
import t from 'tap'
import type { CaseEvent, Effect } from '../../src/cases/effects.ts'
import type { Fact } from '../../src/cases/facts.ts'
import { nextQuestion } from '../../src/cases/questions.ts'
import { type CaseState, initialState } from '../../src/cases/state.ts'
import { summary } from '../../src/cases/summary.ts'
import { transition } from '../../src/cases/transition.ts'
import { defaultRules, goldenCase, goldenFacts } from '../support/golden-case.ts'

interface Played {
  state: CaseState
  events: CaseEvent[]
  effects: Effect[]
  verdicts: string[]
}

function play(facts: readonly Fact[], start: CaseState, rules = defaultRules): Played {
  const played: Played = { state: start, events: [], effects: [], verdicts: [] }
  for (const fact of facts) {
    const step = transition(played.state, fact, rules)
    played.state = step.state
    played.events.push(...step.events)
    played.effects.push(...step.effects)
    played.verdicts.push(step.verdict)
  }
  return played
}

const own = (fact: Fact['fact'], occurredAt: string, more: Partial<Fact> = {}): Fact => ({
  part: 1,
  fact,
  round: 1,
  occurredAt,
  saidBy: 'gateway',
  reportedIn: 'gateway',
  messageId: 'own',
  ...more,
})

const recordedStory: Fact[] = [
  own('received', '2026-11-09T09:18:30+08:00'),
  own('platform-acknowledged', '2026-11-09T09:20:00+08:00', {
    saidBy: 'platform',
    platformNumber: 'hsbdc02226110900011',
  }),
  ...goldenFacts(1),
  own('certificate-released', '2026-11-10T15:30:00+08:00', { subject: '鄂(2026)阳新县不动产证明第0010421号' }),
  own('certificate-released', '2026-11-10T15:31:00+08:00', { subject: '鄂(2026)阳新县不动产证明第0010422号' }),
]
const locked = { ...defaultRules, certificateLockedUntilPaid: true }

await t.test('the golden case that is recorded ends completed, told as it happened', async (t) => {
  const { state, events, effects, verdicts } = play(recordedStory, initialState(goldenCase()), locked)
  t.ok(verdicts.every((verdict) => verdict === 'applied'))
  t.strictSame(
    events.map((event) => event.type),
    [...recordedStory.map((fact) => fact.fact), 'completed'],
  )
  t.match(summary(state), {
    state: 'recorded',
    completed: true,
    request: 'none',
    parts: [{ part: 1, state: 'recorded', clock: 'stopped', fee: 'paid', certificate: 'released', paper: 'none' }],
  })
  t.equal(state.platformNumber, 'hsbdc02226110900011')
  t.equal(state.registryNumber, '202611090037')
  t.equal(events.at(-1)?.occurredAt, '2026-11-10T15:31:00+08:00')
  t.equal(nextQuestion(state), null)
  t.strictSame(
    effects.filter((effect) => effect.kind === 'relay').map((effect) => [effect.type, effect.fact.fact, effect.result]),
    [
      ['20', 'accepted', undefined],
      ['20', 'review-step', undefined],
      ['20', 'review-step', undefined],
      ['20', 'recorded', undefined],
      ['30', 'recorded', 'Y'],
    ],
  )
  t.equal(effects.filter((effect) => effect.kind === 'fetch-certificate').length, 2)
})

await t.test('a case is completed only when nothing that its business type requires is missing', async (t) => {
  const needed: Fact['fact'][] = ['recorded', 'register-entry', 'fee-paid', 'certificate-made', 'certificate-released']
  for (const name of needed) {
    const last = recordedStory.findLast((fact) => fact.fact === name)
    const { state } = play(
      recordedStory.filter((fact) => fact !== last),
      initialState(goldenCase()),
    )
    t.notOk(state.completed, `without ${name}`)
    const step = transition(state, last as Fact, defaultRules)
    t.ok(step.state.completed, `with ${name}`)
    t.equal(step.events.at(-1)?.type, 'completed')
  }
})

await t.test('what the register holds otherwise than it was sent is shown, and raised without values', async (t) => {
  const { state, events, effects } = play(goldenFacts(1), initialState(goldenCase()))
  // The bank sent 96.40 and corrected it to 96.46; this document is the uncorrected one.
  t.strictSame(
    events.filter((event) => event.type === 'register-entry').map((event) => event.differences),
    [undefined, ['area']],
  )
  t.strictSame(state.parts[0]?.entries['420222001003GB00057F00120032']?.differences, ['area'])
  const raised = effects.filter((effect) => effect.kind === 'raise')
  t.match(raised, [{ reason: 'register-entry-differs', members: ['area'] }])
  const corrected = goldenCase()
  const second = corrected.parts[0]?.properties[1]
  if (second !== undefined) second.area = '96.4600'
  t.strictSame(
    play(goldenFacts(1), initialState(corrected)).effects.filter((effect) => effect.kind === 'raise'),
    [],
  )
})

await t.test('the polls ask for what is missing, from the receipt to the last certificate', async (t) => {
  const start = initialState(goldenCase())
  t.equal(nextQuestion(start), null)
  const { effects } = play(goldenFacts(1), start)
  t.strictSame(
    effects.filter((effect) => effect.kind === 'poll').map((effect) => effect.question?.kinds.join(' ') ?? null),
    ['PROGRESS', 'RESULT FEE CERTIFICATE', 'FEE CERTIFICATE', 'CERTIFICATE', null],
  )
})

await t.test('the golden case that is rejected tells the platform N at once and asks no more', async (t) => {
  const { state, effects } = play(goldenFacts(2), initialState(goldenCase()))
  t.match(summary(state), { state: 'rejected', completed: false })
  t.match(effects.filter((effect) => effect.kind === 'relay').at(-1), {
    type: '30',
    result: 'N',
    fact: { fact: 'rejected' },
  })
  t.equal(nextQuestion(state), null)
})

await t.test('the golden combined case is withdrawn in both parts', async (t) => {
  const { state, events, effects } = play(goldenFacts(3), initialState(goldenCase('canonical-combined')))
  t.strictSame(
    state.parts.map((part) => part.state),
    ['withdrawn', 'withdrawn'],
  )
  t.strictSame(
    state.parts.map((part) => part.registryNumber),
    ['20261111005201', '20261111005202'],
  )
  t.equal(events.length, 2)
  t.strictSame(
    effects.filter((effect) => effect.kind === 'relay').map((effect) => [effect.type, effect.part, effect.result]),
    [
      ['30', 1, 'E3'],
      ['30', 2, 'E3'],
    ],
  )
  t.equal(nextQuestion(state), null)
})

await t.test('one part recorded and one rejected: asked on for the one, never completed', async (t) => {
  const at = '2026-11-12T10:00:00+08:00'
  const start = initialState(goldenCase('canonical-combined'))
  const { state } = play(
    [own('recorded', at, { saidBy: 'registry' }), own('rejected', at, { part: 2, saidBy: 'registry' })],
    start,
  )
  t.equal(summary(state).state, 'rejected')
  t.strictSame(nextQuestion(state), { kinds: ['RESULT', 'CERTIFICATE'] }, 'a notice is not charged')
})

const text = (event: CaseEvent): string =>
  JSON.stringify([event.type, event.part, event.occurredAt, event.fact, event.differences])
const spread = (facts: readonly Fact[]): fc.Arbitrary<Fact[]> =>
  fc
    .array(fc.constantFrom(...facts), { maxLength: facts.length })
    .chain((more) => fc.shuffledSubarray([...facts, ...more], { minLength: facts.length + more.length }))

for (const [name, facts, start] of [
  ['recorded', recordedStory, initialState(goldenCase())],
  ['rejected', goldenFacts(2), initialState(goldenCase())],
  ['withdrawn', goldenFacts(3), initialState(goldenCase('canonical-combined'))],
] as const) {
  await t.test(`the ${name} story in any order, with repetitions, gives one state and one set of events`, async (t) => {
    for (const rules of [defaultRules, locked]) {
      const straight = play(facts, start, rules)
      const events = straight.events.map(text).sort()
      fc.assert(
        fc.property(spread(facts), (shuffled) => {
          const played = play(shuffled, start, rules)
          const again = JSON.parse(JSON.stringify(played.state)) as CaseState
          return (
            !played.verdicts.includes('contradiction') &&
            isDeepEqual(again, straight.state) &&
            isDeepEqual(played.events.map(text).sort(), events)
          )
        }),
        { numRuns: 150 },
      )
    }
    t.pass('held')
  })
}

await t.test(
  'any facts whatever leave a state that is plain JSON, with an event for each that was joined',
  async (t) => {
    const pool = [...recordedStory, ...goldenFacts(2), ...goldenFacts(3).slice(0, 1)].map((fact) => {
      const { registryNumber: _, ...rest } = fact
      return rest
    })
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 30 }), (facts) => {
        const { state, events } = play(facts, initialState(goldenCase()))
        const ends = events.filter((event) =>
          ['recorded', 'rejected', 'withdrawn', 'not-accepted'].includes(event.type),
        )
        const joined = events.filter((event) => event.type !== 'completed')
        return (
          isDeepEqual(JSON.parse(JSON.stringify(state)), state) &&
          ends.length <= 1 &&
          joined.length === Object.keys(state.known).length
        )
      }),
      { numRuns: 200 },
    )
    t.pass('held')
  },
)

function isDeepEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
