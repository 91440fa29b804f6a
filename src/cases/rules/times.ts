import type { Fault } from '../../base/problem.ts'
import { isRealDate } from './dates.ts'
import { ruleFault } from './faults.ts'
import type { RuleCheck } from './rule-context.ts'

// A bank's clock may be ahead by as much as the window of a signature.
const clockSkewMs = 300_000

/** The fault of a time that is no time or lies ahead of now. */
export function timeFaults(pointer: string, text: string, check: RuleCheck): Fault[] {
  const at = isRealTime(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) return [ruleFault(pointer, 'time-invalid')]
  return at > check.now.getTime() + clockSkewMs ? [ruleFault(pointer, 'time-in-future')] : []
}

function isRealTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.exec(text)
  return match !== null && isRealDate(match[1] as string)
}
