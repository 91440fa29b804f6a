import t from 'tap'
import { request } from 'undici'
import { newId } from '../src/base/id.ts'
import { addUnreadable } from '../src/cases/concern.ts'
import { concernKinds } from '../src/cases/concern-kinds.ts'
import { encodeGb18030 } from '../src/sandbox/gb18030.ts'
import { acknowledgementMessage, callbackSender, newUnid, withdrawalMessage } from './support/callbacks.ts'
import { within } from './support/command.ts'
import { metric as metricOf } from './support/metrics.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld } from './support/world.ts'

t.setTimeout(120_000)

const world = await startWorld(t)
const { gateway, database, registry } = world
const bank = await world.enrol()
const send = await callbackSender(t, world)
const env = {
  DATABASE_URL: database.url,
  MASTER_KEY: database.masterKey.toString('hex'),
  DATA_DIR: gateway.ground.config.dataDir,
}
const run = (...args: string[]) => within(env, 'concern', ...args)
const metric = (name: string) => metricOf(gateway.url, name)
const records = async (outcome: string): Promise<Record<string, unknown>[]> =>
  (
    await database.pool.query<{ record: Record<string, unknown> }>(
      `select record from (select convert_from(bytes, 'utf8')::jsonb as record from trace_record) r
        where record ->> 'outcome' = $1`,
      [outcome],
    )
  ).rows.map(({ record }) => record)

await t.test('what a callback raised is listed, shown, revealed and closed, each with its trace', async (t) => {
  t.match(await run('ls'), { code: 0, out: /none/ })
  t.equal(await metric('bdc_concerns_open{kind="platform-refused"}'), 0)
  await registry.control({ config: { stepMs: null } })
  const id = await fileSample(bank, { vary: true })
  await until(async () => (await caseOf(bank, id))['state'] === 'submitted')
  const sn = String((await caseOf(bank, id))['platformNumber'])
  t.equal((await send(acknowledgementMessage(sn, { type: '10', unid: newUnid() }, 'N'))).status, 200)
  await until(async () => (await metric('bdc_concerns_open{kind="platform-refused"}')) === 1)

  const [listed] = JSON.parse((await run('ls', '--json')).out) as Record<string, string>[]
  const [zh, en] = concernKinds['platform-refused']
  t.match(listed, { kind: 'platform-refused', caseId: id, messageId: null, zh, en, closedAt: null })
  const concern = String(listed?.['id'])
  const table = (await run('ls', '--case', id)).out
  for (const told of [concern, zh, en, id]) t.ok(table.includes(told), told)
  t.match(await run('ls', '--kind', 'payment-differs'), { code: 0, out: /none/ })
  t.match(await run('ls', '--after', concern), { code: 0, out: /none/ })

  const shown = await run('show', concern)
  t.match(shown, { code: 0, out: /acknowledgement/ })
  t.notMatch(shown.out, /已接收/, 'masked')
  t.strictSame(await records('concern-revealed'), [])
  const revealed = JSON.parse((await run('show', concern, '--reveal', '--json')).out) as Record<string, unknown>
  t.match(revealed, { content: { callback: { acknowledgement: { accepted: false, text: '已接收' } } } })
  t.match(await records('concern-revealed'), [
    { type: 'disclosure', caseId: id, facts: { concernId: concern, kind: 'platform-refused', fields: ['callback'] } },
  ])

  t.match(await run('close', concern), { code: 2 }, 'not without a reason')
  t.match(await run('close', concern, '--why', '已与平台核对'), { code: 0 })
  t.match(await records('concern-closed'), [{ type: 'administration', caseId: id, facts: { concernId: concern } }])
  t.match(await run('ls'), { code: 0, out: /none/ })
  t.equal(await metric('bdc_concerns_open{kind="platform-refused"}'), 0)
  t.match(await run('close', concern, '--why', '再次'), { code: 1, err: /concern-closed/ })
  t.match(await run('show', concern, '--json'), { code: 0, out: /"closedAt":"2/ }, 'a closed one can be seen')
  t.match(await run('show', newUnid()), { code: 1, err: /concern-not-found/ })
})

await t.test('an answer that could not be read is shown as text, masked', async (t) => {
  const { ground } = gateway
  const bytes = encodeGb18030('<?xml version="1.0" encoding="GB18030"?><respond><QLR QLRMC="柯明" DYH="7"/></respond>')
  await ground.batch.submit({
    asks: [],
    decide: (_held, rows) =>
      addUnreadable(newId(), 'progress', bytes, rows, { sealer: ground.keyring, clock: ground.clock }),
  })
  const [listed] = JSON.parse((await run('ls', '--kind', 'answer-unreadable', '--json')).out) as { id: string }[]
  const masked = await run('show', String(listed?.id))
  t.match(masked, { code: 0, out: /"question": "progress"/ })
  t.match(masked.out, /QLRMC="柯\*\*\*" DYH="7"/)
  t.match(await run('show', String(listed?.id), '--reveal'), { out: /QLRMC="柯明"/ })
})

await t.test('callbacks that wait for their case are counted, with their age', async (t) => {
  t.equal(await metric('bdc_platform_callbacks_waiting'), 0)
  t.equal(await metric('bdc_platform_callbacks_oldest_age_seconds'), 0)
  t.equal((await send(withdrawalMessage('hsbdc00000000000009'))).status, 200)
  t.equal(await metric('bdc_platform_callbacks_waiting'), 1)
  t.ok(((await metric('bdc_platform_callbacks_oldest_age_seconds')) ?? 0) > 0)
})

await t.test('the loop that joins callbacks is seen by the health check', async (t) => {
  const ready = async () => (await (await request(`${gateway.url}/readyz`)).body.json()) as { ready: boolean }
  t.match(await ready(), { ready: true, checks: { callbacks: true } })
  await database.pool.query('alter table platform_callback rename column due_at to elsewhere')
  await until(async () => !(await ready()).ready)
  t.match(await ready(), { checks: { callbacks: false, delivery: true } })
  await database.pool.query('alter table platform_callback rename column elsewhere to due_at')
  await until(async () => (await ready()).ready)
})
