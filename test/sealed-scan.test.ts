import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { decodeGb18030, encodeGb18030 } from '../src/sandbox/gb18030.ts'
import { type AnsweringProxy, answeringProxy, type Exchange } from './support/answering-proxy.ts'
import { testDatabase } from './support/database.ts'
import { NeedleScanner } from './support/needle-scanner.ts'
import { kinds, needlesOf, type Secret, secretsOf } from './support/needles.ts'
import { keepUncompressed, type StoreScan, scanStore, superuser, told } from './support/store-scan.ts'
import { until } from './support/until.ts'
import { caseOf, prepareSample, startWorld, untilCompleted } from './support/world.ts'

t.setTimeout(300_000)

/** Officers of the registry, as its answers name them. */
const OFFICERS = ['受理员一', '登簿员一', '审核员一', '审核员二']
/** In the words of a counterparty: a name, an id number, a unit, a phone. */
const WORDS = '柯𠮷明（42022219030512001X，13000000011）在 420222001003GB00057F00120031 上已有抵押'
const BAD_CODE = '柯守田'

await t.test('a value is found in whatever form it was written', async (t) => {
  const value = '鄂(2019)阳新县不动产权第0003112号'
  const scanner = new NeedleScanner(needlesOf([{ kind: 'certificate number', value }]))
  const utf16 = Buffer.from(value, 'utf16le')
  const gb = encodeGb18030(value)
  const written: Record<string, Buffer> = {
    'as it is': Buffer.from(value),
    'in GB18030': gb,
    'in UTF-16LE': utf16,
    'in UTF-16BE': Buffer.from(utf16).swap16(),
    'with full-width brackets': Buffer.from('鄂（2019）阳新县不动产权第0003112号'),
    'in hex': Buffer.from(Buffer.from(value).toString('hex')),
    'in upper-case hex of GB18030': Buffer.from(gb.toString('hex').toUpperCase()),
    'in JSON of ASCII': Buffer.from(value.replaceAll(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)),
    'in JSON in JSON of ASCII': Buffer.from(
      value.replaceAll(/[^\0-\x7f]/g, (c) => `\\\\u${c.charCodeAt(0).toString(16).toUpperCase()}`),
    ),
    'in an address': Buffer.from(encodeURIComponent(value)),
    'in a form': Buffer.from(new URLSearchParams({ number: value }).toString()),
    'in XML of ASCII': Buffer.from(value.replaceAll(/[^\0-\x7f]/g, (c) => `&#${c.charCodeAt(0)};`)),
    'in XML of ASCII, hexadecimal': Buffer.from(
      value.replaceAll(/[^\0-\x7f]/g, (c) => `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`),
    ),
  }
  for (const before of ['', 'x', 'xy', 'xyz']) {
    written[`in base64 after ${before.length}`] = Buffer.from(Buffer.from(`${before}${value}y`).toString('base64'))
    written[`in base64url of GB18030 after ${before.length}`] = Buffer.from(
      Buffer.concat([Buffer.from(before), gb, Buffer.from('z')]).toString('base64url'),
    )
  }
  for (const [how, bytes] of Object.entries(written)) {
    const found = scanner.scan(Buffer.concat([Buffer.alloc(77, 1), bytes, Buffer.alloc(33, 2)]), how)
    t.ok(found.length > 0, `found ${how}`)
  }
  t.strictSame(scanner.scan(Buffer.from('鄂(2019)阳新县不动产权第0003113号'), 'another number'), [])
})

await t.test(
  'nothing of a case stands in clear in tables, log of changes, files or logs',
  { timeout: 120_000 },
  async (t) => {
    const { findings, secrets, scanned } = await live(t, 'on')
    for (const kind of kinds) t.ok(secrets.filter((secret) => secret.kind === kind).length >= 2, `there is a ${kind}`)
    t.ok(scanned.columns > 1000 && scanned.bytes > 30e6, 'tables and files were looked at')
    for (const place of ['/pg_wal/', '/server.log', '/materials/', '/checkpoints/', '/gateway.log', '/base/']) {
      t.ok(
        scanned.files.some((file) => file.includes(place)),
        `${place} was looked at`,
      )
    }
    t.strictSame(findings.map(told), [])
  },
)

await t.test('the same scan finds all of it where sealing is off', { timeout: 120_000 }, async (t) => {
  const { findings } = await live(t, 'off')
  for (const kind of kinds) {
    const ofKind = findings.filter((finding) => finding.kind === kind)
    for (const place of ['table public.', 'file postgres/pg_wal/', 'file postgres/base/']) {
      t.ok(
        ofKind.some(({ where }) => where.startsWith(place)),
        `a ${kind} is found in ${place}`,
      )
    }
  }
  const tables = new Set(
    findings.flatMap(({ where }) => /^table public\.(\w+?)(?:_\d{4}_\d\d|_default)?\./.exec(where)?.[1] ?? []),
  )
  for (const table of [
    'cases',
    'case_document',
    'event',
    'message_history',
    'attempt',
    'trace_record',
    'concern',
    'operator',
    'certificate',
  ])
    t.ok(tables.has(table), `${table} holds some`)
  for (const form of ['UTF-8', 'GB18030'])
    t.ok(
      findings.some((finding) => finding.form === form),
      `some is in ${form}`,
    )
})

/** A case that completes in spite of garbage and contradiction, dead letters, refusals of every kind; then the scan. */
async function live(t: Test, sealing: 'on' | 'off'): Promise<{ secrets: Secret[] } & StoreScan> {
  // The folder of the whole embedded server, with the data folders of the databases on it.
  const folder = dirname((await testDatabase(t)).serverDir)
  const server = await superuser(t, folder, 'postgres')
  await server.query('alter role gateway set wal_compression = off')
  const registryProxy = await answeringProxy(t)
  const platformProxy = await answeringProxy(t)
  const world = await startWorld(t, {
    sealing,
    // So that several answers tell of one station.
    registry: { stepMs: 150 },
    logFile: join(folder, 'gateway.log'),
    config: { logLevel: 'debug', registryUrl: `${registryProxy.url}/`, platformUrl: platformProxy.url },
  })
  registryProxy.forwardTo = world.registry.url
  platformProxy.forwardTo = world.platform.url
  const { pool } = world.gateway.ground
  const database = await superuser(t, folder, new URL(world.database.url).pathname.slice(1))
  await keepUncompressed(database)

  const bank = await world.enrol()
  const application = await prepareSample(bank)
  const secrets = secretsOf(application)
  for (const value of OFFICERS) secrets.push({ kind: 'name', value })

  // A case goes through; the registry answers with garbage once and contradicts itself.
  const contradicting = contradictingRegistry(registryProxy)
  const key = 'scan-first-case'
  const filed = await bank.submitApplication(application, { idempotencyKey: key })
  t.equal(filed.status, 202)
  const id = filed.json()['id'] as string
  t.equal((await bank.submitApplication(application, { idempotencyKey: key })).status, 202, 'repeated')
  await untilCompleted(bank, id)
  t.ok(contradicting.garbage > 0, 'the registry answered with garbage')
  await until(async () => (await concerns()).includes('content-differs'))
  const held = (await world.registry.state()).cases.flatMap(({ certificates }) => certificates)
  for (const { number, path } of held) {
    secrets.push({ kind: 'certificate number', value: number }, { kind: 'certificate number', value: path })
    t.equal((await bank.downloadCertificate(id, number)).status, 200)
  }
  await bank.listCertificates(id)
  await bank.getEvents(id)

  // Dead letters, in the counterparties' words.
  const refusedByRegistry = await prepareSample(bank, { vary: true })
  registryProxy.answer = refusingRegistry('1002')
  const second = await bank.submitApplication(refusedByRegistry)
  await until(async () => (await dead()) === 1)
  const refusedWithWords = await prepareSample(bank, { vary: true })
  registryProxy.answer = refusingRegistry(BAD_CODE)
  await bank.submitApplication(refusedWithWords)
  await until(async () => (await dead()) === 2)
  registryProxy.answer = () => null
  const refusedByPlatform = await prepareSample(bank, { vary: true })
  platformProxy.answer = refusePlatform
  await bank.submitApplication(refusedByPlatform)
  await until(async () => (await dead()) === 3)
  platformProxy.answer = () => null
  secrets.push(...[refusedByRegistry, refusedWithWords, refusedByPlatform].flatMap(secretsOf))
  await caseOf(bank, second.json()['id'] as string)

  // Bad calls that hold personal data, wherever a caller can put it.
  const faulty = {
    ...application,
    parties: application.parties.map((party) => ({ ...party, idNumber: '42022219030512001' })),
  }
  const body = JSON.stringify(application)
  const statuses = [
    await bank.submitApplication(application),
    await bank.submitApplication({ ...faulty, bankReference: 'ED-scan-faulty' }, { idempotencyKey: 'scan-faulty' }),
    await bank.call({ method: 'POST', path: '/v1/applications', body: `${body.slice(0, -1)},"x":` }),
    await bank.call({
      method: 'POST',
      path: '/v1/applications',
      body,
      tamper: { body: (bytes) => Buffer.concat([bytes, bytes]) },
    }),
    await bank.call({ method: 'POST', path: '/v1/applications', body, tamper: { headers: { signature: undefined } } }),
    await bank.call({ method: 'POST', path: '/v1/applications', body, contentType: 'text/plain' }),
    await bank.call({
      method: 'POST',
      path: '/v1/applications',
      body,
      operator: '13000000013',
    }),
    await bank.getApplication('古丽娜·艾山江'),
    await bank.getApplication('42022219030512001X'),
    await bank.downloadCertificate(id, '鄂(2019)阳新县不动产权第0003112号'),
    await bank.call({ method: 'GET', path: `/v1/applications/${id}/events?after=${encodeURIComponent('柯𠮷明')}` }),
    await bank.call({ method: 'GET', path: `/v1/${encodeURIComponent('柯𠮷明')}?phone=13000000011` }),
    await bank.uploadMaterial({ bytes: Buffer.from(WORDS), contentType: 'application/pdf' }),
  ].map(({ status }) => status)
  t.ok(
    statuses.every((status) => status >= 400 && status < 500),
    `all refused: ${statuses.join(' ')}`,
  )
  await server.query(`select '${WORDS}'::int`).catch(() => undefined)

  return { secrets, ...(await scanStore(world, folder, server, database, secrets)) }

  async function dead(): Promise<number> {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from message where state = 'dead'`,
    )
    return rows[0]?.count ?? 0
  }
  async function concerns(): Promise<string[]> {
    const { rows } = await pool.query<{ kind: string }>('select kind from concern')
    return rows.map(({ kind }) => kind)
  }
}

function isAbout({ asked }: Exchange, type: string): boolean {
  return asked.includes(`<ExchangeType>${type}</ExchangeType>`)
}

/** The first PROGRESS is answered with garbage that holds names; once an officer was named, the next answer names another. */
function contradictingRegistry(proxy: AnsweringProxy): { garbage: number } {
  const seen = { garbage: 0 }
  let named = false
  proxy.answer = (exchange) => {
    if (!isAbout(exchange, 'PROGRESS')) return null
    if (seen.garbage === 0) {
      seen.garbage += 1
      return { body: encodeGb18030(`<?xml version="1.0" encoding="GB18030"?><respond><${WORDS}`) }
    }
    const text = decodeGb18030(exchange.answer)
    if (!text.includes('SLRY="受理员一"')) return null
    const other = named ? text.replaceAll('SLRY="受理员一"', 'SLRY="柯守田"') : text
    named = true
    return { body: encodeGb18030(other) }
  }
  return seen
}

function refusingRegistry(code: string): AnsweringProxy['answer'] {
  return (exchange) => {
    if (!isAbout(exchange, 'SUBMIT')) return null
    const number = /<BizMsgID>(\d+)</.exec(exchange.answer.toString('latin1'))?.[1] ?? ''
    return {
      body: encodeGb18030(
        `<?xml version="1.0" encoding="GB18030"?><respond><BizMsgID>${number}</BizMsgID><SuccessFlag>2</SuccessFlag>` +
          `<ResponseCode>${code}</ResponseCode><ResponseInfo>${WORDS}</ResponseInfo><CertID/><QRCode/><AdditionalData/>` +
          `<AdditionalData2/><Data><JH_CW XH="1" DM="${code}" WZ="Data/${BAD_CODE}" NR="${WORDS}"/></Data></respond>`,
      ),
    }
  }
}

function refusePlatform(exchange: Exchange): { body: Buffer } | null {
  const answer = exchange.answer.toString()
  if (!answer.includes('"Feedback"')) return null
  const document = JSON.parse(answer) as { Case: { Body: { Feedback: Record<string, string> } } }
  Object.assign(document.Case.Body.Feedback, { Result: 'N', Code: BAD_CODE, Message: WORDS })
  return { body: Buffer.from(JSON.stringify(document)) }
}
