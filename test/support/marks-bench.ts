import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { addOperator } from '../../src/access/administration-additions.ts'
import { type FieldRules, type ScopedField, scopedFields } from '../../src/access/scope.ts'
import { administrationMeans } from '../../src/cli/administration-means.ts'
import type { BankAnswer, BankClient } from '../../src/sandbox/bank-client.ts'
import { receiptText } from '../../src/trace/record.ts'
import { type AnsweringProxy, answeringProxy } from './answering-proxy.ts'
import {
  combinations,
  leavesOf,
  MARKED_CERTIFICATE,
  MARKED_OWNER,
  markedProperty,
  ruleWords,
  SECRETS,
  talkative,
  wrongWith,
} from './marks.ts'
import { NeedleScanner } from './needle-scanner.ts'
import { needlesOf } from './needles.ts'
import { authorize, get, grant, question } from './querying.ts'
import { until } from './until.ts'
import { startReceiver, type WebhookReceiver } from './webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook } from './webhooks.ts'
import { SAMPLE_BANK, startWorld, type World } from './world.ts'

export const LEVELS = ['flags', 'detail'] as const
export type Level = (typeof LEVELS)[number]
export const ALL_SHOWN = combinations.findIndex((rules) => scopedFields.every((field) => rules[field] === 'show'))
export const operatorOf = (index: number): string => `marks-${index}`

export interface Bench {
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
export async function startBench(t: Test, config: object = {}): Promise<Bench> {
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

export const asking = (authorizationId: string | null, more: Record<string, unknown>) =>
  question(authorizationId, { certificateNumber: MARKED_CERTIFICATE, holder: MARKED_OWNER, ...more })

/** Notes what left, and of a disclosure what its record must list. */
export function note(
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

export const onlyOf = (rules: FieldRules, fields: readonly ScopedField[] | null): FieldRules =>
  Object.fromEntries(
    scopedFields.map((field) => [field, fields === null || fields.includes(field) ? rules[field] : 'hide']),
  ) as FieldRules

/** Which of the granted fields a bank names: another choice for each way to rule them. */
export function chosen(rules: FieldRules, index: number): ScopedField[] {
  const granted = scopedFields.filter((field) => rules[field] !== 'hide')
  return granted.filter((_, at) => ((index + 1) >> at) % 2 === 1)
}

/** Runs the work for every way to rule the fields, a few at a time. */
export async function forEach(work: (rules: FieldRules, index: number) => Promise<void>, atOnce = 8): Promise<void> {
  const waiting = combinations.map((rules, index) => ({ rules, index }))
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next.rules, next.index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Waits for the webhook, reads the feed, and holds everything that left and every record to what may be there. */
export async function judge(t: Test, bench: Bench, eventsAtLeast: number): Promise<void> {
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
    [...lists].map(([id, all]) => [id, ...all.map((one) => one.join(' ')).sort()].join('\n')).sort()
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
