import { readdir } from 'node:fs/promises'
import t from 'tap'
import { inTransaction } from '../src/db/pool.ts'
import { startPeriodic } from '../src/trace/periodic.ts'
import { openTrace, type Trace } from '../src/trace/service.ts'
import { submit, type TestLog, testLog } from './support/trace-log.ts'

type Options = Partial<Parameters<typeof openTrace>[0]>

async function opened(t: Parameters<typeof testLog>[0], more: Options = {}): Promise<{ log: TestLog; trace: Trace }> {
  const log = await testLog(t)
  const { keyring } = log.database
  const trace = await openTrace({
    pool: log.pool,
    batch: log.batch,
    sealer: keyring,
    blindIndex: (value) => keyring.blindIndex('trace-subject', value),
    signer: log.signer,
    checkpointDir: log.dir,
    origin: 'bdc-gateway/test',
    sealMs: 20,
    checkpointMs: 20,
    ...more,
  })
  t.teardown(() => trace.close())
  return { log, trace }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 8000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (await holds()) return
    if (Date.now() > end) throw new Error('it never came to hold')
  }
}

const append = (log: TestLog, trace: Trace): Promise<void> =>
  submit(log.batch, (rows) => trace.record({ type: 'administration', at: new Date() }).addTo(rows))

await t.test('records are sealed and signed by themselves', async (t) => {
  const { log, trace } = await opened(t)
  await append(log, trace)
  await until(async () => (await trace.health()).lastCheckpoint?.size === 1)
  t.match(await log.verify(), { ok: true, covered: 1, unanchored: 0 })
  t.match(await trace.health(), { ok: true, size: 1, oldestPendingMs: null, faults: [], revived: 0 })
})

await t.test('on request all that was written before is sealed and signed', async (t) => {
  const { log, trace } = await opened(t, { sealMs: 60_000, checkpointMs: 60_000 })
  for (let i = 0; i < 5; i += 1) await append(log, trace)
  t.equal((await trace.checkpointNow())?.size, 5)
  await append(log, trace)
  const health = await trace.health()
  t.equal(health.size, 5)
  t.ok((health.oldestPendingMs ?? -1) >= 0)
})

await t.test('a close seals and signs what is left, counted refusals among it', async (t) => {
  const { log, trace } = await opened(t, { sealMs: 60_000, checkpointMs: 60_000, refusalsMs: 60_000 })
  await append(log, trace)
  trace.refusals.count('10.0.0.1', 'signature-invalid')
  await trace.close()
  t.match(await log.verify(), { ok: true, covered: 2, unanchored: 0 })
  t.strictSame(
    (await readdir(log.dir)).filter((name) => name.startsWith('checkpoint-')),
    ['checkpoint-2.json'],
  )
})

await t.test('what fails shows in health until it is mended, and is told once', async (t) => {
  const errors: unknown[] = []
  const { log, trace } = await opened(t, { onError: (error) => errors.push(error) })
  await append(log, trace)
  await until(async () => (await trace.health()).lastCheckpoint?.size === 1)
  await log.pool.query('update trace_head set size = 2')
  await append(log, trace)
  await until(async () => !(await trace.health()).ok)
  const before = await trace.health()
  await until(async () => (await trace.health()).faults.length > 0)
  t.match(before.faults, [/leaf 1 of the trace is missing/])
  t.equal(errors.filter((error) => /leaf 1/.test(String(error))).length <= 2, true)
  await log.pool.query('update trace_head set size = 1')
  await until(async () => (await trace.health()).ok && (await trace.health()).size === 2)
})

await t.test('refusals before a verified signature are one record a source and code, with their number', async (t) => {
  const { log, trace } = await opened(t, { refusalsMs: 60_000 })
  for (let i = 0; i < 500; i += 1) trace.refusals.count('10.0.0.1', 'signature-invalid')
  trace.refusals.count('::1', 'signature-invalid')
  trace.refusals.count('10.0.0.1', 'certificate-unknown')
  trace.refusals.count('柯𠮷明', 'certificate-unknown')
  trace.refusals.count('13000000011', 'certificate-unknown')
  await trace.refusals.flush()
  await trace.refusals.flush()
  const { rows } = await log.pool.query('select source, code, count from refusal_count order by code, source')
  t.strictSame(rows, [
    { source: '10.0.0.1', code: 'certificate-unknown', count: 1 },
    { source: 'other', code: 'certificate-unknown', count: 2 },
    { source: '0::1', code: 'signature-invalid', count: 1 },
    { source: '10.0.0.1', code: 'signature-invalid', count: 500 },
  ])
  const records = await log.pool.query<{ bytes: Buffer }>(
    `select bytes from trace_record where type = 'refusals-counted'`,
  )
  t.equal(records.rowCount, 4)
  const facts = records.rows.map(
    ({ bytes }) => (JSON.parse(bytes.toString()) as { facts: { count: number } }).facts.count,
  )
  t.strictSame(
    facts.sort((a, b) => a - b),
    [1, 1, 2, 500],
  )
  trace.refusals.count('10.0.0.1', 'signature-invalid')
  await trace.refusals.flush()
  const again = await log.pool.query(`select sum(count)::int as count from refusal_count where source = '10.0.0.1'`)
  t.strictSame(again.rows, [{ count: 502 }])
})

await t.test('however many sources refuse, memory and records are bounded and none is lost', async (t) => {
  const { log, trace } = await opened(t, { refusalsMs: 60_000 })
  for (let i = 0; i < 3000; i += 1) trace.refusals.count(`10.0.${i >> 8}.${i & 255}`, 'certificate-unknown')
  t.equal(trace.refusals.waiting, 1001)
  await trace.refusals.flush()
  const { rows } = await log.pool.query(`select count from refusal_count where source = 'other'`)
  t.strictSame(rows, [{ count: 2000 }])
})

await t.test('counts that could not be written are kept for the next time', async (t) => {
  const { log, trace } = await opened(t, { refusalsMs: 60_000 })
  trace.refusals.count('10.0.0.1', 'signature-invalid')
  await log.pool.query('alter table refusal_count rename to away')
  await t.rejects(trace.refusals.flush())
  trace.refusals.count('10.0.0.1', 'signature-invalid')
  await log.pool.query('alter table away rename to refusal_count')
  await trace.refusals.flush()
  t.strictSame((await log.pool.query('select count from refusal_count')).rows, [{ count: 2 }])
})

await t.test('a run that hangs is left to itself and another is started', async (t) => {
  let runs = 0
  const errors: unknown[] = []
  const periodic = startPeriodic({
    intervalMs: 10,
    stuckMs: 50,
    work: () => (++runs === 1 ? new Promise<void>(() => undefined) : Promise.resolve()),
    onError: (error) => errors.push(error, periodic.lastError),
  })
  await until(async () => runs > 3)
  t.equal(periodic.revived, 1)
  t.match(String(errors[0]), /hangs/)
  t.equal(errors[1], errors[0], 'it shows until a run went well')
  t.equal(periodic.lastError, null)
  t.ok(periodic.lastRunAt)
  await periodic.stop()
})

await t.test('sealing waits for nobody: a transaction that is open keeps nothing from being numbered', async (t) => {
  const { log, trace } = await opened(t)
  await inTransaction(log.pool, async (tx) => {
    const held = trace.record({ type: 'administration', at: new Date() })
    await tx.query('insert into trace_record (id, at, type, bytes, leaf_hash) values ($1, now(), $2, $3, $4)', [
      held.id,
      'administration',
      Buffer.from('{}'),
      held.leafHash,
    ])
    await append(log, trace)
    await until(async () => (await trace.health()).lastCheckpoint?.size === 1)
    await tx.query('insert into trace_pending values ($1, $2)', [held.id, held.leafHash])
  })
  await until(async () => (await trace.health()).lastCheckpoint?.size === 2)
  t.pass()
})
