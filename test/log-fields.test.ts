import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openLogger } from '../src/logger.ts'
import { encodeGb18030 } from '../src/sandbox/gb18030.ts'
import { answeringProxy, type Exchange } from './support/answering-proxy.ts'
import { NeedleScanner } from './support/needle-scanner.ts'
import { needlesOf, type Secret, secretsOf } from './support/needles.ts'
import { until } from './support/until.ts'
import { prepareSample, startWorld, untilCompleted, type World } from './support/world.ts'

/** What a line may have besides its time, weight and sentence. */
const FIELDS = new Set(
  (
    'requestId method route status ms account code traceparent endpoint messageId caseId kind what attempt cursor fence outcome ' +
    'became durationMs where chore error name frames cause url port folder adopted stopped version signal size'
  ).split(' '),
)
const FIELDS_OF_ERROR = new Set(['name', 'code', 'frames', 'cause'])
const WORDS = '柯𠮷明（42022219030512001X，13000000011）420222001003GB00057F00120031'

type Line = Record<string, unknown>

await t.test('whatever is given to the logger, only allowed fields and plain values are written', async (t) => {
  const file = join(t.testdir({}), 'log')
  const log = openLogger('debug', file)
  const error = Object.assign(new Error(WORDS, { cause: new TypeError(WORDS) }), { detail: WORDS, code: '22P02' })
  log.error(error)
  log.error(error, 'an error in place of fields')
  log.error({ error, err: error }, 'an error as a field')
  log.warn(
    { error: { name: 'Error', message: WORDS, stack: WORDS, frames: 'at x', cause: { message: WORDS } } },
    'a description',
  )
  log.info({ party: WORDS, body: WORDS, route: { of: WORDS }, url: [WORDS], kind: Buffer.from(WORDS) }, 'other fields')
  log.info({ req: { url: WORDS, headers: { a: WORDS } }, res: {}, password: WORDS }, 'a request')
  log.info(`format %s`, WORDS)
  log.info({ kind: '10' }, 'with %s and %j', WORDS, { party: WORDS })
  log.child({ party: WORDS, endpoint: 'registry' }).info({ toJSON: () => ({ party: WORDS }) }, 'of a child')
  log.info(WORDS)
  log.info({ kind: '10' }, `of case ${WORDS}`)
  log.debug({ kind: 'x'.repeat(10_000) }, 'a long value')
  const lines = await linesOf(file)
  t.equal(lines.length, 12, 'nothing is dropped as a whole')
  t.strictSame(lines.flatMap(faultsOf), [])
  const secrets: Secret[] = [...WORDS.matchAll(/[\p{Script=Han}]{3,}|[0-9A-Z]{11,}/gu)].map(([value]) => ({
    kind: 'name',
    value,
  }))
  t.equal(secrets.length, 4)
  t.strictSame(new NeedleScanner(needlesOf(secrets)).scan(await readFile(file), 'log'), [])
  t.ok(
    lines.every((line) => JSON.stringify(line).length < 4000),
    'lines are bounded',
  )
})

await t.test(
  'whatever goes wrong, every line of the log has allowed fields and no value of a case',
  { timeout: 90_000 },
  async (t) => {
    const folder = t.testdir({})
    const logFile = join(folder, 'log')
    const registryProxy = await answeringProxy(t)
    const platformProxy = await answeringProxy(t)
    const world = await startWorld(t, {
      logFile,
      config: {
        logLevel: 'debug',
        // A server of its own, which may be killed.
        databaseUrl: null,
        registryUrl: `${registryProxy.url}/`,
        platformUrl: platformProxy.url,
        attemptsMaximum: 3,
      },
    })
    registryProxy.forwardTo = world.registry.url
    platformProxy.forwardTo = world.platform.url
    const bank = await world.enrol()

    // Each kind of answer is wrong twice: garbage, then an error in words, then it is right.
    let turns = 0
    const wrong = (exchange: Exchange): { status?: number; body: Buffer } | null => {
      turns += 1
      if (turns % 4 === 1)
        return { body: encodeGb18030(`<?xml version="1.0" encoding="GB18030"?><respond a="${WORDS}`) }
      if (turns % 4 === 2) return { status: 500, body: Buffer.from(WORDS) }
      if (turns % 4 === 3 && exchange.method === 'GET') return { body: Buffer.from(`%PDF ${WORDS}`) }
      return null
    }
    registryProxy.answer = (exchange) => (exchange.asked.includes('>MATERIAL<') ? null : wrong(exchange))
    platformProxy.answer = (exchange) => (exchange.method === 'PUT' ? null : wrong(exchange))
    const application = await prepareSample(bank)
    const filed = await bank.submitApplication(application)
    t.equal(filed.status, 202)
    const id = filed.json()['id'] as string

    await badCalls(world, bank, application, id)
    await killDatabase(world)
    // Calls while it is away, and when it is back.
    const away = await Promise.all(
      Array.from({ length: 20 }, (_, i) => bank.getApplication(id, { attempts: 200, retryDelayMs: 30 * i + 50 })),
    )
    t.strictSame(
      away.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.toString()}`),
      [],
      'the gateway comes back',
    )
    registryProxy.answer = () => null
    platformProxy.answer = () => null
    await untilCompleted(bank, id, 60_000)
    await world.gateway.close()

    const lines = await linesOf(logFile)
    const secrets = secretsOf(application)
    for (const value of ['受理员一', '登簿员一', '审核员一']) secrets.push({ kind: 'name', value })
    t.strictSame(lines.flatMap(faultsOf), [])
    t.strictSame(new NeedleScanner(needlesOf(secrets)).scan(await readFile(logFile), 'log'), [])
    const source = await sourceText()
    const sentences = [...new Set(lines.flatMap(({ msg }) => (typeof msg === 'string' ? [msg] : [])))]
    t.strictSame(
      sentences.filter((sentence) => !source.includes(sentence)),
      [],
      'every sentence is one that the source has as it stands',
    )
    const levels = new Set(lines.map(({ level }) => level))
    t.ok(levels.has('error') && levels.has('info'), 'faults of ours were logged')
    t.ok(lines.some(({ msg }) => msg === 'the embedded database is back'))
    const codes = new Set(lines.flatMap(({ code }) => (typeof code === 'string' ? [code] : [])))
    for (const code of ['signature-invalid', 'digest-mismatch', 'request-malformed', 'case-not-found'])
      t.ok(codes.has(code), `${code} was logged`)
  },
)

async function badCalls(
  { gateway }: World,
  bank: Awaited<ReturnType<World['enrol']>>,
  application: Awaited<ReturnType<typeof prepareSample>>,
  id: string,
): Promise<void> {
  const body = JSON.stringify(application)
  const post = { method: 'POST', path: '/v1/applications', body }
  await bank.call({ ...post, tamper: { signature: (bytes) => bytes.fill(1) } })
  await bank.call({ ...post, tamper: { headers: { signature: WORDS.replaceAll(/[^\0-\x7f]/gu, '') } } })
  await bank.call({ ...post, tamper: { body: (bytes) => bytes.fill(32, 0, 9) } })
  await bank.call({ ...post, tamper: { created: 1 } })
  await bank.call({ ...post, body: `${body}{` })
  await bank.call({ ...post, contentType: 'application/xml' })
  await bank.call({ ...post, idempotencyKey: '13000000011 13000000011' })
  await bank.call({ ...post, operator: '42022219030512001X' })
  await bank.call({ ...post, body: JSON.stringify({ ...application, [WORDS]: WORDS, bankReference: WORDS }) })
  await bank.getApplication('01a2113f-8668-7000-9e20-37bb7d290183')
  await bank.getApplication('柯𠮷明')
  await bank.downloadCertificate(id, '鄂(2019)阳新县不动产权第0003112号')
  await bank.call({ method: 'GET', path: `/${encodeURIComponent('柯𠮷明')}?phone=13000000011` })
  await bank.call({ method: 'GET', path: `/v1/applications/${id}/events?after=13000000011` })
  await bank.uploadMaterial({ bytes: Buffer.from(WORDS), contentType: 'application/pdf' })
  const { port } = new URL(gateway.url)
  for (const bytes of [
    WORDS,
    `GET /%zz${WORDS} HTTP/1.1\r\n\r\n`,
    `POST /v1/materials HTTP/1.1\r\nhost: ${encodeURI(WORDS)}\r\ncontent-length: x\r\n\r\n`,
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end(bytes))
      socket
        .on('error', () => undefined)
        .on('close', () => resolve())
        .resume()
    })
  }
}

/** As a crash of the server would; the gateway starts it again. */
async function killDatabase({ gateway }: World): Promise<void> {
  const file = join(gateway.ground.config.dataDir, 'postgres', 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8'), 10)
  process.kill(pid, 'SIGQUIT')
  await until(async () => Number.parseInt(await readFile(file, 'utf8').catch(() => String(pid)), 10) !== pid, 30_000)
}

async function linesOf(file: string): Promise<Line[]> {
  return (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

function faultsOf(line: Line): string[] {
  const { level, time, msg, ...fields } = line
  const faults: string[] = []
  if (typeof level !== 'string' || typeof time !== 'string' || Number.isNaN(Date.parse(time)))
    faults.push('no weight or time')
  if (msg !== undefined && typeof msg !== 'string') faults.push('a sentence that is none')
  for (const [name, value] of Object.entries(fields)) {
    if (!FIELDS.has(name)) faults.push(`field ${name}`)
    else if (name === 'error' && typeof value === 'object' && value !== null) {
      for (const [word, text] of Object.entries(value)) {
        if (!FIELDS_OF_ERROR.has(word) || typeof text !== 'string') faults.push(`error.${word}`)
      }
    } else if (typeof value === 'object' && value !== null) faults.push(`field ${name} is no plain value`)
  }
  return faults
}

/** The sources beside this file, compiled or not. */
async function sourceText(): Promise<string> {
  const folder = fileURLToPath(new URL('../src', import.meta.url))
  const texts: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (/\.[jt]s$/.test(entry.name)) texts.push(await readFile(join(entry.parentPath, entry.name), 'utf8'))
  }
  return texts.join('\n')
}
