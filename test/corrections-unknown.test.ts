import t from 'tap'
import { answerTo, correct, untilAsked } from './support/corrections.ts'
import { until } from './support/until.ts'
import { fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t, {
  config: { registryTimeoutMs: 500, registryMaximumMs: 500, platformTimeoutMs: 500 },
})
const { registry } = world
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
