/** One fault of a body: where (JSON pointer) and what. */
export interface Fault {
  pointer: string
  code: string
  detail: string
  detailEn: string
}

/** Body of a refusal (`application/problem+json`). All codes are in docs/problems.md. */
export interface Problem {
  type?: string
  status: number
  code: string
  /** Chinese; `titleEn` and `detailEn` say the same in English. */
  title?: string
  titleEn?: string
  detail?: string
  detailEn?: string
  /** The rule of access or business that refused. */
  rule?: string
  /** Where in your body, all faults at once. */
  pointers: string[]
  faults?: Fault[]
  retry: 'never' | 'same-key' | 'after'
  /** To be named when you call the centre. */
  traceId?: string
}

export interface CallFacts {
  method: string
  /** With query. */
  path: string
  /** Of a POST: repeat the call with this key to learn what became of it. */
  idempotencyKey: string | undefined
}

/** What every error of a call tells. */
export abstract class CallError extends Error {
  readonly method: string
  readonly path: string
  readonly idempotencyKey: string | undefined

  constructor(message: string, { method, path, idempotencyKey }: CallFacts, cause?: unknown) {
    super(`${method} ${path}: ${message}`, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.method = method
    this.path = path
    this.idempotencyKey = idempotencyKey
  }
}

/** The gateway refused the call. */
export class RefusedError extends CallError {
  readonly status: number
  readonly problem: Problem
  /**
   * Whether the gateway's signature covers the refusal. False for what was refused before your signature was
   * verified, and for what something in front of the gateway said: no proof of anything.
   */
  readonly verified: boolean
  /** The record of the refusal, where there is one. */
  readonly receipt: string | undefined
  /** How long the gateway wants you to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    call: CallFacts,
    answer: {
      status: number
      problem: Problem
      verified: boolean
      receipt: string | undefined
      retryAfterMs: number | undefined
    },
  ) {
    const { code, detail, detailEn, traceId } = answer.problem
    super(`${answer.status} ${code}: ${detailEn ?? ''} ${detail ?? ''} (trace ${traceId ?? 'unknown'})`, call)
    this.status = answer.status
    this.problem = answer.problem
    this.verified = answer.verified
    this.receipt = answer.receipt
    this.retryAfterMs = answer.retryAfterMs
  }

  get code(): string {
    return this.problem.code
  }

  get pointers(): readonly string[] {
    return this.problem.pointers
  }

  get traceId(): string | undefined {
    return this.problem.traceId
  }
}

/** No answer came, in time or at all: what became of the call is unknown. Repeat it with the same key. */
export class NoAnswerError extends CallError {
  readonly timedOut: boolean

  constructor(call: CallFacts, timedOut: boolean, cause: unknown) {
    super(timedOut ? 'no answer in time' : 'no answer', call, cause)
    this.timedOut = timedOut
  }
}

/**
 * An answer came that is not the gateway's word on this call: changed on its way, of another call, unsigned, or signed
 * by a key that you were not given. What became of the call is unknown. Never repeated by itself: look into it.
 */
export class UntrustedAnswerError extends CallError {
  readonly status: number

  constructor(call: CallFacts, status: number, why: string, cause?: unknown) {
    super(`the answer (${status}) is not to be believed: ${why}`, call, cause)
    this.status = status
  }
}
