import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { request } from 'undici'
import { type Config, loadConfig } from '../../src/config.ts'
import { type Ground, openGround } from '../../src/ground.ts'
import { openLogger } from '../../src/logger.ts'
import type { BankClient } from '../../src/sandbox/bank-client.ts'
import { openCertificateAuthority } from '../../src/sandbox/certificate-authority.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryConfig } from '../../src/sandbox/registry.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'
import { settings } from '../../src/settings.ts'
import { temporaryFolder } from './embedded.ts'
import { nodeArguments } from './node-arguments.ts'
import { type Enrolment, enrol, QUICK } from './world.ts'

type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>
type Teardown = { teardown(work: () => Promise<void>): unknown }

/** The gateway as `bdc-gateway serve` on its embedded database; it starts again at the same address. */
export interface GatewayProcess {
  url: string
  config: Config
  /** Where the process writes its log, start after start. */
  logFile: string
  registry: RunningCounterparty<RegistryState> & { dir: string }
  platform: RunningCounterparty<PlatformState>
  /** Begins a process, without waiting for anything. */
  launch(): void
  /** Waits until it answers. @throws {Error} when it ends before. */
  ready(): Promise<void>
  /** `launch` and `ready`. */
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; gives the exit code, or null when a signal ended it. */
  stop(): Promise<number | null>
  /** Works on the store beside the gateway, or without it, as a command does. */
  withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T>
  /** `bdc-gateway` with these arguments, as staff run it beside the gateway; gives what it prints. @throws {Error} when it fails. */
  command(...args: string[]): Promise<string>
  enrol(enrolment?: Enrolment & { baseUrl?: string }): Promise<BankClient>
}

const HINT_SECRET = 'test-secret'
/** The same form as this module: TypeScript under a loader, JavaScript when compiled. */
const MAIN = fileURLToPath(new URL(`../../src/main${extname(import.meta.url)}`, import.meta.url))

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
  const log = openSync(logFile, 'a')
  let child: ChildProcess | null = null

  async function ended(signal: NodeJS.Signals): Promise<number | null> {
    const own = child
    child = null
    if (own === null || own.exitCode !== null || own.signalCode !== null) return own?.exitCode ?? null
    const exit = once(own, 'exit')
    own.kill(signal)
    return ((await exit) as [number | null])[0]
  }

  function launch(): void {
    if (child !== null) throw new Error('it runs already')
    child = spawn(process.execPath, [...nodeArguments, MAIN, 'serve'], {
      stdio: ['ignore', log, log],
      env: environment(given),
    })
  }

  async function ready(): Promise<void> {
    for (const own = child; ; await sleep(20)) {
      if (own === null || own.exitCode !== null || own.signalCode !== null) {
        throw new Error(`the gateway ended: ${(await readFile(logFile, 'utf8')).slice(-2000)}`)
      }
      const status = await request(`${url}/livez`).then(
        async ({ statusCode, body }) => body.dump().then(() => statusCode),
        () => 0,
      )
      if (status === 200) return
    }
  }

  async function withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
    const ground = await openGround(config, openLogger('silent', 2), { serves: false })
    try {
      return await work(ground)
    } finally {
      await ground.close()
    }
  }

  const atExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', atExit)
  t.teardown(async () => {
    process.off('exit', atExit)
    await ended('SIGKILL')
    closeSync(log)
  })

  return {
    url,
    config,
    logFile,
    registry: { ...registry, dir: registryDir },
    platform,
    launch,
    ready,
    start: async () => {
      launch()
      await ready()
    },
    kill: async () => void (await ended('SIGKILL')),
    stop: () => ended('SIGTERM'),
    withGround,
    command: async (...args) => {
      const node = [...nodeArguments, MAIN, ...args]
      return (await promisify(execFile)(process.execPath, node, { env: environment(given) })).stdout
    },
    enrol: ({ baseUrl = url, ...enrolment } = {}) => withGround((ground) => enrol(t, ground, ca, baseUrl, enrolment)),
  }
}

/** Every setting by its variable, and of our own environment only what a process needs. */
function environment(given: Overrides): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot']) {
    if (process.env[name] !== undefined) env[name] = process.env[name]
  }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null) env[settings[name as keyof typeof settings].variable] = String(value)
  }
  return env
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
