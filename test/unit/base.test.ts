import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from '../../src/base/canonical-json.ts'
import { shanghaiDay } from '../../src/base/clock.ts'
import { firstIdAt, idTimeMs, isUuid, newId } from '../../src/base/id.ts'
import { compareDecimal, shiftDecimal, wanToYuan, yuanToWan } from '../../src/base/money.ts'
import { firstCharacters, withoutControls } from '../../src/base/text.ts'

await t.test('ids are UUIDv7, in order, and tell their time', async (t) => {
  const ids = Array.from({ length: 20_000 }, () => newId())
  t.strictSame([...ids].sort(), ids, 'the order of making is the order of text')
  t.equal(new Set(ids).size, ids.length)
  for (const id of ids.slice(0, 50)) {
    t.ok(isUuid(id))
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
  t.ok(Math.abs(idTimeMs(newId()) - Date.now()) < 60_000)
  t.ok(firstIdAt(idTimeMs(ids[0] as string)) <= (ids[0] as string), 'bounds a month from below')
})

await t.test('a text is cut between characters, never inside one', (t) => {
  t.equal(withoutControls('a\u0001\u007f\uffff𠮷\t\r\n'), 'a   𠮷   ')
  t.equal(firstCharacters('啊𠮷啊', 2), '啊𠮷')
  t.equal(firstCharacters('𠮷𠮷𠮷', 2), '𠮷𠮷')
  t.equal(firstCharacters('ab', 3), 'ab')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, count) => {
      const cut = firstCharacters(text, count)
      return (
        cut.isWellFormed() &&
        text.startsWith(cut) &&
        Array.from(cut).length === Math.min(count, Array.from(text).length)
      )
    }),
  )
  t.end()
})

await t.test('canonical JSON is that of RFC 8785', async (t) => {
  t.equal(
    canonicalJson({
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\u0022/",
      literals: [null, true, false],
    }),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  t.equal(
    canonicalJson(keys),
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    'keys by UTF-16 code units',
  )
  t.throws(() => canonicalJson('\ud800'), TypeError)
  t.throws(() => canonicalJson(Number.NaN), TypeError)
  t.throws(() => canonicalJson(new Date() as never), TypeError)
})

await t.test('元 and 万元 change into each other and back without a digit lost, or are refused', async (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 16n }), (fen) => {
      const yuan = shiftDecimal(String(fen), -2, 2)
      return wanToYuan(yuanToWan(yuan, 6), 2) === yuan
    }),
  )
  t.equal(yuanToWan('1286543.21', 6), '128.654321')
  t.equal(yuanToWan('0.01', 6), '0.000001')
  t.throws(() => yuanToWan('0.001', 6), RangeError)
  t.throws(() => wanToYuan('0.0000001', 2), RangeError)
  for (const text of ['', '1e3', '01', '.5', '1.', '+1', ' 1', '１'])
    t.throws(() => yuanToWan(text, 6), RangeError, text)
  t.ok(compareDecimal('10', '9.99') > 0 && compareDecimal('1.10', '1.1') === 0 && compareDecimal('-1', '0') < 0)
})

await t.test('the day is that of Asia/Shanghai', async (t) => {
  t.equal(shanghaiDay(new Date('2026-11-24T15:59:59Z')), '2026-11-24')
  t.equal(shanghaiDay(new Date('2026-11-24T16:00:00Z')), '2026-11-25')
})
