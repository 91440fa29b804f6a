import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Directory, openDirectory } from './access/directory.ts'
import { type Clock, systemClock } from './base/clock.ts'
import type { Config } from './config.ts'
import { advisoryLock, inTurn } from './db/advisory-lock.ts'
import { Batch } from './db/batch.ts'
import { type Keyring, openKeyring } from './db/data-keys.ts'
import { type DatabaseClock, openDatabaseClock } from './db/database-clock.ts'
import { openEmbedded } from './db/embedded.ts'
import { errorFields } from './db/log.ts'
import { loadMasterKey } from './db/master-key.ts'
import { migrate } from './db/migrate.ts'
import { ensurePartitions, partitionedTables } from './db/partitions.ts'
import { openPool, type Pool } from './db/pool.ts'
import { type ServeLock, serveLock } from './db/serve-lock.ts'
import { holdStorageMark, isStorageMarked } from './db/storage-mark.ts'
import {
  reachable,
  refuseLostKeys,
  refuseMissingFolder,
  refuseRole,
  refuseUnusedDatabase,
  refuseUnusedFolder,
} from './start-checks.ts'
import { openTrace, type Trace } from './trace/service.ts'
import { createSelfSigned } from './trust/self-signed.ts'
import { loadSigners, type Signers } from './trust/signer.ts'
import { openSm2Pool, type Sm2Pool } from './trust/sm2-pool.ts'

/** What every command stands on: the store, its keys, the batch, the trace, access, and the gateway's own signers. */
export interface Ground {
  config: Config
  clock: Clock
  log: Logger
  databaseUrl: string
  pool: Pool
  databaseClock: DatabaseClock
  keyring: Keyring
  batch: Batch
  sm2: Sm2Pool
  signers: Signers
  trace: Trace
  directory: Directory
  folders: { signing: string; trust: string; materials: string; checkpoints: string }
  /** In reverse of the order of building; whoever builds more on this adds its own. */
  onClose(close: () => Promise<void>): void
  close(): Promise<void>
}

/**
 * Opens the ground, in order; closes what was opened when a step fails.
 * @param serves true for a process that serves this data folder: it takes the lock, others only pass by. They make no
 *   keys where any are in use, and sign no checkpoint unasked.
 * @throws {StartRefused} with what to do about it.
 */
export async function openGround(
  config: Config,
  log: Logger,
  options: {
    serves: boolean
    /** False: refuse a folder or database that no gateway has used. */
    mayCreate?: boolean
    clock?: Clock
    sealing?: 'on' | 'off'
    onLockLost?: (error: Error) => void
  },
): Promise<Ground> {
  const clock = options.clock ?? systemClock
  const closers: (() => Promise<void>)[] = []
  const onClose = (close: () => Promise<void>): void => void closers.unshift(close)
  const close = async (): Promise<void> => {
    const faults: unknown[] = []
    for (let next = closers.shift(); next !== undefined; next = closers.shift()) {
      // One that fails must not keep the others open.
      await next().catch((error: unknown) => faults.push(error))
    }
    if (faults.length > 0) throw faults[0]
  }
  const onError = (where: string) => (error: unknown) =>
    log.error({ where, ...errorFields(error) }, 'background work failed')

  try {
    if (options.serves) refuseRole(config)
    if (options.mayCreate === false && config.databaseUrl === null) refuseUnusedFolder(config.dataDir)
    for (const [variable, folder] of [
      ['TRUST_DIR', config.trustDir],
      ['TRACE_CHECKPOINT_DIR', config.checkpointDir],
    ] as const) {
      if (folder !== null) refuseMissingFolder(variable, folder)
    }
    const makeDataDir = (): void => void mkdirSync(config.dataDir, { recursive: true, mode: 0o755 })
    if (config.databaseUrl === null) makeDataDir()
    const databaseUrl = await openDatabase(config, log, onClose)
    if (options.serves) {
      const onLost = options.onLockLost ?? (() => undefined)
      const lock: ServeLock = await reachable(config, () =>
        serveLock({ url: databaseUrl, folder: config.dataDir, shared: config.sharedStorage, log, onLost }),
      )
      onClose(() => lock.release())
    }
    const pool = openPool({
      url: databaseUrl,
      max: config.databaseConnections,
      applicationName: 'bdc-gateway',
      onError: onError('database connection'),
    })
    onClose(() => pool.end())
    await reachable(config, () => pool.query('select 1'))
    if (options.mayCreate === false) await refuseUnusedDatabase(pool)
    await migrate(pool)
    await ensurePartitions(pool, await partitionedTables(pool), clock.now())
    const databaseClock = await openDatabaseClock(pool)
    const folders = {
      signing: config.signingDir ?? join(config.dataDir, 'signing'),
      trust: config.trustDir ?? join(config.dataDir, 'trust'),
      materials: join(config.dataDir, 'materials'),
      checkpoints: config.checkpointDir ?? join(config.dataDir, 'checkpoints'),
    }
    // What is made at the first start is made once, whoever starts at the same time.
    const keyring = await inTurn(pool, advisoryLock.start, async () => {
      // Before anything is made: who comes with another folder leaves nothing there.
      const inUse = await isStorageMarked(pool, folders.materials)
      makeDataDir()
      mkdirSync(folders.trust, { recursive: true, mode: 0o700 })
      mkdirSync(folders.materials, { recursive: true, mode: 0o700 })
      const masterKey = await loadMasterKey({ given: config.masterKey, dataDir: config.dataDir, db: pool })
      const opened = await openKeyring({
        masterKey,
        pool,
        clock,
        ...(options.sealing === undefined ? {} : { sealing: options.sealing }),
      })
      if (options.serves) await holdStorageMark(pool, folders.materials)
      const own = config.signingDir === null ? folders.signing : null
      if (own !== null && inUse && !options.serves) refuseLostKeys(own)
      else if (own !== null && (await createSelfSigned(own, config.registryOrgName, clock.now()))) {
        log.warn(
          { folder: own },
          'made signing keys of its own; give banks their certificates, or put keys of your CA there',
        )
      }
      return opened
    })
    const batch = new Batch(pool)
    onClose(() => batch.idle())

    const sm2 = openSm2Pool()
    onClose(() => sm2.close())
    const signers = await loadSigners(folders.signing, sm2)
    const trace = await openTrace({
      pool,
      batch,
      sealer: keyring,
      blindIndex: (value) => keyring.blindIndex('trace-subject', value),
      signer: signers.p256,
      checkpointDir: folders.checkpoints,
      origin: `bdc-gateway/${config.areaCode}`,
      clock,
      sealMs: config.sealMs,
      checkpointMs: config.checkpointMs,
      seals: options.serves && config.role !== 'api',
      onError: onError('trace'),
    })
    onClose(() => trace.close())
    const directory = await openDirectory(pool)
    return {
      config,
      clock,
      log,
      databaseUrl,
      pool,
      databaseClock,
      keyring,
      batch,
      sm2,
      signers,
      trace,
      directory,
      folders,
      onClose,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function openDatabase(
  config: Config,
  log: Logger,
  onClose: (close: () => Promise<void>) => void,
): Promise<string> {
  if (config.databaseUrl !== null) return config.databaseUrl
  const embedded = await openEmbedded({ dataDir: config.dataDir, log })
  onClose(() => embedded.close())
  return embedded.url
}
