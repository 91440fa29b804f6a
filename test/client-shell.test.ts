import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { registerCertificate } from '../src/access/administration-certificates.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { sampleCase, withMaterialIds } from '../src/sandbox/sample-case.ts'
import { certificatesOfPem, parseCertificate } from '../src/trust/certificate.ts'
import { meddlingProxy } from './support/meddling-proxy.ts'
import { pathOfNeeded, type ShellClient, shellClient, shellToolsMissing } from './support/shell-client.ts'
import { SAMPLE_BANK, startWorld } from './support/world.ts'

const NAMES = { organization: SAMPLE_BANK.name, uscc: SAMPLE_BANK.code }
const ALGORITHMS = ['p256', 'rsa', 'sm2'] as const
const REFUSED = 2
const NOT_BELIEVED = 3
const NO_ANSWER = 4

await t.test('a bank with bash, openssl and curl alone', { skip: shellToolsMissing }, async (t) => {
  const folder = t.testdir()
  const proxy = await meddlingProxy(t)
  const world = await startWorld(t, { config: { publicUrl: proxy.url } })
  proxy.target = world.gateway.url
  const place = { folder, path: await pathOfNeeded(join(folder, 'bin')) }
  const { signing } = world.gateway.ground.folders
  const gatewayCertificates = ['p256', 'sm2'].map((name) => join(signing, `${name}.cert.pem`))
  const clients = {} as Record<(typeof ALGORITHMS)[number], ShellClient>
  for (const algorithm of ALGORITHMS) {
    await world.enrol({ account: algorithm, algorithm })
    const identity = await world.ca.issue({ ...NAMES, algorithm, commonName: `shell ${algorithm}` })
    await registerCertificate(
      { bank: SAMPLE_BANK.code, name: algorithm },
      parseCertificate(certificatesOfPem(identity.certificatePem)[0] as Buffer),
      administrationMeans(world.gateway.ground),
    )
    clients[algorithm] = await shellClient({ ...place, baseUrl: proxy.url, identity, gatewayCertificates })
  }
  const { p256: client } = clients
  const { application, materials } = sampleCase()
  const ids = new Map<string, string>()
  let caseId = ''

  await t.test('calls signed with P-256, RSA and SM2 are taken, and their answers verified', async (t) => {
    for (const [index, material] of materials.entries()) {
      const algorithm = ALGORITHMS[index % 3] ?? 'p256'
      const file = join(folder, `材料 ${index}.pdf`)
      await writeFile(file, material.bytes)
      const done = await clients[algorithm](['upload', file])
      t.match(done, { code: 0, out: /^[0-9a-f-]{36}\n$/, err: /done: 201, Trace-Receipt sm3=:/ }, algorithm)
      ids.set(material.name, done.out.trim())
    }
    for (const algorithm of ALGORITHMS) {
      const { code, out, err } = await clients[algorithm](['call', 'GET', '/v1/codes'])
      t.equal(code, 0, `${algorithm}: ${err}`)
      t.match(JSON.parse(out), { tables: /./ })
      // What was sent stands in the journal before its answer does.
      t.match(
        await readFile(join(folder, `${algorithm}.journal`), 'utf8'),
        /sending POST \/v1\/materials (\w{32})\n\S+ answered POST \/v1\/materials \1 201 sm3=:/,
      )
    }
  })

  await t.test('a case whose first two answers are lost is filed once', async (t) => {
    let lost = 0
    proxy.meddle = (answer) => {
      lost += 1
      if (lost < 3) throw new Error('the answer is lost')
      return answer
    }
    const body = JSON.stringify(withMaterialIds(application, ids))
    const done = await clients.sm2(['apply', '-'], { input: body })
    proxy.meddle = (answer) => answer
    t.match(done, { code: 0, out: /^[0-9a-f-]{36}\n$/, err: /attempt 2 failed/ })
    caseId = done.out.trim()
    const { rows } = await world.database.pool.query<{ count: number }>('select count(*)::int from cases')
    t.equal(rows[0]?.count, 1)
    t.match(await clients.rsa(['-f', 'bankReference', 'case', caseId]), {
      code: 0,
      out: `${application.bankReference}\n`,
    })
  })

  await t.test('its events are followed to the end, by a cursor in a file', async (t) => {
    const cursor = join(folder, 'cursor')
    const told: Record<string, unknown>[] = []
    for (let round = 0; round < 60 && told.at(-1)?.['type'] !== 'completed'; round += 1) {
      const { code, out, err } = await client(['-1', 'feed', cursor])
      t.equal(code, 0, err)
      told.push(...out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as never])))
      t.equal((await readFile(cursor, 'utf8')).trim(), told.at(-1)?.['cursor'])
    }
    const page = await client(['call', 'GET', '/v1/events?limit=500'])
    t.strictSame(told, (JSON.parse(page.out) as { events: unknown }).events, 'each once, in order, whole')
    const again = await client(['-1', 'feed', cursor])
    t.match(again, { code: 0, out: '' })

    await t.test('a command that does not take an event leaves the cursor where it was', async (t) => {
      const own = join(folder, 'own-cursor')
      t.match(await client(['-1', 'feed', own, 'bash', '-c', 'read -r event; exit 9']), { code: 6 })
      await t.rejects(readFile(own), { code: 'ENOENT' })
      const taken = await client(['-1', 'feed', own, 'bash', '-c', 'cat'])
      t.equal(taken.out.split('\n').length - 1, told.length)
    })
  })

  await t.test('the certificate comes whole', async (t) => {
    const { out } = await client(['call', 'GET', `/v1/applications/${caseId}/certificates`])
    const { certificates } = JSON.parse(out) as { certificates: { number: string; sha256?: string }[] }
    const number = String(certificates[0]?.number)
    const file = join(folder, 'certificate.ofd')
    t.match(await client(['-o', file, 'certificate', caseId, number]), { code: 0, out: '' })
    t.ok((await readFile(file)).length > 1000)
  })

  await t.test('an answer with one byte changed is not believed, whoever asks', async (t) => {
    proxy.meddle = (answer) => {
      const body = Buffer.from(answer.body)
      body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1
      return { ...answer, body }
    }
    for (const algorithm of ALGORITHMS) {
      const seen = await clients[algorithm](['case', caseId])
      t.match(seen, { code: NOT_BELIEVED, out: '', err: /答复不可信：.*not to be believed/ }, algorithm)
    }
    proxy.meddle = (answer) => answer
    t.equal((await client(['case', caseId])).code, 0)
  })

  await t.test('without an answer the key is told, and brings it later', async (t) => {
    proxy.meddle = async () => await new Promise(() => undefined)
    const file = join(folder, '材料 0.pdf')
    const none = await client(['upload', file], { env: { BDC_ATTEMPTS: '1', BDC_UPLOAD_TIMEOUT: '2' } })
    t.match(none, { code: NO_ANSWER, out: '', err: /time-out[^]*结果未知.*outcome is unknown/ })
    proxy.meddle = (answer) => answer
    const key = /-k (\w{32})/.exec(none.err)?.[1] ?? ''
    const count = 'select count(*)::int from material'
    const { rows: before } = await world.database.pool.query(count)
    t.match(await client(['-k', key, 'upload', file]), { code: 0, out: /^[0-9a-f-]{36}\n$/ })
    t.strictSame((await world.database.pool.query(count)).rows, before)
  })

  await t.test('a refusal of the gateway says why, and where', async (t) => {
    const path = `/v1/applications/${caseId}/withdrawal`
    const refused = await client(['call', 'POST', path, '-'], { input: '{"reason":1}' })
    t.match(refused, { code: REFUSED, out: '', err: /被拒绝：422 message-invalid.*refused: 422 message-invalid/ })
    t.match(refused.err, /at \["\/reason"\]/)
    t.notMatch(refused.err, /sent again/)
    t.match(await client(['case', '柯']), { code: REFUSED, err: /404 case-not-found/ })
  })
})
