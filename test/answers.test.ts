import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { BankAnswer, BankCall } from '../src/sandbox/bank-client.ts'
import { SignatureError } from '../src/sandbox/http-signature.ts'
import { type Step, steps } from '../src/sandbox/registry-case.ts'
import { verifyInclusion } from '../src/trace/merkle.ts'
import { inclusionProof } from '../src/trace/proofs.ts'
import { receiptText } from '../src/trace/record.ts'
import { certificatesOfPem } from '../src/trust/certificate.ts'
import { type MeddlingProxy, meddlingProxy, type ProxiedAnswer } from './support/meddling-proxy.ts'
import { pdf, prepareSmall } from './support/refusal-bench.ts'
import { until } from './support/until.ts'
import { caseOf, enrol, startWorld, untilCompleted } from './support/world.ts'

await t.test('an answer is the gateway’s word on this very call, and the log is held to it', async (t) => {
  const proxy = await meddlingProxy(t)
  const world = await startWorld(t, { config: { publicUrl: proxy.url } })
  const { gateway, database, ca } = world
  proxy.target = gateway.url
  const bank = await enrol(t, gateway.ground, ca, proxy.url)
  const chinese = await enrol(t, gateway.ground, ca, proxy.url, { account: 'sm2', algorithm: 'sm2' })
  const application = await prepareSmall(bank)
  const filed = await bank.submitApplication(application)
  t.equal(filed.status, 202)
  const id = filed.json()['id'] as string
  await untilCompleted(bank, id)
  const [certificate] = (await bank.listCertificates(id)).json()['certificates'] as { number: string }[]
  const number = String(certificate?.number)
  const get = (path: string, more: Partial<BankCall> = {}) => bank.call({ method: 'GET', path, ...more })

  await t.test(
    'every answer after verification is signed, and its receipt is that of one record in the tree',
    async (t) => {
      const tables = (await get('/v1/codes')).json()['tables'] as string[]
      const answers: [string, number, BankAnswer][] = [
        ['filing', 202, filed],
        ['material', 201, await bank.uploadMaterial({ bytes: pdf(99), contentType: 'application/pdf' })],
        ['material asked for', 200, await get(`/v1/materials/${application.materials[0]?.id}`)],
        ['case', 200, await bank.getApplication(id)],
        ['events', 200, await bank.getEvents(id)],
        ['certificates', 200, await bank.listCertificates(id)],
        ['file', 200, await bank.downloadCertificate(id, number)],
        ['code tables', 200, await get('/v1/codes')],
        ['code table without operator', 200, await get(`/v1/codes/${tables[0]}`, { operator: null })],
        ['no such case', 404, await bank.getApplication(randomUUID())],
        ['no such address', 404, await get('/v1/nothing')],
        ['no such operator', 403, await get('/v1/codes', { operator: 'yx-sub-9999' })],
        ['reference used', 409, await bank.submitApplication(application)],
        ['wrong', 422, await bank.submitApplication({})],
        ['too large', 413, await bank.submitApplication({ text: ' '.repeat(2_000_000) })],
      ]
      t.equal(new Set(answers.map(([, , { receipt }]) => receipt)).size, answers.length, 'each act has its own')
      for (const [name, status, answer] of answers) {
        t.match(answer, { status, verified: true, receipt: /^sm3=:[A-Za-z0-9+/]{43}=:$/ }, name)
        const leaf = Buffer.from(answer.receipt?.slice(5, -1) ?? '', 'base64')
        t.equal(receiptText(leaf), answer.receipt)
        const { rows } = await database.pool.query<{ id: string; bytes: Buffer }>(
          'select id, bytes from trace_record where leaf_hash = $1',
          [leaf],
        )
        t.equal(rows.length, 1, `${name}: one record`)
        const [record] = rows
        if (record === undefined) continue
        t.strictSame(
          createHash('sm3').update(Buffer.of(0)).update(record.bytes).digest(),
          leaf,
          'the hash of its bytes',
        )
        await until(async () => (await inclusionProof(database.pool, record.id)) !== null)
        const proof = await inclusionProof(database.pool, record.id)
        if (proof === null) throw new Error('no proof')
        t.ok(verifyInclusion(leaf, proof.number, proof.size, proof.path, proof.root), `${name}: included`)
        const checkpoint = await database.pool.query('select from trace_checkpoint where size = $1 and root = $2', [
          proof.size,
          proof.root,
        ])
        t.equal(checkpoint.rowCount, 1, 'under a root that a checkpoint signs')
      }
    },
  )

  await t.test('a repeat gets the receipt of the first act, signed anew', async (t) => {
    const call = { bytes: pdf(50), contentType: 'application/pdf' }
    const key = { idempotencyKey: randomUUID() }
    const [first, again] = [await bank.uploadMaterial(call, key), await bank.uploadMaterial(call, key)]
    t.strictSame([again.status, again.body, again.receipt], [first.status, first.body, first.receipt])
    t.not(again.headers['signature'], first.headers['signature'])
  })

  await t.test('each account gets the algorithm it was enrolled with', async (t) => {
    for (const [client, algorithm, name] of [
      [bank, 'ecdsa-p256-sha256', 'p256'],
      [chinese, 'sm2-sm3', 'sm2'],
    ] as const) {
      const pem = await readFile(join(gateway.ground.folders.signing, `${name}.cert.pem`), 'utf8')
      const keyid = createHash('sha256')
        .update(certificatesOfPem(pem)[0] as Buffer)
        .digest('hex')
      for (const answer of [await client.getApplication(id), await client.getApplication(randomUUID())]) {
        t.ok(answer.verified)
        const input = answer.headers['signature-input'] ?? ''
        t.ok(input.includes(`;alg="${algorithm}"`), `${algorithm} in ${answer.status}`)
        t.ok(input.includes(`;keyid="${keyid}"`), 'by the key of that certificate')
      }
    }
  })

  await t.test('the page of a case says where it stands after each step of the registry', async (t) => {
    const hold = async (reached: readonly Step[]): Promise<void> => {
      const stepMs = Object.fromEntries(steps.map((step) => [step, reached.includes(step) ? 1 : 600_000]))
      await world.registry.control({ config: { stepMs } })
    }
    await hold([])
    const own = (await bank.submitApplication(await prepareSmall(bank))).json()['id'] as string
    const pageOnce = async (state: string): Promise<Record<string, unknown>> => {
      await until(async () => (await caseOf(bank, own))['state'] === state, 20_000)
      return caseOf(bank, own)
    }
    t.match(await pageOnce('submitted'), { id: own, completed: false, request: 'none' })
    const stations: [Step, string, object][] = [
      ['accepted', 'accepted', { state: 'accepted', clock: 'running' }],
      ['review-1', 'in-review', { state: 'in-review', clock: 'running', certificate: 'none' }],
      ['review-2', 'in-review', { state: 'in-review', clock: 'running', certificate: 'none' }],
      ['recorded', 'recorded', { state: 'recorded', clock: 'stopped' }],
    ]
    for (const [index, [step, state, part]] of stations.entries()) {
      await hold(steps.slice(0, index + 1))
      const page = await pageOnce(state)
      t.match(page, { completed: false, completedAt: null, registryNumber: /./ }, `${step}: open`)
      t.match((page['parts'] as object[])[0], part, `${step}: ${state}`)
    }
    await hold(steps)
    await untilCompleted(bank, own)
    const page = await pageOnce('recorded')
    t.match(page, { completed: true, completedAt: /^\d{4}-.*Z$/, waiting: [] })
    t.match((page['parts'] as object[])[0], { state: 'recorded', fee: 'exempt', certificate: 'released' })
  })

  const meddling: [string, (answer: ProxiedAnswer) => ProxiedAnswer][] = [
    ['a byte of the body changed', (answer) => ({ ...answer, body: flipped(answer.body) })],
    ['the body cut short', (answer) => ({ ...answer, body: answer.body.subarray(0, -1) })],
    ['another status', (answer) => ({ ...answer, status: answer.status + 1 })],
    ['another receipt', (answer) => withHeader(answer, 'trace-receipt', receiptText(Buffer.alloc(32)))],
    ['no receipt', (answer) => withHeader(answer, 'trace-receipt', undefined)],
    ['another type', (answer) => withHeader(answer, 'content-type', 'text/plain')],
    [
      'body and digest changed together',
      (answer) => {
        const body = flipped(answer.body)
        const digest = createHash('sha256').update(body).digest('base64')
        return withHeader({ ...answer, body }, 'content-digest', `sha-256=:${digest}:`)
      },
    ],
    ['no signature', (answer) => withHeader(withHeader(answer, 'signature', undefined), 'signature-input', undefined)],
  ]
  for (const [name, meddle] of meddling) {
    await t.test(`${name}: the bank does not believe it`, async (t) => {
      await through(proxy, meddle, async () => {
        await t.rejects(bank.getApplication(id), SignatureError)
        await t.rejects(chinese.getApplication(id), SignatureError)
        await t.rejects(bank.downloadCertificate(id, number), SignatureError)
      })
    })
  }

  await t.test('the answer to one call is no answer to another, not even to the same call made again', async (t) => {
    for (const [one, other] of [
      [() => bank.getApplication(id), () => bank.getApplication(id)],
      [() => bank.getApplication(id), () => bank.getEvents(id)],
      [() => bank.submitApplication({}), () => bank.submitApplication({ a: 1 })],
      [() => bank.getApplication(id), () => chinese.getApplication(id)],
    ] as const) {
      const held: { answer: ProxiedAnswer; give: (answer: ProxiedAnswer) => void }[] = []
      const swap = (answer: ProxiedAnswer): Promise<ProxiedAnswer> =>
        new Promise((give) => {
          held.push({ answer, give })
          const [first, second] = held
          if (first === undefined || second === undefined) return
          first.give(second.answer)
          second.give(first.answer)
        })
      await through(proxy, swap, async () => {
        const results = await Promise.allSettled([one(), other()])
        t.strictSame(
          results.map((result) => result.status === 'rejected' && result.reason instanceof SignatureError),
          [true, true],
        )
      })
    }
  })

  await t.test('an unsigned refusal is told as such', async (t) => {
    const strip = (answer: ProxiedAnswer): ProxiedAnswer =>
      withHeader(withHeader(answer, 'signature', undefined), 'signature-input', undefined)
    await through(proxy, strip, async () => {
      t.match(await bank.getApplication(randomUUID()), { status: 404, verified: false })
    })
  })

  await t.test('events come in pages that join without gap or repeat', async (t) => {
    interface Page {
      events: { cursor: string }[]
      next: string
      more: boolean
    }
    const page = async (query: string): Promise<Page> =>
      (await get(`/v1/applications/${id}/events${query}`)).json() as unknown as Page
    const all = await page('')
    t.ok(all.events.length > 4, 'enough to be paged')
    t.equal(all.more, false)
    t.equal(all.next, all.events.at(-1)?.cursor)
    const cursors = all.events.map(({ cursor }) => Number(cursor))
    t.strictSame(
      cursors,
      [...new Set(cursors)].sort((a, b) => a - b),
      'cursors rise',
    )

    const joined: unknown[] = []
    let pages = 0
    for (let after = '0', more = true; more; pages += 1) {
      const next = await page(`?limit=2&after=${after}`)
      t.ok(next.events.length <= 2)
      t.equal(next.next, next.events.at(-1)?.cursor)
      joined.push(...next.events)
      ;({ next: after, more } = next)
    }
    t.strictSame(joined, all.events)
    t.equal(pages, Math.ceil(all.events.length / 2), 'no page is asked for in vain')
    t.strictSame(await page(`?after=${all.next}`), { events: [], next: all.next, more: false }, 'the end stays the end')
    t.equal((await page(`?limit=${all.events.length}`)).more, false, 'a page that is just full is the last')
  })
})

async function through(
  proxy: MeddlingProxy,
  meddle: MeddlingProxy['meddle'],
  work: () => Promise<void>,
): Promise<void> {
  proxy.meddle = meddle
  try {
    await work()
  } finally {
    proxy.meddle = (answer) => answer
  }
}

function withHeader(answer: ProxiedAnswer, name: string, value: string | undefined): ProxiedAnswer {
  const { [name]: _old, ...headers } = answer.headers
  return { ...answer, headers: value === undefined ? headers : { ...headers, [name]: value } }
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[9] = (copy[9] ?? 0) ^ 1
  return copy
}
