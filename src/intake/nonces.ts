import { createHash } from 'node:crypto'
import type { Step } from '../db/batch.ts'
import { inTransaction, type Pool } from '../db/pool.ts'

/** Seconds that one slot of nonces covers; longer than the widest signature window (300 s) by construction. */
const PERIOD_SECONDS = 300
const SLOTS = 5

export interface NonceAsk {
  keyid: string
  nonce: string
  /** `created` of the signature, Unix seconds: it alone decides the slot, so a repeat always meets the first. */
  createdAt: number
  requestId: string
}

const slotOf = (period: number): number => ((period % SLOTS) + SLOTS) % SLOTS

function nonceKey(ask: NonceAsk): Buffer {
  return createHash('sha256').update(`${ask.keyid}\n${ask.createdAt}\n${ask.nonce}`).digest().subarray(0, 16)
}

/** Gate: true for the first use of a nonce, false for every repeat. */
export const nonceGate: Step<NonceAsk, boolean> = {
  name: 'nonce',
  order: 20,
  run: async (tx, asks) => {
    const keyed = asks
      .map((ask) => ({
        slot: slotOf(Math.floor(ask.createdAt / PERIOD_SECONDS)),
        key: nonceKey(ask),
        requestId: ask.requestId,
      }))
      .sort((a, b) => a.slot - b.slot || a.key.compare(b.key))
    const { rows } = await tx.query<{ request_id: string }>({
      name: 'nonce',
      text: `insert into nonce (slot, key, request_id)
             select * from unnest($1::smallint[], $2::bytea[], $3::uuid[]) on conflict do nothing returning request_id`,
      values: [keyed.map((k) => k.slot), keyed.map((k) => k.key), keyed.map((k) => k.requestId)],
    })
    const first = new Set(rows.map((row) => row.request_id))
    return asks.map((ask) => first.has(ask.requestId))
  },
}

/**
 * Empties the slot that comes into use after the next one: what lies there is older than any signature still accepted.
 * Runs about once a minute on every node; the row lock lets one of them do it.
 */
export async function rotateNonces(pool: Pool): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ period: number }>(
      `select floor(extract(epoch from now()) / ${PERIOD_SECONDS})::bigint as period`,
    )
    const coming = (rows[0]?.period ?? 0) + 2
    const slot = slotOf(coming)
    const { rows: slots } = await tx.query<{ period: number }>(
      'select period from nonce_slot where slot = $1 and period < $2 for update skip locked',
      [slot, coming],
    )
    if (slots.length === 0) return
    await tx.query(`set local lock_timeout = '2s'`)
    await tx.query(`truncate nonce_${slot}`)
    await tx.query('update nonce_slot set period = $2 where slot = $1', [slot, coming])
  })
}
