import t from 'tap'
import { decodeGb18030, encodeGb18030 } from '../../../src/sandbox/gb18030.ts'

await t.test('known characters have their known codes', async (t) => {
  t.equal(encodeGb18030('a柯𠮷明·䶮').toString('hex'), '61bfc29534b235c3f7a1a4fe9f')
})

await t.test('whatever it encodes decodes to the same text', async (t) => {
  let text = ''
  for (let point = 0x20; point < 0x110000; point += point < 0x10000 ? 1 : 251) {
    if (point < 0xd800 || point > 0xf8ff) text += String.fromCodePoint(point)
  }
  t.equal(decodeGb18030(encodeGb18030(text)), text)
})

await t.test('half a surrogate pair is refused, never replaced', async (t) => {
  t.throws(() => encodeGb18030('柯\ud842'), RangeError)
  t.throws(() => decodeGb18030(Buffer.from('ff', 'hex')), TypeError)
})
