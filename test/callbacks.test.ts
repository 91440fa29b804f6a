import { randomUUID } from 'node:crypto'
import t from 'tap'
import { applyCallbacks } from '../src/platform/callback-courier.ts'
import { bodyContext, claimCallbacks } from '../src/platform/inbox.ts'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import {
  acknowledgementMessage,
  callbackSender,
  caseMessage,
  newUnid,
  paymentMessage,
  withdrawalMessage,
} from './support/callbacks.ts'
import { testDatabase } from './support/database.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted, type World } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t)
const { gateway, database } = world
const bank = await world.enrol()
const send = await callbackSender(t, world)

async function concerns(kind: string): Promise<number> {
  return (await database.pool.query('select from concern where kind = $1', [kind])).rowCount ?? 0
}

async function stateOf(unid: string): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ state: string }>('select state from platform_callback where unid = $1', [
    unid,
  ])
  return rows[0]?.state
}

async function typesOf(id: string): Promise<string[]> {
  const { events } = (await bank.getEvents(id)).json() as { events: { type: string }[] }
  return events.map(({ type }) => type)
}

/** A case that the platform knows and the registry holds where it is. */
async function filedCase({ registry }: World): Promise<{ id: string; sn: string }> {
  await registry.control({ config: { stepMs: null } })
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  return { id, sn: String((await caseOf(bank, id))['platformNumber']) }
}

const codeOf = (answer: BankAnswer): unknown => [answer.status, answer.json()['code']]

await t.test('whoever is not the platform, or says it wrongly, is told so by a code of its own', async (t) => {
  const stranger = await world.ca.issue({
    algorithm: 'p256',
    organization: '别的平台',
    commonName: '别的平台',
    uscc: '12420200MB0000001X',
  })
  const strange = await callbackSender(t, world, stranger)
  const message = withdrawalMessage('hsbdc00000000000001')
  const now = Math.floor(Date.now() / 1000)
  const nonce = newUnid()
  const answers: [string, BankAnswer, unknown][] = [
    ['of another platform', await send(message, { path: '/platform/zz/v1/callbacks' }), [404, 'platform-unknown']],
    ['signed by another', await strange(message), [401, 'certificate-unknown']],
    [
      'unsigned',
      await send(message, { tamper: { headers: { signature: undefined, 'signature-input': undefined } } }),
      [401, 'signature-missing'],
    ],
    [
      'forged',
      await send(message, { tamper: { signature: (bytes) => Buffer.from(bytes).fill(7, 0, 8) } }),
      [401, 'signature-invalid'],
    ],
    ['stale', await send(message, { tamper: { created: now - 3600 } }), [401, 'signature-created-outside-window']],
    [
      'not covering its body',
      await send(message, { tamper: { components: ['@method', '@target-uri'] } }),
      [401, 'signature-component-missing'],
    ],
    [
      'with another body than signed',
      await send(message, { tamper: { body: () => Buffer.from(JSON.stringify(withdrawalMessage('x'))) } }),
      [400, 'digest-mismatch'],
    ],
    ['no JSON', await send('{'), [400, 'request-malformed']],
    [
      'of a type that the registry alone says',
      await send(caseMessage('30', newUnid(), {})),
      [422, 'callback-type-refused'],
    ],
    ['of wrong form', await send(caseMessage('26', newUnid(), { ApasInfo: { SN: 'x' } })), [422, 'message-invalid']],
    [
      'first use of a nonce',
      await send(caseMessage('30', newUnid(), {}), { tamper: { nonce, created: now } }),
      [422, 'callback-type-refused'],
    ],
    ['the nonce again', await send(message, { tamper: { nonce, created: now } }), [401, 'nonce-repeated']],
  ]
  for (const [name, answer, expected] of answers) t.strictSame(codeOf(answer), expected, name)
  t.equal((await database.pool.query('select from platform_callback')).rowCount, 0, 'nothing was stored')
  const verified = answers.filter(([, { verified }]) => verified).map(([name]) => name)
  t.equal(verified.length, 6, 'refusals after the signature has verified are signed')
  await gateway.ground.trace.refusals.flush()
  const { rows } = await database.pool.query<{ code: string }>('select distinct code from refusal_count')
  t.ok(rows.some(({ code }) => code === 'platform-unknown'))
  const traced = await database.pool.query(`select from trace_record where type = 'request-refused'`)
  t.equal(traced.rowCount, 6, 'and traced one by one')
})

await t.test('a message that comes again gets the same acknowledgement; another of its id is raised', async (t) => {
  const { id, sn } = await filedCase(world)
  const unid = newUnid()
  const message = withdrawalMessage(sn, unid)
  const together = await Promise.all([send(message), send(message), send(message)])
  const later = await send(message)
  t.match(together[0], { status: 200, verified: true })
  t.match(together[0]?.json(), {
    Case: { type: '99', Body: { ApasInfo: { SN: sn }, Feedback: { OfUnid: unid, Result: 'Y' } } },
  })
  for (const answer of [...together, later]) {
    t.strictSame(answer.body, together[0]?.body)
    t.equal(answer.receipt, together[0]?.receipt)
  }
  const other = await send({ ...withdrawalMessage(sn, unid), more: 1 })
  t.strictSame(codeOf(other), [409, 'callback-differs'])
  t.equal(await concerns('callback-differs'), 1)
  await until(async () => (await stateOf(unid)) === 'applied')
  t.match(await caseOf(bank, id), { request: 'withdrawal-pending' })
  t.equal((await typesOf(id)).filter((type) => type === 'withdrawal-requested').length, 1)
  await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn')
  const { events } = (await bank.getEvents(id)).json() as { events: Record<string, unknown>[] }
  t.match(
    events.find(({ type }) => type === 'withdrawal-requested'),
    { by: 'platform', reason: '双方同意撤回', before: 'submitted', after: 'submitted' },
    'who asked stands in the event',
  )
  const toPlatform = await database.pool.query(`select from message_history where case_id = $1 and kind = '26'`, [id])
  t.equal(toPlatform.rowCount, 0, 'the platform is not told what it asked')

  const tooLate = newUnid()
  t.equal((await send(withdrawalMessage(sn, tooLate))).status, 200)
  await until(async () => (await stateOf(tooLate)) === 'raised')
  t.equal(await concerns('withdrawal-after-end'), 1)
  t.match(await caseOf(bank, id), { state: 'withdrawn', request: 'none' })
})

await t.test(
  'a reason that the registry cannot take as it is is cut, no character in halves, and loses its controls',
  async (t) => {
    const { id, sn } = await filedCase(world)
    t.equal((await send(withdrawalMessage(sn, newUnid(), `\u0001${'啊'.repeat(498)}𠮷𠮷`))).status, 200)
    await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn')
    const { events } = (await bank.getEvents(id)).json() as { events: { type: string; reason?: string }[] }
    t.equal(events.find(({ type }) => type === 'withdrawal-requested')?.reason, ` ${'啊'.repeat(498)}𠮷`)
  },
)

await t.test('a payment at the platform settles the fee; one that contradicts it changes nothing', async (t) => {
  await world.registry.control({ config: { stepMs: 20, fee: 'due' } })
  const id = await fileSample(bank, { vary: true })
  const fee = async (): Promise<unknown> => ((await caseOf(bank, id))['parts'] as { fee: string }[])[0]?.fee
  await until(async () => (await fee()) === 'due')
  const sn = String((await caseOf(bank, id))['platformNumber'])
  const unid = newUnid()
  t.equal((await send(paymentMessage(sn, '80.00', unid))).status, 200)
  await until(async () => (await fee()) === 'paid')
  t.equal(await stateOf(unid), 'applied')
  await untilCompleted(bank, id)
  const other = newUnid()
  t.equal((await send(paymentMessage(sn, '90.00', other))).status, 200)
  await until(async () => (await stateOf(other)) === 'raised')
  t.equal(await concerns('payment-differs'), 1)
  t.equal((await typesOf(id)).filter((type) => type === 'fee-paid').length, 1)
  t.match(await caseOf(bank, id), { completed: true })

  const early = await filedCase(world)
  t.equal((await send(paymentMessage(early.sn))).status, 200)
  await world.registry.control({ config: { stepMs: 20, fee: 'due' } })
  await untilCompleted(bank, early.id)
  const told = async (one: string): Promise<string[]> => (await typesOf(one)).filter((type) => type.startsWith('fee'))
  t.strictSame(await told(early.id), await told(id), 'paid before the fee was told: the same events in the same order')
})

await t.test('what comes before the platform’s number is known is kept and joined then', async (t) => {
  await world.registry.control({ config: { stepMs: null, fee: 'by-law' } })
  await world.platform.control({ fault: 'error-before', on: '10' })
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await caseOf(bank, id))['platformNumber'] === null)
  const withdrawal = newUnid()
  const sn = 'hsbdc0222269999999'
  t.equal((await send(withdrawalMessage(sn, withdrawal))).status, 200)
  await until(async () => {
    const { rows } = await database.pool.query<{ tries: number }>(
      'select tries from platform_callback where unid = $1',
      [withdrawal],
    )
    return (rows[0]?.tries ?? 0) > 0
  })
  t.equal(await stateOf(withdrawal), 'waiting')
  const own = { type: '10', unid: id.replaceAll('-', '') }
  // In capitals and with hyphens an id is the same id.
  const loud = randomUUID().toUpperCase()
  const message = acknowledgementMessage(sn, { ...own, unid: own.unid.toUpperCase() }, 'Y', loud)
  const answer = await send(message)
  t.match(answer.json(), { Case: { Body: { Feedback: { OfUnid: loud } } } }, 'told as it was written')
  await until(async () => (await stateOf(withdrawal)) === 'applied')
  const plain = loud.replaceAll('-', '').toLowerCase()
  t.equal(await stateOf(plain), 'applied')
  t.strictSame((await send(message)).body, answer.body)
  t.strictSame(codeOf(await send(acknowledgementMessage(sn, own, 'Y', plain))), [409, 'callback-differs'])
  t.match(await caseOf(bank, id), { platformNumber: sn })
  await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn')
  t.strictSame(
    (await typesOf(id)).filter((type) => type !== 'submitted'),
    ['received', 'platform-acknowledged', 'withdrawal-requested', 'withdrawn'],
  )
  await world.platform.control({ reset: true })
})

await t.test('an acknowledgement that refuses, or names another number, is raised', async (t) => {
  const { id, sn } = await filedCase(world)
  const own = { type: '10', unid: id.replaceAll('-', '') }
  const [refusing, differing, same] = [newUnid(), newUnid(), newUnid()]
  await send(acknowledgementMessage(sn, own, 'N', refusing))
  await send(acknowledgementMessage('hsbdc0222260000000', own, 'Y', differing))
  await send(acknowledgementMessage(sn, own, 'Y', same))
  await until(async () => (await stateOf(same)) === 'applied')
  await until(async () => (await stateOf(differing)) === 'raised')
  await until(async () => (await stateOf(refusing)) === 'raised')
  t.equal(await concerns('platform-refused'), 1)
  t.match(await caseOf(bank, id), { platformNumber: sn, request: 'none' })
})

await t.test('callbacks of one number are taken one after the other, and given back by a stop', async (t) => {
  const { pool, keyring } = await testDatabase(t)
  const at = Date.now() - 60_000
  for (const [place, [unid, number]] of [
    ['first', 'N'],
    ['other', 'M'],
    ['second', 'N'],
  ].entries()) {
    await pool.query(
      `insert into platform_callback (platform, unid, digest, type, state, platform_number, body, answer, receipt,
         received_at, due_at) values ('p', $1, '', '25', 'waiting', $2, $3, '', '', $4, $4)`,
      [
        unid,
        number,
        keyring.seal(Buffer.from('{}'), bodyContext({ platform: 'p', unid: unid ?? '' })),
        new Date(at + place),
      ],
    )
  }
  const now = new Date()
  const claim = async (limit: number): Promise<string[]> =>
    (await claimCallbacks(pool, keyring, { now, limit, until: new Date(now.getTime() + 10_000) })).map(
      ({ unid }) => unid,
    )
  t.strictSame(await claim(1), ['first'])
  t.strictSame(await claim(50), ['other'], 'the second of a number waits for the first, whoever holds it')
  t.strictSame(await claim(50), [])
  await pool.query(`update platform_callback set state = 'applied' where unid = 'first'`)

  const cases = { clock: { now: () => now }, sealer: keyring }
  const means = { pool, cases, onError: (error: unknown) => t.fail(String(error)) } as never
  t.equal(await applyCallbacks(means, AbortSignal.abort()), 1)
  t.strictSame(await claim(50), ['second'], 'what a stop left is there for others at once')
})
