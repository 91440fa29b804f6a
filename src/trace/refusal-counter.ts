import type { Clock } from '../base/clock.ts'
import type { Batch, Rows } from '../db/batch.ts'
import { insertSet } from '../db/row-set.ts'
import { isSafeText } from './clear-facts.ts'
import { type Periodic, startPeriodic } from './periodic.ts'
import type { Act, TraceRecord } from './record.ts'

/**
 * Refusals before a signature has verified: anyone can send these, so they are counted per source and code and written
 * once a minute, one record each. At most `sourcesMaximum` are told apart between two writings, the rest count as
 * `other`.
 */
export interface RefusalCounter {
  /** @param source the peer's address. @param code the problem's code. */
  count(source: string, code: string): void
  /** Writes what was counted. */
  flush(): Promise<void>
  /** Counts that are not yet written, by how many keys. */
  readonly waiting: number
  readonly periodic: Pick<Periodic, 'lastRunAt' | 'lastError'>
  /** Stops and writes what was counted. */
  close(): Promise<void>
}

const countSet = insertSet<{ minute: Date; source: string; code: string; count: number }>(
  'refusal_count',
  330,
  { minute: 'timestamptz', source: 'text', code: 'text', count: 'bigint' },
  { onConflict: '(minute, source, code) do update set count = refusal_count.count + excluded.count' },
)

const OTHER = 'other'

/** An address without its zone; `::1` as `0::1`. Whatever is no address must not fill the table. */
function plainSource(source: string): string {
  const address = (source.split('%')[0] ?? '').replace(/^:/, '0:')
  return address.length <= 64 && isSafeText(address) ? address : OTHER
}

export function countRefusals(options: {
  batch: Pick<Batch, 'submit'>
  record: (act: Act) => TraceRecord
  clock: Clock
  onError: (error: unknown) => void
  /** Default 60,000. */
  intervalMs?: number
  /** Default 1,000. */
  sourcesMaximum?: number
}): RefusalCounter {
  const { batch, record, clock, onError } = options
  const maximum = options.sourcesMaximum ?? 1000
  let counts = new Map<string, number>()
  let since = clock.now()

  const add = (source: string, code: string, count: number): void => {
    const own = plainSource(source)
    const key = `${code} ${own}`
    const known = counts.get(key)
    if (known !== undefined) counts.set(key, known + count)
    else if (counts.size < maximum) counts.set(key, count)
    else counts.set(`${code} ${OTHER}`, (counts.get(`${code} ${OTHER}`) ?? 0) + count)
  }

  const flush = async (): Promise<void> => {
    const taken = counts
    const from = since
    const to = clock.now()
    counts = new Map()
    since = to
    if (taken.size === 0) return
    const minute = new Date(Math.floor(from.getTime() / 60_000) * 60_000)
    const write = (rows: Rows): void => {
      for (const [key, count] of taken) {
        const [code = '', source = ''] = key.split(' ')
        record({ type: 'refusals-counted', at: to, outcome: code, facts: { source, count, from, to } }).addTo(rows)
        rows.add(countSet, { minute, source, code, count })
      }
    }
    try {
      await batch.submit({ asks: [], decide: (_held, rows) => write(rows) })
    } catch (error) {
      // Kept for the next writing. After a lost COMMIT they may then count twice: too many rather than too few.
      since = from
      for (const [key, count] of taken) {
        const [code = '', source = ''] = key.split(' ')
        add(source, code, count)
      }
      throw error
    }
  }

  const periodic = startPeriodic({ intervalMs: options.intervalMs ?? 60_000, work: flush, onError })
  return {
    count: (source, code) => add(source, code, 1),
    flush,
    get waiting() {
      return counts.size
    },
    periodic,
    close: async () => {
      await periodic.stop()
      await flush()
    },
  }
}
