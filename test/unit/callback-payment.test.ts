import t from 'tap'
import { initialState } from '../../src/cases/state.ts'
import { partPaid } from '../../src/platform/apply-callback.ts'
import { goldenCase } from '../support/golden-case.ts'

const one = initialState(goldenCase())
const two = initialState(goldenCase('canonical-combined'))

function withFees(state: typeof two, ...amounts: (string | null)[]): typeof two {
  const parts = state.parts.map((part, i) => {
    const amount = amounts[i] ?? null
    return { ...part, fee: { ...part.fee, state: amount === null ? ('none' as const) : ('due' as const), amount } }
  })
  return { ...state, parts }
}

const paid = (amount?: string) => ({ state: 'fee-paid' as const, ...(amount === undefined ? {} : { amount }) })

await t.test('a payment is for the part whose fee it is', async (t) => {
  t.equal(partPaid(one, paid('80.00')), 'unknown', 'until the registry has told the fee')
  t.equal(partPaid(withFees(one, '80.00'), paid('80')), 1)
  t.equal(partPaid(withFees(one, '80.00'), paid()), 1)
  t.equal(partPaid(withFees(one, '80.00'), paid('90.00')), null)
  t.equal(partPaid(withFees(one, '80.00'), { state: 'fee-partly-paid', amount: '30.00' }), 1)
  t.equal(partPaid(two, paid('80.00')), 'unknown')
  t.equal(partPaid(withFees(two, '80.00'), paid('550.00')), 'unknown')
  t.equal(partPaid(withFees(two, '80.00', '550.00'), paid('550.00')), 2)
  t.equal(partPaid(withFees(two, '80.00', '80.00'), paid('80.00')), null, 'of two, nobody can tell')
  t.equal(partPaid(withFees(two, '80.00', '550.00'), paid('1.00')), null)
})
