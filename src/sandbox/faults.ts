/**
 * What a counterparty can be told to do wrong. `slow` waits before the effect and answers rightly; `error-before` is a
 * 500 without effect, `busy` a decided "later" without effect; the last three have had the effect; `refuse` stops
 * listening for `delayMs` at once.
 */
const faultKinds = [
  'slow',
  'error-before',
  'busy',
  'drop-after-effect',
  'error-after-effect',
  'garbage',
  'refuse',
] as const
type FaultKind = (typeof faultKinds)[number]

export interface FaultRule {
  fault: FaultKind
  /** The kind of call, `SUBMIT` or `FILE` say; every call when absent. */
  on?: string
  /** Every n-th of the calls that match; 1 by default. */
  every?: number
  /** How often in all; without end by default. */
  times?: number
  /** How long `slow` waits (2000) or `refuse` lasts (1000), in ms. */
  delayMs?: number
}

export interface Faults {
  /** @throws {TypeError} for a rule that names no fault. */
  add(rule: FaultRule): void
  reset(): void
  /** What happens to this call: the waits of all `slow` rules that fire, and the first other fault that does. */
  next(kind: string): { delayMs: number; fault: FaultKind | undefined }
  /** How often each fault struck, by `fault kind`. */
  struck(): Record<string, number>
}

export function openFaults(): Faults {
  const struck: Record<string, number> = {}
  let rules: (FaultRule & { seen: number; fired: number })[] = []
  return {
    add(rule) {
      if (!faultKinds.includes(rule.fault)) throw new TypeError('no such fault')
      rules.push({ ...rule, seen: 0, fired: 0 })
    },
    reset() {
      rules = []
    },
    next(kind) {
      let delayMs = 0
      let fault: FaultKind | undefined
      for (const rule of rules) {
        if (rule.on !== undefined && rule.on !== kind) continue
        rule.seen += 1
        if (rule.seen % (rule.every ?? 1) !== 0 || rule.fired >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
        if (rule.fault !== 'slow' && fault !== undefined) continue
        rule.fired += 1
        if (rule.fault === 'slow') delayMs += rule.delayMs ?? 2000
        else fault = rule.fault
        struck[`${rule.fault} ${kind}`] = (struck[`${rule.fault} ${kind}`] ?? 0) + 1
      }
      return { delayMs, fault }
    },
    struck: () => ({ ...struck }),
  }
}
