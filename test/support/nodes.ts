import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { type Ground, openGround } from '../../src/ground.ts'
import { openLogger } from '../../src/logger.ts'
import type { BankClient } from '../../src/sandbox/bank-client.ts'
import { openCertificateAuthority } from '../../src/sandbox/certificate-authority.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryConfig } from '../../src/sandbox/registry.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { type Enrolment, enrol, QUICK } from './enrolment.ts'
import { freePort, type Overrides, type ServedProcess, servedProcess } from './served-process.ts'

export type Role = 'all' | 'api' | 'worker'

/** One process of the gateway. */
interface Node {
  role: Role
  url: string
  logFile: string
  process: ServedProcess
}

/** Several processes of the gateway on one database and one data folder. */
export interface Nodes {
  nodes: readonly Node[]
  database: TestDatabase
  /** Beside the processes, as a command has it. */
  ground: Ground
  registry: RunningCounterparty<RegistryState>
  platform: RunningCounterparty<PlatformState>
  /** A bank that calls this address. */
  enrol(baseUrl: string, enrolment?: Enrolment): Promise<BankClient>
}

const HINT_SECRET = 'test-secret'

/** Starts one process for each role; the registry's hints go to the first. */
export async function startNodes(
  t: { teardown(work: () => Promise<void>): unknown },
  roles: readonly Role[],
  options: { config?: Overrides; registry?: Partial<RegistryConfig> } = {},
): Promise<Nodes> {
  const database = await testDatabase(t)
  const dir = join(database.dataDir, 'nodes')
  await mkdir(dir)
  const ca = await openCertificateAuthority(join(dir, 'ca'))
  const urls = await Promise.all(roles.map(async () => `http://127.0.0.1:${await freePort()}`))
  const [registry, platform] = await Promise.all([
    startRegistry({
      dir: join(dir, 'registry'),
      config: {
        stepMs: 20,
        hintUrl: `${urls[0]}/registry/v1/results`,
        hintHeaders: { authorization: `Bearer ${HINT_SECRET}` },
        ...options.registry,
      },
    }),
    startPlatform({
      dir: join(dir, 'platform'),
      config: { gatewayCertificate: join(dir, 'signing', 'p256.cert.pem') },
    }),
  ])
  t.teardown(async () => void (await Promise.all([registry.stop(), platform.stop()])))
  const given: Overrides = {
    ...QUICK,
    logLevel: 'info',
    dataDir: dir,
    databaseUrl: database.url,
    masterKey: database.masterKey.toString('hex'),
    sharedStorage: true,
    trustDir: ca.trustFolder,
    platformUrl: platform.url,
    registryUrl: `${registry.url}/`,
    registryHintSecret: HINT_SECRET,
    ...options.config,
  }
  const nodes = urls.map((url, place): Node => {
    const role = roles[place] as Role
    const logFile = join(dir, `${role}-${place}.log`)
    const own = { ...given, role, port: Number(new URL(url).port) }
    return { role, url, logFile, process: servedProcess(t, { given: own, url, logFile }) }
  })
  // All at the same moment, on a folder and a database that are new.
  await Promise.all(nodes.map((node) => node.process.start()))
  const ground = await openGround(loadConfig({}, given), openLogger('silent', 2), { serves: false })
  t.teardown(() => ground.close())
  return {
    nodes,
    database,
    ground,
    registry,
    platform,
    enrol: (baseUrl, enrolment) => enrol(t, ground, ca, baseUrl, enrolment),
  }
}
