import { randomUUID } from 'node:crypto'
import t from 'tap'
import { answerMessage, callbackSender, newUnid } from './support/callbacks.ts'
import { type AskedCorrection, answerTo, correct, correctionOf, untilAsked, withdraw } from './support/corrections.ts'
import { pdf } from './support/refusal-bench.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, OPERATOR, startWorld, untilDelivered } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t, { registry: { stepMs: null, withdrawal: { answer: 'refuse' } } })
const { database, registry, gateway } = world
const bank = await world.enrol()
const send = await callbackSender(t, world)

async function askedCase(): Promise<{ id: string; asked: AskedCorrection }> {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: 20 } }])
  const id = await fileSample(bank, { vary: true })
  const asked = await untilAsked(bank, id)
  await registry.control({ config: { stepMs: null } })
  return { id, asked }
}

async function withdrawalPaper(): Promise<Record<string, unknown>> {
  const uploaded = await bank.uploadMaterial({ bytes: pdf(77), contentType: 'application/pdf' })
  const material = {
    id: uploaded.json()['id'],
    kind: 'withdrawal-request',
    name: '撤回登记申请书',
    form: 'original',
    copies: 1,
    pages: 1,
    checkedBy: OPERATOR,
    checkedAt: new Date().toISOString(),
  }
  return { reason: '双方同意撤回', materials: [material] }
}

const other = await fileSample(bank, { vary: true })
await until(async () => (await caseOf(bank, other))['state'] === 'submitted')

/** Holds every commit up from here, so that what is submitted meanwhile shares the next. */
async function holdCommits(): Promise<() => Promise<void>> {
  const client = await database.pool.connect()
  await client.query('begin')
  await client.query('select from cases where id = $1 for update', [other])
  const blocked = withdraw(bank, other)
  await until(async () => {
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return (await database.pool.query(waiting)).rowCount !== 0
  })
  return async () => {
    await client.query('rollback')
    client.release()
    await blocked
  }
}

/** Places of the case's files as the registry holds them: what its names begin with. */
async function placesOf(id: string): Promise<string[]> {
  await untilDelivered(world)
  const { businessNumber } = await caseOf(bank, id)
  const { materials } = await registry.state()
  return materials
    .filter((material) => material.businessNumber === businessNumber)
    .map(({ fileName }) => fileName.slice(0, 2))
    .sort()
}

const eleven = Array.from({ length: 11 }, (_, index) => String(index + 1).padStart(2, '0'))

await t.test('a withdrawal and a correction at once, each with a file: no two files in one place', async (t) => {
  const { id, asked } = await askedCase()
  const [paper, body, key] = [await withdrawalPaper(), await answerTo(bank, asked), randomUUID()]
  const letGo = await holdCommits()
  const depth = gateway.ground.batch.depth
  const withdrawing = withdraw(bank, id, paper)
  await until(() => gateway.ground.batch.depth > depth)
  const correcting = correct(bank, id, body, { idempotencyKey: key })
  await until(() => gateway.ground.batch.depth > depth + 1)
  await letGo()
  const [withdrawn, corrected] = [await withdrawing, await correcting]
  t.equal(withdrawn.status, 202, withdrawn.body.toString())
  if (corrected.status !== 202) {
    t.match(corrected.json(), { status: 409, code: 'request-in-progress' })
    const again = await correct(bank, id, body, { idempotencyKey: key })
    t.equal(again.status, 202, 'sent again it is judged anew')
  }
  t.strictSame(await placesOf(id), eleven)
})

await t.test('the same, answered at the platform', async (t) => {
  await registry.control([{ outcome: 'correct' }, { config: { stepMs: null } }])
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  const sn = String((await caseOf(bank, id))['platformNumber'])
  const uploaded = await bank.uploadMaterial({ bytes: pdf(501), contentType: 'application/pdf' })
  const file = String(uploaded.json()['id']).replaceAll('-', '')
  const items = [
    { UNID: file, Mode: 'upload', SeqNo: '1', Name: '授权委托书', FileName: '补正.pdf' },
    { Mode: 'form', SeqNo: '2', Field: 'DJXX_JZAREA', FormUNID: 'f3', Value: '96.46' },
  ]
  const unid = newUnid()
  await send(answerMessage(sn, 1, items, unid))
  const rowOf = async (): Promise<{ tries: number; state: string } | undefined> => {
    const text = 'select tries, state from platform_callback where unid = $1'
    return (await database.pool.query<{ tries: number; state: string }>(text, [unid])).rows[0]
  }
  // It came early, and is looked at again when everything is ready for it.
  const lookAt = async (dueAt: string): Promise<void> =>
    void (await database.pool.query('update platform_callback set due_at = $2 where unid = $1', [unid, dueAt]))
  await until(async () => ((await rowOf())?.tries ?? 0) > 0)
  await lookAt('infinity')
  await registry.control({ config: { stepMs: 20 } })
  await untilAsked(bank, id)
  await registry.control({ config: { stepMs: null } })
  t.match(await rowOf(), { state: 'waiting' })
  const paper = await withdrawalPaper()

  const letGo = await holdCommits()
  const depth = gateway.ground.batch.depth
  const withdrawing = withdraw(bank, id, paper)
  await until(() => gateway.ground.batch.depth > depth)
  await lookAt('now')
  await until(() => gateway.ground.batch.depth > depth + 1)
  await letGo()
  t.equal((await withdrawing).status, 202)
  await until(async () => (await rowOf())?.state === 'applied')
  t.match(await correctionOf(bank, id), { answered: { by: 'platform' } })
  t.strictSame(await placesOf(id), eleven)
})
