/**
 * What came of one attempt to send. Only `retry` is simply sent again; `unknown` is asked about first.
 * `delivered.receipt` and `refused.code` are the peer's words.
 */
export type Outcome =
  | { kind: 'delivered'; receipt: string | null }
  | { kind: 'retry'; reason: string; afterMs?: number }
  | { kind: 'refused'; reason: string; code: string }
  | { kind: 'unknown'; reason: string }
