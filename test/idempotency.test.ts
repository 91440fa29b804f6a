import { randomUUID } from 'node:crypto'
import t from 'tap'
import { sampleMaterials } from '../src/sandbox/sample-materials.ts'
import { sampleMortgageFirst } from '../src/sandbox/sample-mortgage-first.ts'
import { prepareSample, startWorld, untilCompleted } from './support/world.ts'

await t.test('100 concurrent POSTs with one key give one case and one and the same answer', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol()
  const body = await prepareSample(bank)
  const key = randomUUID()
  const answers = await Promise.all(
    Array.from({ length: 100 }, () =>
      bank.submitApplication(body, { idempotencyKey: key, attempts: 5, retryDelayMs: 50 }),
    ),
  )
  t.strictSame([...new Set(answers.map(({ status }) => status))], [202])
  t.equal(new Set(answers.map(({ body: bytes }) => bytes.toString())).size, 1, 'byte for byte one body')
  t.equal(new Set(answers.map(({ receipt }) => receipt)).size, 1, 'the receipt of the one act')
  t.equal(new Set(answers.map(({ headers }) => headers['signature'])).size, 100, 'each signed anew')
  t.ok(answers.every(({ verified }) => verified))
  const id = String(answers[0]?.json()['id'])
  await untilCompleted(bank, id)

  const { rows } = await world.database.pool.query<{ cases: number; keys: number }>(
    `select (select count(*)::int from cases) as cases,
            (select count(*)::int from idempotency_key where route = 'POST /v1/applications') as keys`,
  )
  t.match(rows[0], { cases: 1, keys: 1 })
  t.equal((await world.registry.state()).submitsTaken, 1, 'one submission at the registry')
  t.equal((await world.platform.state()).cases.length, 1, 'one case at the platform')

  await t.test('the same key with another body is refused', async (t) => {
    const other = await bank.submitApplication({ ...body, remarks: '另一份' }, { idempotencyKey: key })
    t.match(other.json(), { status: 409, code: 'idempotency-conflict', retry: 'never' })
  })

  await t.test(
    'the same reference under another key is refused, and that refusal is repeated under its key',
    async (t) => {
      const second = randomUUID()
      const refused = await bank.submitApplication(body, { idempotencyKey: second })
      t.match(refused.json(), { status: 409, code: 'bank-reference-used', pointers: ['/bankReference'] })
      t.match(refused.json()['detailEn'], id, 'it names the case, so that the bank can go on with it')
      const again = await bank.submitApplication(body, { idempotencyKey: second })
      t.strictSame(again.body, refused.body)
      t.equal(again.receipt, refused.receipt)
    },
  )

  await t.test('a material sent again with its key is the same material, and its bytes are kept once', async (t) => {
    const [material] = sampleMaterials(sampleMortgageFirst.materials)
    if (material === undefined) throw new Error('the sample has no materials')
    const key = randomUUID()
    const uploads = await Promise.all(
      Array.from({ length: 10 }, () => bank.uploadMaterial(material, { idempotencyKey: key })),
    )
    t.equal(new Set(uploads.map(({ body: bytes }) => bytes.toString())).size, 1)
    t.strictSame([...new Set(uploads.map(({ status }) => status))], [201])
    const { rows } = await world.database.pool.query<{ count: number }>('select count(*)::int from material')
    t.equal(rows[0]?.count, body.materials.length + 1)
  })

  await t.test('many keys at once: one case each, none lost, none doubled', async (t) => {
    const bodies = await Promise.all(Array.from({ length: 8 }, () => prepareSample(bank, { vary: true })))
    const calls = bodies.flatMap((one) => {
      const own = randomUUID()
      return Array.from({ length: 5 }, () =>
        bank.submitApplication(one, { idempotencyKey: own, attempts: 5, retryDelayMs: 50 }),
      )
    })
    const ids = (await Promise.all(calls)).map((answer) => String(answer.json()['id']))
    t.equal(new Set(ids).size, 8)
    const { rows } = await world.database.pool.query<{ count: number }>('select count(*)::int from cases')
    t.equal(rows[0]?.count, 9)
  })
})
