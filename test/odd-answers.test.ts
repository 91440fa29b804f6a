import t from 'tap'
import { replayMessage } from '../src/cli/queue-replay.ts'
import { answeringProxy } from './support/answering-proxy.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted } from './support/world.ts'

t.setTimeout(300_000)

/** Answers of a registry that is not as agreed: nothing is doubled, nothing is lost in silence. */
const kindOf = (asked: Buffer): string => /<ExchangeType>(\w+)</.exec(asked.toString('latin1'))?.[1] ?? ''
const SHORT = { registryTimeoutMs: 800, registryMaximumMs: 900, platformTimeoutMs: 800, leaseMarginMs: 300 }

async function worldBehind(t: Parameters<typeof startWorld>[0], registry: Parameters<typeof startWorld>[1] = {}) {
  const proxy = await answeringProxy(t)
  const world = await startWorld(t, { ...registry, config: { ...SHORT, registryUrl: `${proxy.url}/` } })
  proxy.forwardTo = world.registry.url
  const bank = await world.enrol()
  const { pool } = world.database
  const effectsOf = async (id: string): Promise<number> => {
    const { businessNumber } = await caseOf(bank, id)
    const { cases } = await world.registry.state()
    return cases.find((one) => one.businessNumber === businessNumber)?.effects ?? 0
  }
  const concerns = async (id: string): Promise<string[]> => {
    const { rows } = await pool.query<{ kind: string }>('select kind from concern where case_id = $1', [id])
    return rows.map(({ kind }) => kind)
  }
  return { proxy, world, bank, pool, effectsOf, concerns }
}

await t.test('a receipt that tells of another case is no receipt: the case is looked up', async (t) => {
  const { proxy, bank, effectsOf } = await worldBehind(t)
  let changed = 0
  proxy.answer = ({ asked, answer }) => {
    if (kindOf(asked) !== 'SUBMIT' || changed > 0) return null
    changed += 1
    const text = answer.toString('latin1').replace(/YWLSH="\d+"/g, 'YWLSH="420222260101000009"')
    return { body: Buffer.from(text, 'latin1') }
  }
  const id = await fileSample(bank)
  await untilCompleted(bank, id, 60_000)
  t.equal(changed, 1)
  t.equal(await effectsOf(id), 1)
})

await t.test('a refusal with an unknown code may have had its effect: a replay looks it up first', async (t) => {
  const { proxy, world, bank, pool, effectsOf } = await worldBehind(t)
  let changed = 0
  proxy.answer = ({ asked, answer }) => {
    if (kindOf(asked) !== 'SUBMIT' || changed > 0) return null
    changed += 1
    const id = /<BizMsgID>([^<]*)</.exec(answer.toString('latin1'))?.[1] ?? ''
    return {
      body: Buffer.from(
        `<?xml version="1.0" encoding="GB18030"?>\n<respond><BizMsgID>${id}</BizMsgID><SuccessFlag>2</SuccessFlag><ResponseCode>8888</ResponseCode><ResponseInfo>timeout</ResponseInfo></respond>`,
      ),
    }
  }
  const id = await fileSample(bank)
  const dead = async (): Promise<string | undefined> =>
    (await pool.query<{ id: string }>(`select id from message where case_id = $1 and state = 'dead'`, [id])).rows[0]?.id
  await until(async () => (await dead()) !== undefined, 60_000)
  const message = (await dead()) ?? ''
  await t.rejects(replayMessage(world.gateway.ground, message, true), { code: 'message-may-have-arrived' })
  await replayMessage(world.gateway.ground, message, false)
  await untilCompleted(bank, id, 60_000)
  t.equal(await effectsOf(id), 1)
})

await t.test('an answer that cannot be read stops its own case only, and a person is told once', async (t) => {
  const { proxy, bank, concerns } = await worldBehind(t)
  const poisoned = await fileSample(bank, { vary: true })
  const number = String((await caseOf(bank, poisoned))['businessNumber'])
  let unreadable = 0
  proxy.answer = ({ asked, answer }) => {
    if (kindOf(asked) !== 'PROGRESS') return null
    const text = answer.toString('latin1')
    if (!text.includes(number)) return null
    unreadable += 1
    const changed = text.replace(
      /(<JH_BJ [^>]*YWLSH="(\d+)"[^>]*)SFCZ="1"/g,
      (all: string, head: string, found: string) => (found === number ? `${head}SFCZ="9"` : all),
    )
    return { body: Buffer.from(changed, 'latin1') }
  }
  const others = await Promise.all([1, 2, 3].map(() => fileSample(bank, { vary: true })))
  await Promise.all(others.map((id) => untilCompleted(bank, id, 60_000)))
  await until(async () => (await concerns(poisoned)).length > 0 && unreadable > 3, 60_000)
  t.same(await concerns(poisoned), ['answer-unreadable'])
  t.not((await caseOf(bank, poisoned))['completed'], true)
  proxy.answer = () => null
  await untilCompleted(bank, poisoned, 60_000)
})

await t.test('a fee notice without a time does not contradict itself at every poll', async (t) => {
  const { proxy, world, bank, concerns } = await worldBehind(t, { registry: { fee: 'due' } })
  let notices = 0
  proxy.answer = ({ asked, answer }) => {
    if (kindOf(asked) !== 'FEE') return null
    const text = answer.toString('latin1')
    if (text.includes('JH_JF')) notices += 1
    return { body: Buffer.from(text.replace(/ TZSJ="[^"]*"/g, ''), 'latin1') }
  }
  const id = await fileSample(bank)
  await until(() => notices > 4, 60_000)
  t.same(await concerns(id), [])
  await world.registry.control({ pay: String((await caseOf(bank, id))['businessNumber']) })
  await untilCompleted(bank, id, 60_000)
})
