import type { Batch, Rows } from '../db/batch.ts'
import { gathered } from '../db/gathered.ts'
import type { RowSet } from '../db/row-set.ts'
import type { Destination } from './destination.ts'

interface EndpointRow {
  name: string
  concurrency: number
}

/** Concurrency is the table's; whether it is paused is the operator's and kept. */
const endpointRows: RowSet<EndpointRow> = {
  name: 'endpoint',
  order: 940,
  key: (row) => row.name,
  write: async (tx, rows) => {
    const sorted = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
    await tx.query(
      `insert into endpoint as e (name, concurrency) select * from unnest($1::text[], $2::int[])
           on conflict (name) do update set concurrency = excluded.concurrency
        where e.concurrency is distinct from excluded.concurrency`,
      [sorted.map((row) => row.name), sorted.map((row) => row.concurrency)],
    )
  },
}

interface PauseRow {
  name: string
  paused: boolean
  why: string | null
}

const pausedEndpoints: RowSet<PauseRow> = {
  name: 'pause endpoint',
  order: 941,
  key: (row) => row.name,
  write: async (tx, rows) =>
    void (await tx.query(
      `update endpoint e set paused = v.paused, why = v.why
         from unnest($1::text[], $2::boolean[], $3::text[]) as v(name, paused, why) where e.name = v.name`,
      [rows.map((row) => row.name), rows.map((row) => row.paused), rows.map((row) => row.why)],
    )),
}

/** The endpoints of the table exist, with its concurrency. At start, before anything is claimed. */
export async function ensureEndpoints(
  batch: Batch,
  destinations: readonly Pick<Destination, 'endpoint' | 'concurrency'>[],
): Promise<void> {
  await batch.submit({
    asks: [],
    decide: (_held, rows) => {
      for (const { endpoint, concurrency } of destinations) addEndpoint(rows, endpoint, concurrency)
    },
  })
}

/** An endpoint that comes while the gateway runs; one that is there keeps its pause. */
export function addEndpoint(rows: Rows, name: string, concurrency: number): void {
  rows.add(endpointRows, { name, concurrency })
}

/** Neither paused by staff nor closed for now; one that is not there is not open. */
export const isEndpointOpen = gathered<string, boolean>(async (db, asks) => {
  const { rows } = await db.query<{ name: string }>({
    name: 'endpoint open',
    text: `select name from endpoint
            where name = any($1::text[]) and not paused and (closed_until is null or closed_until <= now())`,
    values: [[...new Set(asks)]],
  })
  const open = new Set(rows.map(({ name }) => name))
  return asks.map((name) => open.has(name))
})

/** Nothing more is claimed for it; what waits keeps waiting, what is under way ends. `why` is for staff. */
export async function pauseEndpoint(batch: Batch, name: string, why: string): Promise<void> {
  await batch.submit({ asks: [], decide: (_held, rows) => rows.add(pausedEndpoints, { name, paused: true, why }) })
}

/** The reconciler's next tick sends what is due. */
export async function resumeEndpoint(batch: Batch, name: string): Promise<void> {
  await batch.submit({
    asks: [],
    decide: (_held, rows) => rows.add(pausedEndpoints, { name, paused: false, why: null }),
  })
}
