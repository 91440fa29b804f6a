import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addAccount, addBank, addOperator } from '../../src/access/administration-additions.ts'
import { registerCertificate } from '../../src/access/administration-certificates.ts'
import type { Clock } from '../../src/base/clock.ts'
import { administrationMeans } from '../../src/cli/administration-means.ts'
import { loadConfig } from '../../src/config.ts'
import { type Gateway, openGateway } from '../../src/gateway.ts'
import type { Ground } from '../../src/ground.ts'
import { openLogger } from '../../src/logger.ts'
import { type BankClient, bankClient } from '../../src/sandbox/bank-client.ts'
import {
  type CertificateAuthority,
  type Identity,
  openCertificateAuthority,
} from '../../src/sandbox/certificate-authority.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryConfig } from '../../src/sandbox/registry.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'
import { type SampleCaseOptions, sampleCase, withMaterialIds } from '../../src/sandbox/sample-case.ts'
import { certificatesOfPem, parseCertificate } from '../../src/trust/certificate.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { until } from './until.ts'

type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>

export const OPERATOR = 'yx-sub-0031'
/** The mortgagee of the sample case. */
export const SAMPLE_BANK = { code: '91420222000000019R', name: '示例银行股份有限公司阳新支行' }
export const OTHER_BANK = { code: '91420222MA0000015G', name: '另一银行股份有限公司' }
const PLATFORM = { organization: '黄石市一事联办平台', commonName: '一事联办平台', uscc: '12420200MB0000001X' }
const HINT_SECRET = 'test-secret'

/** Times that let a case run through in a second. */
export const QUICK: Overrides = {
  pollFirstMs: 50,
  pollCapMs: 300,
  reconcileMs: 100,
  backoffMs: 50,
  backoffCapMs: 500,
  registryTimeoutMs: 3000,
  registryMaximumMs: 3000,
  platformTimeoutMs: 3000,
  leaseMarginMs: 500,
  sealMs: 100,
  checkpointMs: 300,
  logLevel: 'silent',
  shutdownGraceMs: 3000,
  diskReserveMb: 0,
}

export interface Enrolment {
  bank?: { code: string; name: string }
  account?: string
  algorithm?: Identity['algorithm']
  operator?: string
  businessTypes?: string[]
  areas?: string[]
  agreementTo?: string
  validTo?: string
  /** In place of a good certificate of the sandbox CA. */
  flaw?: 'expired' | 'not-yet-valid' | 'wrong-usage' | 'unknown-ca'
}

export interface World {
  gateway: Gateway
  database: TestDatabase
  ca: CertificateAuthority
  registry: RunningCounterparty<RegistryState>
  platform: RunningCounterparty<PlatformState>
  /** Signs as the platform does. */
  platformIdentity: Identity
  /** Registers what is not there yet of bank, account, operator and certificate; gives the account's client. */
  enrol(enrolment?: Enrolment): Promise<BankClient>
}

type Teardown = { teardown(work: () => Promise<void>): unknown }

/** A gateway in this process on a database of its own, with the sandbox's counterparties as processes. */
export async function startWorld(
  t: Teardown,
  options: {
    config?: Overrides
    registry?: Partial<RegistryConfig>
    clock?: Clock
    sealing?: 'on' | 'off'
    /** Where the gateway's log goes; to standard error by default. */
    logFile?: string
  } = {},
): Promise<World> {
  const database = await testDatabase(t, options.sealing === undefined ? {} : { sealing: options.sealing })
  const dir = join(database.dataDir, 'world')
  await mkdir(dir, { recursive: true })
  const ca = await openCertificateAuthority(join(dir, 'ca'))
  const platformIdentity = await ca.issue({ algorithm: 'p256', ...PLATFORM })
  const platformCertificates = join(dir, 'platform.pem')
  await writeFile(platformCertificates, platformIdentity.certificatePem)
  const [registry, platform] = await Promise.all([
    startRegistry({ dir: join(dir, 'registry'), config: { stepMs: 20, ...options.registry } }),
    startPlatform({
      dir: join(dir, 'platform'),
      config: { gatewayCertificate: join(dir, 'signing', 'p256.cert.pem') },
    }),
  ])
  t.teardown(async () => void (await Promise.all([registry.stop(), platform.stop()])))
  const config = loadConfig(
    {},
    {
      ...QUICK,
      dataDir: dir,
      databaseUrl: database.url,
      masterKey: database.masterKey.toString('hex'),
      port: 0,
      trustDir: ca.trustFolder,
      platformUrl: platform.url,
      platformCertificates,
      registryUrl: `${registry.url}/`,
      registryHintSecret: HINT_SECRET,
      ...options.config,
    },
  )
  const gateway = await openGateway(config, openLogger(config.logLevel, options.logFile ?? 2), {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.sealing === undefined ? {} : { sealing: options.sealing }),
  })
  t.teardown(() => gateway.close())
  await registry.control({
    config: { hintUrl: `${gateway.url}/registry/v1/results`, hintHeaders: { authorization: `Bearer ${HINT_SECRET}` } },
  })
  return {
    gateway,
    database,
    ca,
    registry,
    platform,
    platformIdentity,
    enrol: (enrolment) => enrol(t, gateway.ground, ca, gateway.url, enrolment),
  }
}

/** Enrols at a gateway that may run in another process, by the ground of this one. */
export async function enrol(
  t: Teardown,
  ground: Ground,
  ca: CertificateAuthority,
  baseUrl: string,
  enrolment: Enrolment = {},
): Promise<BankClient> {
  const means = administrationMeans(ground)
  const bank = enrolment.bank ?? SAMPLE_BANK
  const account = enrolment.account ?? 'core'
  const algorithm = enrolment.algorithm ?? 'p256'
  const operator = enrolment.operator ?? OPERATOR
  const isNew = async (text: string, values: string[]): Promise<boolean> =>
    (await ground.pool.query(text, values)).rowCount === 0
  if (await isNew('select from bank where code = $1', [bank.code])) {
    await addBank({ ...bank, agreementFrom: '2026-01-01', agreementTo: enrolment.agreementTo ?? '2099-12-31' }, means)
  }
  if (
    await isNew('select from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2', [
      bank.code,
      account,
    ])
  ) {
    await addAccount(
      {
        bank: bank.code,
        name: account,
        answerAlgorithm: algorithm === 'sm2' ? 'sm2' : 'p256',
        businessTypes: enrolment.businessTypes ?? ['mortgage-first'],
        areas: enrolment.areas ?? ['420222'],
        validFrom: '2026-01-01',
        validTo: enrolment.validTo ?? '2099-12-31',
      },
      means,
    )
  }
  if (
    await isNew('select from operator o join bank b on b.id = o.bank_id where b.code = $1 and o.code = $2', [
      bank.code,
      operator,
    ])
  ) {
    await addOperator(
      {
        bank: bank.code,
        code: operator,
        name: '经办员甲',
        phone: '0714-0000001',
        idType: 'resident-id',
        idNumber: '420222190001030007',
      },
      means,
    )
  }
  const identity = await ca.issue({
    algorithm,
    organization: bank.name,
    commonName: `${bank.name} ${randomInt(1e9)}`,
    uscc: bank.code,
    ...(enrolment.flaw === undefined ? {} : { flaw: enrolment.flaw }),
  })
  const certificate = parseCertificate(certificatesOfPem(identity.certificatePem)[0] as Buffer)
  await registerCertificate({ bank: bank.code, name: account }, certificate, means)
  return clientOf(t, ground.folders.signing, identity, baseUrl, operator)
}

async function clientOf(
  t: Teardown,
  signing: string,
  identity: Identity,
  baseUrl: string,
  operator: string,
): Promise<BankClient> {
  const gatewayCertificates = await Promise.all(
    ['p256', 'sm2'].map((name) => readFile(join(signing, `${name}.cert.pem`), 'utf8')),
  )
  const client = bankClient({ baseUrl, identity, gatewayCertificates, operator })
  t.teardown(() => client.close())
  return client
}

/** Uploads the sample's materials and gives the body that names them. */
export async function prepareSample(
  bank: BankClient,
  options: SampleCaseOptions = {},
): Promise<ReturnType<typeof withMaterialIds>> {
  const { application, materials } = sampleCase(options)
  const ids = new Map<string, string>()
  await Promise.all(
    materials.map(async (material) => {
      const answer = await bank.uploadMaterial(material, { attempts: 100, retryDelayMs: 50 })
      if (answer.status !== 201) throw new Error(`a material was not taken: ${answer.status} ${answer.body.toString()}`)
      ids.set(material.name, String(answer.json()['id']))
    }),
  )
  return withMaterialIds(application, ids)
}

/** Files a sample case; gives its id. */
export async function fileSample(bank: BankClient, options: SampleCaseOptions = {}): Promise<string> {
  const answer = await bank.submitApplication(await prepareSample(bank, options))
  if (answer.status !== 202) throw new Error(`the case was not taken: ${answer.status} ${answer.body.toString()}`)
  return String(answer.json()['id'])
}

export async function caseOf(bank: BankClient, id: string): Promise<Record<string, unknown>> {
  return (await bank.getApplication(id, { attempts: 20, retryDelayMs: 50 })).json()
}

export async function untilCompleted(bank: BankClient, id: string, limitMs = 30_000): Promise<void> {
  await until(async () => (await caseOf(bank, id))['completed'] === true, limitMs)
}

/** Waits until the counters say that no message is left over, and holds the rows to them. */
export async function untilDelivered({ database }: World, limitMs = 20_000): Promise<void> {
  const left = 'select from endpoint_depth where live <> 0 or dead <> 0'
  await until(async () => (await database.pool.query(left)).rowCount === 0, limitMs)
  const { rowCount } = await database.pool.query('select from message')
  if (rowCount !== 0) throw new Error(`the counters say none, but ${rowCount} messages are left over`)
}
