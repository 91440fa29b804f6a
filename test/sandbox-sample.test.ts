import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { sampleCase, withMaterialIds } from '../src/sandbox/sample-case.ts'

const messages = new URL(import.meta.url.includes('/dist/') ? '../../test/messages/' : './messages/', import.meta.url)
const golden = JSON.parse(readFileSync(new URL('canonical-mortgage-first.json', messages), 'utf8')) as {
  materials: { id: string }[]
  authorizationIds: string[]
}
const pdftotextMissing = spawnSync('pdftotext', ['-v']).error === undefined ? false : 'pdftotext is not installed'

// What the golden case was authorized by another gateway does not know.
await t.test(
  'the sample is the golden application but for its reference, the ids of its materials and its authorizations',
  async (t) => {
    const { application } = sampleCase()
    const { authorizationIds: _, ...filed } = golden
    const blank = (text: string) => text.replaceAll(/"(id|authorizationMaterialId)":"[0-9a-f-]{36}"/g, '"$1":""')
    t.equal(
      blank(JSON.stringify({ ...application, bankReference: '' })),
      blank(JSON.stringify({ ...filed, bankReference: '' })),
    )
    t.not(application.bankReference, sampleCase().application.bankReference)
    t.match(application.bankReference, /^ED-\d{4}-\d{4}-\d{8}$/)
  },
)

await t.test("the gateway's ids replace the sample's, in the agent's authorization too", async (t) => {
  const { application, materials } = sampleCase({ operator: 'yx-sub-0099' })
  const ids = new Map(materials.map((material, index) => [material.name, `id-${index}`]))
  const ready = withMaterialIds(application, ids)
  t.same(
    ready.materials.map((material) => material.id),
    materials.map((_, index) => `id-${index}`),
  )
  t.match(ready.parties[2], { agent: { authorizationMaterialId: 'id-5' } })
  t.ok(ready.materials.every((material) => material.checkedBy === 'yx-sub-0099'))
  t.throws(() => withMaterialIds(application, new Map()), /no id/)
})

await t.test('varied cases share no unit, no certificate and no reference', async (t) => {
  const cases = Array.from({ length: 20 }, () => sampleCase({ vary: true }))
  const units = cases.flatMap(({ application }) => application.properties.map((property) => property.unitNumber))
  t.equal(new Set(units).size, 40)
  for (const { application } of cases) {
    const names = application.materials.map((material) => material.name).join()
    for (const property of application.properties) {
      t.match(property.unitNumber, /^420222001003GB00057F\d{8}$/)
      const digits = /第(\d{7}号)$/.exec(property.certificateNumber)?.[1] ?? 'none'
      t.ok(names.includes(digits), 'the certificate is named in its material')
    }
  }
})

await t.test('nine PDFs, one of them over 5 MB, never the same twice', async (t) => {
  const { materials } = sampleCase()
  const again = sampleCase().materials
  t.equal(materials.length, 9)
  t.ok(materials.some((material) => material.bytes.length > 5_000_000))
  for (const [index, { bytes }] of materials.entries()) {
    t.equal(bytes.subarray(0, 5).toString('latin1'), '%PDF-')
    t.notOk(bytes.equals((again[index] as { bytes: Buffer }).bytes))
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(bytes.subarray(-40).toString('latin1'))?.[1])
    t.equal(bytes.subarray(start, start + 5).toString('latin1'), 'xref\n', 'the table is where the trailer says')
    const table = bytes.subarray(start).toString('latin1')
    for (const [number, entry] of [...table.matchAll(/(\d{10}) 00000 n/g)].entries()) {
      const at = Number(entry[1])
      t.equal(
        bytes
          .subarray(at, at + 12)
          .toString('latin1')
          .split('\n')[0],
        `${number + 1} 0 obj`,
      )
    }
  }
})

await t.test('pdftotext reads the Chinese text', { skip: pdftotextMissing }, async (t) => {
  const [form] = sampleCase().materials
  const file = join(t.testdir(), 'form.pdf')
  await writeFile(file, form?.bytes ?? '')
  t.match(spawnSync('pdftotext', [file, '-'], { encoding: 'utf8' }).stdout, /不动产登记申请书/)
})
