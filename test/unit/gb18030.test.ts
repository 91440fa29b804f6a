import { spawnSync } from 'node:child_process'
import t from 'tap'
import {
  decodeGb18030,
  decodeGbk,
  encodeGb18030,
  encodeGbk,
  type Gb18030Edition,
  UndecodableError,
  UnencodableError,
} from '../../src/mapping/gb18030.ts'

const editions: Gb18030Edition[] = ['2005', '2022']
const scalars = [...codePoints(0, 0xd7ff, 1), ...codePoints(0xe000, 0xffff, 1), ...codePoints(0x10000, 0x10ffff, 251)]
const hasIconv = spawnSync('iconv', ['--version']).status === 0
const withIconv = hasIconv ? {} : { skip: 'no iconv on this machine' }

/** Code points on which ICU's decoder (TextDecoder) leaves the standard for the sake of old data. */
const leftByIcu = new Set([0xe5e5, ...changed().map(([, old]) => old)])

await t.test('every code point survives the way out and back in both editions', (t) => {
  for (const edition of editions) {
    const bytes = encodeGb18030(scalars.join(''), edition)
    t.equal(decodeGb18030(bytes, edition) === scalars.join(''), true)
  }
  t.end()
})

await t.test('no two code points share a code', (t) => {
  for (const edition of editions) {
    const codes = new Set(scalars.map((scalar) => encodeGb18030(scalar, edition).toString('hex')))
    t.equal(codes.size, scalars.length)
  }
  t.end()
})

await t.test('edition 2022 is what ICU decodes', (t) => {
  const oracle = new TextDecoder('gb18030', { fatal: true, ignoreBOM: true })
  if (oracle.decode(Buffer.from('fe59', 'hex')) !== '\u9fb4') {
    t.comment('this ICU still decodes edition 2005')
  }
  const kept = scalars.filter((scalar) => !leftByIcu.has(scalar.codePointAt(0) ?? 0)).join('')
  t.equal(oracle.decode(encodeGb18030(kept, '2022')) === kept, true)
  t.end()
})

await t.test('edition 2005 differs from 2022 in the 18 swapped pairs and nowhere else', (t) => {
  const different = scalars.filter((scalar) => !encodeGb18030(scalar, '2005').equals(encodeGb18030(scalar, '2022')))
  t.strictSame(
    new Set(different.map((scalar) => scalar.codePointAt(0))),
    new Set(changed().flatMap(([, a, b]) => [a, b])),
  )
  for (const [code, old, now] of changed()) {
    t.equal(decodeGb18030(code, '2005'), String.fromCodePoint(old))
    t.equal(decodeGb18030(code, '2022'), String.fromCodePoint(now))
  }
  t.end()
})

await t.test('six two-byte codes without glyphs stay apart from the ideographs that replaced them', (t) => {
  const pairs: [string, number, string, number][] = [
    ['fe51', 0xe816, '95329031', 0x20087],
    ['fe52', 0xe817, '95329033', 0x20089],
    ['fe53', 0xe818, '95329730', 0x200cc],
    ['fe6c', 0xe831, '9536b937', 0x215d7],
    ['fe76', 0xe83b, '9630ba35', 0x2298f],
    ['fe91', 0xe855, '9635b630', 0x241fe],
  ]
  for (const edition of editions) {
    for (const [two, old, four, ideograph] of pairs) {
      t.equal(decodeGb18030(Buffer.from(two, 'hex'), edition), String.fromCodePoint(old))
      t.equal(decodeGb18030(Buffer.from(four, 'hex'), edition), String.fromCodePoint(ideograph))
    }
  }
  t.end()
})

await t.test('codes of known characters', (t) => {
  const known: [string, string][] = [
    ['柯𠮷明', 'bfc29534b235c3f7'],
    ['䶮', 'fe9f'],
    ['·', 'a1a4'],
    ['、', 'a1a2'],
    ['€', 'a2e3'],
    ['ḿ', 'a8bc'],
    ['\u{10ffff}', 'e3329a35'],
    ['\uffff', '8431a439'],
  ]
  for (const edition of editions)
    for (const [text, hex] of known) t.equal(encodeGb18030(text, edition).toString('hex'), hex)
  t.end()
})

await t.test('glibc decodes what edition 2005 encodes', withIconv, (t) => {
  // glibc reads the 24 private two-byte codes as the ideographs themselves, so these and their doubles are left out.
  const private24 = /[\ue78d-\ue796\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864\ue816-\ue818\ue831\ue83b\ue855]/u
  const sixes = new Set([0x20087, 0x20089, 0x200cc, 0x215d7, 0x2298f, 0x241fe])
  const swapped = new Set(changed().map(([, , now]) => now))
  const text = scalars
    .filter((scalar) => {
      const codePoint = scalar.codePointAt(0) ?? 0
      return !private24.test(scalar) && !sixes.has(codePoint) && !swapped.has(codePoint) && codePoint < 0xfff0
    })
    .join('')
  const run = spawnSync('iconv', ['-f', 'GB18030', '-t', 'UTF-8'], {
    input: encodeGb18030(text, '2005'),
    maxBuffer: 1 << 24,
  })
  t.equal(run.status, 0, run.stderr.toString())
  t.equal(run.stdout.toString('utf8') === text, true)
  t.end()
})

await t.test('a lone surrogate is refused with its place, never replaced', (t) => {
  for (const edition of editions) {
    for (const text of ['ab\ud842', 'ab\udfb7', 'ab\ud842c', 'ab\udfb7\ud842']) {
      t.throws(() => encodeGb18030(text, edition), {
        name: 'UnencodableError',
        index: 2,
        codePoint: text.charCodeAt(2),
      })
    }
  }
  t.end()
})

await t.test('bytes that are no character are refused with their place', (t) => {
  const wrong = ['80', 'ff', 'ff30', '817f', '81ff', '8130', '813081', '81308130'.slice(0, 7), '8130813a', '8130ff30']
  for (const hex of [...wrong, '8431a530', 'e3329a36', 'fe39fe39', '81', '8120', '81308030']) {
    const bytes = Buffer.concat([Buffer.from('ab'), Buffer.from(hex, 'hex')])
    for (const edition of editions) t.throws(() => decodeGb18030(bytes, edition), UndecodableError, hex)
    t.throws(() => decodeGb18030(bytes, '2022'), { name: 'UndecodableError', offset: 2 })
  }
  t.end()
})

await t.test('plain GBK refuses what it lacks', (t) => {
  for (const [text, index, codePoint] of [
    ['柯𠮷明', 1, 0x20bb7],
    ['阳新县䶮新', 3, 0x4dae],
    ['€', 0, 0x20ac],
    ['\ue000', 0, 0xe000],
    ['艾\ud842', 1, 0xd842],
  ] as const) {
    t.throws(() => encodeGbk(text), { name: 'UnencodableError', index, codePoint })
  }
  for (const hex of ['fe9f', 'a2e3', 'aaa1', '9534b235', '80', 'ff']) {
    t.throws(() => decodeGbk(Buffer.from(hex, 'hex')), UndecodableError, hex)
  }
  t.end()
})

await t.test('plain GBK has the 21,791 characters of GBK 1.0 that have a code point of their own', (t) => {
  const inGbk = scalars.filter((scalar) => {
    try {
      return encodeGbk(scalar).equals(encodeGb18030(scalar, '2005'))
    } catch (error) {
      if (error instanceof UnencodableError) return false
      throw error
    }
  })
  t.equal(inGbk.length - 0x80, 21_791)
  t.equal(decodeGbk(encodeGbk(inGbk.join(''))) === inGbk.join(''), true)
  t.end()
})

await t.test('glibc encodes the characters of our GBK with the same bytes', withIconv, (t) => {
  const text = [...codePoints(0x4e00, 0x9fa5, 1), '·—、。「」（）Ａ１'].join('')
  const run = spawnSync('iconv', ['-f', 'UTF-8', '-t', 'GBK'], { input: text, maxBuffer: 1 << 24 })
  t.equal(run.status, 0)
  t.equal(run.stdout.equals(encodeGbk(text)), true)
  t.end()
})

function codePoints(from: number, to: number, step: number): string[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => String.fromCodePoint(from + n * step))
}

/** Two-byte code, code point of 2005, code point of 2022, as the Unicode Technical Committee lists them (L2/23-003). */
function changed(): [Buffer, number, number][] {
  const rows =
    'a6d9 e78d fe10,a6da e78e fe12,a6db e78f fe11,a6dc e790 fe13,a6dd e791 fe14,a6de e792 fe15,a6df e793 fe16,' +
    'a6ec e794 fe17,a6ed e795 fe18,a6f3 e796 fe19,fe59 e81e 9fb4,fe61 e826 9fb5,fe66 e82b 9fb6,fe67 e82c 9fb7,' +
    'fe6d e832 9fb8,fe7e e843 9fb9,fe90 e854 9fba,fea0 e864 9fbb'
  return rows.split(',').map((row) => {
    const [code = '', old = '', now = ''] = row.split(' ')
    return [Buffer.from(code, 'hex'), Number.parseInt(old, 16), Number.parseInt(now, 16)]
  })
}
