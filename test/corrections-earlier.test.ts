import t from 'tap'
import type { CaseState } from '../src/cases/state.ts'
import { readDocument } from '../src/cases/store.ts'
import { answerTo, correct, correctionOf, untilAsked } from './support/corrections.ts'
import { until } from './support/until.ts'
import { fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

t.setTimeout(180_000)

const world = await startWorld(t)
const { database, registry } = world
const { keyring } = world.gateway.ground
const bank = await world.enrol()

/** Makes of what is kept of a case what the version before corrections kept of it: no column, only sealed members. */
async function toEarlierVersion(id: string): Promise<void> {
  const { rows } = await database.pool.query<{ memory: Buffer }>('select memory from cases where id = $1', [id])
  const context = `cases/memory/${id}`
  const memory = JSON.parse(keyring.open(rows[0]?.memory as Buffer, context).toString()) as CaseState
  delete memory.lastSequence
  for (const part of memory.parts) {
    delete part.materials
    delete part.correction
  }
  await database.pool.query('update cases set memory = $2 where id = $1', [
    id,
    keyring.seal(Buffer.from(JSON.stringify(memory)), context),
  ])
  const { rows: events } = await database.pool.query<{ id: string; sealed: Buffer }>(
    "select id, sealed from event where case_id = $1 and type = 'correction-requested'",
    [id],
  )
  for (const event of events) {
    const place = `event/sealed/${event.id}`
    const body = JSON.parse(keyring.open(event.sealed, place).toString()) as { items: { resolved?: unknown }[] }
    for (const item of body.items) delete item.resolved
    await database.pool.query('update event set sealed = $2 where id = $1', [
      event.id,
      keyring.seal(Buffer.from(JSON.stringify(body)), place),
    ])
  }
}

/** The places of a corrected case's files in their order. */
async function sequences(id: string): Promise<number[]> {
  const { parts } = await readDocument(database.pool, id, 2, keyring)
  return parts.flatMap(({ materials }) => materials.map(({ sequence }) => sequence)).sort((a, b) => a - b)
}

await t.test('a case that stood in correction before is answered and completed', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  await registry.control({ config: { stepMs: null } })
  await untilDelivered(world)
  await toEarlierVersion(id)

  t.strictSame(await correctionOf(bank, id), asked, 'the round is there again, its items resolved')
  const answer = await correct(bank, id, await answerTo(bank, asked))
  t.equal(answer.status, 202, answer.body.toString())
  t.match(await correctionOf(bank, id), { round: 1, answered: { by: 'bank' } })
  await registry.control({ config: { stepMs: 20 } })
  await untilCompleted(bank, id)
  await untilDelivered(world)
  t.equal((await sequences(id)).at(-1), 10, 'the new file takes a place of its own')
})

await t.test('items of a case filed before are resolved, those that name a material too', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: null } }])
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await registry.state()).cases.length > 1, 20_000)
  await untilDelivered(world)
  await toEarlierVersion(id)
  await registry.control({ config: { stepMs: 20 } })
  const asked = await untilAsked(bank, id)
  t.ok(asked.items.some(({ materialName }) => materialName !== undefined))
  for (const { resolved } of asked.items) t.match(resolved?.materialId ?? resolved?.path, /./)
  t.equal((await correct(bank, id, await answerTo(bank, asked))).status, 202)
  await untilCompleted(bank, id)
})
