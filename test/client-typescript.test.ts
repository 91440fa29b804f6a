import { createHash, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  type Application,
  type Event,
  Gateway,
  type GatewayOptions,
  NoAnswerError,
  pemSigner,
  RefusedError,
  type Signer,
  UntrustedAnswerError,
} from '../clients/typescript/src/index.ts'
import { registerCertificate } from '../src/access/administration-certificates.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import type { Identity } from '../src/sandbox/certificate-authority.ts'
import { verificationKey } from '../src/sandbox/http-signature.ts'
import { sampleCase, withMaterialIds } from '../src/sandbox/sample-case.ts'
import { certificatesOfPem, parseCertificate } from '../src/trust/certificate.ts'
import { type MeddlingProxy, meddlingProxy, type ProxiedAnswer } from './support/meddling-proxy.ts'
import { pdf } from './support/refusal-bench.ts'
import { OPERATOR, SAMPLE_BANK, startWorld, type World } from './support/world.ts'

/** The keys of an account as a bank has them on disk. */
async function identityOf(world: World, algorithm: Identity['algorithm'], account = 'core'): Promise<Identity> {
  const { organization, uscc } = { organization: SAMPLE_BANK.name, uscc: SAMPLE_BANK.code }
  const identity = await world.ca.issue({ algorithm, organization, uscc, commonName: `${account} ${randomUUID()}` })
  const [der] = certificatesOfPem(identity.certificatePem)
  const certificate = parseCertificate(der as Buffer)
  await registerCertificate({ bank: uscc, name: account }, certificate, administrationMeans(world.gateway.ground))
  return identity
}

async function clientOf(
  t: Test,
  world: World,
  baseUrl: string,
  signer: Signer,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const certificate = (name: string): Promise<string> =>
    readFile(join(world.gateway.ground.folders.signing, `${name}.cert.pem`), 'utf8')
  const sm2 = await certificate('sm2')
  const { verifies } = verificationKey(sm2)
  const client = new Gateway({
    baseUrl,
    signer,
    gatewayKeys: [await certificate('p256'), { certificatePem: sm2, verify: verifies }],
    operator: OPERATOR,
    retry: { firstWaitMs: 20 },
    ...options,
  })
  t.teardown(() => client.close())
  return client
}

const signerOf = ({ key, certificatePem }: Identity): Signer => pemSigner(key.pem, certificatePem)
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const caught = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error)

await t.test('a bank files a case with the example client and brings the certificate home', async (t) => {
  const proxy = await meddlingProxy(t)
  const world = await startWorld(t, { config: { publicUrl: proxy.url, uploadsAtOnce: 1 } })
  proxy.target = world.gateway.url
  await world.enrol()
  await world.enrol({ account: 'sm2', algorithm: 'sm2' })
  const identity = await identityOf(world, 'p256')
  const retried: string[] = []
  const client = await clientOf(t, world, proxy.url, signerOf(identity), {
    onRetry: (error) => retried.push(error.name),
  })
  const { application, materials } = sampleCase()
  const ids = new Map<string, string>()
  let filed: Application
  let caseId = ''

  await t.test('materials, from memory and from a file', async (t) => {
    const file = join(t.testdir(), 'scan.pdf')
    for (const [index, material] of materials.entries()) {
      if (index === 0) await writeFile(file, material.bytes)
      const answer = await client.uploadMaterial(index === 0 ? { file } : material, material.contentType)
      t.match(answer, { status: 201, receipt: /^sm3=:/ })
      t.equal(answer.data.digests['sha-256'], sha256(material.bytes))
      ids.set(material.name, answer.data.id)
    }
    const [[, id = ''] = []] = ids
    t.match((await client.getMaterial(id)).data, { id, mediaType: 'application/pdf' })
    t.equal(new Set(ids.values()).size, materials.length)
    t.strictSame(retried, [])
  })

  await t.test('an application whose first two answers are lost is filed once', async (t) => {
    filed = withMaterialIds(application, ids) as Application
    const answers: string[] = []
    proxy.meddle = (answer) => {
      answers.push(answer.body.toString())
      if (answers.length < 3) throw new Error('the answer is lost')
      return answer
    }
    const answer = await client.createApplication(filed)
    caseId = answer.data.id
    t.match(answer, { status: 202, receipt: /^sm3=:/, data: { bankReference: filed.bankReference, state: 'received' } })
    t.strictSame(retried, ['NoAnswerError', 'NoAnswerError'])
    t.equal(new Set(answers).size, 1, 'the gateway answered the same each time')
    const { rows } = await world.database.pool.query<{ count: number }>('select count(*)::int from cases')
    t.equal(rows[0]?.count, 1)

    await t.test('when no answer comes at all, the key that is told brings it later', async (t) => {
      proxy.meddle = () => {
        throw new Error('the answer is lost')
      }
      const file = { bytes: pdf(300) }
      const error = await caught(client.uploadMaterial(file, 'application/pdf', { attempts: 2 }))
      t.ok(error instanceof NoAnswerError)
      const { idempotencyKey } = error as NoAnswerError
      proxy.meddle = (answer) => answer
      const stored = await client.uploadMaterial(file, 'application/pdf', { idempotencyKey: String(idempotencyKey) })
      const { rows } = await world.database.pool.query('select id from material where id = $1', [stored.data.id])
      t.equal(rows.length, 1)
      const all = await world.database.pool.query('select id from material')
      t.equal(all.rowCount, materials.length + 1, 'stored at the first attempt, and once')
    })
  })

  await t.test('the case is followed by its events, and its certificates come home whole', async (t) => {
    const events: Event[] = []
    let after = '0'
    while (!events.some(({ type }) => type === 'completed')) {
      const { data } = await client.applicationEvents(caseId, { after, limit: 3 })
      events.push(...data.events)
      after = data.next
    }
    const types = events.map(({ type }) => type)
    const order = ['received', 'submitted', 'accepted', 'recorded', 'certificate-released', 'completed']
    t.strictSame(
      order.filter((type) => types.includes(type)),
      order,
    )
    t.equal(new Set(events.map(({ id }) => id)).size, events.length, 'each once')
    t.match((await client.getApplication(caseId)).data, { id: caseId, completed: true, state: 'recorded' })

    const { certificates } = (await client.certificates(caseId)).data
    const issued = (await world.registry.state()).cases[0]?.certificates ?? []
    t.equal(certificates.length, issued.length)
    for (const { number, digests, mediaType } of certificates) {
      const { data } = await client.downloadCertificate(caseId, number)
      const atRegistry = issued.find((one) => one.number === number)
      t.strictSame([sha256(data.bytes), data.mediaType], [atRegistry?.sha256, mediaType])
      t.equal(digests['sha-256'], atRegistry?.sha256)
    }
  })

  await t.test('refusals are told with code, pointers and trace id, and are not repeated', async (t) => {
    retried.length = 0
    const again = await caught(client.createApplication(filed))
    t.ok(again instanceof RefusedError)
    t.match(again, { status: 409, code: 'bank-reference-used', pointers: ['/bankReference'], verified: true })
    t.match(again, { receipt: /^sm3=:/, traceId: /^[0-9a-f-]{36}$/, problem: { retry: 'never' } })
    const broken = await caught(client.createApplication({ ...filed, materials: [] }))
    t.match(broken, { status: 422, code: 'message-invalid', pointers: ['/materials'] })
    t.match(await caught(client.getApplication(randomUUID())), { status: 404, code: 'case-not-found', verified: true })
    t.match(await caught(client.codeTables({ operator: 'yx-sub-9999' })), { status: 403, code: 'operator-unknown' })
    const unregistered = await world.ca.issue({
      algorithm: 'p256',
      organization: SAMPLE_BANK.name,
      commonName: 'nobody',
      uscc: SAMPLE_BANK.code,
    })
    const stranger = await clientOf(t, world, proxy.url, signerOf(unregistered), { connectUrl: world.gateway.url })
    let reads = 0
    const scan = {
      open: () => {
        reads += 1
        return Readable.from([pdf(500)], { objectMode: false })
      },
    }
    t.match(await caught(stranger.uploadMaterial(scan, 'application/pdf')), { code: 'certificate-unknown' })
    t.equal(reads, 1, 'read for its digest, never sent')
    t.match(await caught(stranger.codeTables()), { code: 'certificate-unknown', verified: false, receipt: undefined })
    t.strictSame(retried, [])
  })

  await t.test('each kind of key', async (t) => {
    const rsa = await identityOf(world, 'rsa')
    const sm2 = await identityOf(world, 'sm2', 'sm2')
    const signers: [string, Signer, Partial<GatewayOptions>][] = [
      ['RSA', signerOf(rsa), {}],
      ['RSA-PSS', pemSigner(rsa.key.pem, rsa.certificatePem, { pss: true }), {}],
      ['P-256 with SM3 digests', signerOf(identity), { digest: 'sm3' }],
      [
        'SM2, signed elsewhere',
        { keyid: sm2.fingerprint, algorithm: 'sm2-sm3', sign: (base) => sm2.key.signHttp(base) },
        { digest: 'sm3' },
      ],
    ]
    for (const [name, signer, options] of signers) {
      const own = await clientOf(t, world, proxy.url, signer, options)
      t.match(await own.codeTables(), { status: 200, data: { tables: Array } }, name)
      t.match(await own.uploadMaterial({ bytes: pdf(500) }, 'application/pdf'), { status: 201 }, name)
    }
    const p256 = await readFile(join(world.gateway.ground.folders.signing, 'p256.cert.pem'), 'utf8')
    const narrow = await clientOf(t, world, proxy.url, signers[3]?.[1] as Signer, { gatewayKeys: [p256] })
    const error = await caught(narrow.codeTables())
    t.ok(error instanceof UntrustedAnswerError, 'an SM2 answer, and only the P-256 key was given')
  })

  await t.test('a busy gateway is asked again when it says so', async (t) => {
    await busyUploads(t, world, proxy.url, signerOf(identity))
  })

  await t.test('an answer that was changed on its way is not believed', async (t) => {
    await changedAnswers(t, client, proxy, caseId)
  })
})

async function changedAnswers(t: Test, client: Gateway, proxy: MeddlingProxy, caseId: string): Promise<void> {
  const without = (headers: Record<string, string>, name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))
  let before: ProxiedAnswer | undefined
  proxy.meddle = (answer) => {
    before = answer
    return answer
  }
  await client.getApplication(caseId)
  const earlier = before as unknown as ProxiedAnswer
  const changed = (answer: ProxiedAnswer, headers: Record<string, string>): ProxiedAnswer => ({
    ...answer,
    headers: { ...answer.headers, ...headers },
  })
  const digestOf = (body: Buffer): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const tampered = (answer: ProxiedAnswer): Buffer =>
    Buffer.from(answer.body.toString().replace('"completed":true', '"completed":false'))
  const meddlings: [string, (answer: ProxiedAnswer) => ProxiedAnswer][] = [
    ['the body', (answer) => ({ ...answer, body: tampered(answer) })],
    [
      'the body and its digest',
      (answer) => changed({ ...answer, body: tampered(answer) }, { 'content-digest': digestOf(tampered(answer)) }),
    ],
    ['no body', (answer) => ({ ...answer, body: Buffer.alloc(0) })],
    ['the status', (answer) => ({ ...answer, status: 201 })],
    ['the receipt', (answer) => changed(answer, { 'trace-receipt': `sm3=:${Buffer.alloc(32).toString('base64')}:` })],
    ['no receipt', (answer) => ({ ...answer, headers: without(answer.headers, 'trace-receipt') })],
    ['the type', (answer) => changed(answer, { 'content-type': 'text/html' })],
    ['an earlier answer to the same call', () => earlier],
    ['no signature', (answer) => ({ ...answer, headers: without(answer.headers, 'signature-input') })],
    [
      'a signature that covers less',
      (answer) =>
        changed(answer, {
          'signature-input': String(answer.headers['signature-input']).replace(' "trace-receipt"', ''),
        }),
    ],
    ['a redirect', () => ({ status: 302, headers: { location: 'https://elsewhere/' }, body: Buffer.alloc(0) })],
    [
      'a refusal made good',
      (answer) => ({
        ...answer,
        status: 422,
        headers: { ...answer.headers, 'content-type': 'application/problem+json' },
      }),
    ],
  ]
  let calls = 0
  for (const [name, meddle] of meddlings) {
    proxy.meddle = (answer) => {
      calls += 1
      return meddle(answer)
    }
    const error = await caught(client.getApplication(caseId))
    t.ok(error instanceof UntrustedAnswerError, `${name}: ${String(error)}`)
  }
  t.equal(calls, meddlings.length, 'never repeated by itself')
  proxy.meddle = (answer) => answer
  const [first] = (await client.certificates(caseId)).data.certificates
  proxy.meddle = (answer) => ({ ...answer, body: Buffer.concat([answer.body, Buffer.from(' ')]) })
  const error = await caught(client.downloadCertificate(caseId, String(first?.number)))
  t.ok(error instanceof UntrustedAnswerError, 'a certificate with a byte more')
  proxy.meddle = (answer) => answer
  t.equal((await client.getApplication(caseId)).data.completed, true)
}

async function busyUploads(t: Test, world: World, publicUrl: string, signer: Signer): Promise<void> {
  const direct = { connectUrl: world.gateway.url }
  const holding = await clientOf(t, world, publicUrl, signer, direct)

  // Its last byte comes when the other upload has been told to wait.
  const bytes = pdf(100_000)
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun = (): void => undefined
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  let opened = 0
  async function* slowly(): AsyncGenerator<Buffer> {
    opened += 1
    const isSent = opened > 1
    yield bytes.subarray(0, 50_000)
    if (isSent) {
      begun()
      await released
    }
    yield bytes.subarray(50_000)
  }
  const first = holding.uploadMaterial(
    { open: () => Readable.from(slowly(), { objectMode: false }) },
    'application/pdf',
  )
  await isBegun

  const waits: number[] = []
  const told: unknown[] = []
  const waiting = await clientOf(t, world, publicUrl, signer, {
    ...direct,
    onRetry: (error) => told.push(error),
    wait: async (milliseconds) => {
      waits.push(milliseconds)
      release()
      await first
    },
  })
  const second = await waiting.uploadMaterial({ bytes: pdf(1000) }, 'application/pdf')
  t.equal((await first).status, 201)
  t.equal(second.status, 201)
  t.strictSame(waits, [2000], 'as long as Retry-After says')
  t.match(told, [{ status: 503, code: 'overloaded', verified: true, problem: { retry: 'after' } }])

  await t.test('a file that cannot be read is the caller’s own error', async (t) => {
    const missing = { file: join(t.testdir(), 'not-there.pdf') }
    t.match(await caught(waiting.uploadMaterial(missing, 'application/pdf')), { code: 'ENOENT' })
    let opens = 0
    const gone = {
      open: () => {
        opens += 1
        return opens === 1 ? Readable.from([pdf(500)]) : new Readable({ read: breakOff })
      },
    }
    function breakOff(this: Readable): void {
      this.destroy(new Error('the disk is gone'))
    }
    t.match(await caught(waiting.uploadMaterial(gone, 'application/pdf')), { message: 'the disk is gone' })
    t.equal(opens, 2, 'not tried again')
    t.equal((await waiting.codeTables()).status, 200)
  })
}
