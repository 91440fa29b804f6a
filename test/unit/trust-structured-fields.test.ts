import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { BareItem, Item, Member, Parameters } from '../../src/trust/structured-fields.ts'
import { parseDictionary, parseItem, parseList, StructuredFieldError } from '../../src/trust/structured-fields.ts'
import { bareItemText, dictionaryText, itemText, listText } from '../../src/trust/structured-fields-text.ts'

interface Vector {
  name: string
  raw: string[]
  header_type: 'item' | 'list' | 'dictionary'
  expected?: unknown
  must_fail?: boolean
  can_fail?: boolean
  canonical?: string[]
}

const folder = 'test/vectors/structured-fields'
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  await t.test(`${file}: every vector of the public suite parses, or fails, as it says`, async (t) => {
    const vectors = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Vector[]
    t.ok(vectors.length > 0)
    for (const vector of vectors) {
      const raw = vector.raw.join(', ')
      if (vector.must_fail === true) {
        t.throws(() => parse(vector.header_type, raw), StructuredFieldError, vector.name)
        continue
      }
      let parsed: Parsed
      try {
        parsed = parse(vector.header_type, raw)
      } catch (error) {
        t.ok(vector.can_fail === true && error instanceof StructuredFieldError, vector.name)
        continue
      }
      t.strictSame(parsed.plain, vector.expected, vector.name)
      t.equal(parsed.text, (vector.canonical ?? vector.raw).join(', '), `${vector.name}, written again`)
    }
  })
}

await t.test('a key that occurs twice is refused where uniqueness is asked, and else the last one wins', async (t) => {
  t.equal(dictionaryText(parseDictionary('a=1, b=2, a=3')), 'a=3, b=2')
  t.throws(() => parseDictionary('a=1, a=2', { unique: true }), StructuredFieldError)
  t.throws(() => parseItem('x;a=1;a=2', { unique: true }), StructuredFieldError)
  t.equal(itemText(parseItem('x;a=1;a=2')), 'x;a=2')
})

await t.test('base64 has one form only: no missing padding, no stray pad bits', async (t) => {
  t.throws(() => parseItem(':aGVsbG8:'), StructuredFieldError)
  t.throws(() => parseItem(':iZ==:'), StructuredFieldError)
})

await t.test('dates and display strings are read and written', async (t) => {
  t.equal(itemText(parseItem('@1659578233')), '@1659578233')
  t.throws(() => parseItem('@1.5'), StructuredFieldError)
  const display = parseItem('%"%e4%b8%8d%e5%8a%a8%e4%ba%a7 100%25"')
  t.strictSame(display.value, { type: 'display', value: '不动产 100%' })
  t.equal(itemText(display), '%"%e4%b8%8d%e5%8a%a8%e4%ba%a7 100%25"')
  t.throws(() => parseItem('%"%E4"'), StructuredFieldError, 'upper-case hex')
  t.throws(() => parseItem('%"%e4"'), StructuredFieldError, 'not UTF-8')
})

await t.test('text that is too long is refused before it is read', async (t) => {
  t.throws(() => parseList(`a${', a'.repeat(30_000)}`), /too long/)
})

await t.test('what has no text is refused when written', async (t) => {
  t.throws(() => bareItemText({ type: 'integer', value: 1e15 }), TypeError)
  t.throws(() => bareItemText({ type: 'integer', value: 1.5 }), TypeError)
  t.throws(() => bareItemText({ type: 'string', value: 'é' }), TypeError)
  t.throws(() => bareItemText({ type: 'string', value: 'a\nb' }), TypeError)
  t.throws(() => bareItemText({ type: 'token', value: '1a' }), TypeError)
  t.throws(() => bareItemText({ type: 'decimal', value: 1e12 }), TypeError)
  t.equal(bareItemText({ type: 'decimal', value: 1.0625 }), '1.062', 'a tie goes to the even digit')
  t.equal(bareItemText({ type: 'decimal', value: -0.5 }), '-0.5')
  t.equal(bareItemText({ type: 'decimal', value: 3 }), '3.0')
})

await t.test('any dictionary survives being written and read', async () => {
  const key = fc.stringMatching(/^[a-z*][a-z0-9_\-.*]{0,8}$/)
  const ascii = fc.stringMatching(/^[\x20-\x7e]{0,12}$/)
  const bare: fc.Arbitrary<BareItem> = fc.oneof(
    fc.integer().map((value) => ({ type: 'integer' as const, value })),
    fc.integer().map((value) => ({ type: 'decimal' as const, value: value / 1000 })),
    ascii.map((value) => ({ type: 'string' as const, value })),
    fc.stringMatching(/^[A-Za-z*][a-z:/]{0,6}$/).map((value) => ({ type: 'token' as const, value })),
    fc.uint8Array({ maxLength: 20 }).map((value) => ({ type: 'bytes' as const, value: Buffer.from(value) })),
    fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
    fc.integer().map((value) => ({ type: 'date' as const, value })),
    fc.string({ unit: 'grapheme' }).map((value) => ({ type: 'display' as const, value })),
  )
  const parameters: fc.Arbitrary<Parameters> = fc
    .array(fc.tuple(key, bare), { maxLength: 3 })
    .map((entries) => new Map(entries))
  const item: fc.Arbitrary<Item> = fc.record({ kind: fc.constant('item' as const), value: bare, parameters })
  const member: fc.Arbitrary<Member> = fc.oneof(
    item,
    fc.record({ kind: fc.constant('inner-list' as const), items: fc.array(item, { maxLength: 4 }), parameters }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(key, member), { minLength: 1, maxLength: 5 }), (entries) => {
      const text = dictionaryText(new Map(entries))
      return dictionaryText(parseDictionary(text)) === text
    }),
  )
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), (members) => {
      const text = listText(members)
      return listText(parseList(text)) === text
    }),
  )
})

await t.test('any text is either read or refused as a structured field error, never otherwise', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-c0-9"\\:;=,()?@%. \t-]{0,40}$/), (text) => {
      for (const parse of [parseItem, parseList, parseDictionary]) {
        try {
          parse(text)
        } catch (error) {
          if (!(error instanceof StructuredFieldError)) return false
        }
      }
      return true
    }),
    { numRuns: 500 },
  )
})

interface Parsed {
  plain: unknown
  text: string
}

function parse(type: Vector['header_type'], raw: string): Parsed {
  if (type === 'item') {
    const item = parseItem(raw)
    return { plain: plainItem(item), text: itemText(item) }
  }
  if (type === 'list') {
    const list = parseList(raw)
    return { plain: list.map(plainMember), text: listText(list) }
  }
  const dictionary = parseDictionary(raw)
  return {
    plain: [...dictionary].map(([key, member]) => [key, plainMember(member)]),
    text: dictionaryText(dictionary),
  }
}

function plainMember(member: Member): unknown {
  return member.kind === 'item' ? plainItem(member) : [member.items.map(plainItem), plainParameters(member.parameters)]
}

function plainItem(item: Item): unknown {
  return [plainBare(item.value), plainParameters(item.parameters)]
}

function plainParameters(parameters: Parameters): unknown {
  return [...parameters].map(([key, value]) => [key, plainBare(value)])
}

function plainBare(item: BareItem): unknown {
  if (item.type === 'bytes') return { __type: 'binary', value: base32(item.value) }
  if (item.type === 'token') return { __type: 'token', value: item.value }
  if (item.type === 'date') return { __type: 'date', value: item.value }
  if (item.type === 'display') return { __type: 'displaystring', value: item.value }
  return item.value
}

function base32(bytes: Buffer): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.match(/.{1,5}/g) ?? []
  const text = groups.map((group) => alphabet.charAt(Number.parseInt(group.padEnd(5, '0'), 2))).join('')
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=')
}
