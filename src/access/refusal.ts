import { Problem, type ProblemCode } from '../base/problem.ts'

/** A refusal names the rule that decided; the same name stands in the trace and in the problem body. */
export function refusal(code: ProblemCode, rule: string, zh: string, en: string): Problem {
  return new Problem(code, { zh, en }, { rule })
}
