import type { Limits } from './floor-check.ts'
import type { Comparison } from './pairs.ts'
import type { Activity } from './statements.ts'
import type { Spread } from './statistics.ts'

/** A comparison in a few lines of text. */
export function tell(comparison: Comparison, say: (line: string) => void): void {
  const { name, unit, promised, ratio, floor, ours, failures, remarks, pairs } = comparison
  const verdict =
    ratio === null
      ? 'NOT COMPARABLE'
      : `${spreadText(ratio)} of the floor, promised ${promised.toFixed(2)}: ${ratio.median >= promised ? 'kept' : 'SHORT'}`
  say(`${name}: ${verdict} (${pairs} pairs)`)
  for (const [label, side] of [
    ['floor', floor],
    ['ours', ours],
  ] as const) {
    if (side === null) continue
    const more = [
      ...(side.p50 === undefined ? [] : [`p50 ${side.p50.toFixed(1)} ms`]),
      ...(side.p99 === undefined ? [] : [`p99 ${side.p99.toFixed(1)} ms`]),
      ...(side.rssMb === undefined ? [] : [`RSS ${side.rssMb.toFixed(0)} MiB`]),
    ]
    say(`  ${label.padEnd(6)} ${spreadText(side.rate, 0)} ${unit}${more.map((one) => `, ${one}`).join('')}`)
  }
  for (const remark of [...failures, ...remarks]) say(`  ${remark}`)
}

function spreadText({ q1, median, q3 }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} [${q1.toFixed(digits)}, ${q3.toFixed(digits)}]`
}

export function tellLimits({ verify, verifiedBy, commits }: Limits, say: (line: string) => void): void {
  say(
    `this machine: ${verify.toFixed(0)} P-256 verifications/s (${verifiedBy}), ${commits.toFixed(0)} commits/s of one client`,
  )
}

export function tellActivity(activity: { ours: Activity; floor: Activity }, say: (line: string) => void): void {
  for (const side of ['floor', 'ours'] as const) {
    const { statements, commits, buffers } = activity[side]
    say(
      `  ${side.padEnd(6)} ${statements.toFixed(2)} statements, ${commits.toFixed(2)} commits, ${buffers.toFixed(0)} buffers a request`,
    )
  }
}
