import type { Transaction } from './pool.ts'

/**
 * A table as the batch writes it: all rows of a batch in one statement. `order` is the place in the transaction; lower
 * goes first, counters that many writers touch come last. `key` makes later rows of one key replace earlier ones.
 */
export interface RowSet<R> {
  readonly name: string
  readonly order: number
  readonly key?: (row: R) => string
  /** One statement by default, sent before `write` first waits; of several, the next row set waits for the last. */
  readonly statements?: 'one' | 'several'
  write(tx: Transaction, rows: readonly R[]): Promise<void>
}

type Columns<R> = { readonly [K in keyof R & string]: string }

function parameters<R>(columns: Columns<R>): { names: (keyof R & string)[]; casts: string[]; unnest: string } {
  const names = Object.keys(columns) as (keyof R & string)[]
  // An array of jsonb or of arrays cannot be a parameter of unnest: it travels as text and is cast per row.
  const perRow = (type: string): boolean => type === 'jsonb' || type.endsWith('[]')
  const unnest = names.map((name, i) => `$${i + 1}::${perRow(columns[name]) ? 'text' : columns[name]}[]`).join(', ')
  const casts = names.map((name) => (perRow(columns[name]) ? `v.${name}::${columns[name]}` : `v.${name}`))
  return { names, casts, unnest }
}

const toColumns = <R>(names: readonly (keyof R & string)[], rows: readonly R[]): unknown[][] =>
  names.map((name) => rows.map((row) => row[name] ?? null))

/** One INSERT for all rows, columns named and typed as given. */
export function insertSet<R extends object>(
  table: string,
  order: number,
  columns: Columns<R>,
  more: { key?: (row: R) => string; onConflict?: string } = {},
): RowSet<R> {
  const { names, casts, unnest } = parameters<R>(columns)
  const text = `insert into ${table} (${names.join(', ')}) select ${casts.join(', ')} from unnest(${unnest}) as v(${names.join(', ')})${more.onConflict === undefined ? '' : ` on conflict ${more.onConflict}`}`
  const name = `insert ${table}`
  return {
    name,
    order,
    ...(more.key === undefined ? {} : { key: more.key }),
    write: async (tx, rows) => void (await tx.query({ name, text, values: toColumns(names, rows) })),
  }
}

/** One UPDATE for all rows: every column but `by` is set; rows are told by `by`. The last row of a key counts. */
export function updateSet<R extends object>(
  table: string,
  order: number,
  by: keyof R & string,
  columns: Columns<R>,
  label: string = table,
): RowSet<R> {
  const { names, unnest } = parameters<R>(columns)
  const set = names
    .filter((name) => name !== by)
    .map(
      (name) =>
        `${name} = v.${name}${columns[name] === 'jsonb' || columns[name].endsWith('[]') ? `::${columns[name]}` : ''}`,
    )
  const text = `update ${table} t set ${set.join(', ')} from unnest(${unnest}) as v(${names.join(', ')}) where t.${by} = v.${by}`
  const name = `update ${label}`
  return {
    name,
    order,
    key: (row) => String(row[by]),
    write: async (tx, rows) => void (await tx.query({ name, text, values: toColumns(names, rows) })),
  }
}

/** One DELETE for all keys. */
export function deleteSet(table: string, order: number, column: string, type: string): RowSet<string> {
  const name = `delete ${table}`
  const text = `delete from ${table} where ${column} = any($1::${type}[])`
  return {
    name,
    order,
    key: (row) => row,
    write: async (tx, rows) => void (await tx.query({ name, text, values: [rows] })),
  }
}
