/** Purposes of a query (查询目的): the word that banks and scopes use, and what the registry is told. */
export const purposes = {
  'mortgage-registration': '办理抵押登记',
  'mortgage-cancellation': '办理抵押权注销登记',
  'loan-review': '贷前调查',
  'loan-management': '贷后管理',
} as const

export type Purpose = keyof typeof purposes

export function isPurpose(word: string): word is Purpose {
  return Object.hasOwn(purposes, word)
}
