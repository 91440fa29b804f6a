import { faultPoint } from '../base/fault-point.ts'
import { inTransaction, type Pool } from '../db/pool.ts'
import { readFrontier, STORED_EVERY } from './nodes.ts'
import { appendLeaves, lockHead, oldestPendingId, pendingRecords } from './store.ts'

/** Records numbered in one transaction. */
const RUN_LIMIT = 2000

/**
 * Gives pending records the next numbers, in id order, and adds them as leaves to the tree: leaves, nodes, head and the
 * end of their pending in one transaction, one node at a time, until none is left. A record whose commit comes late
 * simply gets a later number.
 * @param wait whether to wait for a node that is sealing right now; else that one's work is enough.
 * @param runLimit records of one transaction; default 2,000.
 * @throws {TreeBroken} when the stored tree lacks a part.
 */
export async function sealPending(
  pool: Pool,
  options: { wait?: boolean; runLimit?: number; signal?: AbortSignal } = {},
): Promise<{ sealed: number }> {
  const limit = options.runLimit ?? RUN_LIMIT
  // An idle tree takes no lock, and so writes nothing.
  if ((await oldestPendingId(pool)) === null) return { sealed: 0 }
  let sealed = 0
  for (;;) {
    const run = await sealRun(pool, limit, options.wait ?? false)
    sealed += run
    if (run < limit || options.signal?.aborted === true) return { sealed }
  }
}

async function sealRun(pool: Pool, limit: number, wait: boolean): Promise<number> {
  return inTransaction(pool, async (tx) => {
    const size = await lockHead(tx, wait)
    if (size === null) return 0
    const pending = await pendingRecords(tx, limit)
    if (pending.length === 0) return 0
    const frontier = await readFrontier(tx, size)
    const stored = pending
      .flatMap((row) => frontier.append(row.leaf_hash))
      .filter(({ level }) => level % STORED_EVERY === 0)
    await appendLeaves(tx, size, pending, stored)
    await faultPoint('record-not-sealed')
    return pending.length
  })
}
