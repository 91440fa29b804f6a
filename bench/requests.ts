import { OPERATOR } from '../test/support/enrolment.ts'
import type { Measured } from './child.ts'
import { openLoad } from './load/load.ts'
import { type Comparison, compare, type Run } from './pairs.ts'
import type { Gateway, Place } from './place.ts'
import { type Activity, type Counted, counted } from './statements.ts'

/** Kept connections of the bank, each with one request at a time. */
export const CONNECTIONS = 32

export interface Scale {
  pairs: number
  /** Requests, or messages, of one run. */
  requests: number
}

/** Requests of a bank to a gateway, and the same to a floor. */
export interface RequestContest {
  name: string
  unit: string
  promised: number
  path: string
  expected: number
  /** @param database a name for the gateway's database; the floor's has `_floor` behind it. */
  open(
    place: Place,
    database: string,
    options: OpenOptions,
  ): Promise<{ gateway: Gateway; floor: Measured; body: string }>
}

interface OpenOptions {
  nodeArguments: readonly string[]
  /** The way to a database. */
  through: (database: string, url: string) => Promise<string>
}

export interface Measurement {
  comparison: Comparison
  activity: { ours: Activity; floor: Activity } | null
}

/** Compares, then counts what PostgreSQL does for one request of each, by ways that are not measured. */
export async function measureRequests(
  contest: RequestContest,
  place: Place,
  scale: Scale,
  nodeArguments: readonly string[],
): Promise<Measurement> {
  const { name, unit, promised } = contest
  const direct = await opened(contest, place, name, { nodeArguments, through: async (_name, url) => url })
  const comparison = await compare(
    {
      name,
      unit,
      promised,
      floor: () => direct.run(direct.floor, scale.requests),
      ours: () => direct.run(direct.gateway, scale.requests),
    },
    scale.pairs,
  )
  await direct.close()
  if (comparison.ratio === null) return { comparison, activity: null }

  const ways = new Map<string, Counted>()
  const through = async (database: string, url: string): Promise<string> => {
    const way = await counted(place, database, url)
    ways.set(database, way)
    return way.url
  }
  const watched = await opened(contest, place, `${name}_counted`, { nodeArguments: [], through })
  const activity = async (database: string, side: Measured): Promise<Activity> => {
    // What is prepared and planned at first is not counted.
    await watched.run(side, COUNTED)
    return (ways.get(database) as Counted).over(COUNTED, () => watched.run(side, COUNTED))
  }
  const result = {
    ours: await activity(`${name}_counted`, watched.gateway),
    floor: await activity(`${name}_counted_floor`, watched.floor),
  }
  await watched.close()
  return { comparison, activity: result }
}

const COUNTED = 320

async function opened(
  { path, expected, open }: RequestContest,
  place: Place,
  database: string,
  options: OpenOptions,
): Promise<{
  gateway: Gateway
  floor: Measured
  run: (side: Measured, requests: number) => Promise<Run>
  close: () => Promise<void>
}> {
  const { gateway, floor, body } = await open(place, database, options)
  const load = await openLoad(place.identityFolder, database)
  place.onClose(() => load.close())
  const order = { path, body, operator: OPERATOR, connections: CONNECTIONS, expected }
  return {
    gateway,
    floor,
    run: async (side, requests) => {
      await place.admin.query('checkpoint')
      return load.against(side, { ...order, requests })
    },
    close: async () => {
      await load.close()
      await Promise.all([gateway.close(), floor.close()])
    },
  }
}
