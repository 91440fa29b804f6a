import t from 'tap'
import { newId } from '../src/base/id.ts'
import type { SendResult } from '../src/delivery/destination.ts'
import { pauseEndpoint, resumeEndpoint } from '../src/delivery/endpoints.ts'
import { listQueues } from '../src/delivery/operations.ts'
import { answer, delivered, deliveryWorld, FakeDestination } from './support/delivery-world.ts'
import { onBothBackends } from './support/queue-backends.ts'
import { until } from './support/until.ts'

await onBothBackends(
  t,
  'messages of one stream arrive in their order, whatever fails on the way',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const registry = new FakeDestination('registry')
    registry.unknownThen = 'resend'
    let calls = 0
    registry.onSend = () => {
      calls += 1
      if (calls % 3 === 1) return answer({ kind: 'retry', reason: 'connection refused' })
      if (calls % 3 === 2) return answer({ kind: 'unknown', reason: 'reset' })
      return delivered
    }
    await world.start([registry])
    const cases = [newId(), newId(), newId()]
    for (const caseId of cases)
      await world.append(caseId, ...[1, 2, 3, 4].map((position) => ({ endpoint: 'registry', position })))
    await until(() => registry.settled.filter(({ fate }) => fate === 'delivered').length === 12)
    for (const caseId of cases) {
      const positions = registry.settled
        .filter(({ message, fate }) => message.caseId === caseId && fate === 'delivered')
        .map(({ message }) => message.position)
      t.strictSame(positions, [1, 2, 3, 4])
    }
    const bytes = new Map<string, Set<string | null>>()
    for (const { message, bytes: sent } of registry.sent)
      bytes.set(message.id, (bytes.get(message.id) ?? new Set()).add(sent))
    t.ok(
      [...bytes.values()].every((kinds) => kinds.size === 1),
      'every retry sent the bytes of the first attempt',
    )
    t.match(await listQueues(world.pool), [
      { live: 0, dead: 0, taken: 12, delivered: 12, sending: 0, oldestDueAt: null },
    ])
    t.equal((await world.pool.query('select from message')).rowCount, 0)
    t.strictSame(world.faults, [])
  },
)

await onBothBackends(
  t,
  'a dead endpoint delays no other, and its dead heads block only their own stream',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const webhook = new FakeDestination('bank.dead')
    webhook.timeoutMs = 60_000
    webhook.leaseMs = 90_000
    webhook.peerMaximumMs = 60_000
    let release = (_result: SendResult): void => undefined
    const silence = new Promise<SendResult>((resolve) => {
      release = resolve
    })
    webhook.onSend = () => silence
    const registry = new FakeDestination('registry')
    registry.onSend = (message) =>
      message.position === 1 && message.kind === 'BAD'
        ? answer({ kind: 'refused', code: '2001', reason: '证件号错误' })
        : delivered
    await world.start([webhook, registry])
    for (let i = 0; i < 20; i += 1) await world.append(newId(), { endpoint: 'bank.dead', position: 1 })
    const blocked = newId()
    const [bad, behind] = await world.append(
      blocked,
      { endpoint: 'registry', position: 1, kind: 'BAD' },
      { endpoint: 'registry', position: 2 },
    )
    const free = newId()
    await world.append(free, { endpoint: 'registry', position: 1 }, { endpoint: 'registry', position: 2 })
    await until(() => registry.settled.filter(({ message }) => message.caseId === free).length === 2)
    t.equal(webhook.settled.length, 0, 'the dead endpoint still holds its slots')
    t.equal(webhook.sent.length, webhook.concurrency)
    await until(() => world.dead.length === 1)
    t.strictSame(world.dead, [{ id: bad, reason: 'refused: 2001', words: '证件号错误' }])
    t.match(await world.message(behind as string), { state: 'queued', why: 'behind another message' })
    const attempt = await world.pool.query('select * from attempt where message_id = $1', [bad])
    t.equal(attempt.rows[0]?.reason, '2001', "the peer's words are not kept in clear")
    webhook.onSend = () => delivered
    release(delivered)
    await until(() => webhook.settled.length === 20)
  },
)

await onBothBackends(
  t,
  'a message is held until its fact is known and its other case lets it go',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const registry = new FakeDestination('registry')
    await world.start([registry])
    const [caseId, other] = [newId(), newId()]
    const [held, next] = await world.append(
      caseId,
      { endpoint: 'registry', position: 1, afterFact: 'platform-number', dependsOn: other },
      { endpoint: 'registry', position: 2 },
    )
    t.match(await world.message(held as string), { state: 'queued', why: `until case ${other} lets it go` })
    await world.change(caseId, (streams, rows) => streams.releaseDependents(rows, other))
    t.match(await world.message(held as string), { state: 'queued', why: 'until platform-number is known' })
    t.match(await world.message(next as string), { state: 'queued', why: 'behind another message' })
    t.equal(registry.sent.length, 0)
    await world.change(caseId, (streams, rows) => streams.release(rows, 'platform-number'))
    await until(() => registry.settled.length === 2)
    t.match(await world.history(next as string), { state: 'delivered', receipt: 'r-1', position: 2, mapping: 'fake@1' })
  },
)

await t.test('members of one batch that touch one stream see each other', async (t) => {
  const world = await deliveryWorld(t)
  const caseId = newId()
  const message = (position: number) => ({ endpoint: 'x', position })
  const [[first], [second], thrown] = await Promise.all([
    world.append(caseId, message(1)),
    world.append(caseId, message(2)),
    world
      .change(caseId, (streams, rows) =>
        streams.undoOnThrow(() => {
          const head = streams.messages[0]
          if (head !== undefined) streams.withdraw(rows, head, 'a change that is taken back')
          throw new Error('no')
        }),
      )
      .catch((error: Error) => error.message),
  ])
  t.equal(thrown, 'no')
  t.equal(world.batch.statistics.commits, 1)
  t.match(await world.message(first as string), { state: 'ready' })
  t.match(await world.message(second as string), { state: 'queued' })
  await world.change(caseId, (streams, rows) => {
    const third = streams.append(rows, {
      ...message(3),
      id: newId(),
      channel: 'x',
      kind: 'K',
      number: 'n',
      documentVersion: 1,
    })
    for (const one of streams.messages.slice(0, 2)) streams.withdraw(rows, one, 'no longer meant')
    t.equal(third.state, 'ready')
  })
  t.match(await world.history(first as string), { state: 'superseded', why: 'no longer meant' })
  t.match((await world.pool.query('select state, position from message')).rows, [{ state: 'ready', position: 3 }])
  await t.rejects(world.append(caseId, message(3)), /given twice/)
  await t.rejects(world.append(caseId, { ...message(1), position: 3 }), /given twice/)
})

await onBothBackends(t, 'a paused endpoint parks what it gets and sends it when it goes on', async (t, backend) => {
  const world = await deliveryWorld(t, backend)
  const bank = new FakeDestination('bank')
  await world.start([bank])
  await pauseEndpoint(world.batch, 'bank', 'asked by the bank')
  const [id] = await world.append(newId(), { endpoint: 'bank', position: 1 })
  const other = new FakeDestination('other')
  await (await world.anotherNode()).start([bank, other])
  await world.append(newId(), { endpoint: 'other', position: 1 })
  await until(() => other.settled.length === 1)
  t.match(await world.message(id as string), { state: 'ready', fence: 0 })
  t.match(await listQueues(world.pool), [{ endpoint: 'bank', paused: true, why: 'asked by the bank', live: 1 }, {}])
  await resumeEndpoint(world.batch, 'bank')
  await until(() => bank.settled.length === 1)
})
