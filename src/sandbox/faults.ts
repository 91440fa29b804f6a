/**
 * What a counterparty can be told to do wrong. `slow` waits before the effect and answers rightly; `error-before` is a
 * 500 without effect, `drop-before` hangs up without effect, `busy` is a decided "later" without effect, `redirect` a 307
 * without effect; the three after it have had the effect; `refuse` stops listening for `delayMs` at once.
 */
const faultKinds = [
  'slow',
  'error-before',
  'drop-before',
  'busy',
  'redirect',
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
  /** At random in place of `every`: the share of the calls that match, from 0 to 1. The same `seed` hits the same calls. */
  rate?: number
  seed?: number
  /** How often in all; without end by default. */
  times?: number
  /** How long `slow` waits (2000) or `refuse` lasts (1000), in ms. */
  delayMs?: number
  /** Where `redirect` points. */
  to?: string
}

export interface Faults {
  /** @throws {TypeError} for a rule that names no fault. */
  add(rule: FaultRule): void
  reset(): void
  /** What happens to this call: the waits of all `slow` rules that fire, and the first other fault that does. */
  next(kind: string): { delayMs: number; fault: FaultKind | undefined; to: string | undefined }
  /** How often each fault struck, by `fault kind`. */
  struck(): Record<string, number>
}

export function openFaults(): Faults {
  const struck: Record<string, number> = {}
  let rules: (FaultRule & { seen: number; fired: number; isHit: () => boolean })[] = []
  return {
    add(rule) {
      if (!faultKinds.includes(rule.fault)) throw new TypeError('no such fault')
      const { rate, seed = 1, every = 1 } = rule
      const draw = seededRandom(seed)
      const added = { ...rule, seen: 0, fired: 0, isHit: () => added.seen % every === 0 }
      if (rate !== undefined) added.isHit = () => draw() < rate
      rules.push(added)
    },
    reset() {
      rules = []
    },
    next(kind) {
      let delayMs = 0
      let fault: FaultKind | undefined
      let to: string | undefined
      for (const rule of rules) {
        if (rule.on !== undefined && rule.on !== kind) continue
        rule.seen += 1
        if (!rule.isHit() || rule.fired >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
        if (rule.fault !== 'slow' && fault !== undefined) continue
        rule.fired += 1
        if (rule.fault === 'slow') delayMs += rule.delayMs ?? 2000
        else {
          fault = rule.fault
          to = rule.to
        }
        struck[`${rule.fault} ${kind}`] = (struck[`${rule.fault} ${kind}`] ?? 0) + 1
      }
      return { delayMs, fault, to }
    },
    struck: () => ({ ...struck }),
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
