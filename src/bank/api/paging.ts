/** The parameter `limit` of a call that gives a page. */
export function limit(byDefault: number, maximum: number) {
  return {
    name: 'limit',
    in: 'query',
    about: { zh: '一页最多多少条', en: 'Most entries of the page.' },
    schema: { type: 'integer', minimum: 1, maximum, default: byDefault },
  } as const
}
