import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'

/**
 * Takes back a bank's push that was made for what its webhook was before, dead or with attempts used up: the feeder gives
 * a fresh one, from the cursor on. One that is being sent stays; `settle` sees to it. Called under the webhook's lock.
 */
export function renewPush(streams: CaseStreams, rows: Rows, why: string): void {
  for (const push of streams.messages) {
    if (push.state !== 'sending') streams.withdraw(rows, push, why)
  }
}
