import t from 'tap'
import { bankIdOf, commitEvents } from './support/events.ts'
import { metric } from './support/metrics.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook } from './support/webhooks.ts'
import { OTHER_BANK, SAMPLE_BANK, startWorld } from './support/world.ts'

await t.test('how far webhooks are behind is seen in every state, though one push is live at most', async (t) => {
  const world = await startWorld(t, { config: LOOPBACK })
  const { url, ground } = world.gateway
  const behind = (state: string) => metric(url, `bdc_webhook_events_behind{state="${state}"}`)
  const count = (state: string) => metric(url, `bdc_webhooks{state="${state}"}`)
  const age = () => metric(url, 'bdc_webhook_oldest_event_age_seconds')
  const banks = [SAMPLE_BANK, OTHER_BANK]
  const receiver = await startReceiver(t, ground.folders.signing)
  for (const bank of banks) {
    await putWebhook(await world.enrol({ bank }), receiver.url)
    const bankId = await bankIdOf(ground.pool, bank.code)
    await commitEvents(ground.batch, ground.keyring, bankId, bank === SAMPLE_BANK ? 300 : 5)
  }
  t.strictSame([await count('pending'), await count('approved')], [2, 0])
  t.strictSame([await behind('pending'), await behind('approved'), await age()], [305, 0, 0])

  receiver.answer = () => ({ status: 500 })
  await decide(world, 'approved')
  await until(() => receiver.pushes.length > 1)
  t.strictSame([await behind('pending'), await behind('approved')], [5, 300])
  t.equal(await metric(url, 'bdc_messages_live{endpoint="webhook"}'), 1)
  t.ok(((await age()) ?? 0) > 0)

  await decide(world, 'suspended')
  t.strictSame([await count('suspended'), await behind('suspended'), await age()], [1, 300, 0])
  receiver.answer = () => ({ status: 204 })
  for (const bank of banks) await decide(world, 'approved', bank.code)
  await until(async () => (await behind('approved')) === 0)
  t.strictSame([await count('approved'), await age(), receiver.taken().length], [2, 0, 305])
})
