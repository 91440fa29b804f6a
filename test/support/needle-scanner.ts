import { NEEDLE_BYTES, type Needle, type Secret } from './needles.ts'

/** Where a needle was found: `table public.cases.memory`, `file postgres/pg_wal/…`. */
export interface Finding extends Secret {
  where: string
  form: string
  at: number
  count: number
}

/** Finds many needles in one pass (after Wu and Manber): two bytes tell how far the next one can at least be. */
export class NeedleScanner {
  readonly #shift = new Uint8Array(0x10000).fill(NEEDLE_BYTES - 1)
  readonly #byEnd = new Map<number, Needle[]>()

  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      for (let at = 1; at < NEEDLE_BYTES; at += 1) {
        const block = needle.bytes.readUInt16BE(at - 1)
        this.#shift[block] = Math.min(this.#shift[block] as number, NEEDLE_BYTES - 1 - at)
      }
      const end = needle.bytes.readUInt16BE(NEEDLE_BYTES - 2)
      const same = this.#byEnd.get(end)
      if (same === undefined) this.#byEnd.set(end, [needle])
      else same.push(needle)
    }
  }

  /** One finding for each needle that is there, with its first place. */
  scan(bytes: Buffer, where: string): Finding[] {
    const found = new Map<Needle, Finding>()
    for (let at = NEEDLE_BYTES - 1; at < bytes.length; ) {
      const block = ((bytes[at - 1] as number) << 8) | (bytes[at] as number)
      const shift = this.#shift[block] as number
      if (shift > 0) {
        at += shift
        continue
      }
      const from = at - NEEDLE_BYTES + 1
      for (const needle of this.#byEnd.get(block) ?? []) {
        if (bytes[from] !== needle.bytes[0] || bytes[from + 1] !== needle.bytes[1]) continue
        if (!needle.bytes.equals(bytes.subarray(from, from + needle.bytes.length))) continue
        const known = found.get(needle)
        if (known !== undefined) known.count += 1
        else {
          const { kind, value, form } = needle
          found.set(needle, { where, kind, value, form, at: from, count: 1 })
        }
      }
      at += 1
    }
    return [...found.values()]
  }
}
