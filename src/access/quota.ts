import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'

interface QuotaOf {
  accountId: string
  operatorId: string
  /** `yyyy-MM-dd` in Asia/Shanghai. */
  day: string
}

/** To reserve a query of the day, or to give a reserved one back: the registry could not answer. */
export type QuotaAsk =
  | (QuotaOf & {
      take: true
      /** Queries a day: of the account as a whole, and of this operator for it. */
      accountQuota: number
      operatorQuota: number
    })
  | (QuotaOf & { take: false })

/** Which quota is spent; null: what was asked is done. */
export type QuotaResult = { spent: null | 'account' | 'operator' }

const keyOf = (accountId: string, ownerId: string, day: string): string => `${accountId} ${ownerId} ${day}`

/**
 * Gate: reserves one query of the day of account and operator, or tells whose quota is spent; gives back first what is
 * to be given back. The rows are locked in sorted order, so that over all nodes not one query too many passes.
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
    const add = (key: string, count: number): void => void used.set(key, Math.max(0, (used.get(key) ?? 0) + count))
    const bothOf = ({ accountId, operatorId, day }: QuotaOf): [string, string] => [
      keyOf(accountId, accountId, day),
      keyOf(accountId, operatorId, day),
    ]
    for (const ask of asks) if (!ask.take) for (const key of bothOf(ask)) add(key, -1)
    const results = asks.map((ask): QuotaResult => {
      if (!ask.take) return { spent: null }
      const [account, operator] = bothOf(ask)
      if ((used.get(account) ?? 0) >= ask.accountQuota) return { spent: 'account' }
      if ((used.get(operator) ?? 0) >= ask.operatorQuota) return { spent: 'operator' }
      for (const key of [account, operator]) add(key, 1)
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

/** Queries used on a day: of the account as a whole, and of the operator for it. */
export async function quotaUsed(
  db: Queryable,
  { accountId, operatorId, day }: QuotaOf,
): Promise<{ account: number; operator: number }> {
  const { rows } = await db.query<{ operator_id: string; used: number }>(
    'select operator_id, used from quota_use where account_id = $1 and day = $2 and operator_id = any($3::uuid[])',
    [accountId, day, [accountId, operatorId]],
  )
  const of = (id: string): number => rows.find((row) => row.operator_id === id)?.used ?? 0
  return { account: of(accountId), operator: of(operatorId) }
}

/** Seconds until the day in Asia/Shanghai ends and quotas begin anew; at least 1. */
export function secondsToMidnight(now: Date): number {
  const offsetMs = 8 * 3_600_000
  const dayMs = 86_400_000
  return Math.max(1, Math.ceil((dayMs - ((now.getTime() + offsetMs) % dayMs)) / 1000))
}
