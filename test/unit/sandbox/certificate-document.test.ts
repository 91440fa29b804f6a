import t from 'tap'
import { certificateIdentifier, makeCertificate } from '../../../src/sandbox/certificate-document.ts'

await t.test('the identifier ends with the check character of ISO 7064 MOD 37,36', async (t) => {
  t.equal(
    certificateIdentifier(10_421),
    '1.2.156.3005.2.11100000MB03271699022.12420222000000027R.000000000000010421.001.A',
  )
  t.equal(
    certificateIdentifier(10_422),
    '1.2.156.3005.2.11100000MB03271699022.12420222000000027R.000000000000010422.001.V',
  )
})

await t.test('the same content gives the same file, other content another', async (t) => {
  const content = {
    sequence: 10_421,
    unitNumber: '420222001003GB00057F00120031',
    location: '阳新县示例镇示例路8号',
    right: '抵押权',
    holders: [{ name: '示例银行股份有限公司阳新支行', idNumber: '91420222000000019R' }],
    obligor: '柯𠮷明',
    issuedOn: '2026-11-10',
  }
  const made = makeCertificate(content)
  t.match(made, { number: '鄂(2026)阳新县不动产证明第0010421号', path: 'dzzz/2026/11/0010421.pdf' })
  t.equal(makeCertificate(content).sm3, made.sm3)
  t.not(makeCertificate({ ...content, sequence: 10_422 }).sm3, made.sm3)
})
