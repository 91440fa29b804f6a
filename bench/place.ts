import { createPublicKey } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { loadConfig } from '../src/config.ts'
import { openEmbedded } from '../src/db/embedded.ts'
import { type Ground, openGround } from '../src/ground.ts'
import { openLogger } from '../src/logger.ts'
import { openCertificateAuthority, writeIdentity } from '../src/sandbox/certificate-authority.ts'
import { settings } from '../src/settings.ts'
import { bankIdentity } from '../test/support/enrolment.ts'
import { freePort } from '../test/support/redis-server.ts'
import { silentLog } from '../test/support/silent-log.ts'
import { type Measured, startServer } from './child.ts'
import type { KeysGiven } from './floor/http-signature.ts'

type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>

/** Where everything lies that a run makes: one PostgreSQL, a database for each measured process, a bank's identity. */
export interface Place {
  folder: string
  /** Of the bank `bank`. */
  identityFolder: string
  /** Superuser of the server. */
  admin: pg.Client
  /** A new, empty database of the same server. */
  database(name: string): Promise<string>
  /** Prepares a gateway with the bank enrolled, and starts it. */
  gateway(name: string, options: GatewayOptions): Promise<Gateway>
  onClose(close: () => Promise<unknown>): void
  close(): Promise<void>
}

interface GatewayOptions {
  config: Overrides
  nodeArguments?: readonly string[]
  /** The process's way to its database; straight by default. */
  through?: (database: string, url: string) => Promise<string>
  /** Before it starts. */
  prepare?: (ground: Ground) => Promise<void>
}

export interface Gateway extends Measured {
  dataDir: string
  databaseUrl: string
  /** Name of its database. */
  database: string
  /** The keys by which a floor answers the same bank. */
  keys: KeysGiven
  gatewayCertificate: string
  /** Its store, beside the process; closed with the place. */
  ground(): Promise<Ground>
}

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url))
export const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url))

/** Times at which nothing happens that is not asked for while a run lasts. */
const CALM = {
  logLevel: 'silent' as const,
  sealMs: 60_000,
  checkpointMs: 3_600_000,
  diskReserveMb: 0,
  registryHintSecret: 'bench',
}

export async function openPlace(): Promise<Place> {
  const closers: (() => Promise<unknown>)[] = []
  const folder = await mkdtemp(join(tmpdir(), 'bdc-bench-'))
  // PostgreSQL runs as another user where root starts it.
  await chmod(folder, 0o755)
  const serverDir = join(folder, 'postgres')
  await mkdir(serverDir, { mode: 0o755 })
  const atExit = (): void => discard(folder)
  process.once('exit', atExit)
  const embedded = await openEmbedded({ dataDir: serverDir, log: silentLog })
  const password = (await readFile(join(serverDir, 'postgres.password'), 'utf8')).trim()
  const { port } = new URL(embedded.url)
  const admin = new pg.Client(`postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`)
  admin.on('error', () => undefined)
  await admin.connect()
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const identityFolder = join(folder, 'bank')
  await mkdir(identityFolder)

  const database: Place['database'] = async (name) => {
    await admin.query(`create database ${name} owner gateway`)
    return embedded.url.replace('/gateway?', `/${name}?`)
  }

  const gateway: Place['gateway'] = async (name, options) => {
    const dataDir = join(folder, name)
    await mkdir(dataDir, { mode: 0o755 })
    const databaseUrl = await database(name)
    const given: Overrides = {
      ...CALM,
      port: await freePort(),
      dataDir,
      trustDir: ca.trustFolder,
      databaseUrl,
      ...options.config,
    }
    const ground = await openGround(loadConfig({}, given), openLogger('silent', 2), { serves: false })
    const identity = await bankIdentity(ground, ca, { businessTypes: ['query', 'mortgage-first'] })
    await options.prepare?.(ground)
    const keys: KeysGiven = {
      ownPem: await readFile(join(ground.folders.signing, 'p256.key.pem'), 'utf8'),
      ownKeyid: ground.signers.p256.keyid,
      bankPem: createPublicKey(identity.certificatePem).export({ format: 'pem', type: 'spki' }) as string,
      bankKeyid: identity.fingerprint,
    }
    const gatewayCertificate = await readFile(join(ground.folders.signing, 'p256.cert.pem'), 'utf8')
    await ground.close()
    await writeIdentity(identityFolder, name, identity)
    const url = `http://127.0.0.1:${given.port}`
    const more = options.nodeArguments === undefined ? {} : { nodeArguments: options.nodeArguments }
    const env = environmentOf({ ...given, databaseUrl: (await options.through?.(name, databaseUrl)) ?? databaseUrl })
    const running = await startServer([MAIN, 'serve'], url, { env, ...more })
    closers.unshift(() => running.close())
    return {
      ...running,
      ground: async () => {
        const beside = await openGround(loadConfig({}, given), openLogger('silent', 2), { serves: false })
        closers.unshift(() => beside.close())
        return beside
      },
      dataDir,
      databaseUrl,
      database: name,
      keys,
      gatewayCertificate,
    }
  }

  return {
    folder,
    identityFolder,
    admin,
    database,
    gateway,
    onClose: (close) => void closers.unshift(close),
    close: async () => {
      for (const close of closers) await close()
      await admin.end()
      await embedded.close()
      process.off('exit', atExit)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function environmentOf(given: Overrides): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [settings[name as keyof typeof settings].variable, String(value)]),
  )
}

/** The last resort of a run that is stopped: no server is left behind. */
function discard(folder: string): void {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, 'postgres', 'postgres', 'postmaster.pid'), 'utf8'), 10)
    process.kill(pid, 'SIGQUIT')
  } catch {
    // Nothing runs there.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
