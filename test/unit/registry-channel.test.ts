import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { fileAddress } from '../../src/registry/client.ts'
import { cutAtMarker, messageLength, numberAfter, withContent } from '../../src/registry/materials.ts'

await t.test('a file is fetched below the file address only, whatever the registry says', async (t) => {
  const base = 'http://registry.test:8080/files/'
  t.equal(fileAddress(base, 'dzzz/2026/11/0010421.pdf'), `${base}dzzz/2026/11/0010421.pdf`)
  t.equal(fileAddress('http://registry.test/files', 'a.pdf'), 'http://registry.test/files/a.pdf')
  for (const location of [
    'http://elsewhere.test/x',
    'HTTP://elsewhere.test/x',
    '//elsewhere.test/x',
    '/etc/passwd',
    '../admin',
    'a/../../admin',
    '%2e%2e/admin',
    'a\\..\\..\\admin',
    'file:///etc/passwd',
  ]) {
    t.equal(fileAddress(base, location), null, location)
  }
})

await t.test('a file is spliced into its message as base64, of exactly the length told', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 6 }), async (sizes) => {
      const chunks = sizes.map((size) => randomBytes(size))
      const file = Buffer.concat(chunks)
      const cut = cutAtMarker(Buffer.from('<a FJNR="@@CONTENT@@"/>'))
      const parts: Uint8Array[] = []
      for await (const part of withContent(cut, Readable.from(chunks))) parts.push(part)
      const whole = Buffer.concat(parts)
      return (
        whole.toString() === `<a FJNR="${file.toString('base64')}"/>` &&
        whole.length === messageLength(cut, file.length)
      )
    }),
    { numRuns: 50 },
  )
  t.throws(() => cutAtMarker(Buffer.from('<a/>')))
  t.throws(() => cutAtMarker(Buffer.from('@@CONTENT@@@@CONTENT@@')))
  t.equal(numberAfter('420222261109000099', 2), '420222261109000101')
})
