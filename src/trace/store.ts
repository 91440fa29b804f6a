import type { Queryable, Transaction } from '../db/pool.ts'

/** All SQL of this room but the row sets of a record (record.ts) and the tree's nodes (nodes.ts). */
export interface LeafRow {
  number: number
  record_id: string
  leaf_hash: Buffer
}

export interface PendingRow {
  id: string
  leaf_hash: Buffer
}

export interface CheckpointRow {
  size: number
  root: Buffer
  at: Date
  /** Canonical JSON, the bytes that were signed. */
  bytes: Buffer
  keyid: string
  signature: Buffer
}

export interface RecordRow {
  id: string
  at: Date
  type: string
  case_id: string | null
  bank_id: string | null
  bytes: Buffer
  leaf_hash: Buffer
}

/** Leaves of the tree; taken with the lock that makes one node at a time seal. Null: another node holds it. */
export async function lockHead(tx: Transaction, wait: boolean): Promise<number | null> {
  const { rows } = await tx.query<{ size: number }>(
    `select size from trace_head for update${wait ? '' : ' skip locked'}`,
  )
  return rows[0]?.size ?? null
}

export async function headSize(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ size: number }>('select size from trace_head')
  const head = rows[0]
  if (head === undefined) throw new Error('trace_head has no row')
  return head.size
}

/**
 * Pending records in id order. One that already has a leaf stays where it is: no act of ours leaves such a row, so it is
 * for `verifyTrace` to name.
 */
export async function pendingRecords(db: Queryable, limit: number): Promise<PendingRow[]> {
  const { rows } = await db.query<PendingRow>({
    name: 'trace pending',
    text: `select p.id, p.leaf_hash from trace_pending p
            where not exists (select from trace_leaf l where l.record_id = p.id) order by p.id limit $1`,
    values: [limit],
  })
  return rows
}

export async function oldestPendingId(db: Queryable): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'trace oldest pending',
    text: 'select id from trace_pending order by id limit 1',
  })
  return rows[0]?.id ?? null
}

/** Gives `pending` the numbers from `size` on. */
export async function appendLeaves(
  tx: Transaction,
  size: number,
  pending: readonly PendingRow[],
  nodes: readonly { level: number; index: number; hash: Buffer }[],
): Promise<void> {
  const ids = pending.map(({ id }) => id)
  await tx.query({
    name: 'trace append leaves',
    text: `insert into trace_leaf (number, record_id, leaf_hash)
           select $1::bigint + v.place - 1, v.id, v.leaf_hash
             from unnest($2::uuid[], $3::bytea[]) with ordinality as v(id, leaf_hash, place)`,
    values: [size, ids, pending.map((row) => row.leaf_hash)],
  })
  if (nodes.length > 0) {
    await tx.query(
      `insert into trace_node (level, index, hash) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])`,
      [nodes.map(({ level }) => level), nodes.map(({ index }) => index), nodes.map(({ hash }) => hash)],
    )
  }
  await tx.query({ name: 'trace head', text: 'update trace_head set size = $1', values: [size + pending.length] })
  await tx.query({
    name: 'trace pending done',
    text: 'delete from trace_pending where id = any($1::uuid[])',
    values: [ids],
  })
}

/** The turn to make a checkpoint, over all nodes; false when another node has it. */
export async function takeCheckpointTurn(tx: Transaction, wait: boolean): Promise<boolean> {
  const { rowCount } = await tx.query(`select from trace_checkpoint_turn for update${wait ? '' : ' skip locked'}`)
  return rowCount === 1
}

const CHECKPOINT = 'size, root, at, bytes, keyid, signature'

/** The newest checkpoint and how long ago its row was written, by the database's clock. */
export async function newestCheckpoint(db: Queryable): Promise<(CheckpointRow & { age_ms: number }) | null> {
  const { rows } = await db.query<CheckpointRow & { age_ms: number }>({
    name: 'trace newest checkpoint',
    text: `select ${CHECKPOINT}, extract(epoch from clock_timestamp() - written_at)::float8 * 1000 as age_ms
             from trace_checkpoint order by size desc limit 1`,
  })
  return rows[0] ?? null
}

export async function insertCheckpoint(tx: Transaction, row: CheckpointRow): Promise<void> {
  await tx.query(`insert into trace_checkpoint (${CHECKPOINT}) values ($1, $2, $3, $4, $5, $6)`, [
    row.size,
    row.root,
    row.at,
    row.bytes,
    row.keyid,
    row.signature,
  ])
}

/** Checkpoints in order of size, those above `afterSize`; -1 begins. */
export async function checkpointsAfter(db: Queryable, afterSize: number, limit: number): Promise<CheckpointRow[]> {
  const { rows } = await db.query<CheckpointRow>(
    `select ${CHECKPOINT} from trace_checkpoint where size > $1 order by size limit $2`,
    [afterSize, limit],
  )
  return rows
}

/** The smallest checkpoint that covers `size` leaves. */
export async function checkpointCovering(db: Queryable, size: number): Promise<CheckpointRow | null> {
  const { rows } = await db.query<CheckpointRow>(
    `select ${CHECKPOINT} from trace_checkpoint where size >= $1 order by size limit 1`,
    [size],
  )
  return rows[0] ?? null
}

/** Which of `sizes` have a row. */
export async function checkpointSizes(db: Queryable, sizes: readonly number[]): Promise<Set<number>> {
  const { rows } = await db.query<{ size: number }>(
    'select size from trace_checkpoint where size = any($1::bigint[])',
    [sizes],
  )
  return new Set(rows.map(({ size }) => size))
}

export async function leavesFrom(db: Queryable, from: number, to: number): Promise<LeafRow[]> {
  const { rows } = await db.query<LeafRow>({
    name: 'trace leaves',
    text: 'select number, record_id, leaf_hash from trace_leaf where number >= $1 and number < $2 order by number',
    values: [from, to],
  })
  return rows
}

/** The first leaf with a number of `from` or more. */
export async function nextLeaf(db: Queryable, from: number): Promise<LeafRow | null> {
  const { rows } = await db.query<LeafRow>(
    'select number, record_id, leaf_hash from trace_leaf where number >= $1 order by number limit 1',
    [from],
  )
  return rows[0] ?? null
}

/** Stored nodes by `level/index`. */
export async function storedNodes(
  db: Queryable,
  nodes: readonly { level: number; index: number }[],
): Promise<Map<string, Buffer>> {
  const { rows } = await db.query<{ level: number; index: number; hash: Buffer }>(
    `select n.level, n.index, n.hash from unnest($1::smallint[], $2::bigint[]) w(level, index)
       join trace_node n on n.level = w.level and n.index = w.index`,
    [nodes.map(({ level }) => level), nodes.map(({ index }) => index)],
  )
  return new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]))
}

/** Stored nodes that the tree's size has no place for. */
export async function misplacedNodes(db: Queryable, limit: number): Promise<{ level: number; index: number }[]> {
  const { rows } = await db.query<{ level: number; index: number }>(
    `select level, index from trace_node
      where level not in (8, 16, 24, 32, 40) or index < 0
         or (index + 1) * power(2::numeric, level) > (select size from trace_head) limit $1`,
    [limit],
  )
  return rows
}

/** Leaves that the tree's size, or one already walked, has no place for. */
export async function leavesBeyond(db: Queryable, size: number, limit: number): Promise<LeafRow[]> {
  const { rows } = await db.query<LeafRow>(
    `select number, record_id, leaf_hash from trace_leaf
      where number >= greatest($1::bigint, (select size from trace_head)) or number < 0 order by number limit $2`,
    [size, limit],
  )
  return rows
}

export async function leafOf(db: Queryable, recordId: string): Promise<LeafRow | null> {
  const { rows } = await db.query<LeafRow>('select number, record_id, leaf_hash from trace_leaf where record_id = $1', [
    recordId,
  ])
  return rows[0] ?? null
}

export async function recordsOf(db: Queryable, ids: readonly string[]): Promise<Map<string, RecordRow>> {
  const { rows } = await db.query<RecordRow>({
    name: 'trace records',
    text: 'select id, at, type, case_id, bank_id, bytes, leaf_hash from trace_record where id = any($1::uuid[])',
    values: [ids],
  })
  return new Map(rows.map((row) => [row.id, row]))
}

/** A record's bytes and its sealed openings. */
export async function recordSecrets(
  db: Queryable,
  recordId: string,
): Promise<{ bytes: Buffer; leaf_hash: Buffer; secrets: Buffer | null } | null> {
  const { rows } = await db.query<{ bytes: Buffer; leaf_hash: Buffer; secrets: Buffer | null }>(
    'select bytes, leaf_hash, secrets from trace_record where id = $1',
    [recordId],
  )
  return rows[0] ?? null
}

/**
 * Records in id order, those above `after`, each with whether it has a leaf or is pending. One statement, one snapshot:
 * a record that is sealed meanwhile is one or the other.
 */
export async function recordPlaces(
  db: Queryable,
  after: string,
  limit: number,
): Promise<{ id: string; sealed: boolean; pending: boolean }[]> {
  const { rows } = await db.query<{ id: string; sealed: boolean; pending: boolean }>({
    name: 'trace places',
    text: `select r.id, l.record_id is not null as sealed, p.id is not null as pending
             from (select id from trace_record where id > $1 order by id limit $2) r
             left join trace_leaf l on l.record_id = r.id left join trace_pending p on p.id = r.id order by r.id`,
    values: [after, limit],
  })
  return rows
}

/** Pending rows that no act of ours leaves: without a record, or of a record that has its leaf. */
export async function strayPending(db: Queryable, limit: number): Promise<{ id: string; sealed: boolean }[]> {
  const { rows } = await db.query<{ id: string; sealed: boolean }>(
    `select p.id, l.record_id is not null as sealed from trace_pending p
       left join trace_leaf l on l.record_id = p.id left join trace_record r on r.id = p.id
      where l.record_id is not null or r.id is null order by p.id limit $1`,
    [limit],
  )
  return rows
}

export async function pendingCount(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*) as count from trace_pending')
  return rows[0]?.count ?? 0
}
