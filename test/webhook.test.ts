import t from 'tap'
import { changeStanding } from '../src/access/administration-standing.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { replayMessage } from '../src/cli/queue-replay.ts'
import { bankIdOf, commitEvents, newestRecord } from './support/events.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook, tested, webhookOf } from './support/webhooks.ts'
import { OTHER_BANK, SAMPLE_BANK, startWorld } from './support/world.ts'

await t.test('nothing goes to an address that is not approved, nor to a bank that is not in force', async (t) => {
  const world = await startWorld(t, { config: LOOPBACK })
  const { ground } = world.gateway
  const bank = await world.enrol()
  const other = await world.enrol({ bank: OTHER_BANK })
  const bankId = await bankIdOf(ground.pool, SAMPLE_BANK.code)
  const receiver = await startReceiver(t, ground.folders.signing)
  const another = await startReceiver(t, ground.folders.signing)
  const happen = (count: number) => commitEvents(ground.batch, ground.keyring, bankId, count)
  // The other bank's webhook shows when the gateway has seen to all of them.
  const otherId = await bankIdOf(ground.pool, OTHER_BANK.code)
  const control = await startReceiver(t, ground.folders.signing)
  await putWebhook(other, control.url)
  await decide(world, 'approved', OTHER_BANK.code)
  const looks = async (): Promise<void> => {
    for (let i = 0; i < 2; i += 1) {
      const [id = ''] = await commitEvents(ground.batch, ground.keyring, otherId, 1)
      await until(() => control.taken().includes(id))
    }
  }

  t.match(await webhookOf(bank), { code: 'webhook-not-found', rule: 'webhook.of-bank' })
  t.match(await tested(bank), { code: 'webhook-not-found' })
  for (const [url, code] of [
    ['https://127.0.0.2/', 'webhook-address-inner'],
    ['http://8.8.8.8/', 'webhook-address-invalid'],
    ['https://user:word@127.0.0.1/', 'webhook-address-invalid'],
    ['https://no-such-host.invalid/', 'webhook-address-unresolved'],
    [undefined, 'webhook-address-invalid'],
  ] as const) {
    const refused = await putWebhook(bank, url)
    t.match({ status: refused.status, ...refused.json() }, { status: 422, code, pointers: ['/url'] })
    t.ok(refused.receipt, 'traced')
  }
  const surplus = await bank.call({ method: 'PUT', path: '/v1/webhook', body: '{"url":"x","a/b":1}' })
  t.match(surplus.json(), { code: 'message-invalid', pointers: ['/a~1b'] })
  await t.rejects(decide(world, 'approved'), { code: 'webhook-not-found' })
  await t.rejects(decide(world, 'approved', '91420000000000001R'), { code: 'administration-not-found' })

  // Set, and pending until it is approved.
  const set = await putWebhook(bank, `${receiver.url}/a`)
  t.match(
    { status: set.status, ...set.json() },
    { status: 202, url: `${receiver.url}/a`, state: 'pending', cursor: '0' },
  )
  t.match(await newestRecord(ground.pool, 'administration'), { outcome: 'webhook-set', facts: { state: 'pending' } })
  t.match(await tested(bank), { code: 'webhook-not-approved', rule: 'webhook.approved' })
  const first = await happen(3)
  await looks()
  t.equal(receiver.pushes.length, 0)
  await t.rejects(decide(world, 'approved', SAMPLE_BANK.code, another.url), { code: 'webhook-changed' })
  await decide(world, 'approved')
  t.match(await newestRecord(ground.pool, 'administration'), {
    outcome: 'webhook-approved',
    actors: { staff: 'tester', bankId },
  })
  await until(() => receiver.taken().length === 3)
  t.strictSame(receiver.taken(), first)
  t.match(await putWebhook(bank, `${receiver.url}/a`), { status: 200 }, 'the same address stays approved')
  t.match(await webhookOf(other), { url: `${control.url}/` }, "another bank's is not told")

  // What is told of a test.
  t.match(await tested(bank), { delivered: true, status: 204 })
  const lastPage = () => JSON.parse(receiver.pushes.at(-1)?.body.toString() ?? '{}') as unknown
  t.match(lastPage(), { events: [{ type: 'test', cursor: '3' }], next: '3', more: false })
  // Pushes that are delivered while it is prepared move its cursor along: it throws nobody back.
  const client = await ground.pool.connect()
  await client.query('begin')
  await client.query('lock table batch in share mode')
  const testing = tested(bank)
  const held = `select from pg_locks where relation = 'batch'::regclass and not granted`
  await until(async () => (await ground.pool.query(held)).rowCount !== 0)
  await ground.pool.query('update webhook set cursor = 4 where bank_id = $1', [bankId])
  await client.query('rollback')
  client.release()
  t.match(await testing, { delivered: true })
  t.match(lastPage(), { events: [{ type: 'test', cursor: '4' }], next: '4' })
  await ground.pool.query('update webhook set cursor = 3 where bank_id = $1', [bankId])
  receiver.answer = () => ({ status: 302, headers: { location: `${another.url}/` } })
  t.strictSame(await tested(bank), { delivered: false, fault: 'redirected', status: 302 })
  receiver.answer = () => ({ status: 500 })
  t.strictSame(await tested(bank), { delivered: false, fault: 'status', status: 500 })
  receiver.answer = () => 'silence'
  t.match(await tested(bank), { delivered: false, fault: 'no-answer' })
  receiver.answer = () => ({ status: 204 })
  t.equal(another.pushes.length, 0, 'a redirect is not followed')

  // Suspended: what happens waits, and goes on where it stopped.
  await decide(world, 'suspended')
  const second = await happen(2)
  await looks()
  t.equal(receiver.taken().length, 3)
  t.match(await webhookOf(bank), { state: 'suspended', waiting: { events: 2, why: 'the address is suspended' } })
  await decide(world, 'approved')
  await until(() => receiver.taken().length === 5)

  // A bank that is suspended is not pushed to either.
  const means = administrationMeans(ground)
  await changeStanding({ kind: 'bank', code: SAMPLE_BANK.code }, 'suspended', 'test', means)
  const third = await happen(1)
  await looks()
  t.equal(receiver.taken().length, 5)
  await changeStanding({ kind: 'bank', code: SAMPLE_BANK.code }, 'active', 'test', means)
  await until(() => receiver.taken().length === 6)
  t.strictSame(receiver.taken(), [...first, ...second, ...third])

  // A push that is under way as it is suspended is not sent again.
  receiver.answer = () => ({ status: 500 })
  const fourth = await happen(1)
  await until(() => receiver.pushes.at(-1)?.events[0]?.id === fourth[0])
  await decide(world, 'suspended')
  receiver.answer = () => ({ status: 204 })
  const state = async () =>
    (await ground.pool.query('select state, attempts, fence from message where case_id = $1', [bankId])).rows[0]
  await until(async () => (await state())?.state === 'waiting')
  const [sent, parked] = [receiver.pushes.length, await state()]
  await looks()
  t.equal(receiver.pushes.length, sent)
  t.strictSame(await state(), parked, 'nor does it wear its attempts out')

  // Another address has to be approved anew; then it gets what waits.
  t.match((await putWebhook(bank, `${another.url}/b`)).json(), { state: 'pending' })
  await looks()
  t.equal(another.pushes.length, 0)
  await decide(world, 'approved')
  await until(async () => (await webhookOf(bank))['waiting'] === null)
  t.strictSame([...receiver.taken(), ...another.taken()].slice(-1), fourth)
})

await t.test('a push that is refused or fails too often becomes a dead letter, and a replay goes on', async (t) => {
  const world = await startWorld(t, { config: { ...LOOPBACK, attemptsMaximum: 3 } })
  const { ground } = world.gateway
  const bank = await world.enrol()
  const bankId = await bankIdOf(ground.pool, SAMPLE_BANK.code)
  const receiver = await startReceiver(t, ground.folders.signing)
  const target = await startReceiver(t, ground.folders.signing)
  await putWebhook(bank, receiver.url)
  await decide(world, 'approved')
  const happen = (count: number) => commitEvents(ground.batch, ground.keyring, bankId, count)
  const dead = async (): Promise<string | undefined> =>
    (await ground.pool.query<{ id: string }>(`select id from message where state = 'dead'`)).rows[0]?.id

  receiver.answer = () => ({ status: 307, headers: { location: target.url } })
  const all = await happen(60)
  await until(dead)
  t.match(await webhookOf(bank), { waiting: { events: 60, state: 'dead', why: 'refused: redirected 307' } })
  t.equal(receiver.pushes.length, 1, 'at once')
  t.equal(target.pushes.length, 0, 'a redirect is not followed')
  t.match(await newestRecord(ground.pool, 'message-parked'), {
    actors: { bankId },
    facts: { endpoint: `webhook:${bankId}`, kind: 'EVENTS' },
  })
  const concern = await ground.pool.query(`select case_id, message_id from concern where kind = 'dead-letter'`)
  t.strictSame(concern.rows, [{ case_id: null, message_id: await dead() }])

  all.push(...(await happen(1)))
  t.equal((await ground.pool.query('select from message')).rowCount, 1, 'a dead webhook piles up nothing')
  const feed = await bank.call({ method: 'GET', path: '/v1/events?limit=500' })
  t.equal((feed.json()['events'] as unknown[]).length, 61, 'the feed is there all the while')

  receiver.answer = () => ({ status: 500 })
  await replayMessage(ground, (await dead()) as string, false)
  await until(async () => receiver.pushes.length === 4 && (await dead()) !== undefined)
  t.match(await webhookOf(bank), { waiting: { state: 'dead', why: 'after 3 attempts: status 500' } })

  receiver.answer = () => ({ status: 202 })
  await replayMessage(ground, (await dead()) as string, true)
  await until(() => receiver.taken().length === 61)
  t.strictSame(receiver.taken(), all)
  t.strictSame(
    receiver.pushes.map(({ events }) => events.length),
    [50, 50, 50, 50, 50, 11],
  )
  await until(async () => (await webhookOf(bank))['waiting'] === null)
  t.equal((await webhookOf(bank))['cursor'], '61')

  // What the receiver asks for is waited.
  let asked = 0
  receiver.answer = () => {
    asked += 1
    return asked === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { status: 204 }
  }
  await happen(1)
  await until(() => asked === 1)
  await until(async () => (await ground.pool.query(`select from message where state = 'waiting'`)).rowCount === 1)
  const { rows } = await ground.pool.query<{ ms: number }>(
    'select extract(epoch from due_at - since)::float8 * 1000 as ms from message',
  )
  t.ok((rows[0]?.ms ?? 0) >= 1999, 'no sooner than asked')
  await until(() => asked === 2)
})
