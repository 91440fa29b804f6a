/**
 * Whether shares written `n/m` add up to exactly one, in rational arithmetic (1/3 three times is one; no float is).
 * A text of another form makes it false.
 */
export function sumsToOne(shares: readonly string[]): boolean {
  let numerator = 0n
  let denominator = 1n
  for (const share of shares) {
    const parsed = parseShare(share)
    if (parsed === null) return false
    numerator = numerator * parsed.of + parsed.part * denominator
    denominator *= parsed.of
    const divisor = greatestCommonDivisor(numerator, denominator)
    numerator /= divisor
    denominator /= divisor
  }
  return numerator === 1n && denominator === 1n
}

/** More than nothing and at most the whole. */
export function isShare(text: string): boolean {
  const parsed = parseShare(text)
  return parsed !== null && parsed.part > 0n && parsed.part <= parsed.of
}

function parseShare(text: string): { part: bigint; of: bigint } | null {
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text)
  if (match === null) return null
  const [part, of] = match.slice(1).map(BigInt) as [bigint, bigint]
  return of === 0n ? null : { part, of }
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b)
}
