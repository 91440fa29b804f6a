/**
 * The one catalogue of errors (RFC 9457). `retry` tells the client: `never` (change the request first), `same-key`
 * (send again, signed anew, with the same Idempotency-Key), `after` (likewise, after Retry-After).
 * Every code has a heading in docs/problems.md; a test compares both ways.
 */
interface ProblemType {
  status: number
  retry: 'never' | 'same-key' | 'after'
  title: string
  titleEn: string
}

export const problems = {
  'internal': { status: 500, retry: 'same-key', title: '系统内部错误', titleEn: 'Unexpected error' },
  'overloaded': { status: 503, retry: 'after', title: '系统繁忙，请稍后重试', titleEn: 'The gateway is busy' },
  'disk-full': { status: 503, retry: 'after', title: '存储空间不足，暂不受理', titleEn: 'Storage is nearly full' },
  'shutting-down': { status: 503, retry: 'after', title: '系统正在停机', titleEn: 'The gateway is shutting down' },
  'outcome-unknown': { status: 503, retry: 'same-key', title: '处理结果未知，请用同一幂等键重试', titleEn: 'The outcome is unknown: repeat with the same key' },
  'numbers-exhausted': { status: 503, retry: 'after', title: '当日业务流水号已用尽', titleEn: 'The business numbers of the day are used up' },
  'route-not-found': { status: 404, retry: 'never', title: '接口不存在', titleEn: 'No such endpoint' },
  'method-not-allowed': { status: 405, retry: 'never', title: '不支持该请求方法', titleEn: 'Method not allowed' },
  'request-malformed': { status: 400, retry: 'never', title: '请求格式错误', titleEn: 'The request is malformed' },
  'body-too-large': { status: 413, retry: 'never', title: '请求体超过上限', titleEn: 'The body is over the limit' },
  'media-type-unsupported': { status: 415, retry: 'never', title: '不支持的内容类型', titleEn: 'Unsupported content type' },
  'message-invalid': { status: 422, retry: 'never', title: '报文不符合规范', titleEn: 'The message does not match its schema' },
} as const satisfies Record<string, ProblemType>

export type ProblemCode = keyof typeof problems

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
