import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addOperator } from '../src/access/administration-additions.ts'
import { type FieldRules, fieldRules, type ScopedField, scopedFields } from '../src/access/scope.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import type { BankAnswer, BankCall, BankClient } from '../src/sandbox/bank-client.ts'
import { receiptText } from '../src/trace/record.ts'
import { type AnsweringProxy, answeringProxy } from './support/answering-proxy.ts'
import {
  combinations,
  leavesOf,
  MARKED_CERTIFICATE,
  MARKED_OWNER,
  markedProperty,
  refusing,
  ruleWords,
  SECRETS,
  talkative,
  unreadable,
  WORDS,
  wrongWith,
} from './support/marks.ts'
import { NeedleScanner } from './support/needle-scanner.ts'
import { needlesOf } from './support/needles.ts'
import { authorize, get, grant, OWNER, post, question } from './support/querying.ts'
import { until } from './support/until.ts'
import { startReceiver, type WebhookReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook } from './support/webhooks.ts'
import { SAMPLE_BANK, startWorld, type World } from './support/world.ts'

t.setTimeout(300_000)

const LEVELS = ['flags', 'detail'] as const
type Level = (typeof LEVELS)[number]
const ALL_SHOWN = combinations.findIndex((rules) => scopedFields.every((field) => rules[field] === 'show'))
const operatorOf = (index: number): string => `marks-${index}`

interface Bench {
  world: World
  bank: BankClient
  proxy: AnsweringProxy
  receiver: WebhookReceiver
  logFile: string
  authorizationId: string
  /** Everything that left by an answer, with what may be in it. */
  left: { what: string; answer: BankAnswer; rules: FieldRules | null; level: Level }[]
  /** What was disclosed of each query, answer by answer. */
  disclosed: Map<string, string[][]>
}

/** One operator for each way to rule the fields, an approved webhook, and a registry that keeps nothing back. */
async function startBench(t: Test, config: object = {}): Promise<Bench> {
  const folder = t.testdir()
  const logFile = join(folder, 'gateway.log')
  const proxy = await answeringProxy(t)
  const world = await startWorld(t, {
    logFile,
    config: { ...LOOPBACK, logLevel: 'debug', registryUrl: `${proxy.url}/`, registryConcurrency: 100, ...config },
  })
  proxy.forwardTo = world.registry.url
  proxy.answer = talkative
  await world.registry.control({ addProperty: markedProperty })
  const { ground } = world.gateway
  const bank = await world.enrol({ businessTypes: ['query', 'mortgage-first'] })
  await grant(ground, { fields: ruleWords(combinations[ALL_SHOWN] as FieldRules) })
  const means = administrationMeans(ground)
  await Promise.all(
    combinations.map(async (rules, index) => {
      await addOperator({ bank: SAMPLE_BANK.code, code: operatorOf(index), name: '经办员' }, means)
      await grant(ground, { operator: operatorOf(index), fields: ruleWords(rules) })
    }),
  )
  const receiver = await startReceiver(t, ground.folders.signing)
  t.match(await putWebhook(bank, `${receiver.url}/hook`), { status: 202 })
  await decide(world, 'approved')
  const authorizationId = await authorize(bank, {
    authorizer: MARKED_OWNER,
    certificateNumber: MARKED_CERTIFICATE,
  })
  return { world, bank, proxy, receiver, logFile, authorizationId, left: [], disclosed: new Map() }
}

const asking = (authorizationId: string | null, more: Record<string, unknown>) =>
  question(authorizationId, { certificateNumber: MARKED_CERTIFICATE, holder: MARKED_OWNER, ...more })

/** Notes what left, and of a disclosure what its record must list. */
function note(
  bench: Bench,
  what: string,
  answer: BankAnswer,
  may: { rules: FieldRules; level: Level } | null = null,
): BankAnswer {
  bench.left.push({ what, answer, rules: may?.rules ?? null, level: may?.level ?? 'flags' })
  if (answer.status !== 200) return answer
  const page = answer.json()
  if (page['state'] !== 'answered') return answer
  const id = String(page['id'])
  bench.disclosed.set(id, [...(bench.disclosed.get(id) ?? []), leavesOf(page)])
  return answer
}

const onlyOf = (rules: FieldRules, fields: readonly ScopedField[] | null): FieldRules =>
  Object.fromEntries(
    scopedFields.map((field) => [field, fields === null || fields.includes(field) ? rules[field] : 'hide']),
  ) as FieldRules

const narrowest = (a: FieldRules, b: FieldRules): FieldRules =>
  Object.fromEntries(
    scopedFields.map((field) => [
      field,
      fieldRules[Math.min(fieldRules.indexOf(a[field]), fieldRules.indexOf(b[field]))],
    ]),
  ) as FieldRules

/** Which of the granted fields a bank names: another choice for each way to rule them. */
function chosen(rules: FieldRules, index: number): ScopedField[] {
  const granted = scopedFields.filter((field) => rules[field] !== 'hide')
  return granted.filter((_, at) => ((index + 1) >> at) % 2 === 1)
}

/** Runs the work for every way to rule the fields, a few at a time. */
async function forEach(work: (rules: FieldRules, index: number) => Promise<void>): Promise<void> {
  const waiting = combinations.map((rules, index) => ({ rules, index }))
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next.rules, next.index)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

/** Waits for the webhook, reads the feed, and holds everything that left and every record to what may be there. */
async function judge(t: Test, bench: Bench, eventsAtLeast: number): Promise<void> {
  const { world, bank, receiver, left } = bench
  const feed = await get(bank, '/v1/events?limit=500')
  const events = feed.json()['events'] as { id: string }[]
  t.ok(events.length >= eventsAtLeast, `${events.length} events`)
  await until(async () => receiver.taken().length === events.length, 30_000)
  note(bench, 'the feed', feed)
  const metrics = await fetch(`${world.gateway.url}/metrics`)
  const wrong = [
    ...left.flatMap(({ what, answer, rules, level }) => [
      ...wrongWith(answer.body.toString(), rules, level).map((one) => `${what}: ${one}`),
      ...scanned(what, Buffer.from(JSON.stringify(answer.headers))),
    ]),
    ...receiver.pushes.flatMap(({ headers, body }) => [
      ...wrongWith(body.toString(), null).map((one) => `a push: ${one}`),
      ...scanned('a push', Buffer.from(JSON.stringify(headers))),
    ]),
    ...scanned('metrics', Buffer.from(await metrics.text())),
    ...scanned('the log', await readFile(bench.logFile)),
  ]
  t.strictSame(wrong, [])
  t.ok((await readFile(bench.logFile)).length > 10_000, 'the log was written')

  const { rows } = await world.database.pool.query<{ bytes: Buffer; leaf_hash: Buffer; type: string }>(
    'select type, bytes, leaf_hash from trace_record order by id',
  )
  t.strictSame(
    rows.flatMap(({ type, bytes }) => scanned(`a record ${type}`, bytes)),
    [],
  )
  const told = new Map<string, string[][]>()
  const byReceipt = new Map<string, Record<string, unknown>>()
  for (const { type, bytes, leaf_hash } of rows) {
    if (type !== 'disclosure') continue
    const { facts } = JSON.parse(bytes.toString()) as { facts: Record<string, unknown> }
    byReceipt.set(receiptText(leaf_hash), facts)
    const { queryId } = facts
    if (typeof queryId === 'string') told.set(queryId, [...(told.get(queryId) ?? []), facts['fields'] as string[]])
  }
  const sorted = (lists: Map<string, string[][]>) =>
    [...lists].map(([id, all]) => [id, all.map((one) => one.join(' ')).sort()]).sort()
  t.strictSame(sorted(told), sorted(bench.disclosed), 'a record for each answer, of exactly what it holds')
  for (const [receipt, body] of [
    [feed.receipt, feed.body] as const,
    ...receiver.pushes.map((push) => [push.headers['trace-receipt'], push.body] as const),
  ]) {
    const page = JSON.parse(body.toString()) as { events: Record<string, unknown>[] }
    const members = new Set(page.events.flatMap(({ cursor: _cursor, ...event }) => Object.keys(event)))
    t.strictSame(byReceipt.get(receipt ?? '')?.['fields'], [...members].sort(), 'the record of events')
  }
}

const scanner = new NeedleScanner(needlesOf(SECRETS))
const scanned = (where: string, bytes: Buffer): string[] =>
  scanner.scan(bytes, where).map(({ value, form }) => `${where}: ${value} as ${form}`)

await t.test('every way to rule the fields, at once, by GET and repeated: nothing else leaves', async (t) => {
  const bench = await startBench(t, { queryWaitMs: 25_000 })
  const { world, bank, proxy, authorizationId } = bench
  const first = new Map<string, { id: string; key: string }>()

  await forEach(async (rules, index) => {
    const operator = operatorOf(index)
    const fields = chosen(rules, index)
    const asked = LEVELS.flatMap((level) => [null, fields].map((only) => ({ level, only })))
    await Promise.all(
      asked.map(async ({ level, only }) => {
        const what = `${ruleWords(rules).join(' ')} at ${level}${only === null ? '' : `, ${only.join(' ')} alone`}`
        const may = { level, rules: onlyOf(rules, only) }
        const body = asking(authorizationId, { level, ...(only === null ? {} : { fields: only }) })
        const key = randomUUID()
        const answer = note(bench, what, await post(bank, '/v1/queries', body, { operator, idempotencyKey: key }), may)
        const { id, code } = answer.json() as { id: string; code: string }
        if (answer.status !== 200 || code !== 'match') t.fail(`${what}: ${answer.status} ${code}`)
        const again = await post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
        if (!note(bench, `${what}, repeated`, again, may).body.equals(answer.body)) t.fail(`${what}: another answer`)
        note(bench, `${what}, read`, await get(bank, `/v1/queries/${id}`, { operator }), may)
        if (only === null && index === ALL_SHOWN) first.set(level, { id, key })
      }),
    )
    const hidden = scopedFields.find((field) => rules[field] === 'hide')
    if (hidden === undefined) return
    const refused = await post(bank, '/v1/queries', asking(authorizationId, { fields: [hidden] }), { operator })
    note(bench, `${hidden} asked for and not granted`, refused)
    if (refused.json()['code'] !== 'field-not-granted') t.fail(`${hidden} was asked for: ${refused.body.toString()}`)
  })

  // The account's scope narrows: what was asked when all was granted is read again.
  const operator = operatorOf(ALL_SHOWN)
  for (const rules of combinations) {
    await grant(world.gateway.ground, { fields: ruleWords(rules) })
    const isAll = Object.values(rules).every((rule) => rule === 'show')
    await Promise.all(
      LEVELS.map(async (level) => {
        const { id, key } = first.get(level) as { id: string; key: string }
        const what = `read when the account has ${ruleWords(rules).join(' ')}`
        note(bench, what, await get(bank, `/v1/queries/${id}`, { operator }), { level, rules })
        const body = asking(authorizationId, { level })
        const again = await post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
        note(bench, 'repeated in a narrower scope', again, isAll ? { level, rules } : null)
        if (again.status !== (isAll ? 200 : 403)) t.fail(`a repeat where the account has ${ruleWords(rules).join(' ')}`)
      }),
    )
  }

  await t.test('an authorizer who is no holder, a wrong person, no such number', async (t) => {
    const stranger = await authorize(bank, { authorizer: OWNER, certificateNumber: MARKED_CERTIFICATE })
    for (const level of LEVELS) {
      for (const body of [
        asking(stranger, { level }),
        asking(authorizationId, { level, holder: OWNER }),
        asking(authorizationId, { level, holder: { ...MARKED_OWNER, name: '龘𠮷标乙' } }),
      ]) {
        const answer = note(bench, 'no match', await post(bank, '/v1/queries', body, { operator }))
        t.match(answer.json(), { state: 'answered', code: 'no-match', holders: [] })
        note(bench, 'no match, read', await get(bank, `/v1/queries/${String(answer.json()['id'])}`, { operator }))
      }
    }
  })

  await t.test('refusals and garbage in words that hold everything', async (t) => {
    const ask = (more: Partial<BankCall> = {}): Promise<BankAnswer> =>
      post(bank, '/v1/queries', asking(authorizationId, { level: 'detail' }), { operator, ...more })
    for (const [how, answered] of Object.entries(unreadable)) {
      proxy.answer = answered
      t.match(note(bench, how, await ask()).json(), { status: 503, code: 'registry-unavailable' }, how)
    }
    for (const [code, told] of [
      ['1002', 'registry-refused'],
      ['9001', 'registry-unavailable'],
      [MARKED_OWNER.name, 'registry-unavailable'],
    ] as const) {
      proxy.answer = refusing(code)
      t.match(note(bench, `refused with ${code}`, await ask()).json(), { code: told })
    }
    proxy.answer = refusing('3001')
    t.match(note(bench, 'nothing there', await ask()).json(), { code: 'no-match' })
    proxy.answer = talkative
  })

  await t.test('bad calls that hold it', async (t) => {
    const { name, idNumber } = MARKED_OWNER
    const body = asking(authorizationId, {})
    const calls: [body: unknown, more?: Partial<BankCall>][] = [
      [{ ...body, purpose: name }],
      [{ ...body, level: idNumber }],
      [{ ...body, fields: [WORDS] }],
      [{ ...body, area: WORDS }],
      [{ ...body, authorizationId: name }],
      [{ ...body, proofNumber: WORDS.slice(0, 40) }],
      [{ ...body, holder: { ...MARKED_OWNER, idType: name } }],
      [{ ...body, authorizationId: undefined }],
      [{ ...body, authorizationId: randomUUID() }],
      [{ ...body, purpose: 'loan-review' }],
      [body, { operator: idNumber }],
      [body, { body: `{"holder":"${name}",` }],
      [body, { tamper: { headers: { signature: undefined } } }],
    ]
    for (const [given, more] of calls) {
      const answer = note(bench, 'a bad call', await post(bank, '/v1/queries', given, { operator, ...more }))
      t.ok(answer.status >= 400 && answer.status < 500, answer.body.toString())
    }
    for (const path of [encodeURIComponent(name), idNumber]) {
      t.equal(note(bench, 'a bad path', await get(bank, `/v1/queries/${path}`, { operator })).status, 404)
    }
  })
  await judge(t, bench, 0)
})

await t.test('every way to rule the fields where the registry is slow: 202, an event, GET', async (t) => {
  const bench = await startBench(t, { queryWaitMs: 100 })
  const { world, bank, proxy, authorizationId } = bench
  await world.registry.control({ fault: 'slow', on: 'QUERY', delayMs: 4000 })
  await forEach(async (rules, index) => {
    const operator = operatorOf(index)
    const fields = index % 2 === 0 ? null : chosen(rules, index)
    const level = LEVELS[Math.floor(index / 2) % 2] as Level
    const what = `${ruleWords(rules).join(' ')} at ${level}, slowly`
    const may = { level, rules: onlyOf(rules, fields) }
    const body = asking(authorizationId, { level, ...(fields === null ? {} : { fields }) })
    const key = randomUUID()
    const ask = (): Promise<BankAnswer> => post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
    const read = (): Promise<BankAnswer> => get(bank, `/v1/queries/${id}`, { operator })
    const slow = note(bench, what, await ask())
    const { id } = slow.json() as { id: string }
    if (slow.status !== 202) t.fail(`${what}: ${slow.status} ${slow.body.toString()}`)
    note(bench, `${what}, read too early`, await read())
    await until(async () => (await world.database.pool.query('select from event where case_id = $1', [id])).rowCount === 1)
    note(bench, `${what}, read`, await read(), may)
    if (note(bench, `${what}, repeated`, await ask()).status !== 202) t.fail(`${what}: a repeat is another answer`)
  })

  await world.registry.control({ faults: 'none' })
  const operator = operatorOf(ALL_SHOWN)
  for (const answered of [refusing('1002'), unreadable['no document'], refusing(MARKED_OWNER.name)]) {
    proxy.answer = answered as AnsweringProxy['answer']
  }
  note(bench, 'x', await get(bank, '/v1/queries/x', { operator }))
  await judge(t, bench, 81)
})
