import { type ProblemCode, problems } from './problem-catalogue.ts'

export type { ProblemCode } from './problem-catalogue.ts'

/** One fault of a request: where (JSON pointer into the body) and what, in both languages. */
export interface Fault {
  pointer: string
  code: string
  detail: string
  detailEn: string
}

/** Thrown anywhere; the HTTP edge alone turns it into `application/problem+json`. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly detail: { zh: string; en: string }
  readonly faults: readonly Fault[]
  readonly retryAfterSeconds: number | undefined
  /** The rule of access or business that decided, shown to the caller and traced. */
  readonly rule: string | undefined

  constructor(
    code: ProblemCode,
    detail: { zh: string; en: string },
    more: { faults?: readonly Fault[]; retryAfterSeconds?: number; rule?: string; cause?: unknown } = {},
  ) {
    super(`${code}: ${detail.en}`, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'Problem'
    this.code = code
    this.detail = detail
    this.faults = more.faults ?? []
    this.retryAfterSeconds = more.retryAfterSeconds
    this.rule = more.rule
  }

  get status(): number {
    return problems[this.code].status
  }
}

/** The body of a problem response (RFC 9457 with the members that the API documents). */
export function problemBody(problem: Problem, traceId: string): Record<string, unknown> {
  const type = problems[problem.code]
  return {
    type: `/problems/${problem.code}`,
    status: type.status,
    code: problem.code,
    title: type.title,
    titleEn: type.titleEn,
    detail: problem.detail.zh,
    detailEn: problem.detail.en,
    ...(problem.rule === undefined ? {} : { rule: problem.rule }),
    pointers: problem.faults.map((fault) => fault.pointer),
    ...(problem.faults.length === 0 ? {} : { faults: problem.faults }),
    retry: type.retry,
    traceId,
  }
}
