import { OPERATOR } from '../test/support/enrolment.ts'
import { grantBoth, question } from '../test/support/querying.ts'
import type { Scale } from './accept.ts'
import { type Measured, startModule } from './child.ts'
import { openLoad } from './load/load.ts'
import { type Comparison, compare } from './pairs.ts'
import { type Place, SCHEMAS } from './place.ts'

const CONNECTIONS = 32

/** POST /v1/queries, answered at once by a stand-in of the registry. */
export async function query(place: Place, scale: Scale, nodeArguments: readonly string[] = []): Promise<Comparison> {
  const registry = await startModule('registry-stand-in.js', {}, { isMeasured: false })
  place.onClose(() => registry.close())
  const gateway = await place.gateway('query', {
    config: { registryUrl: `${registry.url}/`, registryConcurrency: CONNECTIONS },
    nodeArguments,
    prepare: (ground) => grantBoth(ground, { dailyQuota: 1_000_000, authorizationRequired: false }),
  })
  const databaseUrl = await place.database('query_floor')
  const floor = await startModule('floor/query-server.js', {
    databaseUrl,
    schemasDir: SCHEMAS,
    registryUrl: registry.url,
    keys: gateway.keys,
  })
  place.onClose(() => floor.close())
  const load = await openLoad(place.identityFolder, 'query')
  place.onClose(() => load.close())
  const order = {
    path: '/v1/queries',
    body: JSON.stringify(question(null)),
    operator: OPERATOR,
    requests: scale.requests,
    connections: CONNECTIONS,
    expected: 200,
  }
  const run = async (side: Measured) => {
    await place.admin.query('checkpoint')
    return load.against(side, order)
  }
  return compare(
    { name: 'query', unit: 'queries/s', promised: 0.7, floor: () => run(floor), ours: () => run(gateway) },
    scale.pairs,
  )
}
