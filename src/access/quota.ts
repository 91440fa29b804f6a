import type { Step } from '../db/batch.ts'
import type { RowSet } from '../db/row-set.ts'

export interface QuotaAsk {
  accountId: string
  operatorId: string
  /** `yyyy-MM-dd` in Asia/Shanghai. */
  day: string
  /** Queries a day: of the account as a whole, and of this operator for it. */
  accountQuota: number
  operatorQuota: number
}

/** Which quota is spent; null: one query of each was reserved. */
export type QuotaResult = { spent: null | 'account' | 'operator' }

const keyOf = (accountId: string, ownerId: string, day: string): string => `${accountId} ${ownerId} ${day}`

/**
 * Gate: reserves one query of the day, or tells whose quota is spent. The rows are locked in sorted order, so that over
 * all nodes not one query too many passes.
 */
export const quotaGate: Step<QuotaAsk, QuotaResult> = {
  name: 'quota',
  order: 50,
  run: async (tx, asks) => {
    const owners = new Map<string, { accountId: string; ownerId: string; day: string }>()
    for (const { accountId, operatorId, day } of asks) {
      for (const ownerId of [accountId, operatorId])
        owners.set(keyOf(accountId, ownerId, day), { accountId, ownerId, day })
    }
    const sorted = [...owners].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, owner]) => owner)
    const keys = [
      sorted.map(({ accountId }) => accountId),
      sorted.map(({ ownerId }) => ownerId),
      sorted.map(({ day }) => day),
    ]
    const { rows } = await tx.query<{ account_id: string; operator_id: string; day: string; used: number }>({
      name: 'quota-lock',
      text: `insert into quota_use as q (account_id, operator_id, day, used)
             select *, 0 from unnest($1::uuid[], $2::uuid[], $3::date[])
             on conflict (account_id, operator_id, day) do update set used = q.used
             returning account_id, operator_id, day::text, used`,
      values: keys,
    })
    const used = new Map(rows.map((row) => [keyOf(row.account_id, row.operator_id, row.day), row.used]))
    const results = asks.map(({ accountId, operatorId, day, accountQuota, operatorQuota }): QuotaResult => {
      const account = keyOf(accountId, accountId, day)
      const operator = keyOf(accountId, operatorId, day)
      if ((used.get(account) ?? 0) >= accountQuota) return { spent: 'account' }
      if ((used.get(operator) ?? 0) >= operatorQuota) return { spent: 'operator' }
      for (const key of [account, operator]) used.set(key, (used.get(key) ?? 0) + 1)
      return { spent: null }
    })
    await tx.query({
      name: 'quota-use',
      text: `update quota_use q set used = v.used
             from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[]) as v(account_id, operator_id, day, used)
             where q.account_id = v.account_id and q.operator_id = v.operator_id and q.day = v.day`,
      values: [...keys, sorted.map(({ accountId, ownerId, day }) => used.get(keyOf(accountId, ownerId, day)) ?? 0)],
    })
    return results
  },
}

/** Gives a reserved query back: the registry could not answer. Locks in the order of the gate. */
export const quotaReleases: RowSet<{ accountId: string; operatorId: string; day: string }> = {
  name: 'quota release',
  order: 90,
  write: async (tx, rows) => {
    const sums = new Map<string, { accountId: string; ownerId: string; day: string; count: number }>()
    for (const { accountId, operatorId, day } of rows) {
      for (const ownerId of [accountId, operatorId]) {
        const key = keyOf(accountId, ownerId, day)
        const sum = sums.get(key) ?? { accountId, ownerId, day, count: 0 }
        sum.count += 1
        sums.set(key, sum)
      }
    }
    const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum)
    await tx.query({
      name: 'quota-release',
      text: `insert into quota_use as q (account_id, operator_id, day, used)
             select account_id, operator_id, day, 0 from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[])
                 as v(account_id, operator_id, day, count)
             on conflict (account_id, operator_id, day) do update set used = greatest(0, q.used - (
               select v.count from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[])
                 as v(account_id, operator_id, day, count)
                where v.account_id = q.account_id and v.operator_id = q.operator_id and v.day = q.day))`,
      values: [
        sorted.map(({ accountId }) => accountId),
        sorted.map(({ ownerId }) => ownerId),
        sorted.map(({ day }) => day),
        sorted.map(({ count }) => count),
      ],
    })
  },
}

/** Seconds until the day in Asia/Shanghai ends and quotas begin anew; at least 1. */
export function secondsToMidnight(now: Date): number {
  const offsetMs = 8 * 3_600_000
  const dayMs = 86_400_000
  return Math.max(1, Math.ceil((dayMs - ((now.getTime() + offsetMs) % dayMs)) / 1000))
}
