import { inTransaction, type Pool, type Queryable } from '../db/pool.ts'

export interface DuePoll {
  caseId: string
  step: number
  /** Of this lease. */
  fence: number
}

/**
 * Leases cases that are due to be asked about, oldest first. A lease that runs out lets another node ask: asking twice
 * harms nothing.
 */
export async function claimPolls(pool: Pool, endpoint: string, limit: number, leaseMs: number): Promise<DuePoll[]> {
  return inTransaction(pool, async (tx) => {
    const { rows: door } = await tx.query(
      `select from endpoint where name = $1 and not paused and (closed_until is null or closed_until <= now())`,
      [endpoint],
    )
    if (door.length === 0) return []
    const { rows } = await tx.query<{ case_id: string; step: number; fence: number }>({
      name: 'claim-polls',
      text: `update poll set fence = fence + 1, lease_until = now() + $3 * interval '1 ms'
             where case_id in (select case_id from poll
                where endpoint = $1 and due_at <= now() and (lease_until is null or lease_until < now())
                order by due_at limit $2 for update skip locked)
             returning case_id, step, fence`,
      values: [endpoint, limit, leaseMs],
    })
    return rows.map((row) => ({ caseId: row.case_id, step: row.step, fence: row.fence }))
  })
}

/**
 * Leases anew what has waited for its turn.
 * @returns the cases that are still this lease's; another node has taken the others since.
 */
export async function renewPolls(
  db: Queryable,
  polls: readonly Pick<DuePoll, 'caseId' | 'fence'>[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await db.query<{ case_id: string }>(
    `update poll p set lease_until = now() + $3 * interval '1 ms'
       from (select q.case_id, v.fence from poll q join unnest($1::uuid[], $2::int[]) as v(case_id, fence) using (case_id)
              order by q.case_id for update of q) v
      where p.case_id = v.case_id and p.fence = v.fence returning p.case_id`,
    [polls.map(({ caseId }) => caseId), polls.map(({ fence }) => fence), leaseMs],
  )
  return new Set(rows.map((row) => row.case_id))
}

/** Gives back leases of cases that were not asked about: another node may ask at once. */
export async function handBackPolls(db: Queryable, polls: readonly Pick<DuePoll, 'caseId' | 'fence'>[]): Promise<void> {
  await db.query(
    `update poll p set lease_until = null from unnest($1::uuid[], $2::int[]) as v(case_id, fence)
      where p.case_id = v.case_id and p.fence = v.fence`,
    [polls.map(({ caseId }) => caseId), polls.map(({ fence }) => fence)],
  )
}

/** The case that a hint means, by the registry's number or ours; undefined for a number that is not ours. */
export async function caseByNumber(db: Queryable, number: string): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `select id from cases where business_number = $1 union all
     select id from cases where registry_number = $1 limit 1`,
    [number],
  )
  return rows[0]?.id
}

/** Makes a case due now; nothing when it is not to be asked about. A short statement of its own: a hint is no fact. */
export async function hurryPoll(db: Queryable, caseId: string): Promise<boolean> {
  const { rowCount } = await db.query('update poll set due_at = least(due_at, now()), step = 0 where case_id = $1', [
    caseId,
  ])
  return (rowCount ?? 0) > 0
}
