import type { Queryable } from '../db/pool.ts'
import { recordPlaces } from './store.ts'

const PAGE = 2000
const KEPT = 10_000
/** Below every id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Records that neither have a leaf nor wait for one: inserted, or robbed of their leaf. Where leaves are missing, those
 * whose ids fit between the neighbours' are tried in their place.
 */
export class Strays {
  readonly omitted: number
  /** In id order. */
  readonly #ids: string[]
  readonly #placed = new Set<string>()

  private constructor(ids: string[], omitted: number) {
    this.#ids = ids
    this.omitted = omitted
  }

  static async read(db: Queryable): Promise<Strays> {
    const ids: string[] = []
    let omitted = 0
    let after = FIRST_ID
    for (;;) {
      const page = await recordPlaces(db, after, PAGE)
      for (const { id, sealed, pending } of page) {
        if (sealed || pending) continue
        if (ids.length < KEPT) ids.push(id)
        else omitted += 1
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return new Strays(ids, omitted)
      after = last.id
    }
  }

  /** Those not yet placed with ids above `after` and, where given, below `before`. */
  between(after: string, before: string | null): string[] {
    return this.#ids.filter((id) => !this.#placed.has(id) && id > after && (before === null || id < before))
  }

  place(id: string): void {
    this.#placed.add(id)
  }

  release(id: string): void {
    this.#placed.delete(id)
  }

  left(): string[] {
    return this.#ids.filter((id) => !this.#placed.has(id))
  }
}
