import { readFile } from 'node:fs/promises'
import t from 'tap'
import { request } from 'undici'
import { answeringProxy } from './support/answering-proxy.ts'
import { NeedleScanner } from './support/needle-scanner.ts'
import { needlesOf, secretsOf } from './support/needles.ts'
import { prepareSample, SAMPLE_BANK, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

type Samples = Map<string, number>

await t.test('the numbers are those of the rows, explained in the documentation, and name nobody', async (t) => {
  const registryProxy = await answeringProxy(t)
  const world = await startWorld(t, { config: { registryUrl: `${registryProxy.url}/`, checkpointMs: 3_600_000 } })
  registryProxy.forwardTo = world.registry.url
  // The first two materials are told to come again.
  let left = 2
  registryProxy.answer = ({ asked }) => {
    if (!asked.includes('>MATERIAL<') || left === 0) return null
    left -= 1
    return { status: 500, body: Buffer.from('') }
  }
  const bank = await world.enrol()
  const application = await prepareSample(bank)
  const filed = await bank.submitApplication(application)
  const id = String(filed.json()['id'])
  await untilCompleted(bank, id)
  await untilDelivered(world)
  await bank.call({ method: 'GET', path: '/v1/nowhere/13000000011' })
  await bank.call({ method: 'DELETE', path: '/v1/codes' })

  const { text, samples } = await scrape(world.gateway.url)
  const { rows } = await world.database.pool.query<Record<string, number> & { endpoint: string }>(
    'select * from endpoint_depth',
  )
  t.strictSame(rows.map(({ endpoint }) => endpoint).sort(), ['platform', 'registry'])
  for (const { endpoint, ...row } of rows) {
    const of = (name: string) => samples.get(`${name}{endpoint="${endpoint}"}`)
    t.strictSame(
      {
        live: of('bdc_messages_live'),
        dead: of('bdc_messages_dead'),
        taken: of('bdc_messages_taken_total'),
        delivered: of('bdc_messages_delivered_total'),
        retried: of('bdc_message_retries_total'),
      },
      row,
      endpoint,
    )
    const history = await world.database.pool.query('select from message_history where endpoint = $1', [endpoint])
    t.equal(of('bdc_messages_delivered_total'), history.rowCount, 'as many as lie in the history')
    t.equal(of('bdc_message_oldest_age_seconds'), 0)
    t.equal(of('bdc_message_overdue_seconds'), 0)
  }
  t.equal(samples.get('bdc_message_retries_total{endpoint="registry"}'), 2, 'each material that failed was a retry')
  t.equal(samples.get('bdc_message_retries_total{endpoint="platform"}'), 0)

  const { statistics } = world.gateway.ground.batch
  t.ok((samples.get('bdc_commits_total') ?? 0) > 10 && statistics.commits >= (samples.get('bdc_commits_total') ?? 0))
  t.ok((samples.get('bdc_commit_members_total') ?? 0) >= (samples.get('bdc_commits_total') ?? 0))

  t.equal(samples.get(requests('POST', '/v1/applications', '2xx')), 1)
  t.equal(samples.get(requests('any', 'none', '4xx')), 1, 'an address that is not there is no label')
  t.equal(samples.get(requests('any', '/v1/codes', '4xx')), 1)
  t.equal(samples.get('bdc_http_request_duration_seconds_count{method="POST",route="/v1/applications"}'), 1)
  t.equal(samples.get('bdc_http_request_duration_seconds_bucket{method="POST",route="/v1/applications",le="+Inf"}'), 1)
  t.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e7)
  t.type(samples.get('bdc_event_loop_lag_seconds{quantile="0.99"}'), 'number')

  await world.gateway.ground.trace.sealNow()
  const size = await world.database.pool.query<{ size: number }>('select size from trace_head')
  const sealed = (await scrape(world.gateway.url)).samples
  t.equal(sealed.get('bdc_trace_records_total'), size.rows[0]?.size)
  t.ok((sealed.get('bdc_trace_unanchored_records') ?? 0) > 10, 'no checkpoint was due')
  t.ok((sealed.get('bdc_trace_unanchored_age_seconds') ?? 0) > 0)
  await world.gateway.ground.trace.checkpointNow()
  const anchored = (await scrape(world.gateway.url)).samples
  t.equal(anchored.get('bdc_trace_unanchored_records'), 0)
  t.equal(anchored.get('bdc_trace_unanchored_age_seconds'), 0)

  const secrets = secretsOf(application)
  secrets.push({ kind: 'name', value: SAMPLE_BANK.name }, { kind: 'name', value: SAMPLE_BANK.code })
  t.strictSame(new NeedleScanner(needlesOf(secrets)).scan(Buffer.from(text), 'metrics'), [])
  t.notMatch(text, /[0-9a-f]{8}-[0-9a-f]{4}-/, 'no id of a case, a bank or a message')

  const operations = await readFile('docs/operations.md', 'utf8')
  const table = operations.split('\n## Metrics\n')[1]?.split('\n## ')[0] ?? ''
  const explained = [...table.matchAll(/^\| (`\S+`(?:, `\S+`)*) \|/gm)].flatMap(([, names]) => names?.split(', ') ?? [])
  const printed = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => `\`${name}\``)
  t.ok(printed.length > 20)
  t.strictSame(explained.sort(), printed.sort(), 'the table explains each once, and nothing else')
})

await t.test('what waits has an age, and what cannot be read does not take the rest along', async (t) => {
  const world = await startWorld(t, { config: { platformUrl: null } })
  const bank = await world.enrol()
  t.equal((await bank.submitApplication(await prepareSample(bank))).status, 202)
  const { samples } = await scrape(world.gateway.url)
  t.equal(samples.get('bdc_messages_live{endpoint="platform"}'), 2)
  t.ok((samples.get('bdc_message_oldest_age_seconds{endpoint="platform"}') ?? 0) > 0)
  t.ok((samples.get('bdc_message_overdue_seconds{endpoint="platform"}') ?? 0) > 0)
  t.equal(samples.get('bdc_message_oldest_age_seconds{endpoint="registry"}'), 0, 'held back is not late')

  await world.database.pool.query('alter table trace_checkpoint rename to elsewhere')
  const without = (await scrape(world.gateway.url)).samples
  t.equal(without.get('bdc_metrics_up{part="trace"}'), 0)
  t.equal(without.get('bdc_trace_records_total'), undefined)
  t.equal(without.get('bdc_metrics_up{part="delivery"}'), 1)
  t.equal(without.get('bdc_messages_live{endpoint="platform"}'), 2)
  await world.database.pool.query('alter table elsewhere rename to trace_checkpoint')
})

await t.test('to others the address does not exist', async (t) => {
  const world = await startWorld(t, { config: { metricsAllow: ['10.1.0.0/16'] } })
  const refused = await request(`${world.gateway.url}/metrics`)
  const nowhere = await request(`${world.gateway.url}/nowhere`)
  const shown = async (response: typeof refused): Promise<unknown> => {
    const { traceId, ...body } = (await response.body.json()) as Record<string, unknown>
    t.type(traceId, 'string')
    return { status: response.statusCode, type: response.headers['content-type'], body }
  }
  t.strictSame(await shown(refused), await shown(nowhere))

  const open = await startWorld(t)
  t.equal((await request(`${open.gateway.url}/metrics`)).statusCode, 200, 'loopback may, by default')
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
    const passedOn = await request(`${open.gateway.url}/metrics`, { headers: { [header]: '127.0.0.1' } })
    t.equal(passedOn.statusCode, 404, `not through a proxy on the same machine (${header})`)
  }
})

function requests(method: string, route: string, status: string): string {
  return `bdc_http_requests_total{method="${method}",route="${route}",status="${status}"}`
}

/** Every line of the format is read: a comment or a sample. */
async function scrape(url: string): Promise<{ text: string; samples: Samples }> {
  const response = await request(`${url}/metrics`)
  if (!String(response.headers['content-type']).startsWith('text/plain; version=0.0.4;'))
    throw new Error('another type')
  const text = await response.body.text()
  const samples: Samples = new Map()
  const types = new Map<string, string>()
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)$/.exec(line)
    if (comment !== null) {
      if (comment[1] === 'TYPE') types.set(comment[2] as string, comment[3] as string)
      continue
    }
    const sample = /^(([a-z][a-z0-9_]*)(?:\{(?:[a-z_]+="[^"\\\n]*",?)+\})?) (\S+)$/.exec(line)
    if (sample === null) throw new Error(`no line of the format: ${line}`)
    const [, key = '', name = '', value] = sample
    if (samples.has(key)) throw new Error(`twice: ${key}`)
    const family = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ''))
    if (family === undefined) throw new Error(`of no family: ${line}`)
    samples.set(key, Number(value))
  }
  return { text, samples }
}
