import { canonicalJson } from '../base/canonical-json.ts'
import { shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Json } from '../base/json.ts'
import type { Rows } from '../db/batch.ts'
import { insertSet } from '../db/row-set.ts'
import { assertNothingPersonal, clearFacts, type Facts, isSafeActor, isSafePath, isSafeText } from './clear-facts.ts'
import { commit, openingsBytes, type Sealer } from './commitments.ts'
import { leafHash } from './merkle.ts'
import type { RecordType } from './record-types.ts'

/** Who acted: ids of ours, the operator's code at the bank, the staff member's login. */
interface Actors {
  readonly bankId?: string | undefined
  readonly branchId?: string | undefined
  readonly accountId?: string | undefined
  readonly operator?: string | undefined
  readonly staff?: string | undefined
  /** The counterparty or part of the gateway that acted when no person did: platform, registry, gateway. */
  readonly system?: string | undefined
}

export interface Act {
  readonly type: RecordType
  /** This node's time. */
  readonly at: Date
  readonly actors?: Actors
  readonly caseId?: string | undefined
  /** The rule that decided. */
  readonly rule?: string | undefined
  readonly outcome?: string | undefined
  readonly facts?: Facts
  /** Values that name persons or property, unit and certificate numbers included, by a path of ours. Absent ones are left out. */
  readonly personal?: { readonly [path: string]: string | null | undefined }
  /** Id, unit or certificate numbers under which the record is to be found by day. */
  readonly subjects?: readonly (string | null | undefined)[]
}

export interface TraceRecord {
  readonly id: string
  /** The record's hash, everywhere and for ever: SM3(0x00 ‖ bytes). */
  readonly leafHash: Buffer
  /** Value of the header Trace-Receipt (a structured field): the promise that the log can be held to. */
  readonly receipt: string
  addTo(rows: Rows): void
}

export interface RecordMeans {
  readonly sealer: Sealer
  /** Keyed, so that without the key a subject cannot be guessed. */
  readonly blindIndex: (value: string) => Buffer
}

interface RecordRow {
  id: string
  at: Date
  type: string
  case_id: string | null
  bank_id: string | null
  bytes: Buffer
  leaf_hash: Buffer
  secrets: Buffer | null
}

const recordSet = insertSet<RecordRow>('trace_record', 300, {
  id: 'uuid',
  at: 'timestamptz',
  type: 'text',
  case_id: 'uuid',
  bank_id: 'uuid',
  bytes: 'bytea',
  leaf_hash: 'bytea',
  secrets: 'bytea',
})

const pendingSet = insertSet<{ id: string; leaf_hash: Buffer }>('trace_pending', 310, {
  id: 'uuid',
  leaf_hash: 'bytea',
})

const subjectSet = insertSet<{ day: string; blind: Buffer; record_id: string }>(
  'trace_subject',
  320,
  { day: 'date', blind: 'bytea', record_id: 'uuid' },
  { onConflict: '(day, blind, record_id) do nothing' },
)

/** The context under which a record's salts and values are sealed. */
export const secretsContext = (id: string): string => `trace_record/secrets/${id}`

/** Value of Trace-Receipt for a leaf hash. */
export const receiptText = (hash: Buffer): string => `sm3=:${hash.toString('base64')}:`

/**
 * The record of one act, to be added to the rows of the transaction that does it.
 * @throws {Error} when its clear part is not of safe forms or holds one of its personal values.
 */
export function traceRecord(act: Act, means: RecordMeans): TraceRecord {
  const id = newId()
  const personal: { path: string; value: string }[] = []
  for (const [path, value] of Object.entries(act.personal ?? {})) {
    if (value === undefined || value === null) continue
    if (!isSafePath(path)) throw new Error('a personal value of a trace record has an unsafe path')
    personal.push({ path, value })
  }
  const actors: Record<string, Json> = {}
  for (const [name, code] of Object.entries(act.actors ?? {}) as [string, string | undefined][]) {
    if (code === undefined) continue
    if (isSafeActor(code)) actors[name] = code
    else personal.push({ path: `actors.${name}`, value: code })
  }
  const words: Record<string, Json> = {}
  for (const name of ['caseId', 'rule', 'outcome'] as const) {
    const word = act[name]
    if (word === undefined) continue
    if (!isSafeText(word)) throw new Error(`${name} of a trace record is of no safe form`)
    words[name] = word
  }
  const clear = { ...words, actors, facts: clearFacts(act.facts ?? {}) }
  assertNothingPersonal(clear, personal)
  const { commitments, openings } = commit(personal)
  const bytes = Buffer.from(
    canonicalJson({
      version: 1,
      id,
      at: act.at.toISOString(),
      type: act.type,
      ...clear,
      commitments: commitments.map(({ path, sm3 }) => ({ path, sm3 })),
    }),
  )
  const hash = leafHash(bytes)
  const row: RecordRow = {
    id,
    at: act.at,
    type: act.type,
    case_id: act.caseId ?? null,
    bank_id: act.actors?.bankId ?? null,
    bytes,
    leaf_hash: hash,
    secrets: openings.length === 0 ? null : means.sealer.seal(openingsBytes(openings), secretsContext(id)),
  }
  const day = shanghaiDay(act.at)
  const subjects = new Set((act.subjects ?? []).filter((subject) => subject !== undefined && subject !== null))
  return {
    id,
    leafHash: hash,
    receipt: receiptText(hash),
    addTo: (rows) => {
      rows.add(recordSet, row)
      rows.add(pendingSet, { id, leaf_hash: hash })
      rows.add(
        subjectSet,
        ...[...subjects].map((subject) => ({ day, blind: means.blindIndex(subject), record_id: id })),
      )
    },
  }
}

/** What a record's bytes say of the columns beside them; null when they are no record at all. */
export function clearColumns(
  bytes: Buffer,
): { id: string; at: string; type: string; caseId: string | null; bankId: string | null } | null {
  try {
    const parsed = JSON.parse(bytes.toString()) as {
      id: string
      at: string
      type: string
      caseId?: string
      actors?: { bankId?: string }
    }
    const { id, at, type, caseId, actors } = parsed
    return { id, at, type, caseId: caseId ?? null, bankId: actors?.bankId ?? null }
  } catch {
    return null
  }
}
