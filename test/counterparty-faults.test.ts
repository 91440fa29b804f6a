import t from 'tap'
import { until } from './support/until.ts'
import { caseOf, fileSample, startWorld, untilCompleted, untilDelivered, type World } from './support/world.ts'

t.setTimeout(240_000)

const QUICKLY = { registryTimeoutMs: 500, registryMaximumMs: 600, platformTimeoutMs: 500, leaseMarginMs: 300 }

interface Attempt {
  kind: string
  outcome: string
}

/** What was tried for the SUBMIT of a case, in order: sends by their outcome, inquiries by what they found. */
async function submitAttempts(world: World, caseId: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<Attempt>(
    `select kind, outcome from attempt where case_id = $1 and kind = 'SUBMIT' order by id`,
    [caseId],
  )
  return rows.map(({ outcome }) => outcome)
}

await t.test(
  'whatever becomes of a SUBMIT, the registry has it once, and is asked before it is sent again',
  async (t) => {
    const world = await startWorld(t, { config: QUICKLY })
    const bank = await world.enrol()
    const expectations = [
      // The effect happened and nobody told: a look-up finds it, and it is never sent again.
      { fault: 'drop-after-effect', attempts: ['unknown', 'found'] },
      { fault: 'error-after-effect', attempts: ['unknown', 'found'] },
      { fault: 'garbage', attempts: ['unknown', 'found'] },
      { fault: 'slow', delayMs: 900, attempts: ['unknown', 'found'] },
      // Nothing happened there: two look-ups say so before the same bytes go again.
      { fault: 'error-before', attempts: ['unknown', 'absent', 'absent', 'delivered'] },
      // The registry says itself that nothing was stored.
      { fault: 'busy', attempts: ['retry', 'delivered'] },
    ] as const
    for (const { attempts, ...rule } of expectations) {
      await t.test(rule.fault, async (t) => {
        await world.registry.control({ ...rule, on: 'SUBMIT', times: 1 })
        const id = await fileSample(bank, { vary: true })
        await untilCompleted(bank, id)
        const page = await caseOf(bank, id)
        const { cases } = await world.registry.state()
        t.equal(cases.find(({ businessNumber }) => businessNumber === page['businessNumber'])?.effects, 1)
        t.strictSame(await submitAttempts(world, id), attempts)
      })
    }

    await t.test('every other call that fails in every way only costs time', async (t) => {
      for (const on of ['MATERIAL', 'LOOKUP', 'PROGRESS', 'RESULT', 'FEE', 'CERTIFICATE', 'FILE']) {
        for (const fault of ['error-before', 'drop-after-effect', 'garbage'] as const)
          await world.registry.control({ fault, on, times: 1 })
      }
      for (const on of ['10', '20', '30', 'FILE']) {
        for (const fault of ['error-before', 'drop-after-effect', 'error-after-effect', 'busy'] as const) {
          await world.platform.control({ fault, on, times: 1 })
        }
      }
      const id = await fileSample(bank, { vary: true })
      await untilCompleted(bank, id, 60_000)
      const platform = await world.platform.state()
      const page = await caseOf(bank, id)
      const mine = platform.cases.find(({ bankReference }) => bankReference === page['bankReference'])
      t.equal(mine?.relayed.filter(({ type }) => type === '30').length, 1, 'the result once')
      t.equal(platform.cases.length, 7)
    })
  },
)

await t.test(
  'a refused submission becomes a dead letter that a person is told of, and holds up nobody else',
  async (t) => {
    const world = await startWorld(t, { config: QUICKLY })
    const bank = await world.enrol()
    const { pool } = world.database
    // All files but the last count as sent: the registry refuses a submission that names files it does not hold.
    await pool.query(
      `create function skip_files() returns trigger language plpgsql as $$ begin
         if new.channel = 'registry' and new.kind = 'MATERIALS' then new.cursor := 8; end if; return new; end $$`,
    )
    await pool.query('create trigger skip_files before insert on message for each row execute function skip_files()')
    const broken = await fileSample(bank, { vary: true })
    await pool.query('drop trigger skip_files on message')
    await until(
      async () =>
        (await pool.query(`select from message where case_id = $1 and state = 'dead'`, [broken])).rowCount === 1,
      20_000,
    )
    t.match(await caseOf(bank, broken), {
      state: 'received',
      waiting: [{ channel: 'registry', kind: 'SUBMIT', state: 'dead' }],
    })
    const { rows: concerns } = await pool.query('select kind from concern where case_id = $1', [broken])
    t.strictSame(concerns, [{ kind: 'dead-letter' }], 'a person is told')

    const other = await fileSample(bank, { vary: true })
    await untilCompleted(bank, other)
    t.pass('another case passes it by')
  },
)

await t.test('what the registry decides against an applicant reaches bank and platform', async (t) => {
  const world = await startWorld(t, { config: QUICKLY })
  const bank = await world.enrol()
  for (const [outcome, state] of [
    ['reject', 'rejected'],
    ['not-accept', 'not-accepted'],
  ] as const) {
    await world.registry.control({ outcome, times: 1 })
    const id = await fileSample(bank, { vary: true })
    await until(async () => (await caseOf(bank, id))['state'] === state, 20_000)
    const { events } = (await bank.getEvents(id)).json() as unknown as { events: { type: string; reason?: string }[] }
    t.match(
      events.find(({ type }) => type === state),
      { reason: String },
      `${state} with its reason`,
    )
    const page = await caseOf(bank, id)
    const relayed = async (): Promise<string[]> => {
      const { cases } = await world.platform.state()
      return (
        cases.find(({ bankReference }) => bankReference === page['bankReference'])?.relayed.map(({ type }) => type) ??
        []
      )
    }
    await until(async () => (await relayed()).includes('30'))
    t.equal((await relayed()).filter((type) => type === '30').length, 1)
  }
})

await t.test('counterparties that are gone for a while cost time only', async (t) => {
  const world = await startWorld(t, { config: QUICKLY })
  const bank = await world.enrol()
  await world.platform.control({ fault: 'refuse', delayMs: 1500 })
  await world.registry.control({ fault: 'refuse', delayMs: 3000 })
  const id = await fileSample(bank, { vary: true })
  await until(async () =>
    ((await caseOf(bank, id))['waiting'] as { why: string | null }[]).some(
      ({ why }) => why?.includes('ECONNREFUSED') === true,
    ),
  )
  t.pass('the bank sees why it waits')
  await untilCompleted(bank, id, 60_000)
  await untilDelivered(world)
})
