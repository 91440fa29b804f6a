import t from 'tap'
import { admit, codesInForce, permitFiling } from '../../src/access/decide.ts'
import type { AccessSnapshot, Account, Bank, Operator, RegisteredCertificate } from '../../src/access/snapshot.ts'
import { Problem } from '../../src/base/problem.ts'

interface Changes {
  bank?: Partial<Bank>
  account?: Partial<Account>
  certificate?: Partial<RegisteredCertificate>
  operator?: Partial<Operator> | null
}

const TODAY = '2026-11-09'

function world({ bank, account, certificate, operator }: Changes = {}) {
  const ofBank: Bank = {
    id: 'bank-1',
    code: '91420000000000001R',
    name: '示例银行',
    state: 'active',
    agreementFrom: '2026-01-01',
    agreementTo: '2026-12-31',
    branches: new Map(),
    ...bank,
  }
  const ofAccount: Account = {
    id: 'account-1',
    bank: ofBank,
    name: 'core',
    state: 'active',
    answerAlgorithm: 'p256',
    businessTypes: new Set(['mortgage-first']),
    areas: new Set(['420222', '420281']),
    validFrom: '2026-01-01',
    validTo: '2026-12-31',
    ...account,
  }
  const registered: RegisteredCertificate = {
    fingerprint: 'f'.repeat(64),
    account: ofAccount,
    der: Buffer.of(),
    state: 'active',
    ...certificate,
  }
  const known: Operator = { id: 'operator-1', code: 'op-1', state: 'active', sealed: Buffer.of(), ...operator }
  const snapshot: AccessSnapshot = {
    revision: 1,
    certificates: new Map([[registered.fingerprint, registered]]),
    account: () => undefined,
    scope: () => undefined,
    operator: (bankId, code) => (operator !== null && bankId === 'bank-1' && code === known.code ? known : undefined),
  }
  return { snapshot, registered, account: ofAccount, operator: known }
}

function refusalOf(work: () => unknown): { code: string; rule: string | undefined } {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return { code: error.code, rule: error.rule }
    throw error
  }
  return { code: 'allowed', rule: undefined }
}

await t.test('each rule that keeps a caller out refuses with a code of its own', (t) => {
  const cases: [code: string, rule: string, changes: Changes, more?: { code?: string | undefined; day?: string }][] = [
    ['certificate-suspended', 'certificate.active', { certificate: { state: 'suspended' } }],
    ['account-suspended', 'account.active', { account: { state: 'suspended' } }],
    ['account-suspended', 'account.active', { account: { state: 'closed' } }],
    ['bank-suspended', 'bank.active', { bank: { state: 'suspended' } }],
    ['bank-suspended', 'bank.active', { bank: { state: 'closed' } }],
    ['agreement-not-in-force', 'agreement.in-force', { bank: { agreementFrom: '2026-11-10' } }],
    ['agreement-not-in-force', 'agreement.in-force', { bank: { agreementTo: '2026-11-08' } }],
    ['account-not-valid', 'account.valid', { account: { validFrom: '2026-11-10' } }],
    ['account-not-valid', 'account.valid', { account: { validTo: '2026-11-08' } }],
    ['operator-missing', 'operator.named', {}, { code: undefined }],
    ['operator-unknown', 'operator.of-bank', {}, { code: 'op-2' }],
    ['operator-unknown', 'operator.of-bank', { bank: { id: 'bank-2' } }],
    ['operator-unknown', 'operator.of-bank', { operator: null }],
    ['operator-suspended', 'operator.active', { operator: { state: 'suspended' } }],
    ['operator-suspended', 'operator.active', { operator: { state: 'closed' } }],
  ]
  for (const [code, rule, changes, more = {}] of cases) {
    const { snapshot, registered } = world(changes)
    const operatorCode = 'code' in more ? more.code : 'op-1'
    const got = refusalOf(() => admit(snapshot, registered, operatorCode, true, more.day ?? TODAY))
    t.strictSame(got, { code, rule }, JSON.stringify({ changes, ...more }))
  }
  t.end()
})

await t.test('whoever keeps every rule is let in, on the first and the last day too', (t) => {
  const { snapshot, registered, account, operator } = world()
  for (const day of ['2026-01-01', TODAY, '2026-12-31']) {
    t.strictSame(admit(snapshot, registered, 'op-1', true, day), { account, operator, rule: 'operator.active' }, day)
  }
  t.end()
})

await t.test('no operator need be named where none is asked for; one that is named must be good all the same', (t) => {
  const { snapshot, registered, account } = world()
  t.strictSame(admit(snapshot, registered, undefined, false, TODAY), {
    account,
    operator: null,
    rule: 'account.active',
  })
  t.equal(refusalOf(() => admit(snapshot, registered, 'nobody', false, TODAY)).code, 'operator-unknown')
  t.end()
})

await t.test(
  'a filing is refused for a type or an area that was not granted, and allowed with its rule for both',
  (t) => {
    const { account } = world()
    t.equal(permitFiling(account, 'mortgage-first', ['420222', '420281']), 'filing.mortgage-first')
    t.strictSame(
      refusalOf(() => permitFiling(account, 'mortgage-cancel', ['420222'])),
      { code: 'business-type-not-granted', rule: 'business-type.granted' },
    )
    t.strictSame(
      refusalOf(() => permitFiling(account, 'mortgage-first', ['420222', '420100'])),
      { code: 'area-not-granted', rule: 'area.granted' },
      'one foreign area among granted ones',
    )
    t.end()
  },
)

await t.test('a bank acts under its own code and those of branches in force, no other', (t) => {
  const { account } = world()
  const branch = (state: 'active' | 'suspended' | 'closed') => ({ name: '支行', state })
  const branches = new Map([
    ['in-force', branch('active')],
    ['suspended', branch('suspended')],
    ['closed', branch('closed')],
  ])
  t.strictSame([...codesInForce({ ...account.bank, branches })], [account.bank.code, 'in-force'])
  t.end()
})
