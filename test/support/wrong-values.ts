import type { SampleApplication } from '../../src/sandbox/sample-case.ts'

/** One mistake in an application that is otherwise right, and all that the gateway must find wrong with it. */
export interface WrongValue {
  name: string
  change: (application: SampleApplication) => void
  code: 'message-invalid' | 'business-rule-violated'
  /** Pointer and code of every fault, in the order in which they are told. */
  faults: [pointer: string, code: string][]
}

type Loose = Record<string, unknown>

/** The value at a JSON pointer is replaced; `undefined` takes it away. */
function at(pointer: string, value: unknown): (application: SampleApplication) => void {
  return (application) => {
    const names = pointer.slice(1).split('/')
    const last = names.pop() as string
    const holder = names.reduce((object, name) => object[name] as Loose, application as unknown as Loose)
    if (value === undefined) delete holder[last]
    else holder[last] = value
  }
}

const shape = (name: string, pointer: string, value: unknown, code: string, where = pointer): WrongValue => ({
  name,
  change: at(pointer, value),
  code: 'message-invalid',
  faults: [[where, code]],
})

const rule = (name: string, pointer: string, value: unknown, ...faults: [string, string][]): WrongValue => ({
  name,
  change: at(pointer, value),
  code: 'business-rule-violated',
  faults,
})

const UNKNOWN_MATERIAL = '01a1bddb-0550-78fb-8bf3-5d2979d4fec1'
const anHourAhead = (): string => new Date(Date.now() + 3_600_000).toISOString()

export const wrongValues: WrongValue[] = [
  // shape
  shape('a member that there is not', '/parties/1/nickname', '阿明', 'field-unknown'),
  shape('a member that JavaScript would take for more', '/constructor', {}, 'field-unknown'),
  shape('a required member away', '/parties/2/idNumber', undefined, 'field-missing'),
  shape('a member that this kind of party has not', '/parties/3/share', '1/2', 'field-not-allowed'),
  shape('a number for a text', '/reason', 7, 'type-wrong'),
  shape('a text for a yes or no', '/mortgage/transferRestricted', '是', 'type-wrong'),
  shape('null for a text', '/remarks', null, 'type-wrong'),
  shape('money as a number', '/mortgage/maximumAmount', 1286543.21, 'type-wrong'),
  shape('money with three decimals', '/mortgage/maximumAmount', '1286543.215', 'format-wrong'),
  shape('money with separators', '/properties/0/assessedValue', '980,000.00', 'format-wrong'),
  shape('a kind of id that there is not', '/parties/1/idType', 'driving-licence', 'value-not-in-list'),
  shape('a business type that there is not', '/businessType', 'mortgage-second', 'value-not-in-list'),
  shape('a currency that there is not', '/mortgage/currency', 'RMB', 'value-not-in-list'),
  shape('a unit number with blanks', '/properties/0/unitNumber', '420222001003GB 00057F001200', 'format-wrong'),
  shape('a phone with a letter', '/contact/mobile', '1300000000a', 'format-wrong'),
  shape('a postcode of five digits', '/parties/0/postcode', '43520', 'format-wrong'),
  shape('a day that no month has', '/mortgage/signedOn', '2026-02-30', 'format-wrong'),
  shape('a day with slashes', '/mortgage/determinationPeriod/from', '2026/11/06', 'format-wrong'),
  shape('an instant without a zone', '/appliedAt', '2026-11-09T09:18:00', 'format-wrong'),
  shape(
    'an instant at an hour that there is not',
    '/materials/0/checkedAt',
    '2026-11-09T25:05:00+08:00',
    'format-wrong',
  ),
  shape('a name over its length', '/parties/1/name', '柯'.repeat(201), 'length-wrong'),
  {
    ...shape('an empty name', '/parties/1/name', '', 'length-wrong'),
    faults: [
      ['/parties/1/name', 'length-wrong'],
      ['/parties/1/name', 'format-wrong'],
    ],
  },
  shape('a name with a line break', '/contact/name', '经办员\n甲', 'format-wrong'),
  shape('a material name with a slash', '/materials/0/name', '申请书/1', 'format-wrong'),
  {
    name: 'more contracts than there may be',
    change: at(
      '/mortgage/principalContractNumbers',
      Array.from({ length: 21 }, (_, i) => `SX-${i}`),
    ),
    code: 'message-invalid',
    faults: [['/mortgage/principalContractNumbers', 'length-wrong']],
  },
  shape('no properties', '/properties', [], 'length-wrong'),
  shape('no pages', '/materials/0/pages', 0, 'out-of-range'),
  shape('half a copy', '/materials/0/copies', 1.5, 'type-wrong'),
  shape('a reference with a blank', '/bankReference', 'ED 2026', 'format-wrong'),
  shape('an area without its unit', '/properties/0/areaUnit', undefined, 'field-missing'),
  shape('a material id in capitals', '/materials/0/id', UNKNOWN_MATERIAL.toUpperCase(), 'format-wrong'),
  {
    name: 'several wrong at once',
    change: (application) => {
      for (const wrong of [
        at('/reason', undefined),
        at('/nickname', 'x'),
        at('/parties/1/phone', 'none'),
        at('/mortgage/rank', 0),
        at('/fee/payer', 'debtor'),
        at('/delivery', undefined),
        at('/operator/name', undefined),
      ])
        wrong(application)
    },
    code: 'message-invalid',
    faults: [
      ['/nickname', 'field-unknown'],
      ['/operator/name', 'field-missing'],
      ['/parties/1/phone', 'format-wrong'],
      ['/mortgage/rank', 'out-of-range'],
      ['/fee/payer', 'value-not-in-list'],
    ],
  },
  // rules
  rule('a resident id with a wrong check digit', '/parties/1/idNumber', '420222190305120011', [
    '/parties/1/idNumber',
    'resident-id-invalid',
  ]),
  rule('a resident id with a small x', '/parties/1/idNumber', '42022219030512001x', [
    '/parties/1/idNumber',
    'resident-id-lower-case',
  ]),
  rule("a wrong check digit in the agent's id", '/parties/2/agent/idNumber', '420222190101160037', [
    '/parties/2/agent/idNumber',
    'resident-id-invalid',
  ]),
  rule('a credit code with a wrong check digit', '/parties/3/idNumber', '91420222MA0000015H', [
    '/parties/3/idNumber',
    'credit-code-invalid',
  ]),
  rule('another bank as mortgagee', '/parties/0/idNumber', '91420000000000001R', [
    '/parties/0/idNumber',
    'mortgagee-not-caller',
  ]),
  rule('shares that are not one', '/parties/2/share', '1/3', ['/parties/1/share', 'shares-not-whole']),
  rule('a share of more than one', '/parties/2/share', '5/2', ['/parties/2/share', 'share-invalid']),
  rule('land alone', '/properties/0/kind', 'land', ['/properties/0/kind', 'land-only-refused']),
  rule('construction in progress', '/properties/1/kind', 'land-and-construction', [
    '/properties/1/kind',
    'construction-refused',
  ]),
  rule('a certificate from before unified registration', '/properties/0/certificateNumber', '阳房权证字第0003112号', [
    '/properties/0/certificateNumber',
    'certificate-not-unified',
  ]),
  rule('an amount of nothing', '/mortgage/maximumAmount', '0.00', ['/mortgage/maximumAmount', 'amount-invalid']),
  rule('an area of nothing', '/properties/0/area', '0', ['/properties/0/area', 'area-invalid']),
  rule('a day before anything was registered', '/mortgage/signedOn', '0001-01-01', [
    '/mortgage/signedOn',
    'date-invalid',
  ]),
  rule('a contract of tomorrow', '/mortgage/signedOn', '2099-01-01', ['/mortgage/signedOn', 'date-in-future']),
  rule('a period that ends before it begins', '/mortgage/determinationPeriod/from', '2029-11-06', [
    '/mortgage/determinationPeriod',
    'period-reversed',
  ]),
  rule('a material that nobody uploaded', '/materials/3/id', UNKNOWN_MATERIAL, ['/materials/3/id', 'material-unknown']),
  rule('two materials of one name', '/materials/8/name', '最高额抵押合同', [
    '/materials/8/name',
    'material-name-repeated',
  ]),
  rule('a material checked by a stranger', '/materials/0/checkedBy', 'yx-sub-9999', [
    '/materials/0/checkedBy',
    'checker-unknown',
  ]),
  rule('a material checked in an hour', '/materials/0/checkedAt', anHourAhead(), [
    '/materials/0/checkedAt',
    'time-in-future',
  ]),
  rule('an application of an hour ahead', '/appliedAt', anHourAhead(), ['/appliedAt', 'time-in-future']),
  rule('a leap second of no day', '/appliedAt', '2016-12-31T23:59:60Z', ['/appliedAt', 'time-invalid']),
  rule(
    'a material about somebody else',
    '/materials/3/person',
    '路人',
    ['/materials/3/person', 'material-person-unknown'],
    ['/parties/1', 'material-missing'],
  ),
  rule('an operator other than the one who signs', '/operator/id', 'yx-sub-0032', ['/operator/id', 'operator-differs']),
  rule('a form that was not signed freely', '/declarations/signedVoluntarily', false, [
    '/declarations/signedVoluntarily',
    'not-voluntary',
  ]),
  {
    name: 'several rules broken at once',
    change: (application) => {
      for (const wrong of [
        at('/parties/1/idNumber', '420222190305120011'),
        at('/parties/2/share', '1/5'),
        at('/properties/0/kind', 'land'),
        at('/mortgage/signedOn', '2099-01-01'),
        at('/materials/7/kind', 'other'),
      ])
        wrong(application)
    },
    code: 'business-rule-violated',
    faults: [
      ['/parties/1/idNumber', 'resident-id-invalid'],
      ['/parties/1/share', 'shares-not-whole'],
      ['/properties/0/kind', 'land-only-refused'],
      ['/mortgage/signedOn', 'date-in-future'],
      ['/materials', 'material-missing'],
    ],
  },
]
