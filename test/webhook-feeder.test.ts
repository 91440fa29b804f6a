import t from 'tap'
import { webhookDestination } from '../src/bank/webhook-destination.ts'
import { feedWebhooks } from '../src/bank/webhook-feeder.ts'
import { newId } from '../src/base/id.ts'
import { Batch } from '../src/db/batch.ts'
import { caseStreamsStep } from '../src/delivery/case-streams.ts'
import { Deadline } from '../src/delivery/deadline.ts'
import { traceRecord } from '../src/trace/record.ts'
import { testDatabase } from './support/database.ts'
import { commitEvents } from './support/events.ts'

const day = { from: '2026-01-01', to: '2099-12-31' }

await t.test('many feeders on several nodes give a webhook one push, with one disclosure', async (t) => {
  const database = await testDatabase(t)
  const { pool, keyring: sealer } = database
  const [bankId, accountId] = [newId(), newId()]
  await pool.query(`insert into bank values ($1, 'B', '银行', 'active', $2, $3)`, [bankId, day.from, day.to])
  await pool.query(`insert into account values ($1, $2, 'a', 'active', 'p256', '{}', '{}', $3, $4)`, [
    accountId,
    bankId,
    day.from,
    day.to,
  ])
  await pool.query(`insert into webhook values ($1, $2, 'https://bank.example/', 'approved', 0, now())`, [
    bankId,
    accountId,
  ])
  const clock = { now: () => new Date() }
  const record = (act: Parameters<typeof traceRecord>[0]) =>
    traceRecord(act, { sealer, blindIndex: (value) => Buffer.from(value) })
  const feeder = () => ({ pool, batch: new Batch(pool), streams: caseStreamsStep(sealer, () => undefined) })
  const nodes = [feeder(), feeder(), feeder()].map((node) => ({ ...node, sealer, clock, record }))
  await commitEvents(new Batch(pool), sealer, bankId, 70)
  await Promise.all(nodes.flatMap((node) => [feedWebhooks(node), feedWebhooks(node), feedWebhooks(node)]))
  const { rows } = await pool.query('select case_id, endpoint, channel, position, state from message')
  t.strictSame(rows, [
    { case_id: bankId, endpoint: `webhook:${bankId}`, channel: 'webhook', position: 50, state: 'ready' },
  ])
  const disclosed = async () => (await pool.query(`select from trace_record where type = 'disclosure'`)).rowCount
  t.equal(await disclosed(), 1)

  // What is suspended between the claim and the call is not sent.
  let pushed = 0
  const destination = webhookDestination(bankId, {
    pool,
    sealer,
    clock,
    record,
    client: {
      push: async () => {
        pushed += 1
        return { kind: 'status', status: 200, retryAfter: null }
      },
      close: async () => undefined,
    },
    timeoutMs: 1000,
    leaseMs: 2000,
    onDelivered: () => undefined,
  })
  const message = {
    id: newId(),
    endpoint: `webhook:${bankId}`,
    caseId: bankId,
    channel: 'webhook',
    position: 50,
    kind: 'EVENTS',
    number: 'n',
    documentVersion: 1,
    source: Buffer.from(JSON.stringify({ after: 0, last: 50, receipt: 'sm3=::' })),
    cursor: 0,
    attempts: 0,
    fence: 1,
    inquiry: null,
    supersedes: null,
    traceparent: null,
  }
  const rendered = (await destination.render(message))?.bytes ?? null
  const page = JSON.parse(rendered?.toString() ?? '') as { events: unknown[]; next: string; more: boolean }
  t.strictSame([page.events.length, page.next, page.more], [50, '50', true])
  const changes = [
    [`update webhook set state = 'suspended'`, `update webhook set state = 'approved'`],
    [`update bank set state = 'suspended'`, `update bank set state = 'active'`],
    [`update bank set agreement_to = '2026-01-02'`, `update bank set agreement_to = '2099-12-31'`],
    [`update account set state = 'closed'`, `update account set state = 'active'`],
    [`update account set valid_from = '2099-01-01'`, `update account set valid_from = '2026-01-01'`],
  ] as const
  for (const [shut, reopen] of changes) {
    await pool.query(shut)
    t.equal(await destination.isOpen?.(), false, shut)
    t.match((await destination.send(message, rendered, Deadline.after(1000))).outcome, { kind: 'retry' })
    await pool.query(reopen)
  }
  t.equal(pushed, 0)
  t.equal(await destination.isOpen?.(), true)
  t.match((await destination.send(message, rendered, Deadline.after(1000))).outcome, { kind: 'delivered' })
  t.equal(pushed, 1)
})
