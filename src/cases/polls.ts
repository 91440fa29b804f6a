import { deleteSet, insertSet, type RowSet } from '../db/row-set.ts'

export interface PollRow {
  case_id: string
  endpoint: string
  /** When to ask next; null when there is nothing more to ask. */
  due_at: Date | null
  step: number
}

/** When each case is asked about. Of several rows of a case in one batch the last counts, be it an end or a new start. */
export const polls: RowSet<PollRow> = {
  name: 'poll',
  order: 700,
  key: (row) => row.case_id,
  statements: 'several',
  write: async (tx, rows) => {
    const sorted = [...rows].sort((a, b) => (a.case_id < b.case_id ? -1 : 1))
    const ended = sorted.filter((row) => row.due_at === null)
    const due = sorted.filter((row) => row.due_at !== null)
    // Before two statements touch rows of one table, all are locked in the order in which others lock them.
    if (ended.length > 0 && due.length > 0) {
      await tx.query({
        name: 'poll-lock',
        text: 'select from poll where case_id = any($1::uuid[]) order by case_id for update',
        values: [sorted.map((row) => row.case_id)],
      })
    }
    if (ended.length > 0)
      await endedPolls.write(
        tx,
        ended.map((row) => row.case_id),
      )
    if (due.length > 0) await duePolls.write(tx, due)
  },
}

const endedPolls = deleteSet('poll', 700, 'case_id', 'uuid')

const duePolls = insertSet<PollRow>(
  'poll',
  700,
  { case_id: 'uuid', endpoint: 'text', due_at: 'timestamptz', step: 'integer' },
  { onConflict: '(case_id) do update set due_at = excluded.due_at, step = excluded.step, lease_until = null' },
)
