/**
 * Places between two things that belong together, where a process may end and nothing may be lost:
 * - `committed-not-woken`      the shared commit is durable; nobody was answered or woken
 * - `sent-not-recorded`        a counterparty has answered; its answer is not recorded
 * - `answered-too-late`        the same, for longer than the lease lasts
 * - `file-not-committed`       a material has its place; no row names it
 * - `answer-not-traced`        the registry has answered a query; nothing tells of it
 * - `record-not-sealed`        records are numbered in a transaction that has not ended
 * - `checkpoint-not-stored`    a checkpoint is in its file; its row is not there
 */
export type FaultPoint =
  | 'committed-not-woken'
  | 'sent-not-recorded'
  | 'answered-too-late'
  | 'file-not-committed'
  | 'answer-not-traced'
  | 'record-not-sealed'
  | 'checkpoint-not-stored'

/**
 * Does nothing, whatever is set: what ends a process here is another module, which the torture's own build puts in the
 * place of this one.
 */
export function faultPoint(_point: FaultPoint): Promise<void> | undefined {
  return undefined
}
