import fc from 'fast-check'
import t from 'tap'
import {
  DerError,
  readBoolean,
  readDer,
  readInteger,
  readNamedBits,
  readOid,
  readText,
  readTime,
  tags,
} from '../../src/trust/der.ts'
import {
  writeBits,
  writeDer,
  writeInteger,
  writeOctets,
  writeOid,
  writeSequence,
  writeText,
  writeTime,
} from '../../src/trust/der-write.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

await t.test('only the one DER form of a structure is read', async (t) => {
  t.equal(readInteger(readDer(hex('02 01 05')), 'n'), 5n)
  const bad = {
    empty: '',
    'length beyond the end': '02 02 05',
    'bytes behind': '02 01 05 00',
    'indefinite length': '30 80 02 01 05 00 00',
    'long form of a short length': '02 81 01 05',
    'leading zero in a length': '04 82 00 80'.concat(' 00'.repeat(128)),
    'length of four bytes': '04 84 00 00 00 01 00',
    'high tag number': '1f 81 01 01 00',
    'child beyond its parent': '30 03 02 02 05 05',
  }
  for (const [name, text] of Object.entries(bad)) t.throws(() => readDer(hex(text)), DerError, name)
})

await t.test('depth, number of parts and size are bounded', async (t) => {
  const nested = (depth: number): Buffer => (depth === 0 ? hex('05 00') : writeSequence(nested(depth - 1)))
  t.ok(readDer(nested(16)))
  t.throws(() => readDer(nested(17)), /too deep/)
  t.throws(() => readDer(writeSequence(Buffer.alloc(10_000, hex('05 00')))), /too many parts/)
  t.throws(() => readDer(writeOctets(Buffer.alloc(70_000))), /too long/)
})

await t.test('values are minimal and of their type', async (t) => {
  const value = (tag: number, text: string) => readDer(writeDer(tag, hex(text)))
  t.equal(readInteger(value(2, '00 80'), 'n'), 128n)
  t.equal(readInteger(value(2, '80'), 'n'), -128n)
  for (const text of ['', '00 7f', 'ff 80']) t.throws(() => readInteger(value(2, text), 'n'), DerError, text)
  t.equal(readBoolean(value(1, 'ff'), 'b'), true)
  for (const text of ['', '01', 'ff ff']) t.throws(() => readBoolean(value(1, text), 'b'), DerError, text)
  t.strictSame([...readNamedBits(value(3, '05 a0'), 'bits')], [0, 2])
  for (const text of ['', '08 00', '05 a1', '01']) t.throws(() => readNamedBits(value(3, text), 'bits'), DerError, text)
  for (const text of ['', '80 01', '2a 86', '2a 80 01']) t.throws(() => readOid(value(6, text), 'oid'), DerError, text)
  t.throws(() => readText(value(12, 'ff'), 'text'), DerError, 'not UTF-8')
  t.throws(() => readText(value(30, '00'), 'text'), DerError, 'half a character')
  t.equal(readText(value(30, '4e 2d'), 'text'), '中')
  t.throws(() => readText(value(2, '41'), 'text'), DerError, 'not a string')
})

await t.test('only times that exist, to the second, in Zulu time', async (t) => {
  const time = (tag: number, text: string): string =>
    readTime(readDer(writeDer(tag, Buffer.from(text))), 'time').toISOString()
  t.equal(time(tags.utcTime, '490101000000Z'), '2049-01-01T00:00:00.000Z')
  t.equal(time(tags.utcTime, '500101000000Z'), '1950-01-01T00:00:00.000Z')
  t.equal(time(tags.generalizedTime, '20500101000000Z'), '2050-01-01T00:00:00.000Z')
  for (const text of ['2601010000Z', '260101000000', '260101000000+0800', '260230000000Z', '261301000000Z']) {
    t.throws(() => time(tags.utcTime, text), DerError, text)
  }
})

await t.test('what is written is read back', async (t) => {
  t.equal(readOid(readDer(writeOid('1.2.156.10197.1.501')), 'oid'), '1.2.156.10197.1.501')
  t.equal(readOid(readDer(writeOid('2.999.3')), 'oid'), '2.999.3')
  t.equal(readText(readDer(writeText('黄石')), 'text'), '黄石')
  for (const iso of ['2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z']) {
    t.equal(readTime(readDer(writeTime(new Date(iso))), 'time').toISOString(), iso)
  }
  t.strictSame([...readNamedBits(readDer(writeBits(Buffer.of(0x06), 1)), 'bits')], [5, 6])
  fc.assert(fc.property(fc.bigInt({ min: 0n }), (n) => readInteger(readDer(writeInteger(n)), 'n') === n))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), (bytes) => {
      if (bytes.length > 65_000) return true
      return readDer(writeOctets(bytes)).content.equals(bytes)
    }),
    { numRuns: 20 },
  )
})

await t.test('any bytes are read or refused, never anything else', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readDer(Buffer.from(bytes))
        return true
      } catch (error) {
        return error instanceof DerError
      }
    }),
  )
})
