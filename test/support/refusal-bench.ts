import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { registerCertificate } from '../../src/access/administration-certificates.ts'
import { changeStanding, type Subject } from '../../src/access/administration-standing.ts'
import { administrationMeans } from '../../src/cli/administration-means.ts'
import { type BankAnswer, type BankClient, bankClient } from '../../src/sandbox/bank-client.ts'
import { type SampleApplication, sampleCase, withMaterialIds } from '../../src/sandbox/sample-case.ts'
import { certificatesOfPem, parseCertificate } from '../../src/trust/certificate.ts'
import { OPERATOR, OTHER_BANK, SAMPLE_BANK, startWorld, untilCompleted, type World } from './world.ts'

export const BODY_LIMIT = 20_480
export const MATERIAL_LIMIT = 65_536
export const STOPPED_OPERATOR = 'yx-sub-0032'
const THIRD_BANK = { code: '91420000000000001R', name: '第三银行股份有限公司' }
const FOURTH_BANK = { code: '914202000000000027', name: '第四银行股份有限公司' }

type Test = Parameters<typeof startWorld>[0]
export type RefusalBench = Awaited<ReturnType<typeof openRefusalBench>>

/** A world with callers that are each refused for a reason of their own, and a completed case of the one that is not. */
export async function openRefusalBench(t: Test) {
  const world = await startWorld(t, { config: { bodyLimitBytes: BODY_LIMIT, materialLimitBytes: MATERIAL_LIMIT } })
  const { ground } = world.gateway
  const means = administrationMeans(ground)
  const suspend = (subject: Subject): Promise<unknown> => changeStanding(subject, 'suspended', 'test', means)

  const bank = await world.enrol()
  const clients = {
    expired: await world.enrol({ account: 'expired', flaw: 'expired' }),
    early: await world.enrol({ account: 'early', flaw: 'not-yet-valid' }),
    encrypting: await world.enrol({ account: 'encrypting', flaw: 'wrong-usage' }),
    homemade: await world.enrol({ account: 'homemade', flaw: 'unknown-ca' }),
    stolen: await withCertificateOf(t, world, 'stolen', OTHER_BANK),
    other: await world.enrol({ bank: OTHER_BANK }),
    querying: await world.enrol({ account: 'querying', businessTypes: ['query'] }),
    everything: await world.enrol({ account: 'everything', businessTypes: ['mortgage-first', 'mortgage-cancel'] }),
    elsewhere: await world.enrol({ account: 'elsewhere', areas: ['420281'] }),
    lapsed: await world.enrol({ account: 'lapsed', validTo: '2026-01-02' }),
    lapsedBank: await world.enrol({ bank: THIRD_BANK, agreementTo: '2026-01-02' }),
    stopped: await world.enrol({ account: 'stopped' }),
    stoppedBank: await world.enrol({ bank: FOURTH_BANK }),
    stoppedCertificate: await world.enrol({ account: 'stopped-certificate' }),
    stoppedOperator: await world.enrol({ operator: STOPPED_OPERATOR }),
  }

  await suspend({ kind: 'account', bank: SAMPLE_BANK.code, name: 'stopped' })
  await suspend({ kind: 'bank', code: FOURTH_BANK.code })
  await suspend({ kind: 'operator', bank: SAMPLE_BANK.code, code: STOPPED_OPERATOR })
  await suspend({ kind: 'certificate', fingerprint: await fingerprintOf(world, 'stopped-certificate') })

  const application = await prepareSmall(bank)
  const key = randomUUID()
  const filed = await bank.submitApplication(application, { idempotencyKey: key })
  if (filed.status !== 202) throw new Error(`the case was not taken: ${filed.body.toString()}`)
  const caseId = filed.json()['id'] as string
  await untilCompleted(bank, caseId)
  return {
    world,
    bank,
    clients,
    /** The filed application, the key it was filed under, and its case. */
    application,
    key,
    caseId,
    /** An application of the other bank's, not filed. */
    theirs: await prepareSmall(clients.other),
    /** The filed application under a reference that is free. */
    fresh: (): SampleApplication => ({ ...structuredClone(application), bankReference: `ED-${randomUUID()}` }),
    standing: () => standing(world),
  }
}

/** All that a refused call must leave alone, and the records of refusals. */
async function standing(world: World) {
  const { pool } = world.database
  const { ground } = world.gateway
  await ground.trace.refusals.flush()
  const [things, counts, records] = await Promise.all([
    pool.query<Record<string, number>>(
      `select (select count(*)::int from cases) as cases, (select count(*)::int from event) as events,
              (select count(*)::int from message) + (select count(*)::int from message_history) as messages,
              (select count(*)::int from material) as materials, (select count(*)::int from bank_reference) as names,
              (select number from revision) as revision`,
    ),
    pool.query<{ code: string; count: number }>(
      'select code, sum(count)::int as count from refusal_count group by code',
    ),
    pool.query<{ id: string; bytes: Buffer; leaf_hash: Buffer }>(
      `select id, bytes, leaf_hash from trace_record where type = 'request-refused'`,
    ),
  ])
  return {
    things: things.rows[0],
    counts: Object.fromEntries(counts.rows.map(({ code, count }) => [code, count])) as Record<string, number>,
    records: records.rows,
    files: await storedFiles(world),
  }
}

/** Names of the files of materials on the disk, those that are being written too. */
export async function storedFiles({ gateway }: World): Promise<string[]> {
  const entries = await readdir(gateway.ground.folders.materials, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort()
}

/** The sample with nine small materials of the bank's own, so that each upload is quick. */
export async function prepareSmall(client: BankClient): Promise<SampleApplication> {
  const { application: sample } = sampleCase()
  const ids = new Map<string, string>()
  for (const { name } of sample.materials) {
    const answer = await client.uploadMaterial({ bytes: pdf(64), contentType: 'application/pdf' })
    ids.set(name, answer.json()['id'] as string)
  }
  return withMaterialIds(sample, ids)
}

async function fingerprintOf({ database }: World, account: string): Promise<string> {
  const { rows } = await database.pool.query<{ fingerprint: string }>(
    'select fingerprint from account_certificate c join account a on a.id = c.account_id where a.name = $1',
    [account],
  )
  return rows[0]?.fingerprint ?? ''
}

/** A client of the sample bank's whose registered certificate names another bank. */
async function withCertificateOf(
  t: Test,
  world: World,
  account: string,
  named: { code: string; name: string },
): Promise<BankClient> {
  const { ground } = world.gateway
  await world.enrol({ account })
  const identity = await world.ca.issue({
    algorithm: 'p256',
    organization: named.name,
    commonName: named.name,
    uscc: named.code,
  })
  const read = parseCertificate(certificatesOfPem(identity.certificatePem)[0] as Buffer)
  await registerCertificate({ bank: SAMPLE_BANK.code, name: account }, read, administrationMeans(ground))
  const client = bankClient({
    baseUrl: world.gateway.url,
    identity,
    gatewayCertificates: [await readFile(join(ground.folders.signing, 'p256.cert.pem'), 'utf8')],
    operator: OPERATOR,
  })
  t.teardown(() => client.close())
  return client
}

export function pdf(sizeBytes: number): Buffer {
  return Buffer.from(`%PDF-1.7\n${randomUUID()}`.padEnd(sizeBytes, ' '))
}

/** A call without the client's signature, whose headers may occur twice. */
export async function plainCall(baseUrl: string, path: string, headers: string[]): Promise<BankAnswer> {
  const response = await request(baseUrl + path, { headers })
  const body = Buffer.from(await response.body.arrayBuffer())
  return {
    status: response.statusCode,
    headers: {},
    body,
    verified: response.headers['signature'] !== undefined,
    receipt: undefined,
    json: () => JSON.parse(body.toString()) as ReturnType<BankAnswer['json']>,
  }
}
