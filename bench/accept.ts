import { bankClient } from '../src/sandbox/bank-client.ts'
import { readIdentity } from '../src/sandbox/certificate-authority.ts'
import { OPERATOR, SAMPLE_BANK } from '../test/support/enrolment.ts'
import { smallBody } from '../test/support/small-case.ts'
import { startModule } from './child.ts'
import type { Gateway, Place } from './place.ts'
import { SCHEMAS } from './place.ts'
import type { RequestContest } from './requests.ts'

/** POST /v1/applications: signed in, durable, signed out. Its counterparties have no address: what goes on to them waits. */
export const accept: RequestContest = {
  name: 'accept',
  unit: 'requests/s',
  promised: 0.7,
  path: '/v1/applications',
  expected: 202,
  open: async (place, database, { nodeArguments, through }) => {
    const gateway = await place.gateway(database, { config: {}, nodeArguments, through })
    const body = await applicationBody(place, gateway)
    const databaseUrl = await through(`${database}_floor`, await place.database(`${database}_floor`))
    const floor = await startModule('floor/accept-server.js', { databaseUrl, schemasDir: SCHEMAS, keys: gateway.keys })
    place.onClose(() => floor.close())
    return { gateway, floor, body }
  },
}

/** The sample's smallest case, with materials that the gateway has; each request has a reference of its own. */
async function applicationBody(place: Place, gateway: Gateway): Promise<string> {
  const client = bankClient({
    baseUrl: gateway.url,
    identity: await readIdentity(place.identityFolder, gateway.database),
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
