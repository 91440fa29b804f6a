import fc from 'fast-check'
import t from 'tap'
import { maskedAddress, maskedIdNumber, maskedName, maskedPhone } from '../../src/access/masking.ts'
import { type FieldRule, type FieldRules, fieldRules } from '../../src/access/scope.ts'
import { type DisclosureRule, disclose } from '../../src/queries/disclose.ts'
import type { Findings } from '../../src/queries/findings.ts'

const UNIT = '420222001003GB00057F00120031'
const OWNER = { name: '标记甲𠮷名', idType: 'resident-id', idNumber: '42022219030512001X' } as const
/** What must only leave under a rule for its field. */
const MARKED = {
  name: ['标记甲𠮷名', '标记乙名'],
  idNumber: ['42022219030512001X', '420222190408230027'],
  phone: ['13000000011', '13000000022'],
  address: ['标记镇标记路8号标记花园12幢', '标记村三组77号'],
} as const
/** What must never leave for a bank that is not the mortgagee. */
const OTHERS = ['240.55', '99887766', '标记抵押银行', '91420222MA0000015G', '鄂(2022)阳新县不动产证明第0002930号']

const findings: Findings = {
  messageId: '420222261109700001',
  success: true,
  code: '0000',
  faults: [],
  matched: true,
  checkedAt: '2026-11-09T08:41:01+08:00',
  property: {
    certificateNumber: '鄂(2019)阳新县不动产权第0003112号',
    unitNumber: UNIT,
    location: MARKED.address[0],
    area: '118.36',
    useCode: '11',
  },
  flags: { mortgaged: true, seized: false, objected: false, noticed: false, coOwned: true },
  holders: [
    { ...OWNER, phone: MARKED.phone[0], address: MARKED.address[1], share: '60%', coOwnership: 'in-shares' },
    { name: MARKED.name[1], idType: 'resident-id', idNumber: MARKED.idNumber[1], phone: MARKED.phone[1] },
  ],
  ownership: {
    registryNumber: '201903120045',
    location: MARKED.address[0],
    landUser: MARKED.name[0],
    registeredAt: '2019-03-12T10:00:00+08:00',
    reason: '买卖',
  },
  mortgages: [
    {
      registryNumber: '202206200018',
      proofNumber: OTHERS[4] as string,
      kind: 'ordinary',
      securedAmount: '240.55',
      maximumAmount: '99887766',
      mortgagorNames: [MARKED.name[0]],
      mortgagees: [{ name: OTHERS[2] as string, idType: 'business-licence', idNumber: OTHERS[3] as string }],
      registeredAt: '2022-06-21T15:10:00+08:00',
      rank: 1,
    },
  ],
}

const rules: fc.Arbitrary<FieldRules> = fc.record({
  name: fc.constantFrom(...fieldRules),
  idNumber: fc.constantFrom(...fieldRules),
  phone: fc.constantFrom(...fieldRules),
  address: fc.constantFrom(...fieldRules),
})
const rule = (more: Partial<DisclosureRule>): DisclosureRule => ({
  level: 'detail',
  fields: { name: 'show', idNumber: 'show', phone: 'show', address: 'show' },
  authorizer: OWNER,
  isAreaGranted: () => true,
  bankCodes: new Set(['91420222000000019R']),
  askedProof: null,
  ...more,
})

await t.test('nothing leaves beyond the rule of its field, and the record lists exactly what leaves', async (t) => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(rules, fc.constantFrom('flags' as const, 'detail' as const), (fields, level) => {
      const { page, fields: told } = disclose(findings, rule({ fields, level }))
      const text = JSON.stringify(page)
      for (const [field, values] of Object.entries(MARKED) as [keyof FieldRules, readonly string[]][]) {
        const out = values.filter((value) => text.includes(value))
        if (fields[field] !== 'show' && out.length > 0)
          throw new Error(`${field} ${fields[field]} shows ${out.join(' ')}`)
        if (fields[field] === 'show' && out.length === 0) throw new Error(`${field} is granted and was not shown`)
        seen.add(`${field} ${fields[field]}`)
      }
      if (OTHERS.some((value) => text.includes(value))) throw new Error("another bank's mortgage is told of")
      if (level === 'flags' && (page.ownership !== null || page.mortgages.length > 0)) throw new Error('detail leaves')
      if (JSON.stringify([...told].sort()) !== JSON.stringify(leavesOf(page, fields))) throw new Error('another list')
    }),
    { numRuns: 500 },
  )
  t.equal(seen.size, 12)
})

/** The leaves of a page that hold something, found without the code under test. */
function leavesOf(page: unknown, fields: FieldRules): string[] {
  const found = new Set<string>()
  const masked: Record<string, FieldRule> = {
    'property.location': fields.address,
    'holders.address': fields.address,
    'holders.name': fields.name,
    'mortgages.mortgagorNames': fields.name,
    'holders.idNumber': fields.idNumber,
    'holders.phone': fields.phone,
  }
  const visit = (value: unknown, path: string[]): void => {
    if (value === null) return
    if (Array.isArray(value)) value.forEach((one) => visit(one, path))
    else if (typeof value === 'object') Object.entries(value).forEach(([key, one]) => visit(one, [...path, key]))
    else found.add(masked[path.join('.')] === 'mask' ? `${path.join('.')}:masked` : path.join('.'))
  }
  visit(page, [])
  return [...found].sort()
}

await t.test('no match has one shape, whatever the reason', async (t) => {
  const stranger = { name: '标记甲𠮷名', idType: 'resident-id', idNumber: '420222190408230027' }
  const notHolder = disclose(findings, rule({ authorizer: stranger }))
  const elsewhere = disclose(findings, rule({ isAreaGranted: () => false }))
  const nothing = disclose({ ...findings, matched: false, property: undefined } as unknown as Findings, rule({}))
  t.same(notHolder.page, nothing.page)
  t.same(elsewhere.page, nothing.page)
  t.same(Object.keys(nothing.page), Object.keys(disclose(findings, rule({})).page))
  t.same([notHolder.why, elsewhere.why, nothing.why], ['authorizer-not-holder', 'area-not-granted', 'nothing-found'])
  for (const one of [notHolder, elsewhere, nothing]) {
    t.same(one.fields, ['code'])
    t.same(one.subjects, [])
  }
})

await t.test('the authorizer must agree in name, kind and number', async (t) => {
  for (const authorizer of [
    { ...OWNER, name: '标记甲名' },
    { ...OWNER, idType: 'passport' },
    { ...OWNER, idNumber: '420222190305120010' },
  ])
    t.equal(disclose(findings, rule({ authorizer })).page.code, 'no-match')
  t.equal(disclose(findings, rule({ authorizer: { ...OWNER, idNumber: '42022219030512001x' } })).page.code, 'match')
})

await t.test('of a mortgage of its own a bank sees the amount', async (t) => {
  const own = disclose(findings, rule({ bankCodes: new Set([OTHERS[3] as string]) })).page.mortgages[0]
  t.match(own, { own: true, securedAmount: '240.55', proofNumber: OTHERS[4] })
})

await t.test("an officer's own words are told only where all that stands in them may be", async (t) => {
  const reason = `继承自${MARKED.name[0]}`
  const [first, ...others] = findings.holders
  const worded = {
    ...findings,
    ownership: { ...findings.ownership, reason },
    holders: [{ ...first, share: `与${MARKED.name[1]}各半` }, ...others],
  } as Findings
  const hidden = rule({ fields: { name: 'mask', idNumber: 'show', phone: 'show', address: 'show' } })
  const { page, fields } = disclose(worded, hidden)
  t.equal(page.ownership?.reason, null)
  t.equal(page.holders[0]?.share, null)
  t.notOk(fields.includes('ownership.reason') || fields.includes('holders.share'))
  t.equal(disclose(worded, rule({})).page.ownership?.reason, reason)
})

await t.test('the number of a proof is told with the property only to whoever asked about it', async (t) => {
  const [proofNumber] = OTHERS.slice(4) as [string]
  const found = { ...findings, property: { ...findings.property, proofNumber } } as Findings
  const untold = disclose(found, rule({}))
  t.equal(untold.page.property?.proofNumber, null)
  t.notOk(untold.subjects.includes(proofNumber))
  const told = disclose(found, rule({ askedProof: proofNumber.replace('(', '（').replace(')', '）') }))
  t.equal(told.page.property?.proofNumber, proofNumber)
  t.ok(told.fields.includes('property.proofNumber') && told.subjects.includes(proofNumber))
})

await t.test('of several mortgagees a bank is told itself', async (t) => {
  const other = { name: '标记个人', idType: 'resident-id' as const, idNumber: '420222190408230027' }
  const mortgages = findings.mortgages.map((one) => ({ ...one, mortgagees: [other, ...one.mortgagees] }))
  const { page } = disclose({ ...findings, mortgages }, rule({ bankCodes: new Set([OTHERS[3] as string]) }))
  t.strictSame(page.mortgages[0]?.mortgagees, [{ name: OTHERS[2], idNumber: OTHERS[3] }])
})

await t.test('a mask never shows more than half of what is short', async (t) => {
  t.strictSame(['张', '张三', '𠮷野家', ''].map(maskedName), ['*', '张*', '𠮷**', '*'])
  t.strictSame(['1', '12', '123', 'E1234567', '42022219030512001X'].map(maskedIdNumber), [
    '*',
    '1*',
    '1**',
    'E1******',
    '420222********001X',
  ])
  t.strictSame(['1', '12', '110', '12345', '13000000011'].map(maskedPhone), ['*', '*2', '**0', '***45', '*******0011'])
  t.strictSame(['村', '阳新县', '阳新县示例镇示例路8号院'].map(maskedAddress), ['****', '阳****', '阳新县示例镇****'])
})
