import type { Step } from '../db/batch.ts'
import type { CaseHold } from './store.ts'

/** The cases that have a platform's number; more than one only where a platform's fault was stored. */
export interface NumberHolders {
  caseIds: Set<string>
}

/**
 * Gate: who has a platform's number that a case is about to learn. A lock of the number, held to the commit, makes of two
 * cases that learn it at the same time a first and a second. One object a number and batch: whoever learns it joins it.
 */
export const platformNumberGate: Step<string, NumberHolders> = {
  name: 'platform-number',
  order: 34,
  run: async (tx, asks) => {
    const numbers = [...new Set(asks)].sort()
    await tx.query({
      name: 'platform-number-lock',
      text: 'select pg_advisory_xact_lock(hashtextextended(n, 8)) from (select unnest($1::text[]) as n) numbers',
      values: [numbers],
    })
    const { rows } = await tx.query<{ id: string; platform_number: string }>({
      name: 'platform-number-holders',
      text: 'select id, platform_number from cases where platform_number = any($1::text[])',
      values: [numbers],
    })
    const holders = new Map<string, NumberHolders>(numbers.map((number) => [number, { caseIds: new Set() }]))
    for (const { id, platform_number } of rows) holders.get(platform_number)?.caseIds.add(id)
    return asks.map((number) => holders.get(number) as NumberHolders)
  },
}

/** Whether a case may learn the number: no other has it. From then on it does, unless it is known by another already. */
export function takeNumber({ caseIds }: NumberHolders, hold: Pick<CaseHold, 'id' | 'platformNumber'>): boolean {
  if ([...caseIds].some((id) => id !== hold.id)) return false
  if (hold.platformNumber === null) caseIds.add(hold.id)
  return true
}
