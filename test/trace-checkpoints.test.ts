import { createHash, verify, X509Certificate } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { inTransaction } from '../src/db/pool.ts'
import { readCheckpointText } from '../src/trace/checkpoint.ts'
import { certificatesIn } from '../src/trace/checkpoint-files.ts'
import { makeCheckpoint } from '../src/trace/checkpoint-maker.ts'
import { latestCheckpoint } from '../src/trace/proofs.ts'
import { verifyTrace } from '../src/trace/verify.ts'
import { testLog, testSigner } from './support/trace-log.ts'

await t.test(
  'a checkpoint lies in its file, under latest and in its row, and verifies with nothing of ours',
  async (t) => {
    const log = await testLog(t)
    const umask = process.umask(0o077)
    await log.grow(3)
    process.umask(umask)
    const text = await readFile(join(log.dir, 'checkpoint-3.json'), 'utf8')
    t.equal(await readFile(join(log.dir, 'latest'), 'utf8'), text)
    if (process.platform !== 'win32') {
      t.equal((await stat(join(log.dir, 'latest'))).mode & 0o777, 0o644, 'whatever the umask of who signs')
    }
    const { checkpoint, signature } = JSON.parse(text) as { checkpoint: Record<string, unknown>; signature: string }
    t.match(checkpoint, {
      version: 1,
      origin: 'bdc-gateway/test',
      size: 3,
      root: /^[0-9a-f]{64}$/,
      keyid: log.signer.keyid,
      alg: 'ecdsa-p256-sha256',
    })
    const certificate = new X509Certificate(await readFile(join(log.dir, `${log.signer.keyid}.pem`)))
    t.equal(createHash('sha256').update(certificate.raw).digest('hex'), log.signer.keyid)
    const signed = /^\{"checkpoint":(.*),"signature"/.exec(text)?.[1] ?? ''
    const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' } as const
    t.equal(verify('sha256', Buffer.from(signed), key, Buffer.from(signature, 'base64')), true)
    const latest = await latestCheckpoint(log.pool)
    t.strictSame(latest, readCheckpointText(Buffer.from(text)))
    t.strictSame(
      (await readdir(log.dir)).sort(),
      ['checkpoint-3.json', 'latest', `${log.signer.keyid}.pem`].sort(),
      'no temporary file is left',
    )
  },
)

await t.test('an empty tree is not signed, one that has not grown not twice', async (t) => {
  const log = await testLog(t)
  t.equal(await makeCheckpoint(log.means), null)
  await log.grow(2)
  const first = await makeCheckpoint(log.means)
  t.equal(first?.size, 2)
  t.strictSame(await makeCheckpoint(log.means), first)
  t.equal((await readdir(log.dir)).length, 3)
})

await t.test('a crash between file and row: the file is taken over', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  await log.grow(2)
  const before = await readFile(join(log.dir, 'checkpoint-4.json'), 'utf8')
  await log.pool.query('delete from trace_checkpoint where size = 4')
  await log.grow(1)
  t.strictSame(
    (await log.pool.query('select size from trace_checkpoint order by size')).rows,
    [2, 4, 5].map((size) => ({ size })),
  )
  t.equal(await readFile(join(log.dir, 'checkpoint-4.json'), 'utf8'), before)
  t.match(await log.verify(), { ok: true, checkpoints: 3 })
})

await t.test('a crash between latest and the numbered file: verified as it is, then taken over', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  await log.grow(2)
  await log.pool.query('delete from trace_checkpoint where size = 4')
  await rm(join(log.dir, 'checkpoint-4.json'))
  t.match(await log.verify(), { ok: true, covered: 4, checkpoints: 2 })
  t.equal((await makeCheckpoint(log.means))?.size, 4)
  t.equal(await readFile(join(log.dir, 'checkpoint-4.json'), 'utf8'), await readFile(join(log.dir, 'latest'), 'utf8'))
  t.match(await log.verify(), { ok: true, covered: 4, checkpoints: 2 })
})

await t.test('one that was taken over stays so, whatever becomes of the next', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  await log.grow(2)
  await log.pool.query('delete from trace_checkpoint where size = 4')
  await log.pool.query('alter table trace_checkpoint add constraint cut check (size < 5)')
  await t.rejects(log.grow(1))
  await log.pool.query('alter table trace_checkpoint drop constraint cut')
  await log.grow(1)
  t.strictSame(
    (await log.pool.query('select size from trace_checkpoint order by size')).rows,
    [2, 4, 5, 6].map((size) => ({ size })),
  )
  t.match(await log.verify(), { ok: true, checkpoints: 4 })
})

await t.test('a row that cannot be written leaves a file that the next turn takes over', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  await log.pool.query('alter table trace_checkpoint add constraint cut check (size < 3)')
  await t.rejects(log.grow(2))
  await log.pool.query('alter table trace_checkpoint drop constraint cut')
  const held = readCheckpointText(await readFile(join(log.dir, 'latest')))
  t.equal(held.size, 4)
  t.strictSame(await makeCheckpoint(log.means), held)
})

await t.test('a file without a row that is not right is raised, and nothing is signed over it', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  const other = await testSigner(t)
  await log.write(2)
  await log.seal()
  const foreign = await makeCheckpoint({ ...log.means, signer: other })
  t.equal(foreign?.size, 4)
  await log.pool.query('delete from trace_checkpoint where size = 4')
  await log.write(1)
  await log.seal()
  await t.rejects(log.checkpoint(), { name: 'LogContradiction', message: /not signed by us/ })
  await writeFile(join(log.dir, 'latest'), 'x')
  await t.rejects(log.checkpoint(), { name: 'CheckpointMalformed' })
  t.strictSame((await log.pool.query('select size from trace_checkpoint')).rows, [{ size: 2 }])
})

await t.test('a rewritten history is not signed', async (t) => {
  const log = await testLog(t)
  await log.grow(3)
  await log.pool.query(`update trace_leaf set leaf_hash = decode(repeat('00', 32), 'hex') where number = 1`)
  await t.rejects(log.grow(3), { name: 'LogContradiction', message: /does not begin with/ })
  t.strictSame(await readdir(log.dir).then((names) => names.filter((name) => name.startsWith('checkpoint-'))), [
    'checkpoint-3.json',
  ])
})

await t.test('checkpoints of another log in the folder are not taken for ours', async (t) => {
  const log = await testLog(t)
  const other = await testLog(t)
  await log.grow(3)
  await other.write(5)
  await other.seal()
  const means = { ...log.means, pool: other.pool, origin: 'bdc-gateway/other' }
  await t.rejects(makeCheckpoint(means), { name: 'LogContradiction', message: /another log/ })
})

await t.test('while one node makes a checkpoint, another leaves it to that one', async (t) => {
  const log = await testLog(t)
  await log.write(2)
  await log.seal()
  await inTransaction(log.pool, async (tx) => {
    await tx.query('select from trace_checkpoint_turn for update')
    t.equal(await makeCheckpoint(log.means), null)
  })
  const made = await Promise.all([1, 2, 3].map(() => makeCheckpoint(log.means, { wait: true })))
  t.equal(new Set(made.map((signed) => signed?.signature.toString('hex'))).size, 1)
})

await t.test('the pace holds over all nodes', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  await log.write(2)
  await log.seal()
  t.equal(await makeCheckpoint(log.means, { minimumAgeMs: 60_000 }), null)
  await log.pool.query(`update trace_checkpoint set written_at = written_at - interval '1 minute'`)
  t.equal((await makeCheckpoint(log.means, { minimumAgeMs: 60_000 }))?.size, 4)
})

await t.test('checkpoints of an earlier key verify after the key was changed', async (t) => {
  const log = await testLog(t)
  await log.grow(2)
  const signer = await testSigner(t)
  await log.write(2)
  await log.seal()
  t.equal((await makeCheckpoint({ ...log.means, signer }))?.keyid, signer.keyid)
  t.match(await log.verify(), { ok: false, covered: 2 })
  const certificates = certificatesIn(log.dir)
  t.match(await verifyTrace({ pool: log.pool, checkpointDir: log.dir, certificates }), { ok: true, covered: 4 })
})

await t.test('a certificate under the name of another is not trusted, whatever it has signed', async (t) => {
  const log = await testLog(t)
  const other = await testSigner(t)
  await log.write(2)
  await log.seal()
  const signed = await makeCheckpoint({ ...log.means, signer: { ...other, keyid: log.signer.keyid } })
  t.equal(signed?.keyid, log.signer.keyid)
  const certificates = certificatesIn(log.dir)
  t.equal((await certificates(log.signer.keyid))?.equals(other.certificateDer), true)
  const verified = await verifyTrace({ pool: log.pool, checkpointDir: log.dir, certificates })
  t.strictSame(
    verified.findings.map(({ kind }) => kind),
    ['checkpoint-key-unknown', 'checkpoint-key-unknown'],
  )
  t.equal(verified.covered, 0)
})
