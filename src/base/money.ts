/**
 * Exact decimals as text: digits, optional fraction, optional minus. Never a float.
 * Amounts of rights are 元 at the bank and 万元 (10,000 元) at the registry.
 */
const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?$/

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text)
}

/**
 * Moves the decimal point: `places` > 0 multiplies by ten to that power, < 0 divides; then writes exactly `scale`
 * digits of fraction, or as many as are needed when `scale` is null.
 * @throws {RangeError} for text that is no decimal, and when a digit other than zero would be lost.
 */
export function shiftDecimal(text: string, places: number, scale: number | null): string {
  if (!DECIMAL.test(text)) throw new RangeError(`not a decimal: ${text.length} characters`)
  const negative = text.startsWith('-')
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  let digits = whole + fraction
  let point = whole.length + places
  if (point < 0) {
    digits = '0'.repeat(-point) + digits
    point = 0
  }
  if (point > digits.length) digits += '0'.repeat(point - digits.length)
  const newWhole = digits.slice(0, point).replace(/^0+(?=\d)/, '') || '0'
  let newFraction = digits.slice(point).replace(/0+$/, '')
  if (scale !== null) {
    if (newFraction.length > scale) throw new RangeError('a digit would be lost')
    newFraction = newFraction.padEnd(scale, '0')
  }
  const unsigned = newFraction === '' ? newWhole : `${newWhole}.${newFraction}`
  return negative && /[1-9]/.test(unsigned) ? `-${unsigned}` : unsigned
}

/** 元 to 万元 with exactly `scale` digits of fraction; @throws {RangeError} when a digit would be lost. */
export function yuanToWan(yuan: string, scale: number): string {
  return shiftDecimal(yuan, -4, scale)
}

/** 万元 to 元 with exactly `scale` digits of fraction; @throws {RangeError} when a digit would be lost. */
export function wanToYuan(wan: string, scale: number): string {
  return shiftDecimal(wan, 4, scale)
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compareDecimal(a: string, b: string): number {
  const scale = Math.max((a.split('.')[1] ?? '').length, (b.split('.')[1] ?? '').length)
  const difference = BigInt(shiftDecimal(a, scale, 0)) - BigInt(shiftDecimal(b, scale, 0))
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
