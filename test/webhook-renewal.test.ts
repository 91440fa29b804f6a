import t from 'tap'
import { bankIdOf, commitEvents } from './support/events.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook, webhookOf } from './support/webhooks.ts'
import { SAMPLE_BANK, startWorld } from './support/world.ts'

t.setTimeout(60_000)

await t.test('an address that is approved gets what waits, whatever became of the push before', async (t) => {
  const world = await startWorld(t, { config: { ...LOOPBACK, attemptsMaximum: 3 } })
  const { pool, batch, keyring, folders } = world.gateway.ground
  const bank = await world.enrol()
  const bankId = await bankIdOf(pool, SAMPLE_BANK.code)
  const [old, mended] = [await startReceiver(t, folders.signing), await startReceiver(t, folders.signing)]
  const happen = (count: number) => commitEvents(batch, keyring, bankId, count)
  const waiting = async () => (await webhookOf(bank))['waiting'] as Record<string, unknown> | null

  old.answer = () => ({ status: 302, headers: { location: `${mended.url}/` } })
  await putWebhook(bank, old.url)
  await decide(world, 'approved')
  const all = await happen(3)
  await until(async () => (await waiting())?.['state'] === 'dead')
  t.match(await waiting(), { why: 'refused: redirected 302' })

  // The bank mends its address: what waits is the centre's decision, no longer what the old address did.
  const set = await putWebhook(bank, mended.url)
  t.strictSame(await waiting(), {
    events: 3,
    state: 'queued',
    since: set.json()['setAt'],
    why: 'the address is pending',
  })
  // As many failures as are borne, beginning anew.
  mended.answer = () => ({ status: mended.pushes.length < 3 ? 500 : 204 })
  await decide(world, 'approved')
  await until(() => mended.taken().length === 3)
  t.strictSame(mended.taken(), all)
  t.equal(mended.pushes.length, 3)
  await until(async () => (await waiting()) === null)
  t.match(await webhookOf(bank), { state: 'approved', cursor: '3' })
  t.equal(old.pushes.length, 1)

  // The same address, mended by the bank: suspended and approved again it goes on where it stopped.
  mended.answer = () => ({ status: 307 })
  all.push(...(await happen(2)))
  await until(async () => (await waiting())?.['state'] === 'dead')
  mended.answer = () => ({ status: 204 })
  await decide(world, 'suspended')
  const { decidedAt } = await webhookOf(bank)
  t.strictSame(await waiting(), { events: 2, state: 'queued', since: decidedAt, why: 'the address is suspended' })
  await decide(world, 'approved')
  await until(() => mended.taken().length === 5)
  t.strictSame(mended.taken(), all)
  const { rows } = await pool.query('select live, dead, taken, delivered from endpoint_depth where endpoint = $1', [
    `webhook:${bankId}`,
  ])
  await until(async () => (await waiting()) === null)
  t.match(rows, [{ dead: 0 }])
})

await t.test('what the old address does after another was approved is nothing to the new one', async (t) => {
  const world = await startWorld(t, { config: { ...LOOPBACK, webhookTimeoutMs: 3000, attemptsMaximum: 1 } })
  const { pool, batch, keyring, folders } = world.gateway.ground
  const bank = await world.enrol()
  const bankId = await bankIdOf(pool, SAMPLE_BANK.code)
  const [old, mended] = [await startReceiver(t, folders.signing), await startReceiver(t, folders.signing)]
  old.answer = () => 'silence'
  await putWebhook(bank, old.url)
  await decide(world, 'approved')
  const all = await commitEvents(batch, keyring, bankId, 2)
  await until(() => old.pushes.length === 1)
  await putWebhook(bank, mended.url)
  await decide(world, 'approved')
  const { rows } = await pool.query('select state from message where case_id = $1', [bankId])
  t.strictSame(rows, [{ state: 'sending' }], 'it is still under way')
  await until(() => mended.taken().length === 2)
  t.strictSame(mended.taken(), all)
})
