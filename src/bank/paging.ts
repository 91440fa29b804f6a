import { Problem } from '../base/problem.ts'

/** @throws {Problem} request-malformed. */
export function wholeNumber(text: unknown, name: string, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback
  const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Problem('request-malformed', {
    zh: `参数 ${name} 须为 ${min} 至 ${max} 的整数`,
    en: `${name} must be a whole number from ${min} to ${max}`,
  })
}

export function badCursor(): Problem {
  return new Problem('cursor-invalid', {
    zh: '参数 after 不是网关给出的游标',
    en: 'after is no cursor of the gateway',
  })
}
