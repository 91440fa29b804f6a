import t from 'tap'
import { initialState } from '../../src/cases/state.ts'
import { partPaid } from '../../src/platform/apply-callback.ts'
import { goldenCase } from '../support/golden-case.ts'

await t.test('a payment is for the only part, or for the one whose fee it is', async (t) => {
  t.equal(partPaid(initialState(goldenCase()), '80.00'), 1)
  t.equal(partPaid(initialState(goldenCase()), undefined), 1)
  const two = initialState(goldenCase('canonical-combined'))
  t.equal(partPaid(two, '80.00'), 'unknown', 'until the registry has told the fees')
  const withFees = (...amounts: string[]): typeof two => ({
    ...two,
    parts: two.parts.map((part, i) => ({ ...part, fee: { ...part.fee, state: 'due', amount: amounts[i] ?? null } })),
  })
  t.equal(partPaid(withFees('80.00', '550.00'), '550.00'), 2)
  t.equal(partPaid(withFees('80.00', '80.00'), '80.00'), null, 'of two, nobody can tell')
  t.equal(partPaid(withFees('80.00', '550.00'), '1.00'), null)
})
