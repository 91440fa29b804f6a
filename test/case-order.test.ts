import t from 'tap'
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
