import t from 'tap'
import { type FeederMeans, feedWebhooks } from '../src/bank/webhook-feeder.ts'
import { Batch } from '../src/db/batch.ts'
import { openPool, type Pool } from '../src/db/pool.ts'
import { caseStreamsStep } from '../src/delivery/case-streams.ts'
import { bankIdOf, commitEvents } from './support/events.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, LOOPBACK, putWebhook, webhookOf } from './support/webhooks.ts'
import { SAMPLE_BANK, startWorld, untilDelivered } from './support/world.ts'

await t.test('several nodes that feed a webhook at once give it each event in one page', async (t) => {
  const world = await startWorld(t, { config: LOOPBACK })
  const { ground } = world.gateway
  const bank = await world.enrol()
  const bankId = await bankIdOf(ground.pool, SAMPLE_BANK.code)
  const receiver = await startReceiver(t, ground.folders.signing)
  await putWebhook(bank, receiver.url)
  await decide(world, 'approved')

  const streams = caseStreamsStep(ground.keyring, () => undefined)
  const { keyring: sealer, clock, trace } = ground
  const { record } = trace
  const ofNode = (pool: Pool, batch: Pick<Batch, 'submit'>): FeederMeans => ({
    pool,
    batch,
    streams,
    sealer,
    clock,
    record,
  })
  const told = (): number[] => receiver.pushes.flatMap(({ events }) => events.map(({ cursor }) => Number(cursor)))
  const nodes = ['second', 'third', 'fourth'].map((name) => {
    const pool = openPool({ url: world.database.url, max: 4, applicationName: name })
    t.teardown(() => pool.end())
    const batch = new Batch(pool)
    return { batch, feed: () => feedWebhooks(ofNode(pool, batch)) }
  })
  const written: string[] = []
  await Promise.all(
    nodes.map(async ({ batch, feed }) => {
      for (let i = 0; i < 40; i += 1) {
        const [ids] = await Promise.all([commitEvents(batch, ground.keyring, bankId, 1 + (i % 3)), feed(), feed()])
        written.push(...ids)
      }
    }),
  )
  await until(() => receiver.taken().length >= written.length, 30_000)
  await untilDelivered(world)

  t.strictSame(
    told(),
    [...written.keys()].map((place) => place + 1),
    `${receiver.pushes.length} pages, one behind the other`,
  )
  t.strictSame([...receiver.taken()].sort(), [...written].sort())
  t.strictSame(receiver.faults, [])

  // One that looked while nothing was on its way, and comes to its own when the gateway's own push has been delivered.
  let late = 0
  const slow: Pick<Batch, 'submit'> = {
    submit: async (member) => {
      late += 1
      await until(async () => (await webhookOf(bank))['cursor'] === String(written.length))
      return ground.batch.submit(member)
    },
  }
  const comesLate = async (): Promise<boolean> => {
    written.push(...(await commitEvents(ground.batch, ground.keyring, bankId, 1)))
    await feedWebhooks(ofNode(ground.pool, slow))
    return late > 0
  }
  await until(comesLate)
  await untilDelivered(world)
  t.strictSame(
    told(),
    [...written.keys()].map((place) => place + 1),
  )
})
