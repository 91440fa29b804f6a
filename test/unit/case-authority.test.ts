import t from 'tap'
import { authority } from '../../src/cases/authority.ts'
import { type Fact, type FactName, type FactSource, factNames } from '../../src/cases/facts.ts'
import { initialState } from '../../src/cases/state.ts'
import { transition } from '../../src/cases/transition.ts'
import { defaultRules, goldenCase } from '../support/golden-case.ts'

const told = (name: FactName, saidBy: FactSource, more: Partial<Fact> = {}): Fact => ({
  part: 1,
  fact: name,
  round: 1,
  occurredAt: '2026-11-09T14:30:00+08:00',
  saidBy,
  reportedIn: '20',
  messageId: 'm1',
  ...more,
})

// Who decides: r registry, p platform, g gateway, $ payment. Where the registry decides and the platform is not
// named, the platform's word only corroborates.
const table: { [name in FactName]: string } = {
  received: 'g',
  'platform-acknowledged': 'p',
  submitted: 'rg',
  'correction-requested': 'r',
  accepted: 'r',
  'review-step': 'r',
  'procedure-started': 'r',
  'procedure-ended': 'r',
  recorded: 'r',
  'not-accepted': 'r',
  rejected: 'r',
  withdrawn: 'r',
  'withdrawal-refused': 'r',
  'register-entry': 'r',
  'fee-exempt': 'r',
  'fee-due': 'r',
  'fee-partly-paid': 'rp$',
  'fee-paid': 'rp$',
  'fee-refunding': 'r$',
  'fee-refunded': 'r$',
  'certificate-made': 'r',
  'certificate-released': 'g',
}
const letters: { [source in FactSource]: string } = { registry: 'r', platform: 'p', gateway: 'g', payment: '$' }

await t.test('every fact is decided by those alone who may say it', async (t) => {
  for (const name of factNames) {
    for (const source of Object.keys(letters) as FactSource[]) {
      const decides = table[name].includes(letters[source])
      const corroborates = !decides && source === 'platform' && table[name].includes('r')
      const expected = decides ? 'decides' : corroborates ? 'corroborates' : 'none'
      t.equal(authority(told(name, source), defaultRules), expected, `${name} said by ${source}`)
      const asSource = corroborates ? 'decides' : expected
      t.equal(authority(told(name, source), { ...defaultRules, platformIsSource: true }), asSource)
    }
  }
})

await t.test('a word of one who may not say it changes nothing and is raised', async (t) => {
  const state = initialState(goldenCase())
  for (const fact of [
    told('accepted', 'gateway'),
    told('recorded', 'payment'),
    told('certificate-released', 'platform'),
  ]) {
    const step = transition(state, fact, defaultRules)
    t.match(step, { verdict: 'contradiction', events: [], effects: [{ kind: 'raise', reason: 'source-not-allowed' }] })
    t.strictSame({ ...step.state, contradictions: [] }, state)
  }
})

await t.test('the platform word for an acceptance moves nothing, and makes the poll due', async (t) => {
  const submitted = transition(initialState(goldenCase()), told('submitted', 'registry'), defaultRules).state
  const step = transition(submitted, told('accepted', 'platform'), defaultRules)
  t.equal(step.verdict, 'early')
  t.equal(step.state.parts[0]?.state, 'submitted')
  t.strictSame(step.effects, [{ kind: 'poll', question: { kinds: ['PROGRESS'] } }])
  t.equal(transition(step.state, told('accepted', 'platform'), defaultRules).verdict, 'known')

  const agreed = transition(step.state, told('accepted', 'registry'), defaultRules)
  t.strictSame([agreed.verdict, agreed.state.waiting, agreed.state.contradictions], ['applied', [], []])

  const differing = transition(
    step.state,
    told('accepted', 'registry', { occurredAt: '2026-11-09T14:31:00+08:00' }),
    defaultRules,
  )
  t.equal(differing.state.parts[0]?.clock.startedAt, '2026-11-09T14:31:00+08:00', 'the registry counts')
  t.match(
    differing.effects.filter((effect) => effect.kind === 'raise'),
    [{ reason: 'platform-differs', members: ['occurredAt'], fact: { saidBy: 'platform' } }],
  )
  t.strictSame(differing.state.waiting, [])
})

await t.test('the platform word after the registry is known when it agrees and raised when it does not', async (t) => {
  const accepted = transition(initialState(goldenCase()), told('accepted', 'registry'), defaultRules).state
  t.equal(transition(accepted, told('accepted', 'platform'), defaultRules).verdict, 'known')
  const later = told('accepted', 'platform', { occurredAt: '2026-11-09T15:00:00+08:00' })
  t.match(transition(accepted, later, defaultRules).effects, [{ kind: 'raise', reason: 'platform-differs' }])
  const rejected = transition(accepted, told('rejected', 'registry'), defaultRules).state
  const recorded = transition(rejected, told('recorded', 'platform'), defaultRules)
  t.match(recorded.effects, [{ kind: 'raise', reason: 'platform-differs' }])
})

await t.test('a platform word that the registry contradicts by another end is raised then', async (t) => {
  const accepted = transition(initialState(goldenCase()), told('accepted', 'registry'), defaultRules).state
  const waiting = transition(accepted, told('recorded', 'platform'), defaultRules).state
  const step = transition(waiting, told('rejected', 'registry'), defaultRules)
  t.equal(step.state.parts[0]?.state, 'rejected')
  t.match(
    step.effects.filter((effect) => effect.kind === 'raise'),
    [{ reason: 'platform-differs', fact: { fact: 'recorded' } }],
  )
})

await t.test('where the platform is the source, its word decides and is not relayed back to it', async (t) => {
  const rules = { ...defaultRules, platformIsSource: true }
  const step = transition(initialState(goldenCase()), told('accepted', 'platform'), rules)
  t.equal(step.state.parts[0]?.state, 'accepted')
  t.strictSame(
    step.effects.filter((effect) => effect.kind === 'relay'),
    [],
  )
})

await t.test('a payment told by platform and registry in their own words is one payment', async (t) => {
  const paid = told('fee-paid', 'platform', { amount: '80.00', currency: 'CNY', orderNumber: 'FS1' })
  const state = transition(initialState(goldenCase()), paid, defaultRules).state
  const atRegistry = told('fee-paid', 'registry', { amount: '80.00', occurredAt: '2026-11-10T00:00:00+08:00' })
  t.equal(transition(state, atRegistry, defaultRules).verdict, 'known')
  const less = told('fee-paid', 'registry', { amount: '40.00' })
  t.match(transition(state, less, defaultRules).effects, [{ reason: 'content-differs', members: ['amount'] }])
})
