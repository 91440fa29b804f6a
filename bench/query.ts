import { grantBoth, question } from '../test/support/querying.ts'
import { startModule } from './child.ts'
import { SCHEMAS } from './place.ts'
import { CONNECTIONS, type RequestContest } from './requests.ts'

/** POST /v1/queries, answered at once by a stand-in of the registry. */
export const query: RequestContest = {
  name: 'query',
  unit: 'queries/s',
  promised: 0.7,
  path: '/v1/queries',
  expected: 200,
  open: async (place, database, { nodeArguments, through }) => {
    const registry = await startModule('registry-stand-in.js', {}, { isMeasured: false })
    place.onClose(() => registry.close())
    const gateway = await place.gateway(database, {
      config: { registryUrl: `${registry.url}/`, registryConcurrency: CONNECTIONS },
      nodeArguments,
      through,
      prepare: (ground) => grantBoth(ground, { dailyQuota: 1_000_000, authorizationRequired: false }),
    })
    const floor = await startModule('floor/query-server.js', {
      databaseUrl: await through(`${database}_floor`, await place.database(`${database}_floor`)),
      schemasDir: SCHEMAS,
      registryUrl: registry.url,
      keys: gateway.keys,
    })
    place.onClose(() => floor.close())
    return { gateway, floor, body: JSON.stringify(question(null)) }
  },
}
