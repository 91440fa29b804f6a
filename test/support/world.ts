import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../src/base/clock.ts'
import { loadConfig } from '../../src/config.ts'
import { type Gateway, openGateway } from '../../src/gateway.ts'
import { openLogger } from '../../src/logger.ts'
import type { BankClient } from '../../src/sandbox/bank-client.ts'
import {
  type CertificateAuthority,
  type Identity,
  openCertificateAuthority,
} from '../../src/sandbox/certificate-authority.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryConfig } from '../../src/sandbox/registry.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { type Enrolment, enrol, QUICK } from './enrolment.ts'
import { until } from './until.ts'

export {
  type Enrolment,
  enrol,
  fileSample,
  OPERATOR,
  OTHER_BANK,
  prepareSample,
  QUICK,
  SAMPLE_BANK,
} from './enrolment.ts'

type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>

const PLATFORM = { organization: '黄石市一事联办平台', commonName: '一事联办平台', uscc: '12420200MB0000001X' }
export const HINT_SECRET = 'test-secret'

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
