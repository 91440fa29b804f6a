import { type Spread, spread } from './statistics.ts'

/** One run of one side. A run that failed throws. */
export interface Run {
  /** Of whatever is measured, a second. */
  rate: number
  /** Milliseconds from asking to the whole answer; absent where nothing is asked. */
  p50?: number
  p99?: number
  /** Resident memory of the measured process at the end of the run, in MiB. */
  rssMb?: number
}

export interface Contest {
  name: string
  /** What a rate counts: `requests/s`. */
  unit: string
  /** The ratio that is promised, ours to the floor's. */
  promised: number
  floor(): Promise<Run>
  ours(): Promise<Run>
}

type Side = { rate: Spread } & Partial<Record<'p50' | 'p99' | 'rssMb', number>>

export interface Comparison {
  name: string
  unit: string
  promised: number
  pairs: number
  floor: Side | null
  ours: Side | null
  /** Of each pair's rates, ours to the floor's; null when a run failed: then nothing here is comparable. */
  ratio: Spread | null
  failures: string[]
  /** Why it does not count as it stands, though nothing failed. */
  remarks: string[]
}

/**
 * Floor, ours, floor, ours …: what else the machine does falls on both alike, and each ratio is of two neighbours. The
 * first pair warms both up and is not counted.
 */
export async function compare(contest: Contest, pairs: number): Promise<Comparison> {
  const floor: Run[] = []
  const ours: Run[] = []
  const failures: string[] = []
  for (let pair = 0; pair <= pairs && failures.length === 0; pair += 1) {
    for (const [side, runs] of [
      ['floor', floor],
      ['ours', ours],
    ] as const) {
      try {
        const run = await contest[side]()
        if (pair > 0) runs.push(run)
      } catch (error) {
        failures.push(`${side}, pair ${pair}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  const { name, unit, promised } = contest
  const isComparable = failures.length === 0 && floor.length === ours.length && floor.length > 0
  return {
    name,
    unit,
    promised,
    pairs: Math.min(floor.length, ours.length),
    floor: floor.length === 0 ? null : sideOf(floor),
    ours: ours.length === 0 ? null : sideOf(ours),
    ratio: isComparable ? spread(ours.map(({ rate }, i) => rate / (floor[i] as Run).rate)) : null,
    failures,
    remarks: [],
  }
}

function sideOf(runs: readonly Run[]): Side {
  const side: Side = { rate: spread(runs.map(({ rate }) => rate)) }
  for (const name of ['p50', 'p99', 'rssMb'] as const) {
    const values = runs.map((run) => run[name]).filter((value) => value !== undefined)
    if (values.length > 0) side[name] = spread(values).median
  }
  return side
}
