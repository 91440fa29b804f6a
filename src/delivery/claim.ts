import { inTransaction, type Pool } from '../db/pool.ts'
import { Deadline, monotonicMs } from './deadline.ts'
import { type LeasedRow, leasedColumns } from './store.ts'

/** Most messages that one claim takes. */
const CLAIM_MAXIMUM = 32

export interface Claim {
  readonly rows: readonly LeasedRow[]
  /** Comes before the end of the leases by the database's clock. */
  readonly deadline: Deadline
  /** All the room was taken: more may be due. */
  readonly more: boolean
}

/**
 * Leases heads of streams that are due at an endpoint, oldest first, as many as `limit`, the endpoint's concurrency
 * less its live leases on all nodes, and `CLAIM_MAXIMUM` allow. None while the endpoint is paused or closed.
 */
export async function claim(
  pool: Pool,
  options: { endpoint: string; limit: number; leaseMs: number; owner: string },
): Promise<Claim> {
  const askedAtMs = monotonicMs()
  const limit = Math.min(options.limit, CLAIM_MAXIMUM)
  return inTransaction(pool, async (tx) => {
    const deadline = Deadline.after(options.leaseMs, askedAtMs)
    const door = await tx.query<{ concurrency: number }>({
      name: 'claim door',
      text: `select concurrency from endpoint
              where name = $1 and not paused and (closed_until is null or closed_until <= now()) for update`,
      values: [options.endpoint],
    })
    const concurrency = door.rows[0]?.concurrency
    if (concurrency === undefined) return { rows: [], deadline, more: false }
    // A statement of its own: its snapshot sees the leases of whoever held the endpoint's row before.
    const { rows } = await tx.query<ClaimedRow>({
      name: 'claim',
      text: `
        with busy as materialized (
          select count(*)::int as count from message
           where endpoint = $1 and state = 'sending' and lease_until > now()),
        due as materialized (
          select id, due_at from message
           where endpoint = $1 and state in ('ready', 'waiting') and due_at <= now()
           order by due_at, id
           limit greatest(0, least($2::int, $5::int - (select count from busy))) for update skip locked),
        leased as (
          update message m
             set state = 'sending', since = now(), fence = fence + 1, lease_until = now() + $3 * interval '1 ms',
                 lease_owner = $4
            from due where m.id = due.id
          returning due.due_at as was_due, ${leasedColumns.map((name) => `m.${name}`).join(', ')})
        select busy.count as busy, leased.* from busy left join leased on true order by was_due, id`,
      values: [options.endpoint, limit, options.leaseMs, options.owner, concurrency],
    })
    const leased = rows.filter((row) => row.id !== null)
    const room = Math.max(0, Math.min(limit, concurrency - (rows[0]?.busy ?? 0)))
    return { rows: leased, deadline, more: leased.length >= room }
  })
}

/** The left join gives one row of nulls when nothing is due. */
type ClaimedRow = LeasedRow & { busy: number; was_due: Date }
