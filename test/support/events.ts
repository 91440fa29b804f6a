import { newId } from '../../src/base/id.ts'
import { eventInserts, type Sealer, sealEvent } from '../../src/cases/store.ts'
import type { Batch } from '../../src/db/batch.ts'
import type { Pool } from '../../src/db/pool.ts'

/** Commits events of a bank in one member, as facts of its cases would; gives their ids in order. */
export async function commitEvents(
  batch: Batch,
  sealer: Sealer,
  bankId: string,
  count: number,
  then: () => void = () => undefined,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId())
  await batch.submit({
    asks: [],
    decide: (_held, rows) => {
      for (const id of ids) {
        const caseId = newId()
        const at = new Date()
        const body = {
          id,
          caseId,
          type: 'review-step',
          part: 1,
          occurredAt: at.toISOString(),
          unitNumber: `unit ${id}`,
        }
        rows.add(eventInserts, {
          id,
          case_id: caseId,
          bank_id: bankId,
          type: body.type,
          part: 1,
          at,
          sealed: sealEvent(id, body, sealer),
        })
      }
      rows.afterCommit(then)
    },
  })
  return ids
}

export async function bankIdOf(pool: Pool, code: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from bank where code = $1', [code])
  return rows[0]?.id ?? ''
}

/** Facts of the newest trace record of a type. */
export async function newestRecord(pool: Pool, type: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<{ bytes: Buffer }>(
    'select bytes from trace_record where type = $1 order by id desc limit 1',
    [type],
  )
  return JSON.parse(rows[0]?.bytes.toString() ?? '{}') as Record<string, unknown>
}
