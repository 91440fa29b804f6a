import t from 'tap'
import { areaCodes, normalise, provisionalNumber } from '../../src/cases/normalise.ts'
import { goldenApplication, goldenCase, goldenNumber } from '../support/golden-case.ts'

await t.test('a flat application becomes one part, numbered and named, its words untouched', async (t) => {
  const application = goldenApplication('canonical-mortgage-first')
  const before = JSON.stringify(application)
  const document = goldenCase()
  t.equal(JSON.stringify(application), before)
  t.equal(document.parts.length, 1)
  const [part] = document.parts
  t.match(part, { number: 1, registryNumber: '42022226110900000201', reason: '最高额抵押' })
  t.strictSame(part?.parties, application.parties)
  t.strictSame(part?.properties, application.properties)
  t.strictSame(part?.mortgage, application.mortgage)
  t.notOk('parties' in document)
  t.notOk('materials' in document)
  t.match(part?.materials.map(({ sequence, fileName }) => [sequence, fileName]).slice(0, 2), [
    [1, '不动产登记申请书.pdf'],
    [2, '不动产权证书（0003112号）.pdf'],
  ])
  t.match(part?.materials[0], { checkedBy: 'yx-sub-0031', checkedByName: '经办员甲', sizeBytes: 1000 })
})

await t.test('a combined filing keeps its parts; a shared file keeps its number and is marked repeated', async (t) => {
  const { parts } = goldenCase('canonical-combined')
  t.strictSame(
    parts.map(({ number, businessType, registryNumber }) => [number, businessType, registryNumber]),
    [
      [1, 'presale-notice', `${goldenNumber}01`],
      [2, 'mortgage-notice', `${goldenNumber}02`],
    ],
  )
  t.strictSame(
    parts.map((part) => part.materials.map(({ sequence, repeated, kind }) => [sequence, repeated ?? false, kind])),
    [
      [
        [1, false, 'application-form'],
        [2, false, 'identity'],
        [3, false, 'presale-contract'],
        [4, false, 'notice-agreement'],
      ],
      [
        [1, true, 'application-form'],
        [2, true, 'identity'],
        [4, true, 'notice-agreement'],
        [5, false, 'mortgage-contract'],
        [6, false, 'principal-contract'],
      ],
    ],
  )
  t.notOk(parts.some((part) => part.materials.some((material) => 'parts' in material)))
})

await t.test('the area codes are those of the units, each once', async (t) => {
  t.strictSame(areaCodes(goldenApplication('canonical-mortgage-first')), ['420222'])
  t.strictSame(areaCodes(goldenApplication('canonical-combined')), ['420222'])
})

await t.test('the provisional number of a part has exactly twenty characters', async (t) => {
  for (const part of [1, 9, 10, 20]) t.equal(provisionalNumber(goldenNumber, part).length, 20)
})

await t.test(
  'a material that is not stored, or a checker who is no operator, breaks the assumption of the rules',
  async (t) => {
    const application = goldenApplication('canonical-mortgage-first')
    const file = { mediaType: 'image/png', sizeBytes: 1, digest: { algorithm: 'sm3', value: '00' } }
    t.throws(() => normalise(application, goldenNumber, { file: () => null, operatorName: () => '甲' }), /not stored/)
    t.throws(() => normalise(application, goldenNumber, { file: () => file, operatorName: () => null }), /no operator/)
  },
)
