import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkpointText, signCheckpoint } from '../src/trace/checkpoint.ts'
import { leafHash } from '../src/trace/merkle.ts'
import { verifiedText } from '../src/trace/verified-text.ts'
import { type Verified, verifyTrace } from '../src/trace/verify.ts'
import { type TestLog, testLog, testSigner } from './support/trace-log.ts'

/** Findings in short, all of them: kind, then the number of the record in `ids` (or its id), then from-to. */
function short({ findings }: Verified, ids: readonly (string | undefined)[] = []): string[] {
  return findings.map(({ kind, recordId, from, to }) => {
    const place = ids.indexOf(recordId)
    const record = recordId === undefined ? '' : ` #${place < 0 ? recordId : place}`
    return `${kind}${record}${from === null ? '' : ` ${from}-${to}`}`
  })
}

/** Runs `work` and puts the table's rows back as they were. */
async function restoring(log: TestLog, table: string, work: () => Promise<void>): Promise<void> {
  await log.pool.query(`create table saved as table ${table}`)
  await work()
  await log.pool.query(`delete from ${table}; insert into ${table} table saved; drop table saved`)
}

/** Three checkpoints: at 10, 20 and 30 leaves, and 3 records beyond. */
async function grown(t: Parameters<typeof testLog>[0]): Promise<{ log: TestLog; ids: string[] }> {
  const log = await testLog(t)
  const ids = [...(await log.grow(10)), ...(await log.grow(10)), ...(await log.grow(10)), ...(await log.write(3))]
  await log.seal()
  return { log, ids }
}

await t.test('an untouched trace is found to be whole, and what no checkpoint covers is told apart', async (t) => {
  const { log } = await grown(t)
  await log.write(2)
  t.strictSame(await log.verify(), {
    ok: true,
    records: 33,
    covered: 30,
    unanchored: 5,
    checkpoints: 3,
    findings: [],
    findingsOmitted: 0,
  })
})

await t.test('an empty trace is whole', async (t) => {
  const log = await testLog(t)
  t.match(await log.verify(), { ok: true, records: 0, covered: 0, unanchored: 0, checkpoints: 0 })
})

await t.test('a changed record is named', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query(`update trace_record set bytes = bytes || ' ' where id = $1`, [ids[12]])
  t.strictSame(short(await log.verify(), ids), ['record-changed #12 12-13'])
})

await t.test('a record changed together with its own hash column is named', async (t) => {
  const { log, ids } = await grown(t)
  const bytes = Buffer.from('{"version":1}')
  await log.pool.query('update trace_record set bytes = $2, leaf_hash = $3 where id = $1', [
    ids[12],
    bytes,
    leafHash(bytes),
  ])
  t.strictSame(short(await log.verify(), ids), ['record-changed #12 12-13'])
})

await t.test('a record changed together with its leaf is found in the range between two checkpoints', async (t) => {
  const { log, ids } = await grown(t)
  const { rows } = await log.pool.query<{ bytes: Buffer }>('select bytes from trace_record where id = $1', [ids[12]])
  const bytes = Buffer.from((rows[0]?.bytes ?? Buffer.alloc(0)).toString().replace('"place":2', '"place":3'))
  await log.pool.query('update trace_record set bytes = $2, leaf_hash = $3 where id = $1', [
    ids[12],
    bytes,
    leafHash(bytes),
  ])
  await log.pool.query('update trace_leaf set leaf_hash = $2 where record_id = $1', [ids[12], leafHash(bytes)])
  const verified = await log.verify()
  t.strictSame(short(verified), ['range-changed 10-20', 'range-unproven 20-30'])
  t.equal(verified.covered, 10)
})

await t.test(
  'a changed range does not hide that the next ones are sound, once nodes above them are stored',
  async (t) => {
    const log = await testLog(t)
    await log.grow(100)
    await log.grow(100)
    await log.grow(100)
    await log.grow(20)
    const bytes = Buffer.from('{"version":1}')
    const change = async (number: number): Promise<void> => {
      await log.pool.query('update trace_leaf set leaf_hash = $2 where number = $1', [number, leafHash(bytes)])
      await log.pool.query(
        'update trace_record set bytes = $2, leaf_hash = $3 where id = (select record_id from trace_leaf where number = $1)',
        [number, bytes, leafHash(bytes)],
      )
    }
    await change(150)
    // The column beside the bytes tells too, since the record is of another shape.
    const columns = 'record-columns-changed'
    const once = short(await log.verify()).filter((finding) => !finding.startsWith(columns))
    t.strictSame(once, ['range-changed 100-200', 'range-unproven 200-300'])
    t.equal((await log.verify()).covered, 320)
    await change(310)
    const twice = short(await log.verify()).filter((finding) => !finding.startsWith(columns))
    t.strictSame(twice, ['range-changed 100-200', 'range-unproven 200-300', 'range-changed 300-320'])
  },
)

await t.test('a changed column beside a record is named', async (t) => {
  const { log, ids } = await grown(t)
  for (const column of [`type = 'disclosure'`, `at = at - interval '1 hour'`, `case_id = gen_random_uuid()`]) {
    await restoring(log, 'trace_record', async () => {
      await log.pool.query(`update trace_record set ${column} where id = $1`, [ids[12]])
      t.strictSame(short(await log.verify(), ids), ['record-columns-changed #12 12-13'], column)
    })
  }
})

await t.test('a changed leaf is named, and told from a changed record', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('update trace_leaf set leaf_hash = $2 where number = $1', [12, leafHash(Buffer.from('x'))])
  t.strictSame(short(await log.verify(), ids), ['leaf-changed #12 12-13'])
  t.equal((await log.verify()).covered, 30)
})

await t.test('a deleted record is named', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('delete from trace_record where id = $1', [ids[12]])
  t.strictSame(short(await log.verify(), ids), ['record-deleted #12 12-13'])
})

await t.test('a deleted leaf is named with its record, also where it is the last or one of several', async (t) => {
  const { log, ids } = await grown(t)
  for (const numbers of [[0], [12], [12, 13, 25], [29], [9, 10], [32]]) {
    await restoring(log, 'trace_leaf', async () => {
      await log.pool.query('delete from trace_leaf where number = any($1::bigint[])', [numbers])
      const expected = numbers.map((number) => `leaf-deleted #${number} ${number}-${number + 1}`)
      t.strictSame(short(await log.verify(), ids), expected, String(numbers))
    })
  }
})

await t.test('a record deleted with its leaf is found by its number', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('delete from trace_leaf where number = 12')
  await log.pool.query('delete from trace_record where id = $1', [ids[12]])
  t.equal(short(await log.verify())[0], 'leaves-missing 12-13')
})

await t.test('a record deleted with its leaf, and the rest moved up, is found in its range', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('delete from trace_leaf where number = 12')
  await log.pool.query('delete from trace_record where id = $1', [ids[12]])
  await log.pool.query('update trace_leaf set number = -number where number > 12')
  await log.pool.query('update trace_leaf set number = -number - 1 where number < 0')
  await log.pool.query('update trace_head set size = size - 1')
  t.equal(short(await log.verify())[0], 'range-changed 10-20')
})

await t.test('two records in swapped places are found in the range that holds both', async (t) => {
  const { log } = await grown(t)
  await log.pool.query('update trace_leaf set number = -1 where number = 13')
  await log.pool.query('update trace_leaf set number = 13 where number = 17')
  await log.pool.query('update trace_leaf set number = 17 where number = -1')
  t.equal(short(await log.verify())[0], 'range-changed 10-20')
})

await t.test('two records with swapped contents are both named', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query(
    `update trace_record a set bytes = b.bytes, leaf_hash = b.leaf_hash from trace_record b
      where (a.id = $1 and b.id = $2) or (a.id = $2 and b.id = $1)`,
    [ids[13], ids[17]],
  )
  t.strictSame(short(await log.verify(), ids), ['record-changed #13 13-14', 'record-changed #17 17-18'])
})

const INSERT_COPY = `insert into trace_record (id, at, type, bytes, leaf_hash)
  select $2, at, type, bytes, leaf_hash from trace_record where id = $1`

await t.test('an inserted record without a leaf is named', async (t) => {
  const { log, ids } = await grown(t)
  const id = String(ids[12]).replace(/.$/, (last) => (last === '0' ? '1' : '0'))
  await log.pool.query(INSERT_COPY, [ids[12], id])
  t.strictSame(short(await log.verify()), [`record-without-leaf #${id}`])
})

await t.test('a record inserted with a leaf among the covered ones is found in its range', async (t) => {
  const { log, ids } = await grown(t)
  const extra = log.record({ facts: { place: 99 } })
  await log.pool.query('update trace_leaf set number = -number where number >= 15')
  await log.pool.query('update trace_leaf set number = -number + 1 where number < 0')
  await log.pool.query(INSERT_COPY, [ids[12], extra.id])
  await log.pool.query('insert into trace_leaf values (15, $1, $2)', [extra.id, extra.leafHash])
  await log.pool.query('update trace_head set size = size + 1')
  t.equal(short(await log.verify())[1], 'range-changed 10-20')
})

await t.test('a leaf beyond the size of the tree is named', async (t) => {
  const { log, ids } = await grown(t)
  const extra = log.record({})
  await log.pool.query(INSERT_COPY, [ids[12], extra.id])
  await log.pool.query('insert into trace_leaf values (33, $1, $2)', [extra.id, extra.leafHash])
  t.strictSame(short(await log.verify()), [`leaf-beyond-head #${extra.id} 33-34`])
})

await t.test('a tail cut off behind a checkpoint is found, whatever was cut with it', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('delete from trace_leaf where number >= 25')
  await log.pool.query('update trace_head set size = 25')
  t.strictSame(short(await log.verify(), ids), [
    ...[25, 26, 27, 28, 29].map((number) => `leaf-deleted #${number} ${number}-${number + 1}`),
    'truncated 25-30',
    ...[30, 31, 32].map((number) => `record-without-leaf #${number}`),
  ])
  await log.pool.query('delete from trace_record where id >= $1', [ids[25]])
  t.strictSame(short(await log.verify(), ids), ['leaves-missing 25-30', 'range-changed 20-30', 'truncated 25-30'])
  await log.pool.query('delete from trace_checkpoint where size = 30')
  t.strictSame(short(await log.verify()), ['leaves-missing 25-30', 'range-changed 20-30', 'truncated 25-30'])
})

await t.test('after a truncation nothing more is signed', async (t) => {
  const { log } = await grown(t)
  await log.pool.query('delete from trace_leaf where number >= 25')
  await log.pool.query('update trace_head set size = 25')
  await t.rejects(log.checkpoint(), { name: 'LogContradiction' })
  await log.pool.query('delete from trace_checkpoint where size > 20')
  await t.rejects(log.checkpoint(), { name: 'LogContradiction' })
  await log.grow(8).catch(() => undefined)
  await t.rejects(log.checkpoint(), { name: 'LogContradiction' }, 'also once the tree is as large again')
})

await t.test('a changed checkpoint row is found and its file still serves', async (t) => {
  const changes = [
    `root = decode(repeat('00', 32), 'hex')`,
    `bytes = bytes || ' '`,
    `signature = decode(repeat('01', 64), 'hex')`,
    `at = at + interval '1 s'`,
    `bytes = (select bytes from trace_checkpoint where size = 10)`,
  ]
  const { log } = await grown(t)
  for (const change of changes) {
    await restoring(log, 'trace_checkpoint', async () => {
      await log.pool.query(`update trace_checkpoint set ${change} where size = 20`)
      const verified = await log.verify()
      t.strictSame(short(verified), ['checkpoint-row-changed 0-20'], change)
      t.match(verified, { covered: 30, checkpoints: 3 })
    })
  }
})

await t.test('a deleted checkpoint row is found; that of the newest file is a crash, not a deletion', async (t) => {
  const { log } = await grown(t)
  await log.pool.query('delete from trace_checkpoint where size = 30')
  t.match(await log.verify(), { ok: true, covered: 30, checkpoints: 3 })
  await log.pool.query('delete from trace_checkpoint where size = 10')
  t.strictSame(short(await log.verify()), ['checkpoint-row-missing 0-10'])
})

await t.test('a changed or deleted checkpoint file is found and its row still serves', async (t) => {
  const { log } = await grown(t)
  const file = join(log.dir, 'checkpoint-20.json')
  const text = await readFile(file, 'utf8')
  for (const changed of [
    text.replace('"size":20', '"size":19'),
    text.replace(/"root":"./, (head) => head.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))),
    text.replace(/"signature":".../, '"signature":"AAA'),
    text.trimEnd(),
    text.replace('{"alg"', '{ "alg"'),
    '',
    await readFile(join(log.dir, 'checkpoint-10.json'), 'utf8'),
  ]) {
    await writeFile(file, changed)
    const verified = await log.verify()
    t.strictSame(short(verified), ['checkpoint-file-changed 0-20'], changed)
    t.match(verified, { covered: 30, checkpoints: 3 })
  }
  await rm(file)
  t.strictSame(short(await log.verify()), ['checkpoint-file-missing 0-20'])
})

await t.test('a history rewritten and signed with another key is not taken for ours', async (t) => {
  const { log } = await grown(t)
  const other = await testSigner(t)
  const { rows } = await log.pool.query<{ root: Buffer }>('select root from trace_checkpoint where size = 30')
  const root = rows[0]?.root as Buffer
  const signed = await signCheckpoint({ origin: 'bdc-gateway/test', size: 30, root, at: new Date() }, other)
  await writeFile(join(log.dir, 'checkpoint-30.json'), checkpointText(signed))
  await log.pool.query('update trace_checkpoint set bytes = $1, signature = $2, keyid = $3, at = $4 where size = 30', [
    signed.bytes,
    signed.signature,
    signed.keyid,
    signed.at,
  ])
  const verified = await log.verify()
  t.strictSame(short(verified), ['checkpoint-key-unknown 0-30'])
  t.match(verified, { ok: false, covered: 20 })
})

await t.test('two checkpoints of our own key that contradict each other are found', async (t) => {
  const { log } = await grown(t)
  const root = leafHash(Buffer.from('x'))
  const signed = await signCheckpoint({ origin: 'bdc-gateway/test', size: 20, root, at: new Date() }, log.signer)
  await writeFile(join(log.dir, 'checkpoint-20.json'), checkpointText(signed))
  t.strictSame(short(await log.verify()), ['checkpoints-contradict 0-20', 'checkpoints-contradict 20-30'])
})

await t.test('a changed node of the stored tree is named by its leaves', async (t) => {
  const log = await testLog(t)
  await log.grow(260)
  await log.pool.query(`update trace_node set hash = decode(repeat('00', 32), 'hex') where level = 8`)
  t.strictSame(short(await log.verify()), ['node-changed 0-256'])
  await log.write(1)
  await log.seal()
  await t.rejects(log.checkpoint(), { name: 'LogContradiction' })
})

await t.test('what is pending is held to its record', async (t) => {
  const { log, ids } = await grown(t)
  const [changed, deleted] = await log.write(2)
  await log.pool.query(`update trace_record set bytes = bytes || ' ' where id = $1`, [changed])
  await log.pool.query('delete from trace_record where id = $1', [deleted])
  await log.pool.query('insert into trace_pending values ($1, $2)', [ids[3], leafHash(Buffer.from('x'))])
  t.strictSame(short(await log.verify(), [changed, deleted, ids[3]]), [
    'pending-stray #2',
    'pending-stray #1',
    'pending-changed #0',
  ])
  await log.seal()
  const { rows } = await log.pool.query('select id from trace_pending')
  t.strictSame(rows, [{ id: ids[3] }], 'a second leaf for one record is never made')
})

await t.test('what was found is told in both languages, with the record', async (t) => {
  const { log, ids } = await grown(t)
  await log.pool.query('delete from trace_record where id = $1', [ids[12]])
  const verified = await log.verify()
  const zh = `✗ [record-deleted] 叶子仍在而记录不存在：记录被删除，记录 ${ids[12]}，编号 12`
  t.equal(
    verifiedText(verified, 'zh'),
    `${zh}\n✗ 痕迹与检查点不符：记录 32 条，检查点 3 个，覆盖 30 条，尚未锚定 3 条\n`,
  )
  t.match(verifiedText(verified, 'en'), `record ${ids[12]}, leaf 12\n`)
})

await t.test('findings beyond the limit are counted', async (t) => {
  const { log } = await grown(t)
  await log.pool.query('delete from trace_record')
  const { certificates, pool, dir } = log
  const verified = await verifyTrace({ pool, checkpointDir: dir, certificates, findingsMaximum: 5 })
  t.match(verified, { ok: false, findingsOmitted: 28 })
  t.equal(verified.findings.length, 5)
})
