import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { readPlainXml } from '../../src/mapping/plain-xml.ts'
import { parse } from '../../src/mapping/read-xml.ts'
import type { XmlElement } from '../../src/mapping/xml-element.ts'

const DEPTH = 8
const documents = readdirSync('test/messages')
  .filter((name) => name.endsWith('.xml'))
  .map((name) => readFileSync(`test/messages/${name}`, 'utf8'))
const small = [
  '<?xml version="1.0" encoding="GB18030"?>\n<a><b X="1" Y="&lt;2&gt;"/>t &amp; u<c>x</c></a>\n',
  `<m p='1'><!-- no --><![CDATA[<x>]]></m>`,
  '<m>a]]&gt;<n/></m>',
]

function fully(text: string): XmlElement | null {
  try {
    return parse(text, DEPTH)
  } catch {
    return null
  }
}

await t.test('the plain reader reads every message of the exchange as the full parser does', (t) => {
  for (const text of documents) t.strictSame(readPlainXml(text, DEPTH, 1000), parse(text, DEPTH))
  t.not(readPlainXml(small[0] as string, DEPTH, 1000), null)
  t.end()
})

await t.test('whatever it reads of a damaged message, the full parser reads too, and the same', (t) => {
  const pieces = [
    ...'<>/="\'&;!?[]- \t\n\r\u0000\ufffe:aé'.split(''),
    '𠮷',
    ']]>',
    '&amp;',
    '&#38;',
    '&x;',
    '<!--',
    '-->',
    '<a/>',
    '<![CDATA[',
    '<!DOCTYPE a>',
    '<?p?>',
    ' X="1"',
    '</a>',
  ]
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(4),
    put: fc.constantFrom('', ...pieces),
  })
  const text = fc.constantFrom(...small, ...documents.slice(0, 4))
  let read = 0
  fc.assert(
    fc.property(text, fc.array(change, { maxLength: 4 }), (document, changes) => {
      let damaged = document
      for (const { at, cut, put } of changes) {
        const place = Math.floor(at * damaged.length)
        damaged = damaged.slice(0, place) + put + damaged.slice(place + cut)
      }
      const plain = readPlainXml(damaged, DEPTH, 1000)
      if (plain === null) return
      read += 1
      const full = fully(damaged)
      if (JSON.stringify(asList(plain)) !== JSON.stringify(full === null ? null : asList(full)))
        throw new Error(damaged)
    }),
    { numRuns: 4000 },
  )
  t.ok(read > 100, `${read} were read`)
  t.end()
})

await t.test('what is nested too deep or has too many attributes is left to the full parser', (t) => {
  t.equal(readPlainXml('<a><b><c/></b></a>', 2, 10), null)
  t.equal(readPlainXml('<a b="1" c="2"/>', 2, 1), null)
  t.end()
})

function asList(element: XmlElement): unknown {
  return [element.name, [...element.attributes], element.text, element.children.map(asList)]
}
