import t from 'tap'
import { answerTo, correct, untilAsked, withdraw } from './support/corrections.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t, {
  config: { registryTimeoutMs: 500, registryMaximumMs: 500, platformTimeoutMs: 500 },
})
const { registry, database } = world
const bank = await world.enrol()

async function submissions(id: string): Promise<number> {
  const { events } = (await bank.getEvents(id)).json() as { events: { type: string }[] }
  return events.filter(({ type }) => type === 'submitted').length
}

await t.test('after an unknown outcome progress is asked for; the answer has one effect', async (t) => {
  for (const [fault, goesOn] of [
    ['drop-after-effect', true],
    ['drop-after-effect', false],
    ['error-before', false],
  ] as const) {
    await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
    const id = await fileSample(bank, { vary: true })
    const asked = await untilAsked(bank, id)
    await registry.control([{ fault, on: 'CORRECT', times: 1 }, { config: { stepMs: goesOn ? 20 : null } }])
    t.equal((await correct(bank, id, await answerTo(bank, asked))).status, 202)
    await until(async () => (await submissions(id)) === 2, 20_000)
    await registry.control([{ reset: true }, { config: { stepMs: 20 } }])
    await untilCompleted(bank, id)
    t.equal(await submissions(id), 2, `${fault}, ${goesOn}`)
    await untilDelivered(world)
  }
})

await t.test('an answer that never came before the end is not told as submitted', async (t) => {
  await registry.control([
    { outcome: 'correct' },
    { config: { stepMs: 20, withdrawal: { answer: 'grant', afterMs: 3000 } } },
  ])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  t.equal((await withdraw(bank, id)).status, 202)
  await registry.control([{ config: { stepMs: null } }, { fault: 'error-before', on: 'CORRECT' }])
  t.equal((await correct(bank, id, await answerTo(bank, asked))).status, 202)
  await until(async () => (await caseOf(bank, id))['state'] === 'withdrawn', 20_000)
  await untilDelivered(world)
  t.equal(await submissions(id), 1)
  const concern = await database.pool.query(
    `select from concern where kind = 'correction-overtaken' and case_id = $1`,
    [id],
  )
  t.equal(concern.rowCount, 1)
  const { rows } = await database.pool.query(
    `select state, why from message_history where case_id = $1 and kind = 'CORRECT'`,
    [id],
  )
  t.strictSame(rows, [{ state: 'superseded', why: 'the registry has ended the case without it' }])
  t.match(await caseOf(bank, id), { request: 'none' })
})
