import { createHash, randomUUID } from 'node:crypto'

/** A record of the trace as it lies in its row: canonical bytes and their leaf hash. */
export interface TraceRow {
  id: string
  at: Date
  type: string
  subject: string
  bytes: Buffer
  leafHash: Buffer
}

export function traceRow(type: string, subject: string, facts: Record<string, string>): TraceRow {
  const id = randomUUID()
  const at = new Date()
  const bytes = Buffer.from(
    JSON.stringify({ actors: { account: 'core' }, at: at.toISOString(), facts, id, subject, type, version: 1 }),
  )
  const leafHash = createHash('sm3').update(Buffer.of(0)).update(bytes).digest()
  return { id, at, type, subject, bytes, leafHash }
}

export const TRACE_TABLE = `
  create table trace (id uuid primary key, at timestamptz not null, type text not null, subject text not null,
    bytes bytea not null, leaf_hash bytea not null)`

const INSERT = `insert into trace (id, at, type, subject, bytes, leaf_hash)
  select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])`

export function insertTrace(rows: readonly TraceRow[]): { name: string; text: string; values: unknown[][] } {
  return {
    name: 'trace',
    text: INSERT,
    values: [
      rows.map(({ id }) => id),
      rows.map(({ at }) => at),
      rows.map(({ type }) => type),
      rows.map(({ subject }) => subject),
      rows.map(({ bytes }) => bytes),
      rows.map(({ leafHash }) => leafHash),
    ],
  }
}
