import { randomUUID } from 'node:crypto'
import t from 'tap'
import { openGateway } from '../src/gateway.ts'
import { openLogger } from '../src/logger.ts'
import { pdf, prepareSmall, storedFiles } from './support/refusal-bench.ts'
import { startWorld, untilCompleted } from './support/world.ts'

await t.test('100 concurrent POSTs with one key give one case and one and the same answer', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol()
  const body = await prepareSmall(bank)
  const key = randomUUID()
  const countOf = async (table: string): Promise<number> =>
    (await world.database.pool.query<{ count: number }>(`select count(*)::int from ${table}`)).rows[0]?.count ?? 0
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
    const material = { bytes: pdf(200_000), contentType: 'application/pdf' }
    const key = randomUUID()
    const before = await storedFiles(world)
    const uploads = await Promise.all(
      Array.from({ length: 10 }, () => bank.uploadMaterial(material, { idempotencyKey: key })),
    )
    uploads.push(await bank.uploadMaterial(material, { idempotencyKey: key }))
    t.equal(new Set(uploads.map(({ body: bytes }) => bytes.toString())).size, 1)
    t.strictSame([...new Set(uploads.map(({ status }) => status))], [201])
    t.equal(await countOf('material'), body.materials.length + 1)
    const added = (await storedFiles(world)).filter((name) => !before.includes(name))
    t.strictSame(added, [uploads[0]?.json()['id']], 'one file, under the id that was answered')
    const other = await bank.uploadMaterial({ ...material, bytes: pdf(300) }, { idempotencyKey: key })
    t.match(other.json(), { status: 409, code: 'idempotency-conflict' })
    t.equal((await storedFiles(world)).length, before.length + 1, 'what came with the refused call is gone')
  })

  await t.test('30 keys with 10 calls each at once: one case a key, none lost, none doubled', async (t) => {
    const before = await countOf('cases')
    const calls = Array.from({ length: 30 }, (_, i) => {
      const own = randomUUID()
      const filing = { ...body, bankReference: `ED-${randomUUID()}`, remarks: `第 ${i} 笔 ${randomUUID()}` }
      return Array.from({ length: 10 }, () =>
        bank.submitApplication(filing, { idempotencyKey: own, attempts: 5, retryDelayMs: 50 }),
      )
    })
    const answers = await Promise.all(calls.map((one) => Promise.all(one)))
    t.ok(answers.flat().every(({ status, verified }) => status === 202 && verified))
    for (const ofOne of answers) t.equal(new Set(ofOne.map(({ body: bytes }) => bytes.toString())).size, 1)
    t.equal(new Set(answers.flat().map((answer) => String(answer.json()['id']))).size, 30)
    t.equal(await countOf('cases'), before + 30)
  })

  await t.test('a gateway started anew on the same database repeats the answer', async (t) => {
    const { gateway } = world
    const { config } = gateway.ground
    const port = Number(new URL(gateway.url).port)
    await gateway.close()
    const again = await openGateway({ ...config, port }, openLogger('silent', 2))
    t.teardown(() => again.close())
    const before = await countOf('cases')
    const repeated = await bank.submitApplication(body, { idempotencyKey: key, attempts: 5, retryDelayMs: 50 })
    const [first] = answers
    t.strictSame([repeated.status, repeated.body, repeated.receipt], [202, first?.body, first?.receipt])
    t.ok(repeated.verified)
    const other = await bank.submitApplication({ ...body, remarks: '另一份' }, { idempotencyKey: key })
    t.match(other.json(), { code: 'idempotency-conflict' })
    t.equal(await countOf('cases'), before)
  })
})
