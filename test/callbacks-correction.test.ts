import { randomUUID } from 'node:crypto'
import t from 'tap'
import { answerMessage, callbackSender, newUnid } from './support/callbacks.ts'
import { type AskedCorrection, correctionOf, untilAsked } from './support/corrections.ts'
import { pdf } from './support/refusal-bench.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t)
const { database, registry, platform } = world
const bank = await world.enrol()
const send = await callbackSender(t, world)

async function stateOf(unid: string): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ state: string }>('select state from platform_callback where unid = $1', [
    unid,
  ])
  return rows[0]?.state
}

async function uploaded(size: number): Promise<string> {
  const answer = await bank.uploadMaterial({ bytes: pdf(size), contentType: 'application/pdf' })
  return String(answer.json()['id']).replaceAll('-', '')
}

/** What a person at the platform answers to each item that was asked. */
function answered(asked: AskedCorrection, file: string): Record<string, string>[] {
  return asked.items.map(({ number, resolved, materialName }) =>
    resolved?.path === undefined
      ? {
          UNID: file,
          Mode: 'upload',
          SeqNo: String(number),
          Name: String(materialName),
          FileName: '补正.pdf',
          OriginalMaterialID: String(resolved?.materialId).replaceAll('-', ''),
        }
      : { Mode: 'form', SeqNo: String(number), Field: 'DJXX_JZAREA', FormUNID: 'f3', Value: '96.46' },
  )
}

await t.test('answered at the platform it is the bank’s answer: it goes to the registry, and not back', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  const sn = String((await caseOf(bank, id))['platformNumber'])
  await until(async () => {
    const own = (await platform.state()).cases.find((one) => one.sn === sn)
    return own?.relayed.some(({ type }) => type === '22') === true
  })

  const [unusable, good, late] = [newUnid(), newUnid(), newUnid()]
  const nowhere = answered(asked, randomUUID().replaceAll('-', ''))
  t.equal((await send(answerMessage(sn, 1, nowhere, unusable))).status, 200)
  await until(async () => (await stateOf(unusable)) === 'raised')
  const raised = await database.pool.query(`select from concern where kind = 'correction-unusable' and case_id = $1`, [
    id,
  ])
  t.equal(raised.rowCount, 1, 'a file that we do not hold')
  t.match(await correctionOf(bank, id), { answered: null }, 'and nothing is changed')

  // Longer than the registry takes, with a character of two units where it is cut; ids in capitals.
  const wordy = answered(asked, (await uploaded(501)).toUpperCase()).map((item) => ({
    ...item,
    Answer: `${'啊'.repeat(499)}𠮷𠮷`,
  }))
  const message = answerMessage(sn, 1, wordy, good)
  t.equal((await send(message)).status, 200)
  t.equal((await send(message)).status, 200)
  await until(async () => (await stateOf(good)) === 'applied')
  t.match(await correctionOf(bank, id), { answered: { by: 'platform' } })
  t.equal((await send(answerMessage(sn, 1, answered(asked, await uploaded(502)), late))).status, 200)
  await until(async () => (await stateOf(late)) === 'raised')
  await untilCompleted(bank, id)
  await untilDelivered(world)
  const { events } = (await bank.getEvents(id)).json() as {
    events: { type: string; by?: string; items?: { answer: string }[] }[]
  }
  t.strictSame(
    events.filter(({ type }) => type === 'correction-answered').map(({ by }) => by),
    ['platform'],
  )
  const told = events.find(({ type }) => type === 'correction-answered')
  t.equal(told?.items?.[0]?.answer, `${'啊'.repeat(499)}𠮷`)
  const { rows } = await database.pool.query<{ what: string }>(
    `select channel || ' ' || kind as what from message_history
      where case_id = $1 and kind in ('22', 'CORRECT', 'MATERIALS') order by channel, position`,
    [id],
  )
  t.strictSame(
    rows.map(({ what }) => what),
    ['platform MATERIALS', 'platform 22', 'registry MATERIALS', 'registry MATERIALS', 'registry CORRECT'],
    'asked there, and not told again what was answered there',
  )
})

await t.test('an answer that comes before the question is known waits for it', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: null } }])
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  const sn = String((await caseOf(bank, id))['platformNumber'])
  const unid = newUnid()
  const file = await uploaded(503)
  const items = [
    { UNID: file, Mode: 'upload', SeqNo: '1', Name: '授权委托书', FileName: '补正.pdf' },
    { Mode: 'form', SeqNo: '2', Field: 'DJXX_JZAREA', FormUNID: 'f3', Value: '96.46' },
  ]
  t.equal((await send(answerMessage(sn, 1, items, unid))).status, 200)
  await until(async () => {
    const found = await database.pool.query<{ tries: number }>('select tries from platform_callback where unid = $1', [
      unid,
    ])
    return (found.rows[0]?.tries ?? 0) > 0
  })
  t.equal(await stateOf(unid), 'waiting')
  await registry.control({ config: { stepMs: 20 } })
  await until(async () => (await stateOf(unid)) === 'applied', 20_000)
  await untilCompleted(bank, id)
  const { events } = (await bank.getEvents(id)).json() as { events: { type: string }[] }
  t.strictSame(events.map(({ type }) => type).slice(2, 7), [
    'submitted',
    'correction-requested',
    'correction-answered',
    'submitted',
    'accepted',
  ])
})
