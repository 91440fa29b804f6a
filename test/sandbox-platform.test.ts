import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Identity, openCertificateAuthority } from '../src/sandbox/certificate-authority.ts'
import { contentDigest, signatureBase } from '../src/sandbox/http-signature.ts'
import type { PlatformState } from '../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform } from '../src/sandbox/processes.ts'
import { serializeMember } from '../src/sandbox/structured-fields.ts'

type Platform = RunningCounterparty<PlatformState>
interface Acknowledgement {
  Case: { type: string; Body: { ApasInfo: { SN: string }; Feedback: { Result: string; Code: string; OfUnid: string } } }
}
const messages = new URL(import.meta.url.includes('/dist/') ? '../../test/messages/' : './messages/', import.meta.url)
const golden = (name: string): string => readFileSync(new URL(`${name}.json`, messages), 'utf8')
const gatewayName = { organization: '阳新县不动产登记中心', commonName: 'BDC Gateway', uscc: '12420222000000027R' }

async function start(t: Test, config: object = {}): Promise<Platform> {
  const platform = await startPlatform({ dir: t.testdir(), config })
  t.teardown(() => platform.stop())
  return platform
}

interface Sent {
  status: number
  body: string
}
async function send(
  platform: Platform,
  call: { method: string; path: string; body: Buffer | string; contentType: string; digestOf?: string },
  signer?: { identity: Identity; alg: string; components?: string[]; nonce?: string },
): Promise<Sent> {
  const body = Buffer.from(call.body)
  const headers: Record<string, string> = {
    'content-type': call.contentType,
    'content-digest': contentDigest(Buffer.from(call.digestOf ?? body), 'sha-256'),
  }
  const targetUri = platform.url + call.path
  if (signer !== undefined) {
    const components = signer.components ?? ['@method', '@target-uri', 'content-digest', 'content-type']
    const input = {
      items: components.map((value) => ({ value, params: [] })),
      params: [
        ['created', Math.floor(Date.now() / 1000)],
        ['nonce', signer.nonce ?? randomBytes(12).toString('hex')],
        ['keyid', signer.identity.fingerprint],
        ['alg', signer.alg],
      ] as [string, string | number][],
    }
    const base = signatureBase(input, { request: { method: call.method, targetUri, headers } })
    headers['signature-input'] = `sig1=${serializeMember(input)}`
    headers.signature = `sig1=:${signer.identity.key.signHttp(base).toString('base64')}:`
  }
  const response = await fetch(targetUri, { method: call.method, headers, body: new Uint8Array(body) })
  return { status: response.status, body: await response.text() }
}

const message = (text: string) => ({ method: 'POST', path: '/messages', body: text, contentType: 'application/json' })
const file = (unid: string, bytes: string) => ({
  method: 'PUT',
  path: `/files/${unid}`,
  body: bytes,
  contentType: 'application/pdf',
})
const acknowledged = (sent: Sent) => (JSON.parse(sent.body) as Acknowledgement).Case.Body

async function sendFiles(platform: Platform, text: string): Promise<void> {
  const { Case } = JSON.parse(text) as { Case: { Body: { Attrs: { UNID: string }[] } } }
  for (const { UNID } of Case.Body.Attrs) await send(platform, file(UNID, `%PDF ${UNID}`))
}

await t.test(
  'a case is acknowledged with a number once its files are there, and everything relayed is kept',
  async (t) => {
    const platform = await start(t)
    const text = golden('platform-10')
    const early = acknowledged(await send(platform, message(text)))
    t.match(early, { ApasInfo: { SN: '' }, Feedback: { Result: 'N', Code: '1101' } }, 'files come first')
    await sendFiles(platform, text)
    const { ApasInfo, Feedback } = acknowledged(await send(platform, message(text)))
    t.match(Feedback, { Result: 'Y', Code: '0000', OfUnid: '01a1bde406007e50b935929817a71ef1' })
    t.match(ApasInfo.SN, /^hsbdc0222\d{11}$/)
    for (const type of ['20', '21', '22', '23', '24', '30']) {
      const relayed = golden(`platform-${type}`).replace('hsbdc02226110900011', ApasInfo.SN)
      t.match(acknowledged(await send(platform, message(relayed))).Feedback, { Result: 'Y' }, type)
    }
    const stranger = acknowledged(await send(platform, message(golden('platform-25')))).Feedback
    t.match(stranger, { Result: 'N', Code: '1102' }, 'a number that the platform never gave')
    const [held] = (await platform.state()).cases
    t.match(held, { sn: ApasInfo.SN, bankReference: 'ED-2026-1109-00317' })
    t.same(
      held?.relayed.map(({ type }) => type),
      ['20', '21', '22', '23', '24', '30'],
    )
  },
)

await t.test('a repeated unid gets the very same acknowledgement and has no further effect', async (t) => {
  const platform = await start(t)
  const text = golden('platform-10')
  await sendFiles(platform, text)
  const first = await send(platform, message(text))
  const second = await send(platform, message(text))
  t.equal(second.body, first.body)
  const state = await platform.state()
  t.equal(state.cases.length, 1)
  t.equal(state.posts['01a1bde406007e50b935929817a71ef1'], 2)
})

await t.test(
  'a file is kept under its UNID with the digest of its bytes; a body that does not fit is refused',
  async (t) => {
    const platform = await start(t)
    const unid = '01a1bddb055078fb8bf35d2979d4fec1'
    t.match(await send(platform, { ...file(unid, '%PDF one'), digestOf: '%PDF two' }), { status: 400 })
    t.same((await platform.state()).files, [])
    t.match(await send(platform, file(unid, '%PDF one')), { status: 201 })
    t.match(await send(platform, file(unid, '%PDF one')), { status: 204 })
    const sha256 = createHash('sha256').update('%PDF one').digest('hex')
    t.match((await platform.state()).files, [{ unid, sha256, puts: 2, contentType: 'application/pdf' }])
  },
)

await t.test('a message that is not as agreed is turned away', async (t) => {
  const platform = await start(t)
  const text = golden('platform-10')
  await sendFiles(platform, text)
  const table: [string, string][] = [
    ['a number that is no string', text.replace('"128.654321"', '128.654321')],
    ['an unknown type', text.replace('"type": "10"', '"type": "77"')],
    ['a missing field', text.replace('"UnitCode": "91420222000000019R"', '"UnitCode": ""')],
    ['a time in another form', text.replace('"DeclareTime": "2026-11-09 ', '"DeclareTime": "2026-11-09T')],
    ['an unid with hyphens', text.replace('01a1bde406007e50b935929817a71ef1', '01a1bde4-0600-7e50-b935-929817a71ef1')],
  ]
  for (const [name, changed] of table) {
    t.not(changed, text, name)
    t.match(await send(platform, message(changed)), { status: 422 }, name)
  }
  t.match(await send(platform, message('{')), { status: 400 })
  t.same((await platform.state()).cases, [])
})

await t.test('only what the gateway signed is taken, whatever its algorithm', async (t) => {
  const folder = t.testdir()
  const authority = await openCertificateAuthority(join(folder, 'ca'))
  const gatewayCertificate = join(folder, 'gateway.pem')
  const p256 = await authority.issue({ ...gatewayName, algorithm: 'p256' })
  const sm2 = await authority.issue({ ...gatewayName, algorithm: 'sm2' })
  const stranger = await authority.issue({ ...gatewayName, algorithm: 'p256' })
  await writeFile(gatewayCertificate, p256.certificatePem + sm2.certificatePem)
  const platform = await startPlatform({ dir: join(folder, 'platform'), config: { gatewayCertificate } })
  t.teardown(() => platform.stop())
  const put = file('01a1bddb055078fb8bf35d2979d4fec1', '%PDF')
  const ecdsa = { identity: p256, alg: 'ecdsa-p256-sha256' }
  t.match(await send(platform, put), { status: 401, body: /not signed/ })
  t.match(await send(platform, put, { ...ecdsa, identity: stranger }), { status: 401, body: /keyid/ })
  t.match(await send(platform, put, { ...ecdsa, alg: 'sm2-sm3' }), { status: 401, body: /alg/ })
  t.match(await send(platform, put, { ...ecdsa, components: ['@method', '@target-uri'] }), {
    status: 401,
    body: /covers/,
  })
  t.match(await send(platform, put, { ...ecdsa, nonce: 'once' }), { status: 201 })
  t.match(await send(platform, put, { ...ecdsa, nonce: 'once' }), { status: 401, body: /nonce/ })
  t.match(await send(platform, put, { identity: sm2, alg: 'sm2-sm3' }), { status: 204 })
  t.equal((await platform.state()).refusals['nonce-missing-or-repeated'], 1)
})

await t.test('faults strike by message type, and busy says when to come back', async (t) => {
  const platform = await start(t)
  const text = golden('platform-10')
  await sendFiles(platform, text)
  await platform.control({ fault: 'drop-after-effect', on: '10', times: 1 })
  await t.rejects(send(platform, message(text)))
  t.equal((await platform.state()).cases.length, 1)
  await platform.control({ fault: 'busy', on: '10' })
  t.match(await send(platform, message(text)), { status: 503 })
})
