import { type Clock, shanghaiDay } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Pool } from '../db/pool.ts'

/**
 * Six digits a day and area are shared out by range, so that polls can never eat the numbers of cases. Both bounds are
 * included; the end of a range is refused, never wrapped.
 */
const RANGES = {
  message: { from: 1, to: 699_999 },
  inquiry: { from: 700_000, to: 999_999 },
} as const

export type NumberRange = keyof typeof RANGES

interface Block {
  day: string
  next: number
  /** First number that is not ours. */
  end: number
}

/**
 * Business numbers and BizMsgIDs: area code, yyMMdd, six digits; 18 characters. Taken from PostgreSQL in blocks, so gaps
 * are normal: a block's rest is lost with its process or its day.
 */
export class Numbers {
  readonly #pool: Pool
  readonly #area: string
  readonly #clock: Clock
  readonly #blockSize: number
  readonly #blocks = new Map<NumberRange, Block>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(pool: Pool, area: string, clock: Clock, blockSize = 200) {
    this.#pool = pool
    this.#area = area
    this.#clock = clock
    this.#blockSize = blockSize
  }

  /**
   * `count` numbers that follow one another.
   * @throws {Problem} `numbers-exhausted` at the end of the day's range.
   */
  take(range: NumberRange, count = 1): Promise<string[]> {
    const taken = this.#turn.then(() => this.#take(range, count))
    this.#turn = taken.catch(() => undefined)
    return taken
  }

  async #take(range: NumberRange, count: number): Promise<string[]> {
    const day = shanghaiDay(this.#clock.now())
    let block = this.#blocks.get(range)
    if (block === undefined || block.day !== day || block.end - block.next < count) {
      block = await this.#nextBlock(range, day, Math.max(this.#blockSize, count))
      this.#blocks.set(range, block)
    }
    const first = block.next
    if (first + count - 1 > RANGES[range].to) {
      throw new Problem(
        'numbers-exhausted',
        { zh: '当日业务流水号已用尽，请于次日再试', en: 'the numbers of this day are used up; try again tomorrow' },
        { retryAfterSeconds: 3600 },
      )
    }
    block.next += count
    const prefix = this.#area + day.slice(2, 4) + day.slice(5, 7) + day.slice(8, 10)
    return Array.from({ length: count }, (_, i) => prefix + String(first + i).padStart(6, '0'))
  }

  async #nextBlock(range: NumberRange, day: string, size: number): Promise<Block> {
    const { rows } = await this.#pool.query<{ next: number }>({
      name: 'number-block',
      text: `insert into number_counter (area, day, range, next) values ($1, $2, $3, $4::int + $5::int)
             on conflict (area, day, range) do update set next = number_counter.next + $5::int returning next`,
      values: [this.#area, day, range, RANGES[range].from, size],
    })
    const end = rows[0]?.next ?? 0
    return { day, next: end - size, end }
  }
}
