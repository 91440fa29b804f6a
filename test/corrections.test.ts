import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import { answerTo, type CorrectionBody, correct, correctionOf, untilAsked, withdraw } from './support/corrections.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

t.setTimeout(180_000)

const world = await startWorld(t, {
  config: { registryTimeoutMs: 700, registryMaximumMs: 700, platformTimeoutMs: 700 },
})
const { database, registry } = world
const bank = await world.enrol()

interface Event extends Record<string, unknown> {
  type: string
  items?: Record<string, unknown>[]
}

async function eventsOf(id: string): Promise<Event[]> {
  return (await bank.getEvents(id)).json()['events'] as unknown as Event[]
}

const codeOf = (answer: BankAnswer): unknown => [answer.status, answer.json()['code']]
const faultsOf = (answer: BankAnswer): string[] =>
  (answer.json()['faults'] as { pointer: string; code: string }[]).map(({ pointer, code }) => `${code} ${pointer}`)

async function sent(id: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ what: string }>(
    `select channel || ' ' || kind as what from message_history
      where case_id = $1 and kind not in ('20', '21', '23', '24', '30') and channel in ('registry', 'platform')
      order by channel, position`,
    [id],
  )
  return rows.map(({ what }) => what)
}

/** A case of which the registry has asked a correction and now holds still. */
async function askedCase(): Promise<{ id: string; asked: NonNullable<Awaited<ReturnType<typeof correctionOf>>> }> {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  await registry.control({ config: { stepMs: null } })
  return { id, asked }
}

await t.test('a round: items are resolved, the answer goes both ways, the case goes on', async (t) => {
  const { id, asked } = await askedCase()
  t.match(await caseOf(bank, id), { state: 'correction-requested', request: 'none' })
  t.match(asked, { part: 1, round: 1, answered: null, answerBy: String })
  const paper = asked.items.find(({ materialName }) => materialName !== undefined)
  t.match(paper?.resolved?.materialId, /^[0-9a-f-]{36}$/)
  t.match(
    asked.items.find(({ field }) => field !== undefined),
    { resolved: { path: '/properties/1/area' } },
  )
  t.strictSame((await eventsOf(id)).find(({ type }) => type === 'correction-requested')?.items, asked.items)

  const body = await answerTo(bank, asked)
  const key = randomUUID()
  const answer = await correct(bank, id, body, { idempotencyKey: key })
  t.match(answer, { status: 202, verified: true, receipt: /^sm3=/ }, answer.body.toString())
  const again = await correct(bank, id, body, { idempotencyKey: key })
  t.strictSame([again.status, again.body, again.receipt], [answer.status, answer.body, answer.receipt])
  t.strictSame(codeOf(await correct(bank, id, body)), [409, 'correction-not-open'])
  t.match(await correctionOf(bank, id), { round: 1, answered: { by: 'bank' } })
  await registry.control({ config: { stepMs: 20 } })
  await untilCompleted(bank, id)
  await untilDelivered(world)
  const types = (await eventsOf(id)).map(({ type }) => type)
  t.strictSame(types.slice(0, 7), [
    'received',
    'platform-acknowledged',
    'submitted',
    'correction-requested',
    'correction-answered',
    'submitted',
    'accepted',
  ])
  t.strictSame(await sent(id), [
    'platform MATERIALS',
    'platform 10',
    'platform 22',
    'platform MATERIALS',
    'platform 22',
    'registry MATERIALS',
    'registry SUBMIT',
    'registry MATERIALS',
    'registry CORRECT',
  ])
  const { rows } = await database.pool.query('select version from case_document where case_id = $1 order by version', [
    id,
  ])
  t.strictSame(rows, [{ version: 1 }, { version: 2 }])
  const { businessNumber } = await caseOf(bank, id)
  const { materials } = await registry.state()
  const held = materials.filter((material) => material.businessNumber === businessNumber)
  t.equal(held.length, 10, 'nine files and the new one: the old ones were not sent again')
  const entries = (await eventsOf(id)).filter(({ type }) => type === 'register-entry')
  t.notOk(
    entries.some(({ differences }) => (differences as string[] | undefined)?.includes('area')),
    'recorded as corrected',
  )
})

await t.test('a second round asks about the corrected case', async (t) => {
  await registry.control([{ outcome: 'correct', rounds: [[], []] }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const first = await untilAsked(bank, id, 1)
  t.equal((await correct(bank, id, await answerTo(bank, first))).status, 202)
  const second = await untilAsked(bank, id, 2)
  t.match(second, { answered: null })
  for (const { resolved } of second.items) t.match(resolved?.materialId ?? resolved?.path, /./, 'resolved again')
  t.strictSame(codeOf(await correct(bank, id, await answerTo(bank, first))), [409, 'correction-round-wrong'])
  t.equal((await correct(bank, id, await answerTo(bank, second, '96.48'))).status, 202)
  await untilCompleted(bank, id)
  const told = (await eventsOf(id)).map(({ type, round }) => `${type} ${round as number}`)
  t.strictSame(told.slice(2, 9), [
    'submitted 1',
    'correction-requested 1',
    'correction-answered 1',
    'submitted 2',
    'correction-requested 2',
    'correction-answered 2',
    'submitted 3',
  ])
  const { rows } = await database.pool.query('select version from case_document where case_id = $1 order by version', [
    id,
  ])
  t.equal(rows.length, 3)
})

await t.test('an answer that does not fit is refused: where and why, all at once', async (t) => {
  const { id, asked } = await askedCase()
  const good = await answerTo(bank, asked)
  const variant = (change: (body: CorrectionBody) => void): CorrectionBody => {
    const body = structuredClone(good)
    change(body)
    return body
  }
  const paper = good.items.findIndex(({ material }) => material !== undefined)
  const field = good.items.findIndex(({ changes }) => changes !== undefined)
  const ofField = (body: CorrectionBody) => body.items[field] as NonNullable<CorrectionBody['items'][number]>
  const ofPaper = (body: CorrectionBody) => body.items[paper] as NonNullable<CorrectionBody['items'][number]>
  const table: [string, CorrectionBody, unknown, string[] | null][] = [
    ['of another round', variant((body) => void (body.round = 2)), [409, 'correction-round-wrong'], null],
    [
      'an item that was not asked',
      variant((body) => void body.items.push({ number: 9, answer: '多余' })),
      [422, 'correction-invalid'],
      ['correction-item-unknown /items/2/number'],
    ],
    [
      'an item too few',
      variant((body) => void body.items.splice(1)),
      [422, 'correction-invalid'],
      ['correction-item-missing /items'],
    ],
    [
      'an item twice',
      variant((body) => void body.items.push({ number: 1, answer: '再答' })),
      [422, 'correction-invalid'],
      ['correction-item-repeated /items/2/number'],
    ],
    [
      'a material that is not there',
      variant((body) => void ((ofPaper(body).material as { id: string }).id = randomUUID())),
      [422, 'correction-invalid'],
      [`material-unknown /items/${paper}/material/id`],
    ],
    [
      'in place of one that is not there',
      variant((body) => void (ofPaper(body).replaces = randomUUID())),
      [422, 'correction-invalid'],
      [`correction-replaces-unknown /items/${paper}/replaces`],
    ],
    [
      'a member that no correction changes',
      variant((body) => void (ofField(body).changes = [{ path: '/properties/1/unitNumber', value: '1' }])),
      [422, 'correction-invalid'],
      [`correction-path-refused /items/${field}/changes/0/path`],
    ],
    [
      'a member of a unit that is not there',
      variant((body) => void (ofField(body).changes = [{ path: '/properties/7/area', value: '1' }])),
      [422, 'correction-invalid'],
      [`correction-path-refused /items/${field}/changes/0/path`],
    ],
    [
      'another member than asked for',
      variant((body) => void (ofField(body).changes = [{ path: '/mortgage/scope', value: '全部' }])),
      [422, 'correction-invalid'],
      [`correction-path-elsewhere /items/${field}/changes/0/path`],
    ],
    [
      'a member where a paper was asked for',
      variant((body) => void (ofPaper(body).changes = [{ path: '/mortgage/scope', value: '全部' }])),
      [422, 'correction-invalid'],
      [`correction-path-elsewhere /items/${paper}/changes/0/path`],
    ],
    [
      'a value of no form',
      variant((body) => void (ofField(body).changes = [{ path: '/properties/1/area', value: '大约一百' }])),
      [422, 'message-invalid'],
      [`format-wrong /items/${field}/changes/0/value`],
    ],
    [
      'a value that breaks a rule',
      variant((body) => void (ofField(body).changes = [{ path: '/properties/1/area', value: '0' }])),
      [422, 'business-rule-violated'],
      [`area-invalid /items/${field}/changes/0/value`],
    ],
    [
      'no letter of authority any more',
      variant((body) => void ((ofPaper(body).material as { kind: string }).kind = 'other')),
      [422, 'business-rule-violated'],
      null,
    ],
    [
      'an operator who is another',
      variant((body) => void (body.operator.id = 'yx-sub-9999')),
      [422, 'correction-invalid'],
      ['operator-differs /operator/id'],
    ],
  ]
  for (const [name, body, expected, faults] of table) {
    const answer = await correct(bank, id, body)
    t.strictSame(codeOf(answer), expected, name)
    if (faults !== null && answer.status === 422) t.strictSame(faultsOf(answer), faults, name)
  }
  t.match(await caseOf(bank, id), { state: 'correction-requested', request: 'none', corrections: [{ answered: null }] })
  t.equal((await correct(bank, id, good)).status, 202, 'the right answer is still taken')
  t.strictSame(codeOf(await correct(bank, id, good)), [409, 'correction-not-open'])
  t.equal((await withdraw(bank, id)).status, 202)
  await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn', 20_000)
  t.strictSame(codeOf(await correct(bank, id, good)), [409, 'case-ended'])
})
