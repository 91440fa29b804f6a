import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addBranch } from '../src/access/administration-additions.ts'
import { registerCertificate } from '../src/access/administration-certificates.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { bankClient } from '../src/sandbox/bank-client.ts'
import { certificatesOfPem, parseCertificate } from '../src/trust/certificate.ts'
import { OPERATOR, OTHER_BANK, SAMPLE_BANK, startWorld } from './support/world.ts'

await t.test(
  'a branch suspended elsewhere is refused at the very next request, whatever this node still believes',
  async (t) => {
    const world = await startWorld(t)
    const { ground, url } = world.gateway
    await world.enrol()
    const means = administrationMeans(ground)
    await addBranch({ bank: SAMPLE_BANK.code, code: OTHER_BANK.code, name: OTHER_BANK.name }, means)
    const identity = await world.ca.issue({
      algorithm: 'p256',
      organization: OTHER_BANK.name,
      commonName: 'branch',
      uscc: OTHER_BANK.code,
    })
    await registerCertificate(
      { bank: SAMPLE_BANK.code, name: 'core' },
      parseCertificate(certificatesOfPem(identity.certificatePem)[0] as Buffer),
      means,
    )
    const pem = readFileSync(join(ground.folders.signing, 'p256.cert.pem'), 'utf8')
    const branch = bankClient({ baseUrl: url, identity, gatewayCertificates: [pem], operator: OPERATOR })
    t.teardown(() => branch.close())
    const call = () => branch.call({ method: 'GET', path: '/v1/codes' })
    t.equal((await call()).status, 200, 'a branch in force acts for its bank')

    const change = async (state: string): Promise<void> => {
      // As another process does it: this node is told nothing.
      await world.database.pool.query(
        "begin; update branch set state = '" + state + "'; update revision set number = number + 1; commit",
      )
    }
    for (let round = 0; round < 5; round += 1) {
      await change('suspended')
      t.match((await call()).json(), { status: 403, code: 'certificate-bank-mismatch' })
      await change('active')
      t.equal((await call()).status, 200)
    }
  },
)
