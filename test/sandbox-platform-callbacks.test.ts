import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCertificateAuthority } from '../src/sandbox/certificate-authority.ts'
import { contentDigest, digestFits, verificationKey, verifyMessage } from '../src/sandbox/http-signature.ts'
import type { PlatformConfig, PlatformState } from '../src/sandbox/platform.ts'
import type { CallbackCommand } from '../src/sandbox/platform-callbacks.ts'
import { readCaseMessage } from '../src/sandbox/platform-rules.ts'
import { type RunningCounterparty, startPlatform } from '../src/sandbox/processes.ts'

const messages = new URL(import.meta.url.includes('/dist/') ? '../../test/messages/' : './messages/', import.meta.url)
const golden = async (name: string): Promise<string> => readFile(new URL(`${name}.json`, messages), 'utf8')
const CASE = '01a1bde406007e50b935929817a71ef1'

interface Heard {
  body: Buffer
  text: string
  /** Why it is not the platform's word; undefined when it is. */
  fault: string | undefined
  nonce: string | undefined
}

interface Listener {
  url: string
  heard: Heard[]
}

/** Where the gateway would be: verifies what it hears with the one certificate that it knows. */
async function listen(t: Test, certificateFile: string): Promise<Listener> {
  const listener: Listener = { url: '', heard: [] }
  const key = verificationKey(await readFile(certificateFile, 'utf8'))
  const hear = async (incoming: IncomingMessage): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const headers = Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]),
    )
    const heard: Heard = { body, text: body.toString('utf8'), fault: undefined, nonce: undefined }
    try {
      const request = { method: incoming.method ?? '', targetUri: listener.url, headers }
      const { covered, nonce } = verifyMessage({ request }, [key], { nowMs: Date.now(), windowSeconds: 300 })
      heard.nonce = nonce
      t.same(covered, ['"@method"', '"@target-uri"', '"content-digest"', '"content-type"'])
      if (!digestFits(headers['content-digest'] ?? '', body)) heard.fault = 'the digest does not fit'
    } catch (error) {
      heard.fault = (error as Error).message
    }
    listener.heard.push(heard)
  }
  const server = createServer((incoming, response) => {
    hear(incoming).then(
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"Case":{"type":"99"}}'),
      (error: unknown) => t.error(error),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  listener.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/platform/yishi/v1/callbacks`
  return listener
}

async function start(
  t: Test,
  config: PlatformConfig = {},
): Promise<{
  platform: RunningCounterparty<PlatformState>
  listener: Listener
  call: (command: object) => Promise<PlatformState>
}> {
  const platform = await startPlatform({ dir: t.testdir(), config })
  t.teardown(() => platform.stop())
  const listener = await listen(t, (await platform.state()).certificateFile)
  const call = (command: object) => platform.control({ callback: { url: listener.url, ...command } as CallbackCommand })
  return { platform, listener, call }
}

async function put(
  platform: RunningCounterparty<PlatformState>,
  method: string,
  path: string,
  text: string,
): Promise<Response> {
  const body = Buffer.from(text)
  const headers = { 'content-type': 'application/json', 'content-digest': contentDigest(body, 'sha-256') }
  return fetch(platform.url + path, { method, headers, body: new Uint8Array(body) })
}

/** Files the golden case, relays the golden question of a correction, and returns the platform's number of the case. */
async function file(t: Test, platform: RunningCounterparty<PlatformState>): Promise<string> {
  const text = await golden('platform-10')
  const { Case } = JSON.parse(text) as { Case: { Body: { Attrs: { UNID: string }[] } } }
  for (const { UNID } of Case.Body.Attrs) await put(platform, 'PUT', `/files/${UNID}`, `%PDF ${UNID}`)
  await put(platform, 'POST', '/messages', text)
  const [held] = (await platform.state()).cases
  const sn = held?.sn ?? 'none'
  for (const name of ['platform-22', 'platform-22-answer', 'platform-withdraw']) {
    const relayed = (await golden(name)).replace(/hsbdc\d+/, sn)
    const files = (JSON.parse(relayed) as { Case: { Body: { Attrs?: { UNID: string }[] } } }).Case.Body.Attrs ?? []
    for (const { UNID } of files.filter((named) => named.UNID !== ''))
      await put(platform, 'PUT', `/files/${UNID}`, `%PDF ${UNID}`)
    const taken = await (await put(platform, 'POST', '/messages', relayed)).text()
    t.match(taken, /"Result":"Y"/, `takes ${name}`)
  }
  return sn
}

/** Paths of the members of a document, list places as one. */
function shapeOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, inner]) =>
    shapeOf(inner, `${path}/${Array.isArray(value) ? '*' : name}`),
  )
}

await t.test('every type is sent in the form of its golden message, about the case that it names', async (t) => {
  const { platform, listener, call } = await start(t)
  const sn = await file(t, platform)
  const table: [CallbackCommand['type'], string, object][] = [
    ['99', 'platform-99', { unid: CASE }],
    ['22', 'platform-22-answer', { sn, answers: { 2: { Value: '96.46' } } }],
    ['25', 'platform-25', { sn }],
    [
      '26',
      'platform-withdraw',
      { sn, body: { Withdrawal: { Reason: '换房', ApplyTime: '2026-11-12 08:50:00', Operator: '甲', Attrs: [] } } },
    ],
  ]
  for (const [type, name, command] of table) {
    await call({ type, ...command })
    const heard = listener.heard.at(-1)
    t.equal(heard?.fault, undefined, type)
    const sent = JSON.parse(heard?.text ?? '') as { Case: { type: string; Body: { ApasInfo: { SN: string } } } }
    t.same(new Set(shapeOf(sent)), new Set(shapeOf(JSON.parse(await golden(name)))), `${type}: the members of ${name}`)
    t.match(sent.Case, { type, Body: { ApasInfo: { SN: sn } } })
    if (type !== '99') t.type(readCaseMessage(sent), 'object', `${type}: follows the platform's own rules`)
  }
  const texts = listener.heard.map(({ text }) => text)
  t.match(texts[0], `"OfUnid":"${CASE}"`)
  t.match(texts[1], '"Value":"96.46"')
  t.notMatch(texts[1], /Requirement/)
  t.match(texts[3], '"Reason":"换房"')
  const { callbacks } = await platform.state()
  t.match(callbacks[0], { type: '99', sn, status: 200, answer: { Case: { type: '99' } }, isSigned: null })
  t.same(new Set(callbacks.map(({ unid }) => unid)).size, 4)
})

await t.test(
  'doubled it is one message signed anew, fresh it is several, early it names what is not known',
  async (t) => {
    const { listener, call } = await start(t)
    const unidOf = ({ text }: Heard) => (JSON.parse(text) as { Case: { unid: string } }).Case.unid
    await call({ type: '25', sn: 'hsbdc02226110900011', times: 3, atOnce: true })
    t.equal(new Set(listener.heard.map(unidOf)).size, 1)
    t.equal(new Set(listener.heard.map(({ nonce }) => nonce)).size, 3)
    await call({ type: '25', sn: 'hsbdc02226110900011', times: 2, fresh: true })
    t.equal(new Set(listener.heard.map(unidOf)).size, 3)
    await call({ type: '99', unid: CASE, messageId: 'f'.repeat(32) })
    t.match(listener.heard.at(-1)?.text, `"SN":""`, 'before the type 10 came')
    t.equal(unidOf(listener.heard.at(-1) as Heard), 'f'.repeat(32))
    await t.rejects(call({ type: '31', sn: '1' }), /no such callback/)
    await t.rejects(call({ type: '25' }), /names its case/)
  },
)

await t.test('forged, altered and unsigned ones are not its word', async (t) => {
  for (const callbackAlgorithm of ['p256', 'rsa', 'sm2'] as const) {
    const { listener, call } = await start(t, { callbackAlgorithm })
    const table: [object, RegExp | undefined][] = [
      [{}, undefined],
      [{ signWith: 'stranger' }, /keyid/],
      [{ signWith: 'forged' }, /wrong/],
      [{ signWith: 'none' }, /not signed/],
      [{ alter: 'body' }, /digest/],
      [{ alter: 'body-and-digest' }, /wrong/],
    ]
    for (const [command, fault] of table) {
      await call({ type: '26', sn: 'hsbdc02226110900011', ...command })
      const heard = listener.heard.at(-1)
      const name = `${callbackAlgorithm} ${JSON.stringify(command)}`
      if (fault === undefined) t.equal(heard?.fault, undefined, name)
      else t.match(heard?.fault, fault, name)
      t.doesNotThrow(() => JSON.parse(heard?.text ?? ''), `${name}: well formed all the same`)
    }
  }
})

await t.test('its key is made once, for its eyes only; a gateway that is not there is told as such', async (t) => {
  const dir = t.testdir()
  const first = await startPlatform({ dir })
  const { certificateFile } = await first.state()
  const made = await readFile(certificateFile, 'utf8')
  t.equal((await stat(certificateFile.replace('.cert.', '.key.'))).mode & 0o777, 0o600)
  const state = await first.control({ callback: { url: 'http://127.0.0.1:9/', type: '25', sn: '1' } })
  t.match(state.callbacks, [{ status: 'failed', answer: null }])
  await first.kill()
  const second = await startPlatform({ dir })
  t.equal(await readFile((await second.state()).certificateFile, 'utf8'), made)
  await second.stop()
  const other = await startPlatform({ dir, config: { callbackAlgorithm: 'rsa' } })
  t.teardown(() => other.stop())
  t.not(await readFile(certificateFile, 'utf8'), made, 'another algorithm, another key')
})

await t.test("an answer without the gateway's signature is told apart", async (t) => {
  const folder = t.testdir()
  const authority = await openCertificateAuthority(join(folder, 'ca'))
  const uscc = '12420222000000027R'
  const gateway = await authority.issue({ organization: '登记中心', commonName: 'Gateway', uscc, algorithm: 'p256' })
  const gatewayCertificate = join(folder, 'gateway.pem')
  await writeFile(gatewayCertificate, gateway.certificatePem)
  const { call } = await start(t, { gatewayCertificate })
  t.match((await call({ type: '25', sn: '1' })).callbacks, [{ status: 200, isSigned: false }])
})
