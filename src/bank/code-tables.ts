import type { Json } from '../base/json.ts'
import type { CodeTable } from '../mapping/code-table.ts'

/** Code tables as banks read them: only those with words of the canonical documents. */
export function codeTables(tables: ReadonlyMap<string, CodeTable>): {
  table(name: string): Json | undefined
  names(): string[]
} {
  const pages = new Map<string, Json>()
  for (const { name, title, values } of tables.values()) {
    const words = values.filter(({ word }) => word !== null)
    if (words.length === 0) continue
    pages.set(name, {
      table: name,
      title,
      values: words.map(({ word, code, name: meaning }) => ({ word, code, name: meaning })),
    })
  }
  return { table: (name) => pages.get(name), names: () => [...pages.keys()].sort() }
}
