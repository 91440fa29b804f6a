import t from 'tap'
import { isFeeSettled } from '../../src/cases/facets/fee.ts'
import type { Fact, FactName } from '../../src/cases/facts.ts'
import { type FeeStateName, initialState, type PartState } from '../../src/cases/state.ts'
import { transition } from '../../src/cases/transition.ts'
import { defaultRules, goldenCase } from '../support/golden-case.ts'

const moments: FactName[] = ['fee-due', 'fee-exempt', 'fee-partly-paid', 'fee-paid', 'fee-refunding', 'fee-refunded']

const told = (name: FactName, more: Partial<Fact> = {}): Fact => ({
  part: 1,
  fact: name,
  round: 1,
  occurredAt: `2026-11-10T1${moments.indexOf(name)}:00:00+08:00`,
  saidBy: 'registry',
  reportedIn: 'fee',
  messageId: 'm1',
  ...more,
})

const document = goldenCase()
const feeAfter = (facts: Fact[], settlement = 'per-case'): PartState['fee'] => {
  const fee = { payer: 'mortgagee', settlement }
  const end = facts.reduce(
    (state, fact) => transition(state, fact, defaultRules).state,
    initialState({ ...document, fee }),
  )
  return (end.parts[0] as PartState).fee
}

// From the state on the left, each fact in the order of `moments`: `=` stays, `!` contradiction, else the new state.
const table: { [from in FeeStateName]?: { way: FactName[]; to: string } } = {
  none: { way: [], to: 'due exempt partly-paid paid refunding refunded' },
  due: { way: ['fee-due'], to: 'due exempt partly-paid paid refunding refunded' },
  exempt: { way: ['fee-exempt'], to: 'exempt exempt ! ! ! !' },
  'partly-paid': { way: ['fee-partly-paid'], to: 'partly-paid ! partly-paid paid refunding refunded' },
  paid: { way: ['fee-paid'], to: 'paid ! paid paid refunding refunded' },
  refunding: { way: ['fee-refunding'], to: 'refunding ! refunding refunding refunding refunded' },
  refunded: { way: ['fee-refunded'], to: 'refunded ! refunded refunded refunded refunded' },
}

await t.test('every fee state meets every fee fact as the table says', async (t) => {
  for (const [from, { way, to }] of Object.entries(table)) {
    const state = way.reduce((one, name) => transition(one, told(name), defaultRules).state, initialState(document))
    t.equal(state.parts[0]?.fee.state, from)
    to.split(' ').forEach((expected, index) => {
      const name = moments[index] as FactName
      const step = transition(state, told(name), defaultRules)
      const label = `${name} when ${from}`
      t.equal(step.verdict === 'contradiction', expected === '!', label)
      t.equal(step.state.parts[0]?.fee.state, expected === '!' ? from : expected, label)
    })
  }
})

await t.test('a notice after an exemption is a contradiction, one before it is history', async (t) => {
  const state = transition(initialState(document), told('fee-exempt'), defaultRules).state
  const later = told('fee-due', { occurredAt: '2026-11-11T09:00:00+08:00' })
  t.match(transition(state, later, defaultRules).effects, [{ reason: 'fee-due-after-exempt' }])
  t.equal(transition(state, told('fee-due'), defaultRules).verdict, 'applied')
})

await t.test('a second fee opens a round of its own', async (t) => {
  const second = told('fee-due', { round: 2, amount: '10.00' })
  t.match(feeAfter([told('fee-due', { amount: '80.00' }), told('fee-paid'), second]), { state: 'due', amount: '10.00' })
  const late = [told('fee-paid'), second, told('fee-due', { amount: '80.00' })]
  t.match(feeAfter(late), { state: 'due', amount: '10.00' }, 'an older notice told late sets nothing back')
})

await t.test('the notice is kept with its code and day, also when it comes after the payment', async (t) => {
  const notice = told('fee-due', { amount: '80.00', paymentCode: '42', payBy: '2026-11-17T23:59:59+08:00' })
  t.match(feeAfter([told('fee-paid'), notice]), { state: 'paid', amount: '80.00', paymentCode: '42' })
})

await t.test('a bank that settles monthly owes nothing for the case', async (t) => {
  const fee = feeAfter([told('fee-due')], 'monthly')
  t.equal(fee.state, 'on-statement')
  t.ok(isFeeSettled(fee))
  t.equal(feeAfter([told('fee-due'), told('fee-paid')], 'monthly').state, 'paid')
})

await t.test('settled are exempt, paid and on statement, nothing else', async (t) => {
  const settled = (name: FactName): boolean => isFeeSettled(feeAfter([told(name)]))
  t.strictSame(moments.map(settled), [false, true, false, true, false, false])
})
