import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Config, loadConfig } from '../../src/config.ts'
import { type Ground, openGround } from '../../src/ground.ts'
import { openLogger } from '../../src/logger.ts'
import type { BankClient } from '../../src/sandbox/bank-client.ts'
import { openCertificateAuthority } from '../../src/sandbox/certificate-authority.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryConfig } from '../../src/sandbox/registry.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'
import { temporaryFolder } from './embedded.ts'
import { nodeArguments } from './node-arguments.ts'
import { environment, freePort, MAIN, type Overrides, type ServedProcess, servedProcess } from './served-process.ts'
import { type Enrolment, enrol, QUICK } from './world.ts'

type Teardown = { teardown(work: () => Promise<void>): unknown }

/** The gateway as `bdc-gateway serve` on its embedded database; it starts again at the same address. */
export interface GatewayProcess extends ServedProcess {
  url: string
  config: Config
  /** Where the process writes its log, start after start. */
  logFile: string
  registry: RunningCounterparty<RegistryState> & { dir: string }
  platform: RunningCounterparty<PlatformState>
  /** Works on the store beside the gateway, or without it, as a command does. */
  withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T>
  /** `bdc-gateway` with these arguments, as staff run it beside the gateway; gives what it prints. @throws {Error} when it fails. */
  command(...args: string[]): Promise<string>
  enrol(enrolment?: Enrolment & { baseUrl?: string }): Promise<BankClient>
}

const HINT_SECRET = 'test-secret'
/** Prepares a gateway with the sandbox's counterparties; the caller starts it. */
export async function gatewayProcess(
  t: Teardown,
  options: { config?: Overrides; registry?: Partial<RegistryConfig> } = {},
): Promise<GatewayProcess> {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'gateway')
  await mkdir(dataDir, { mode: 0o755 })
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const registryDir = join(folder, 'registry')
  const [registry, platform] = await Promise.all([
    startRegistry({
      dir: registryDir,
      config: {
        stepMs: 20,
        hintUrl: `${url}/registry/v1/results`,
        hintHeaders: { authorization: `Bearer ${HINT_SECRET}` },
        ...options.registry,
      },
    }),
    startPlatform({
      dir: join(folder, 'platform'),
      config: { gatewayCertificate: join(dataDir, 'signing', 'p256.cert.pem') },
    }),
  ])
  t.teardown(async () => void (await Promise.all([registry.stop(), platform.stop()])))

  const given: Overrides = {
    ...QUICK,
    logLevel: 'info',
    dataDir,
    port,
    trustDir: ca.trustFolder,
    platformUrl: platform.url,
    registryUrl: `${registry.url}/`,
    registryHintSecret: HINT_SECRET,
    ...options.config,
  }
  const config = loadConfig({}, given)
  const logFile = join(folder, 'gateway.log')
  const served = servedProcess(t, { given, url, logFile })

  async function withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
    const ground = await openGround(config, openLogger('silent', 2), { serves: false })
    try {
      return await work(ground)
    } finally {
      await ground.close()
    }
  }

  return {
    url,
    config,
    logFile,
    registry: { ...registry, dir: registryDir },
    platform,
    get pid() {
      return served.pid
    },
    launch: served.launch,
    ready: served.ready,
    start: served.start,
    kill: served.kill,
    stop: served.stop,
    withGround,
    command: async (...args) => {
      const node = [...nodeArguments, MAIN, ...args]
      return (await promisify(execFile)(process.execPath, node, { env: environment(given) })).stdout
    },
    enrol: ({ baseUrl = url, ...enrolment } = {}) => withGround((ground) => enrol(t, ground, ca, baseUrl, enrolment)),
  }
}
