import { canonicalJson } from '../base/canonical-json.ts'
import type { Clock } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import { ask, type Batch, type Rows, type Step } from '../db/batch.ts'
import type { Facts } from '../trace/clear-facts.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { revisionRaise } from './directory.ts'

/** What changes to access need of the rest. */
export interface AdministrationMeans {
  batch: Pick<Batch, 'submit'>
  clock: Clock
  record(act: Act): TraceRecord
  sealer: { seal(plain: Buffer, context: string): Buffer; open(sealed: Buffer, context: string): Buffer }
  /** Login of the person who makes the change. */
  staff: string
  /** The rule by which that person may: how the command was reached. A word of ours. */
  rule: string
  /** 统一社会信用代码 with its check digit. */
  isCreditCode(code: string): boolean
  /** Whether an identity number is well-formed for its kind (canonical `idType`); `today` is `yyyy-MM-dd`. */
  isIdNumber(idType: string, idNumber: string, today: string): boolean
}

export interface Statement {
  text: string
  values: readonly unknown[]
}

type Found = { readonly [column: string]: unknown }

/** What a change decided: its result, and what its trace record tells; `told` is null when nothing changed. */
export interface Decided<T> {
  result: T
  told: {
    /** What was done, as a word: `bank-added`. */
    what: string
    /** Ids and words of ours. */
    facts: Facts
    /** All that was given, names and numbers included: only committed to, as one JSON text. */
    given?: JsonObject
    /** Id numbers under which the record is found. */
    subjects?: readonly (string | undefined)[]
    rule?: string
  } | null
}

/**
 * Asked after the revision is raised: its row lock lets one change in at a time, on whatever node, so that what is read
 * here is still so when the rows are written.
 */
const readStep: Step<Statement, readonly Found[]> = {
  name: 'administration read',
  order: 20,
  run: async (tx, asks) => {
    const found: (readonly Found[])[] = []
    for (const { text, values } of asks) found.push((await tx.query<Found>(text, [...values])).rows)
    return found
  },
}

/**
 * One change of access: raises the revision, so that every node decides anew, reads what the change depends on, and
 * writes its rows and its trace record in the same transaction.
 * @param decide synchronous and repeatable. @throws {Problem} what it throws; nothing is written then.
 */
export function changeAccess<Name extends string, T>(
  reads: Readonly<Record<Name, Statement>>,
  means: AdministrationMeans,
  decide: (found: Readonly<Record<Name, readonly Found[]>>, rows: Rows) => Decided<T>,
): Promise<T> {
  const asked = Object.entries<Statement>(reads).map(([name, statement]) => [name, ask(readStep, statement)] as const)
  return means.batch.submit<T>({
    asks: [ask(revisionRaise, null), ...asked.map(([, read]) => read)],
    decide: (held, rows) => {
      const found = Object.fromEntries(asked.map(([name, read]) => [name, held.of(read)]))
      const { result, told } = decide(found as Record<Name, readonly Found[]>, rows)
      if (told !== null) {
        means
          .record({
            type: 'administration',
            at: means.clock.now(),
            actors: { staff: means.staff },
            rule: told.rule ?? means.rule,
            outcome: told.what,
            facts: told.facts,
            // As one JSON text: a name that happens to be a login or a word of the record is no leak of it.
            ...(told.given === undefined ? {} : { personal: { given: canonicalJson(told.given) } }),
            ...(told.subjects === undefined ? {} : { subjects: told.subjects }),
          })
          .addTo(rows)
      }
      return result
    },
  })
}
