/**
 * What came of one attempt to send. Only `retry` is simply sent again; `unknown` is asked about first.
 * `delivered.receipt` and `refused.code` are the peer's words.
 */
export type Outcome =
  | { kind: 'delivered'; receipt: string | null }
  | { kind: 'retry'; reason: string; afterMs?: number }
  /** `mayHaveActed`: its code is in no table, so that it may have had the effect all the same. */
  | { kind: 'refused'; reason: string; code: string; mayHaveActed?: true }
  | { kind: 'unknown'; reason: string }
