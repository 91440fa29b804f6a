import t from 'tap'
import { newId } from '../src/base/id.ts'
import { Problem } from '../src/base/problem.ts'
import { claim } from '../src/delivery/claim.ts'
import type { SendResult } from '../src/delivery/destination.ts'
import { ensureEndpoints } from '../src/delivery/endpoints.ts'
import { replay, showMessage } from '../src/delivery/operations.ts'
import { type Recording, recordSent } from '../src/delivery/record.ts'
import { openLeased } from '../src/delivery/store.ts'
import { answer, delivered, deliveryWorld, FakeDestination, type World } from './support/delivery-world.ts'
import { onBothBackends } from './support/queue-backends.ts'
import { until } from './support/until.ts'

const lost = answer({ kind: 'unknown', reason: 'the connection was reset' })

/** Short times, so that looks that must come later than lease and peer's maximum come within the test. */
function registry(): FakeDestination {
  const destination = new FakeDestination('registry')
  destination.timeoutMs = 200
  destination.leaseMs = 600
  destination.peerMaximumMs = 200
  return destination
}

await onBothBackends(
  t,
  'what may have arrived is asked about twice, later than lease and peer, and then sent exactly as before',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const destination = registry()
    destination.onSend = async () => (destination.sent.length === 1 ? lost : delivered)
    destination.onInquire = () => ({ kind: 'absent', response: Buffer.from('SFCZ 0') })
    await world.start([destination])
    const before = await world.pool.query<{ now: Date }>('select now()')
    const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
    await until(async () => (await world.message(id as string))?.inquiry !== null)
    const row = await world.message(id as string)
    t.match(row, { state: 'waiting', inquiry: 'after an unknown outcome', attempts: 1 })
    const earliest = (before.rows[0]?.now.getTime() ?? 0) + destination.leaseMs + destination.peerMaximumMs
    t.ok(Number(row?.due_at) >= earliest, 'no look before the lease and the peer are done')
    await until(() => destination.settled.at(-1)?.fate === 'delivered')
    t.strictSame(await world.outcomes(id as string), ['unknown', 'absent', 'absent', 'delivered'])
    t.equal(destination.asked.length, 2)
    t.strictSame(
      destination.sent.map(({ bytes }) => bytes),
      ['n-1/0/1', 'n-1/0/1'],
    )
    t.equal(destination.renders, 1)
  },
)

await t.test('what is found to have arrived is settled with what was said, and never sent again', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  destination.onSend = () => lost
  destination.onInquire = () => ({ kind: 'found', said: { SLBH: '7' }, receipt: '7' })
  await world.start([destination])
  const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
  await until(() => destination.settled.length === 2)
  t.match(destination.settled[1], { fate: 'delivered', result: { outcome: { receipt: '7' }, said: { SLBH: '7' } } })
  t.equal(destination.sent.length, 1)
  t.match(await world.history(id as string), { state: 'delivered', receipt: '7' })
})

await t.test('unclear answers are asked again until a person must look; a replay asks before it sends', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  destination.onSend = () => (destination.sent.length === 1 ? lost : delivered)
  destination.onInquire = () => {
    if (destination.asked.length === 2) throw new TypeError('a fault of the channel')
    return { kind: 'unclear', reason: 'answer is not ours' }
  }
  await world.start([destination], { unclearMaximum: 3 })
  const [id, behind] = await world.append(
    newId(),
    { endpoint: 'registry', position: 1 },
    { endpoint: 'registry', position: 2 },
  )
  await until(() => world.dead.length === 1)
  t.match(await world.message(id as string), { state: 'dead', why: 'unclear: answer is not ours', unclear: 3 })
  t.match(await world.message(behind as string), { state: 'queued' })
  destination.onInquire = () => ({ kind: 'absent' })
  t.strictSame(await replay(world.pool, world.batch, world.streams, id as string), { kind: 'revived', id })
  await until(() => destination.settled.filter(({ fate }) => fate === 'delivered').length === 2)
  t.strictSame(await world.outcomes(id as string), [
    'unknown',
    'unclear',
    'unclear',
    'unclear',
    'absent',
    'absent',
    'delivered',
  ])
  t.match(await replay(world.pool, world.batch, world.streams, id as string), { kind: 'not-found' })
})

await t.test('a dead letter replayed anew is another message in its place, with its own bytes', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  destination.onSend = (message) =>
    message.number === 'n-1' ? answer({ kind: 'refused', code: '1003', reason: '格式' }) : delivered
  await world.start([destination])
  const [id, behind] = await world.append(
    newId(),
    { endpoint: 'registry', position: 1 },
    { endpoint: 'registry', position: 2 },
  )
  await until(() => world.dead.length === 1)
  const by = { id: newId(), number: 'n-1b', documentVersion: 2 }
  t.match(await replay(world.pool, world.batch, world.streams, behind as string), { kind: 'not-dead' })
  t.match(await replay(world.pool, world.batch, world.streams, id as string, by), { kind: 'superseded', by: by.id })
  await until(() => destination.settled.filter(({ fate }) => fate === 'delivered').length === 2)
  t.strictSame(
    destination.sent.map(({ message }) => message.number),
    ['n-1', 'n-1b', 'n-2'],
  )
  t.match(await world.history(id as string), { state: 'superseded' })
  const shown = await showMessage(world.pool, world.database.keyring, by.id)
  t.match(shown, { supersedes: id, documentVersion: 2, state: 'delivered', tried: [{ outcome: 'delivered' }] })
  t.equal(shown?.rendered?.toString(), 'n-1b/0/2')
  t.equal(await showMessage(world.pool, world.database.keyring, newId()), null)
})

await onBothBackends(
  t,
  'a message of several files goes on from its cursor under one lease, and resumes where it stopped',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const destination = new FakeDestination('registry')
    destination.unknownThen = 'resend'
    destination.onSend = (message) => {
      if (destination.sent.length === 2) return lost
      return message.cursor < 3 ? { ...delivered, more: true } : delivered
    }
    await world.start([destination])
    const [id] = await world.append(newId(), { endpoint: 'registry', position: 1, kind: 'MATERIAL' })
    await until(() => destination.settled.at(-1)?.fate === 'delivered')
    t.strictSame(
      destination.sent.map(({ message }) => message.cursor),
      [0, 1, 1, 2, 3],
    )
    t.strictSame(new Set(destination.sent.map(({ message }) => message.fence)), new Set([1, 2]))
    t.equal(destination.sent[1]?.bytes, destination.sent[2]?.bytes)
    t.strictSame(await world.outcomes(id as string), ['delivered', 'unknown', 'delivered', 'delivered', 'delivered'])
  },
)

await t.test('what cannot be rendered or applied becomes a dead letter and is not done twice', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  const other = new FakeDestination('other')
  other.render = async () => {
    throw new Problem('message-invalid', { zh: '缺少', en: 'missing' })
  }
  destination.onSettle = () => {
    throw new RangeError('a rule that does not hold')
  }
  destination.onInquire = () => ({ kind: 'found', said: null })
  await world.start([destination, other])
  const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
  await world.append(newId(), { endpoint: 'other', position: 1 })
  await until(() => world.dead.length === 2)
  t.match(
    world.dead.find((one) => one.id !== id),
    { reason: 'refused: render message-invalid' },
  )
  t.equal(other.sent.length, 0)
  t.match(await world.message(id as string), { state: 'dead', inquiry: 'after an unapplied answer' })
  destination.onSettle = () => undefined
  await replay(world.pool, world.batch, world.streams, id as string)
  await until(() => destination.settled.length === 1)
  t.equal(destination.sent.length, 1, 'it was asked about, not sent again')
})

await t.test('after the last attempt a message is dead, and its reason says so', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  destination.onSend = () => answer({ kind: 'retry', reason: 'connection refused' })
  await world.start([destination], { retry: { baseMs: 5, capMs: 10, maximum: 3 } })
  const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
  await until(() => world.dead.length === 1)
  t.match(world.dead, [{ id, reason: 'after 3 attempts: connection refused' }])
  t.equal(destination.sent.length, 3)
})

/** Claims as a worker does, and forgets: a worker that was killed, or hangs. */
async function claimAndHang(world: World, destination: FakeDestination) {
  await ensureEndpoints(world.batch, [destination])
  const { rows, deadline } = await claim(world.pool, {
    endpoint: destination.endpoint,
    limit: 10,
    leaseMs: destination.leaseMs,
    owner: 'hangs',
  })
  const leased = await Promise.all(rows.map((row) => openLeased(row, world.database.keyring)))
  return { leased, deadline }
}

await t.test(
  'a lease that ran out goes to another; the late one changes nothing and is recorded as late',
  async (t) => {
    const world = await deliveryWorld(t)
    const destination = registry()
    destination.unknownThen = 'resend'
    const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
    const { leased, deadline } = await claimAndHang(world, destination)
    t.match(leased, [{ message: { id, fence: 1 } }])
    t.strictSame((await claimAndHang(world, destination)).leased, [], 'a leased message is not claimed twice')

    const patient = new FakeDestination('registry')
    patient.unknownThen = 'resend'
    patient.timeoutMs = 30_000
    patient.leaseMs = 60_000
    patient.peerMaximumMs = 30_000
    let release = (_result: SendResult): void => undefined
    const answered = new Promise<SendResult>((resolve) => {
      release = resolve
    })
    patient.onSend = () => answered
    const second = await world.anotherNode()
    await second.start([patient])
    await until(() => patient.sent.length === 1)
    t.ok(deadline.over, 'the deadline of the first came before')

    const recording: Recording = {
      streams: world.streams,
      sealer: world.database.keyring,
      retry: { baseMs: 1, capMs: 1, maximum: 9 },
      unclearMaximum: 9,
      onDead: () => undefined,
      random: () => 0,
    }
    const message = leased[0]?.message
    if (message === undefined) return
    const late = { id: newId(), startedAt: new Date(), endedAt: new Date() }
    for (let i = 0; i < 2; i += 1)
      t.equal(await world.batch.submit(recordSent(recording, destination, message, late, delivered)), 'late')
    t.strictSame(destination.settled, [], 'nothing was applied')
    t.match(await world.message(id as string), { state: 'sending', fence: 2 })
    release(delivered)
    await until(() => patient.settled.at(-1)?.fate === 'delivered')
    t.equal(await world.batch.submit(recordSent(recording, destination, message, late, delivered)), 'late')
    t.strictSame(await world.outcomes(id as string), ['unknown', 'late', 'delivered'])
  },
)

await t.test('a worker that dies before a byte is stored costs an attempt, not an inquiry', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
  await claimAndHang(world, destination)
  await (await world.anotherNode()).start([destination])
  await until(() => destination.settled.at(-1)?.fate === 'delivered')
  t.strictSame(await world.outcomes(id as string), ['retry', 'delivered'])
  t.equal(destination.asked.length, 0)
})

await t.test('a lease too short for the call that is left sends nothing', async (t) => {
  const world = await deliveryWorld(t)
  const destination = registry()
  const render = destination.render.bind(destination)
  destination.render = async (message) => {
    if (destination.renders === 0) await new Promise((resolve) => setTimeout(resolve, 450))
    return render(message)
  }
  await world.start([destination])
  const [id] = await world.append(newId(), { endpoint: 'registry', position: 1 })
  await until(() => destination.settled.length === 1)
  t.equal(destination.sent[0]?.message.fence, 2, 'handed back once, sent under the next lease')
  t.strictSame(await world.outcomes(id as string), ['delivered'])
})
