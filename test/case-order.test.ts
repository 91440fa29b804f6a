import t from 'tap'
import { type PollerMeans, pollOnce } from '../src/registry/poller.ts'
import { answerTo, correct, untilAsked, withdraw } from './support/corrections.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilDelivered } from './support/world.ts'

t.setTimeout(180_000)

const world = await startWorld(t, {
  config: { registryTimeoutMs: 500, registryMaximumMs: 500, platformTimeoutMs: 500 },
})
const { database, registry } = world
const bank = await world.enrol()

await t.test('all that a case sends arrives in order while the registry fails every third call', async (t) => {
  for (const fault of ['error-before', 'drop-after-effect'] as const) {
    await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }, { fault, every: 3 }])
    const id = await fileSample(bank, { vary: true })
    const asked = await untilAsked(bank, id)
    await registry.control({ config: { stepMs: null } })
    t.equal((await correct(bank, id, await answerTo(bank, asked))).status, 202)
    t.equal((await withdraw(bank, id)).status, 202)
    await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn', 60_000)
    await registry.control({ reset: true })
    await untilDelivered(world)
    const { rows } = await database.pool.query<{ kind: string }>(
      `select a.kind from attempt a join message_history m on m.id = a.message_id
        where m.case_id = $1 and m.channel = 'registry' and a.outcome in ('delivered', 'found') order by a.ended_at, a.id`,
      [id],
    )
    t.strictSame(
      rows.map(({ kind }) => kind),
      [...Array<string>(9).fill('MATERIALS'), 'SUBMIT', 'MATERIALS', 'CORRECT', 'WITHDRAW'],
      fault,
    )
    const { businessNumber } = await caseOf(bank, id)
    const { cases } = await registry.state()
    t.match(
      cases.find((one) => one.businessNumber === businessNumber),
      { effects: 1, state: 'withdrawn' },
    )
  }
})

await t.test('what waits long for room is asked about under a lease of its own, or left to who took it', async (t) => {
  await registry.control({ config: { stepMs: null } })
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await database.pool.query('select from poll where case_id = $1', [id])).rowCount === 1)
  await world.gateway.work?.polling.stop()
  const seen: string[] = []
  const lease = 'select lease_until > now() as "isHeld", fence from poll where case_id = $1'
  const wait = async (meanwhile: string): Promise<void> => {
    await database.pool.query('update poll set due_at = now(), lease_until = null where case_id = $1', [id])
    const means = {
      endpoint: 'registry',
      profile: 'yx-registry',
      pool: database.pool,
      cases: { sealer: database.keyring, clock: { now: () => new Date() } },
      mappings: { outward: () => ({ render: () => Buffer.alloc(1) }) },
      numbers: { take: async () => ['420222261125700001'] },
      concurrency: 1,
      leaseMs: 60_000,
      signal: new AbortController().signal,
      inSlot: async (exchange: () => Promise<unknown>) => {
        await database.pool.query(`update poll set ${meanwhile} where case_id = $1`, [id])
        return exchange()
      },
      post: async () => {
        seen.push(JSON.stringify((await database.pool.query(lease, [id])).rows))
        throw new Error('not to be heard')
      },
      onError: () => undefined,
    }
    t.equal(await pollOnce(means as unknown as PollerMeans), 1)
  }
  await wait(`lease_until = now() - interval '1 s'`)
  t.match(seen.splice(0), [/"isHeld":true/])
  await wait(`lease_until = now() + interval '1 s', fence = fence + 1`)
  t.strictSame(seen, [], 'another process asks')
})
