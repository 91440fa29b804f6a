import { bankClient } from '../src/sandbox/bank-client.ts'
import { readIdentity } from '../src/sandbox/certificate-authority.ts'
import { OPERATOR, SAMPLE_BANK } from '../test/support/enrolment.ts'
import { smallBody } from '../test/support/small-case.ts'
import { type Measured, startModule } from './child.ts'
import { openLoad } from './load/load.ts'
import { type Comparison, compare } from './pairs.ts'
import { type Gateway, type Place, SCHEMAS } from './place.ts'
import { type Activity, activityOf, longestStatements } from './statements.ts'

export interface Scale {
  pairs: number
  requests: number
}

const CONNECTIONS = 32

/** POST /v1/applications: signed in, durable, signed out. Its counterparties have no address: what goes on to them waits. */
export async function accept(
  place: Place,
  scale: Scale,
  nodeArguments: readonly string[] = [],
): Promise<{ comparison: Comparison; activity: { ours: Activity; floor: Activity } | null }> {
  const gateway = await place.gateway('accept', {
    config: {},
    nodeArguments,
  })
  const databaseUrl = await place.database('accept_floor')
  const floor = await startModule('floor/accept-server.js', { databaseUrl, schemasDir: SCHEMAS, keys: gateway.keys })
  place.onClose(() => floor.close())
  const load = await openLoad(place.identityFolder, 'accept')
  place.onClose(() => load.close())
  const order = {
    path: '/v1/applications',
    body: await applicationBody(place, gateway),
    operator: OPERATOR,
    requests: scale.requests,
    connections: CONNECTIONS,
    expected: 202,
  }
  const run = async (side: Measured) => {
    await place.admin.query('checkpoint')
    return load.against(side, order)
  }
  const comparison = await compare(
    {
      name: 'accept',
      unit: 'requests/s',
      promised: 0.7,
      floor: () => run(floor),
      ours: () => run(gateway),
    },
    scale.pairs,
  )
  if (process.env['BENCH_SQL']) for (const d of ['accept','accept_floor']) console.table(await longestStatements(place, d))
  if (comparison.ratio === null) return { comparison, activity: null }
  const activity = async (side: Measured, database: string): Promise<Activity> =>
    activityOf(place, database, scale.requests, async () => void (await run(side)))
  return {
    comparison,
    activity: { ours: await activity(gateway, 'accept'), floor: await activity(floor, 'accept_floor') },
  }
}

/** The sample's smallest case, with materials that the gateway has; each request has a reference of its own. */
async function applicationBody(place: Place, gateway: Gateway): Promise<string> {
  const client = bankClient({
    baseUrl: gateway.url,
    identity: await readIdentity(place.identityFolder, 'accept'),
    gatewayCertificates: [gateway.gatewayCertificate],
    operator: OPERATOR,
  })
  try {
    const body = await smallBody(client, SAMPLE_BANK)
    return JSON.stringify({ ...body(), bankReference: 'BENCH-@FRESH@' })
  } finally {
    await client.close()
  }
}
