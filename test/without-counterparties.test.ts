import t from 'tap'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld } from './support/world.ts'

await t.test(
  'without addresses of the counterparties a case is taken and waits, and wears no attempts out',
  async (t) => {
    const world = await startWorld(t, { config: { platformUrl: null, registryUrl: null } })
    const bank = await world.enrol()
    const id = await fileSample(bank)
    await until(async () => (world.gateway.work?.delivery.health().lastTickAt ?? null) !== null)
    t.match(await caseOf(bank, id), {
      state: 'received',
      waiting: [
        { channel: 'platform', kind: 'MATERIALS', state: 'ready' },
        { channel: 'registry', kind: 'MATERIALS', state: 'queued', why: 'until platform-acknowledged is known' },
      ],
    })
    const { rows } = await world.database.pool.query('select sum(attempts)::int as attempts from message')
    t.strictSame(rows, [{ attempts: 0 }])
    const ready = await fetch(`${world.gateway.url}/readyz`)
    t.equal(ready.status, 200)
  },
)
