import t from 'tap'
import { inTransaction, openPool } from '../src/db/pool.ts'
import { Frontier, verifyConsistency, verifyInclusion } from '../src/trace/merkle.ts'
import { readFrontier } from '../src/trace/nodes.ts'
import { consistencyProof, inclusionProof, openSecrets, receiptOf } from '../src/trace/proofs.ts'
import { sealPending } from '../src/trace/sealer.ts'
import { submit, type TestLog, testLog } from './support/trace-log.ts'

async function leaves(log: TestLog): Promise<{ number: number; record_id: string; leaf_hash: Buffer }[]> {
  const { rows } = await log.pool.query<{ number: number; record_id: string; leaf_hash: Buffer }>(
    'select * from trace_leaf order by number',
  )
  return rows
}

await t.test('pending records get the next numbers in id order, and nothing is pending afterwards', async (t) => {
  const log = await testLog(t)
  const ids = [...(await log.write(5)), ...(await log.write(3))]
  t.strictSame(await sealPending(log.pool), { sealed: 8 })
  t.strictSame(
    (await leaves(log)).map(({ number, record_id }) => [number, record_id]),
    ids.map((id, number) => [number, id]),
  )
  t.strictSame((await log.pool.query('select * from trace_pending')).rows, [])
  t.strictSame(await sealPending(log.pool), { sealed: 0 })
})

await t.test('however many are pending, bounded runs go on until none is left', async (t) => {
  const log = await testLog(t)
  const ids = await log.write(700)
  t.strictSame(await sealPending(log.pool, { runLimit: 90 }), { sealed: 700 })
  const all = await leaves(log)
  t.strictSame(
    all.map(({ record_id }) => record_id),
    ids,
  )
  const whole = new Frontier()
  for (const { leaf_hash } of all) whole.append(leaf_hash)
  t.strictSame((await readFrontier(log.pool, 700)).root(), whole.root())
})

await t.test('sealers on two pools, at once and under writes, give one numbering without gap or double', async (t) => {
  const log = await testLog(t)
  const other = openPool({ url: log.database.url, max: 4, applicationName: 'other' })
  t.teardown(() => other.end())
  const writing = new AbortController()
  const sealing = async (pool: typeof other, wait: boolean): Promise<void> => {
    while (!writing.signal.aborted) await sealPending(pool, { runLimit: 7, wait })
  }
  const sealers = [sealing(log.pool, false), sealing(other, false), sealing(other, true)]
  const ids: string[] = []
  for (let i = 0; i < 40; i += 1) ids.push(...(await log.write(10)))
  writing.abort()
  await Promise.all(sealers)
  await log.seal()
  const all = await leaves(log)
  t.strictSame(
    all.map(({ number }) => number),
    ids.map((_, number) => number),
  )
  t.strictSame(new Set(all.map(({ record_id }) => record_id)), new Set(ids))
  await log.checkpoint()
  t.match(await log.verify(), { ok: true, covered: 400 })
})

await t.test('a record whose commit comes late gets a later number', async (t) => {
  const log = await testLog(t)
  const early = log.record({ facts: { place: 0 } })
  const late = log.record({ facts: { place: 1 } })
  t.ok(early.id < late.id)
  await submit(log.batch, (rows) => late.addTo(rows))
  await log.seal()
  await submit(log.batch, (rows) => early.addTo(rows))
  await log.seal()
  t.strictSame(
    (await leaves(log)).map(({ record_id }) => record_id),
    [late.id, early.id],
  )
  await log.checkpoint()
  t.match(await log.verify(), { ok: true, covered: 2 })
})

await t.test('while one node seals, another leaves it to that one', async (t) => {
  const log = await testLog(t)
  await log.write(3)
  await inTransaction(log.pool, async (tx) => {
    await tx.query('select from trace_head for update')
    t.strictSame(await sealPending(log.pool), { sealed: 0 })
  })
  t.strictSame(await sealPending(log.pool), { sealed: 3 })
})

await t.test('a sealer that dies in the middle leaves all or nothing', async (t) => {
  const log = await testLog(t)
  await log.write(5)
  await log.pool.query(
    `create function fail() returns trigger language plpgsql as $$ begin raise 'cut'; end $$;
     create trigger cut before update on trace_head for each statement execute function fail()`,
  )
  await t.rejects(sealPending(log.pool), /cut/)
  t.strictSame(await leaves(log), [])
  await log.pool.query('drop trigger cut on trace_head')
  t.strictSame(await sealPending(log.pool), { sealed: 5 })
})

await t.test('sealing over a missing part of the tree is refused', async (t) => {
  const log = await testLog(t)
  await log.grow(5)
  await log.pool.query('delete from trace_leaf where number = 4')
  await log.write(1)
  await t.rejects(log.seal(), { name: 'TreeBroken' })
})

await t.test(
  'every record proves its inclusion, and every size the earlier ones, over more than one stored level',
  async (t) => {
    const log = await testLog(t)
    const ids = [...(await log.grow(300)), ...(await log.grow(300)), ...(await log.grow(50))]
    const { rows } = await log.pool.query<{ count: number }>('select count(*) from trace_node')
    t.strictSame(rows, [{ count: 2 }], 'one node for 256 leaves')
    for (const number of [0, 1, 255, 256, 299, 300, 511, 512, 599, 649]) {
      const proof = await inclusionProof(log.pool, String(ids[number]))
      t.equal(proof?.size, number < 300 ? 300 : number < 600 ? 600 : 650)
      if (proof === null) continue
      t.ok(verifyInclusion(proof.leafHash, number, proof.size, proof.path, proof.root), `leaf ${number}`)
      const checkpoint = await log.pool.query<{ root: Buffer }>('select root from trace_checkpoint where size = $1', [
        proof.size,
      ])
      t.strictSame(proof.root, checkpoint.rows[0]?.root)
    }
    const roots = new Map<number, Buffer>()
    for (const size of [1, 255, 256, 300, 600, 650]) roots.set(size, (await readFrontier(log.pool, size)).root())
    for (const [oldSize, oldRoot] of roots) {
      const path = await consistencyProof(log.pool, oldSize, 650)
      t.ok(verifyConsistency(oldSize, oldRoot, 650, roots.get(650) as Buffer, path), `${oldSize} to 650`)
    }
    t.equal(await inclusionProof(log.pool, String(ids[0]), 651), null)
    await t.rejects(consistencyProof(log.pool, 1, 651), RangeError)
  },
)

await t.test('a pending record has a receipt already, a proof only later', async (t) => {
  const log = await testLog(t)
  const traced = log.record({ personal: { name: '柯𠮷明' } })
  await submit(log.batch, (rows) => traced.addTo(rows))
  t.equal(await receiptOf(log.pool, traced.id), traced.receipt)
  t.equal(await inclusionProof(log.pool, traced.id), null)
  await log.seal()
  t.equal(await inclusionProof(log.pool, traced.id), null)
  await log.checkpoint()
  t.equal((await inclusionProof(log.pool, traced.id))?.size, 1)
  t.equal(await receiptOf(log.pool, log.record({}).id), null)
})

await t.test('what a record commits to can be opened, erased without breaking anything, and not moved', async (t) => {
  const log = await testLog(t)
  const [first = '', second = ''] = await log.grow(2)
  const { keyring } = log.database
  t.match(await openSecrets(log.pool, keyring, first), [{ path: 'parties[0].name', value: '柯𠮷明' }])
  await log.pool.query(
    'update trace_record set secrets = (select secrets from trace_record where id = $1) where id = $2',
    [first, second],
  )
  await t.rejects(openSecrets(log.pool, keyring, second))
  await log.pool.query('update trace_record set secrets = null')
  t.strictSame(await openSecrets(log.pool, keyring, first), [])
  t.match(await log.verify(), { ok: true, covered: 2, records: 2 })
})
