import t from 'tap'
import { newId } from '../src/base/id.ts'
import { ensureEndpoints } from '../src/delivery/endpoints.ts'
import { deliveryWorld, FakeDestination } from './support/delivery-world.ts'
import { onBothBackends } from './support/queue-backends.ts'
import { until } from './support/until.ts'

await onBothBackends(
  t,
  'a destination that comes while workers run is taken up by each of them',
  async (t, backend) => {
    const world = await deliveryWorld(t, backend)
    const second = await world.anotherNode()
    const late = [new FakeDestination('late'), new FakeDestination('late')] as const
    const found: FakeDestination[][] = [[], []]
    await world.start([new FakeDestination('early')], { discover: async () => found[0] ?? [] })
    await second.start([new FakeDestination('early')], { discover: async () => found[1] ?? [] })
    await ensureEndpoints(world.batch, [late[0]])
    const [id] = await world.append(newId(), { endpoint: 'late', position: 1 })
    t.match(await world.message(id as string), { state: 'ready', attempts: 0 })
    found[1] = [late[1]]
    await until(() => late[1].settled.length === 1)
    t.equal(late[0].sent.length, 0)
    // The same again is no other destination; a second one would start a second lane.
    found[1] = [late[1], new FakeDestination('late')]
    found[0] = [late[0]]
    for (let i = 0; i < 10; i += 1) await world.append(newId(), { endpoint: 'late', position: 1 })
    await until(() => late[0].settled.length + late[1].settled.length === 11)
    t.strictSame([...world.faults, ...second.faults], [])
  },
)

await t.test('what waits for a destination that is not open is not claimed, and wears no attempts out', async (t) => {
  const world = await deliveryWorld(t)
  const destination = Object.assign(new FakeDestination('door'), { asked: [], isOpen: async () => open })
  let open = false
  let asked = 0
  destination.isOpen = async () => {
    asked += 1
    return open
  }
  await world.start([destination])
  const [id] = await world.append(newId(), { endpoint: 'door', position: 1 })
  await until(() => asked > 3)
  t.match(await world.message(id as string), { state: 'ready', attempts: 0, fence: 0 })
  open = true
  await until(() => destination.settled.length === 1)
  t.strictSame(world.faults, [])
})
