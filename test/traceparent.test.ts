import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { currentTrace, traceparentText } from '../src/base/trace-context.ts'
import { buildServer } from '../src/http/server.ts'
import { openLogger } from '../src/logger.ts'
import { answeringProxy } from './support/answering-proxy.ts'
import { until } from './support/until.ts'
import { prepareSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/
const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

interface Line extends Record<string, unknown> {
  traceparent?: string
}

await t.test('a trace goes through log, messages and calls, each with a span of its own', async (t) => {
  const logFile = join(t.testdir({}), 'log')
  const proxies = { platform: await answeringProxy(t), registry: await answeringProxy(t) }
  const world = await startWorld(t, {
    logFile,
    config: { logLevel: 'info', platformUrl: proxies.platform.url, registryUrl: `${proxies.registry.url}/` },
  })
  const calls: { to: string; asked: string; traceparents: string[] }[] = []
  for (const to of ['platform', 'registry'] as const) {
    proxies[to].forwardTo = world[to].url
    proxies[to].answer = ({ asked, rawHeaders }) => {
      const traceparents = rawHeaders.filter(
        (_, i) => rawHeaders[i - 1]?.toLowerCase() === 'traceparent' && i % 2 === 1,
      )
      calls.push({ to, asked: asked.toString('latin1'), traceparents })
      return null
    }
  }
  const bank = await world.enrol()

  // Filed at the same time, so that they share commits: each must keep its own.
  const filings = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const given = { traceId: hex(16), spanId: hex(8), flags: i % 2 === 0 ? '01' : '00' }
      return { ...given, application: await prepareSample(bank, { vary: true }) }
    }),
  )
  const cases = await Promise.all(
    filings.map(async ({ traceId, spanId, flags, application }) => {
      const filed = await bank.submitApplication(application, {
        headers: { traceparent: `00-${traceId}-${spanId}-${flags}` },
      })
      t.equal(filed.status, 202)
      return { traceId, spanId, flags, id: String(filed.json()['id']) }
    }),
  )
  for (const { id } of cases) await untilCompleted(bank, id)
  await untilDelivered(world)

  const lines = await linesOf(logFile)
  const requests = lines.filter(({ route }) => route !== undefined)
  t.ok(requests.length > 20)
  t.strictSame(
    requests.filter(({ traceparent }) => !FORM.test(traceparent ?? '')),
    [],
    'every request has one in the log',
  )
  const traces = requests.map(({ traceparent }) => FORM.exec(traceparent ?? '')?.[1])
  t.equal(new Set(traces).size, traces.length, 'those that came without began one each')

  for (const { traceId, spanId, flags, id } of cases) {
    const [line] = requests.filter(({ traceparent }) => traceparent?.includes(traceId))
    t.equal(line?.['route'], '/v1/applications')
    t.equal(line?.traceparent?.slice(-2), flags, 'whether it is recorded is kept')
    t.notMatch(line?.traceparent, spanId, 'the request is a span of its own')
    const { rows } = await world.database.pool.query<{ kind: string; channel: string; traceparent: string }>(
      'select kind, channel, traceparent from message_history where case_id = $1 order by position',
      [id],
    )
    t.strictSame(
      rows
        .filter(({ traceparent }) => traceparent === line?.traceparent)
        .slice(0, 4)
        .map(({ channel, kind }) => `${channel}/${kind}`),
      ['platform/MATERIALS', 'platform/10', 'registry/MATERIALS', 'registry/SUBMIT'],
      'kept with the messages that the request caused, and with no others',
    )
    t.strictSame(
      rows.filter(({ traceparent }) => !FORM.test(traceparent)),
      [],
      'what the registry caused has a trace too',
    )
    const attempts = lines.filter(
      ({ caseId, kind, traceparent }) => caseId === id && kind === 'SUBMIT' && traceparent?.includes(traceId),
    )
    t.ok(attempts.length > 0, 'in the lines of the attempts')
    const made = calls.filter(({ traceparents }) => traceparents.some((one) => one.includes(traceId)))
    t.ok(
      made.some(({ asked }) => asked.includes('>SUBMIT<')) && made.some(({ to }) => to === 'platform'),
      'on the calls to both',
    )
  }

  t.ok(calls.length > 50)
  t.strictSame(
    calls.filter(({ traceparents }) => traceparents.length !== 1 || !FORM.test(traceparents[0] ?? '')),
    [],
    'each call has one, and only one',
  )
  const spans = calls.map(({ traceparents }) => FORM.exec(traceparents[0] ?? '')?.[2])
  t.equal(new Set(spans).size, spans.length, 'each call is a span of its own')
  const logged = new Set(lines.map(({ traceparent }) => FORM.exec(traceparent ?? '')?.[2]))
  t.strictSame(
    spans.filter((span) => logged.has(span)),
    [],
    "none is a request's or an attempt's",
  )
})

await t.test('a header that is malformed is ignored, whatever it is', async (t) => {
  const logFile = join(t.testdir({}), 'log')
  const world = await startWorld(t, { logFile, config: { logLevel: 'info' } })
  const [traceId, spanId] = [hex(16), hex(8)]
  const good = `00-${traceId}-${spanId}-01`
  const malformed = [
    '',
    'x',
    traceId,
    good.toUpperCase(),
    `${good}-more`,
    `ff-${traceId}-${spanId}-01`,
    `0-${traceId}-${spanId}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId.slice(1)}-01`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00_${traceId}_${spanId}_01`,
    `${good}, ${good}`,
    `${good}\r\ntraceparent: ${good}`,
    `00-${traceId}-${spanId}-01${'0'.repeat(5000)}`,
  ]
  for (const header of malformed) t.equal(await statusOf(world.gateway.url, header), 200, header.slice(0, 80))
  const well = [good, `  ${good}  `, `cc-${traceId}-${spanId}-01`, `cc-${traceId}-${spanId}-01-what-comes-later`]
  for (const header of well) t.equal(await statusOf(world.gateway.url, header), 200)
  const seen = async (): Promise<Line[]> => (await linesOf(logFile)).filter(({ route }) => route === '/livez')
  await until(async () => (await seen()).length === malformed.length + well.length)
  const traces = (await seen()).map(({ traceparent }) => FORM.exec(traceparent ?? '')?.[1])
  t.equal(traces.filter((trace) => trace === traceId).length, well.length, 'the good ones are continued')
  t.notOk(traces.includes(undefined), 'the others begin traces of their own')
  t.notOk(traces.includes('0'.repeat(32)))
})

await t.test('a handler whose body comes late still works for its own request', async (t) => {
  const server = buildServer({
    log: openLogger('silent'),
    bodyLimitBytes: 10_000,
    requestsAtOnce: 100,
    requestTimeoutMs: 10_000,
    isTrustedProxy: () => false,
  })
  t.teardown(() => server.close())
  server.post('/late', async () => {
    const trace = currentTrace()
    return { trace: trace === null ? null : traceparentText(trace) }
  })
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
  // On one connection, as a client that keeps it does.
  const traces = [hex(16), hex(16), hex(16)]
  const socket = connect(Number(port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  for (const [i, traceId] of traces.entries()) {
    socket.write(
      `POST /late HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\ntraceparent: 00-${traceId}-${hex(8)}-01\r\n\r\n{`,
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.write('}')
    await until(async () => text.split('"trace"').length === i + 2)
  }
  t.strictSame(
    [...text.matchAll(/"trace":"00-([0-9a-f]{32})/g)].map(([, traceId]) => traceId),
    traces,
  )
})

/** GET /livez with the header as it stands. */
async function statusOf(url: string, traceparent: string): Promise<number> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntraceparent: ${traceparent}\r\n\r\n`),
    )
    let text = ''
    socket
      .on('data', (bytes) => {
        text += bytes.toString('latin1')
      })
      .on('error', reject)
      .on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])))
  })
}

async function linesOf(file: string): Promise<Line[]> {
  return (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
