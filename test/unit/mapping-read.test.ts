import fc from 'fast-check'
import t from 'tap'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'
import type { Encoding } from '../../src/mapping/profile.ts'
import { readJson } from '../../src/mapping/read-json.ts'
import { MessageUnreadable, readXml } from '../../src/mapping/read-xml.ts'
import { rawDocument } from '../../src/mapping/shape.ts'

const gb: Encoding = { name: 'GB18030', edition: '2005' }
const utf8: Encoding = { name: 'UTF-8', edition: null }
const limits = { bytes: 10_000, depth: 5 }

const xml = (text: string, encoding = utf8): unknown =>
  rawDocument(readXml(encoding === gb ? encodeGb18030(text, '2005') : Buffer.from(text), encoding, limits))

await t.test('what is no plain document of the profile is refused, with a place and without its content', (t) => {
  const refused: [string, Buffer, Encoding, RegExp][] = [
    ['DOCTYPE', Buffer.from('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'), utf8, /DOCTYPE/],
    ['external entity', Buffer.from('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'), utf8, /DOCTYPE/],
    ['processing instruction', Buffer.from('<?xml-stylesheet href="x"?><a/>'), utf8, /processing instruction/],
    ['unknown entity', Buffer.from('<a>&secret;</a>'), utf8, /line 1 column/],
    ['two roots', Buffer.from('<a/><b/>'), utf8, /line 1/],
    ['no root', Buffer.from(''), utf8, /./],
    ['text alone', Buffer.from('not xml'), utf8, /./],
    ['a double attribute', Buffer.from('<a x="1" x="2"/>'), utf8, /duplicate attribute/],
    ['unclosed', Buffer.from('<a><b></a>'), utf8, /./],
    ['a character that XML does not have', Buffer.from('<a>\u0001</a>'), utf8, /./],
    ['a reference to such a character', Buffer.from('<a>&#1;</a>'), utf8, /./],
    ['half of a pair by reference', Buffer.from('<a>&#xD842;</a>'), utf8, /./],
    ['too deep', Buffer.from('<a><b><c><d><e><f/></e></d></c></b></a>'), utf8, /more than 5 levels/],
    ['too large', Buffer.from(`<a>${'x'.repeat(10_000)}</a>`), utf8, /more than 10000 bytes/],
    ['another charset', Buffer.from('<?xml version="1.0" encoding="UTF-8"?><a/>'), gb, /another encoding/],
    [
      'another charset in single quotes',
      Buffer.from("<?xml version='1.0' encoding = 'GBK'?><a/>"),
      gb,
      /another encoding/,
    ],
    ['a mark of another charset', Buffer.from('\ufeff<a/>'), gb, /mark/],
    [
      'bytes that are no GB18030',
      Buffer.from([0x3c, 0x61, 0x3e, 0x81, 0x20, 0x3c, 0x2f, 0x61, 0x3e]),
      gb,
      /no GB18030/,
    ],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xc0, 0x80, 0x3c, 0x2f, 0x61, 0x3e]), utf8, /no UTF-8/],
    ['XML 1.1', Buffer.from('<?xml version="1.1"?><a/>'), utf8, /1\.0|version/],
  ]
  for (const [name, bytes, encoding, reason] of refused) {
    try {
      readXml(bytes, encoding, limits)
      t.fail(`${name} was read`)
    } catch (cause) {
      t.ok(cause instanceof MessageUnreadable, name)
      t.match((cause as Error).message, reason, name)
      t.notMatch((cause as Error).message, /secret|passwd/, name)
    }
  }
  t.end()
})

await t.test('references are decoded exactly once, CDATA not at all', (t) => {
  t.strictSame(xml('<r><a>&amp;#60;&#60;&#x20BB7;&amp;amp;</a></r>'), { a: '&#60;<𠮷&amp;' })
  t.strictSame(xml('<r><row n="&amp;lt;&#134071;&#10;x"/></r>', gb), { row: [{ n: '&lt;𠮷\nx' }] })
  t.strictSame(xml('<r><a><![CDATA[<b>&amp;]]>&gt;</a></r>'), { a: '<b>&amp;>' })
  t.end()
})

await t.test('rows are lists also when there is one, texts are texts', (t) => {
  t.strictSame(
    xml('<?xml version="1.0" encoding="gb18030"?><r><Id>1</Id><E/><Data><ROW a="1"/></Data><!-- c --></r>', gb),
    {
      Id: '1',
      E: '',
      Data: { ROW: [{ a: '1' }] },
    },
  )
  t.strictSame(xml('\ufeff<r><x>1</x><x>2</x></r>'), { x: ['1', '2'] })
  t.strictSame(Object.keys(xml('<r><__proto__>1</__proto__></r>') as object), ['__proto__'])
  t.end()
})

await t.test('JSON that is not strict is refused', (t) => {
  const read = (text: string | Buffer): unknown => readJson(Buffer.from(text as string), { bytes: 1000, depth: 4 })
  const refused = [
    '{"a":1,"a":2}',
    '{"a":{"b":1,"\\u0062":2}}',
    '"\\ud842"',
    '"a\\u0000"',
    '\ufeff{}',
    '{"a":1,}',
    '[1,]',
    '[1 2]',
    '{"a" 1}',
    "{'a':1}",
    '{a:1}',
    '01',
    '+1',
    '.5',
    '1e999',
    'NaN',
    '"a\tb"',
    '"\\x41"',
    '{} {}',
    '',
    '{',
    '"open',
    '[[[[[1]]]]]',
    ' '.repeat(1001),
  ]
  for (const text of refused) t.throws(() => read(text), MessageUnreadable, text.slice(0, 20))
  t.throws(() => read(Buffer.from([0x22, 0xff, 0x22])), /no UTF-8/)
  t.strictSame(read(' {"a":[1,-0.5,2e3,"\\u4f60\\n",true,false,null],"b":{}} '), {
    a: [1, -0.5, 2000, '你\n', true, false, null],
    b: {},
  })
  t.end()
})

await t.test('JSON reads what JSON.stringify writes', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value)
      if (text.includes('\\u0000') || /\\ud[89a-f]/.test(text)) return
      t.strictSame(JSON.stringify(readJson(Buffer.from(text), { bytes: 100_000, depth: 10 })), text)
    }),
    { numRuns: 100 },
  )
  t.end()
})
