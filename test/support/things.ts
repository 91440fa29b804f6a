import { ask, type Member, type Step } from '../../src/db/batch.ts'
import { insertSet } from '../../src/db/row-set.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export interface Thing {
  name: string
  amount: number
}

export const things = insertSet<Thing>('thing', 500, { name: 'text', amount: 'integer' })

/** Claims a name; the first to come has it. */
const nameGate: Step<string, boolean> = {
  name: 'name',
  order: 10,
  run: async (tx, asks) => {
    const { rows } = await tx.query<{ name: string }>(
      'insert into claim (name) select * from unnest($1::text[]) on conflict do nothing returning name',
      [[...asks].sort()],
    )
    const free = new Set(rows.map(({ name }) => name))
    return asks.map((name) => free.delete(name))
  },
}

export async function thingsDatabase(t: { teardown(work: () => Promise<void>): unknown }): Promise<TestDatabase> {
  const database = await testDatabase(t)
  await database.pool.query(
    `create table thing (name text not null, amount integer not null check (amount >= 0));
     create table claim (name text primary key)`,
  )
  return database
}

export const adds = (name: string, amount = 1): Member<string> => ({
  asks: [],
  decide: (_held, rows) => {
    rows.add(things, { name, amount })
    return name
  },
})

/** Claims its name first; `fault` is thrown once it knows what it got. */
export const claims = (name: string, more: { fault?: Error; amount?: number } = {}): Member<boolean> => {
  const asked = ask(nameGate, name)
  return {
    asks: [asked],
    decide: (held, rows) => {
      if (more.fault !== undefined) throw more.fault
      rows.add(things, { name, amount: more.amount ?? 1 })
      return held.of(asked)
    },
  }
}

export async function names({ pool }: TestDatabase, table = 'thing'): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(`select name from ${table} order by name`)
  return rows.map(({ name }) => name)
}
