/** What the bank's process is told to do, in `orders.json` of its folder. */
export interface BankOrders {
  baseUrl: string
  gatewayCertificates: string[]
  /** At least; they come until the file `enough` is there. */
  cases: number
  atOnce: number
  /** Every n-th case has papers of its own, uploaded for it. */
  uploadEvery: number
  filePauseMs: number
  askPauseMs: number
  /** Between two papers that belong to no case. */
  uploadPauseMs: number
}

export interface TortureEvent {
  id: string
  cursor: string
  type: string
  /** Of an event of a case. */
  caseId?: string
  before?: string | null
  after?: string
  part?: number
  subject?: unknown
}

/** One line of `told.jsonl`: what the bank was told. */
export type BankLine =
  | { kind: 'receipt'; what: string; receipt: string }
  | { kind: 'filed'; id: string; businessNumber: string; papers: number }
  | { kind: 'asked'; id: string }
  | { kind: 'disclosed'; id: string; receipt: string }
  | { kind: 'event'; event: TortureEvent }
