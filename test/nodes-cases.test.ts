import { readFileSync } from 'node:fs'
import t from 'tap'
import { verifyTrace } from '../src/trace/verify.ts'
import { startNodes } from './support/nodes.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample } from './support/world.ts'

t.setTimeout(240_000)

const CASES = 5

const nodes = await startNodes(t, ['api', 'api', 'worker', 'worker'])
const [one, other, ...workers] = nodes.nodes
if (one === undefined || other === undefined) throw new Error('there are four')
const banks = [await nodes.enrol(one.url), await nodes.enrol(other.url)] as const
const { pool } = nodes.ground

await t.test(
  'cases of two apis are worked off by two workers, each effect once, though one worker is killed',
  async (t) => {
    const first = banks[0]
    const waiting = first.get('/v1/events', { wait: 30 }, { timeoutMs: 60_000 })
    // Told by a process that did not take the case: whoever waits at the other one hears of it.
    const ids = [await fileSample(banks[1], { vary: true })]
    t.match((await waiting).json(), { events: [{ caseId: ids[0] }] })

    // While papers go slowly, the worker that is killed has some under way.
    await nodes.registry.control({ fault: 'slow', on: 'MATERIAL', times: 6, delayMs: 600 })
    for (let i = 1; i < CASES; i += 1) ids.push(await fileSample(banks[i % 2] as typeof first, { vary: true }))
    let killed: (typeof workers)[number] | undefined
    await until(async () => {
      for (const worker of workers) if (await isSending(worker.process.pid)) killed = worker
      return killed !== undefined
    })
    await killed?.process.kill()
    for (const id of ids) await until(async () => (await caseOf(first, id))['completed'] === true, 60_000)

    await until(async () => (await pool.query('select from message')).rowCount === 0)

    const { cases } = await nodes.registry.state()
    t.equal(cases.length, CASES)
    t.same(
      cases.map(({ effects }) => effects),
      cases.map(() => 1),
      'one effect each at the registry',
    )
    const platform = await nodes.platform.state()
    t.equal(new Set(platform.cases.map(({ bankReference }) => bankReference)).size, CASES)
    for (const { relayed } of platform.cases) t.equal(relayed.filter(({ type }) => type === '30').length, 1)
  },
)

await t.test('only workers deliver, and every record has one number', async (t) => {
  for (const node of [one, other]) t.equal(attempts(node.logFile), 0, node.logFile)
  t.ok(workers.some((worker) => attempts(worker.logFile) > 0))
  await until(async () => (await pool.query('select from trace_pending')).rowCount === 0)
  const { signers, trace, folders } = nodes.ground
  await trace.checkpointNow()
  const verified = await verifyTrace({
    pool,
    checkpointDir: folders.checkpoints,
    certificates: async (keyid) => (keyid === signers.p256.keyid ? signers.p256.certificateDer : null),
  })
  t.match(verified, { ok: true, findings: [] })
  const { rows } = await pool.query('select count(*) as n, count(distinct record_id) as ids from trace_leaf')
  t.equal(rows[0]?.n, rows[0]?.ids)
  t.match((await pool.query('select count(*) as n from trace_record')).rows, [{ n: rows[0]?.n }])
})

async function isSending(pid: number | null): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from message where state = 'sending' and lease_owner like '%:' || $1 || ':%'`,
    [pid],
  )
  return rowCount !== 0
}

function attempts(logFile: string): number {
  return readFileSync(logFile, 'utf8').split('"delivery attempted"').length - 1
}
