import t from 'tap'
import {
  checkCharacter,
  idNumberFault,
  isCertificateIdentifier,
  isCreditCode,
  isOrganisationCode,
  isUnitNumber,
  parseCertificateNumber,
} from '../../src/cases/rules/identifiers.ts'

const today = '2026-11-09'

await t.test('a resident id is judged by division, date and check digit, and never mended', async (t) => {
  const cases: [string, string | null][] = [
    ['11010519491231002X', null], // the example of GB 11643
    ['42022219030512001X', null],
    ['420222190408230027', null],
    ['420222190101160036', null],
    ['11010519491231002x', 'resident-id-lower-case'],
    ['110105491231002', 'resident-id-old'],
    ['110105194912310021', 'resident-id-invalid'],
    ['11010519491231020X', 'resident-id-invalid'], // two digits changed places
    ['99010519491231002X', 'resident-id-invalid'],
    ['110105194902300028', 'resident-id-invalid'], // 30 February
    ['11010519491231002X ', 'resident-id-invalid'],
    ['１1010519491231002X', 'resident-id-invalid'],
    ['', 'resident-id-invalid'],
  ]
  for (const [id, fault] of cases) t.equal(idNumberFault('resident-id', id, today), fault, id)
  const born = withCheck('42022220261110001')
  t.equal(idNumberFault('resident-id', born, '2026-11-09'), 'resident-id-invalid', 'nobody is born tomorrow')
  t.equal(idNumberFault('resident-id', born, '2026-11-10'), null)
})

await t.test('every digit of a resident id is covered by its check', async (t) => {
  const id = '11010519491231002X'
  for (let place = 0; place < 17; place++) {
    for (let digit = 0; digit < 10; digit++) {
      const other = id.slice(0, place) + String(digit) + id.slice(place + 1)
      if (other !== id) t.not(idNumberFault('resident-id', other, today), null, other)
    }
  }
})

await t.test('permits, passports and other papers have checks of their own', async (t) => {
  const cases: [string, string, string | null][] = [
    ['hk-macao-taiwan-id', 'H12345678', null],
    ['hk-macao-taiwan-id', 'M1234567801', null],
    ['hk-macao-taiwan-id', '12345678', null],
    ['hk-macao-taiwan-id', withCheck('81000019850101001'), null],
    ['hk-macao-taiwan-id', '11010519491231002X', 'permit-invalid'],
    ['hk-macao-taiwan-id', 'K12345678', 'permit-invalid'],
    ['resident-id', withCheck('81000019850101001'), 'resident-id-invalid'],
    ['passport', 'E12345678', null],
    ['passport', 'e12345678', 'passport-invalid'],
    ['passport', 'E123 45678', 'passport-invalid'],
    ['passport', 'E'.repeat(18), 'passport-invalid'],
    ['military-id', '军字第1234567号', null],
    ['military-id', '军字第 1234567号', 'id-number-invalid'],
    ['household-register', '1', 'id-number-invalid'],
    ['other', 'X'.repeat(50), null],
    ['other', 'X'.repeat(51), 'id-number-invalid'],
    ['business-licence', '91420222000000019R', null],
    ['social-credit-code', '91420222MA0000015G', null],
    ['business-licence', '91420222000000019A', 'credit-code-invalid'],
    ['organisation-code', '71526726-X', null],
    ['organisation-code', '71526726-0', 'organisation-code-invalid'],
  ]
  for (const [kind, number, fault] of cases) t.equal(idNumberFault(kind, number, today), fault, `${kind} ${number}`)
})

await t.test('credit and organisation codes', async (t) => {
  t.ok(isCreditCode('9144030071526726XG'))
  for (const code of ['91420222000000019R', '91420222MA0000015G', '91420222MA0000023B', '12420222000000027R']) {
    t.ok(isCreditCode(code), code)
  }
  for (const code of ['9144030071526726XH', '9144030071526726xG', '9144030071526726X', 'I144030071526726XG']) {
    t.notOk(isCreditCode(code), code)
  }
  t.ok(isOrganisationCode('71526726X'))
  t.notOk(isOrganisationCode('71526727X'))
})

await t.test('a unit number has 28 characters without blanks', async (t) => {
  for (const text of ['420222001003GB00057F00120031', '420222001001GB00001W00000000', '420222001001JC00001L00010001']) {
    t.ok(isUnitNumber(text), text)
  }
  for (const text of [
    '420222 001003 GB00057 F00120031',
    '420222001003GB00057F0012003',
    '420222001003GB00057F001200311',
    '420222001003GB00057W00120031',
    '420222001003GB00057X00120031',
    '420222001003XB00057F00120031',
    '420222001003gb00057F00120031',
    '420222001003GB00057F00120031\n',
  ]) {
    t.notOk(isUnitNumber(text), JSON.stringify(text))
  }
})

await t.test('certificate numbers are read with either kind of bracket, and only in the unified form', async (t) => {
  const parsed = { province: '鄂', year: 2019, place: '阳新县', kind: '不动产权', serial: '0003112' }
  t.strictSame(parseCertificateNumber('鄂(2019)阳新县不动产权第0003112号'), parsed)
  t.strictSame(parseCertificateNumber('鄂（2019）阳新县不动产权第0003112号'), parsed)
  t.match(parseCertificateNumber('鄂(2026)阳新县不动产证明第0010421号'), { kind: '不动产证明' })
  for (const text of [
    '阳房权证字第0003112号',
    '鄂(2019)阳新县不动产权第003112号',
    '鄂2019阳新县不动产权第0003112号',
    '鄂(1919)阳新县不动产权第0003112号',
    '无(2019)阳新县不动产权第0003112号',
    ' 鄂(2019)阳新县不动产权第0003112号',
    '鄂(2019)阳新县不动产权第0003112号 ',
  ]) {
    t.equal(parseCertificateNumber(text), null, text)
  }
})

await t.test('the identifier of an electronic certificate carries a check character', async (t) => {
  t.equal(checkCharacter('A12425GABC1234002'), 'M') // the published GRid example
  const good = '1.2.156.3005.2.11100000MB03271699022.12420222000000027R.000000000000010421.001.A'
  t.ok(isCertificateIdentifier(good))
  t.ok(isCertificateIdentifier('1.2.156.3005.2.11100000MB03271699022.12420222000000027R.000000000000010422.001.V'))
  t.notOk(isCertificateIdentifier(good.replace('10421', '10412')))
  t.notOk(isCertificateIdentifier(good.replace('1.2.156.3005.2', '1.2.156.3005.3')))
  t.notOk(isCertificateIdentifier(good.slice(0, -2)))
})

/** 17 digits with their check digit, computed here and not by the code under test. */
function withCheck(digits: string): string {
  let remainder = 0
  for (const digit of `${digits}0`) remainder = (remainder * 2 + Number(digit)) % 11
  const check = (12 - remainder) % 11
  return digits + (check === 10 ? 'X' : String(check))
}
