import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { codeTables } from './bank/code-tables.ts'
import { bankRoutes } from './bank/plugin.ts'
import type { Clock } from './base/clock.ts'
import { newId } from './base/id.ts'
import type { CaseMeans } from './cases/apply.ts'
import type { Site } from './cases/contexts.ts'
import { Numbers } from './cases/numbers.ts'
import { caseLock, concernInserts } from './cases/store.ts'
import type { Config } from './config.ts'
import { errorFields } from './db/log.ts'
import { caseStreamsStep } from './delivery/case-streams.ts'
import type { OnDead } from './delivery/destination.ts'
import { ensureEndpoints } from './delivery/endpoints.ts'
import { openWakeQueue } from './delivery/queue.ts'
import { type Delivery, startDelivery } from './delivery/worker.ts'
import { type Ground, openGround } from './ground.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openHealth } from './http/health.ts'
import { openProblemPages } from './http/problem-pages.ts'
import { buildServer } from './http/server.ts'
import { openValidator } from './http/validator.ts'
import { loadMappings } from './mapping/mapping-set.ts'
import { Files } from './materials/files.ts'
import { readPlatformCertificates } from './platform/authenticate.ts'
import { applyCallbacks } from './platform/callback-courier.ts'
import { callbackRoutes } from './platform/callback-routes.ts'
import { openPlatformClient } from './platform/client.ts'
import { platformDestination } from './platform/destination.ts'
import { formFields } from './platform/form-fields.ts'
import { openRegistryClient } from './registry/client.ts'
import { registryDestination } from './registry/destination.ts'
import { pollOnce } from './registry/poller.ts'
import { registryRoutes } from './registry/routes.ts'
import { startPeriodic } from './trace/periodic.ts'
import { signRequest } from './trust/sign.ts'
import { openTrustStore } from './trust/trust-store.ts'

export interface Gateway {
  server: FastifyInstance
  ground: Ground
  delivery: Delivery
  /** Where it listens, without a path. */
  url: string
  close(): Promise<void>
}

const PLATFORM = 'platform'
const REGISTRY = 'registry'
/** The profiles that ship; one of each for now. */
const PROFILES = { platform: 'yx-platform', registry: 'yx-registry' }
/** Most certificates are a few pages; a scan of a bound volume is not one. */
const CERTIFICATE_LIMIT_BYTES = 64 * 1024 * 1024

/**
 * The composition root: builds every room in order, listens, and closes in reverse. No rule of the domain lives here.
 * @param options.sealing off only in a test that shows what its scan would find.
 */
export async function openGateway(
  config: Config,
  log: Logger,
  options: { clock?: Clock; sealing?: 'on' | 'off'; onLockLost?: (error: Error) => void } = {},
): Promise<Gateway> {
  const mappings = loadMappings({ mappingsDir: config.mappingsDir, schemasDir: config.schemasDir })
  const validator = openValidator(config.schemasDir)
  const ground = await openGround(config, log, { ...options, serves: true })
  const { pool, batch, keyring, clock, trace, directory, signers, sm2, databaseClock, onClose } = ground
  const onFault = (where: string, error: unknown): void =>
    log.error({ where, ...errorFields(error) }, 'a fault of ours')
  try {
    const files = new Files(ground.folders.materials)
    const trust = await openTrustStore({ trustDir: ground.folders.trust, rulesDir: config.certsDir, sm2 })
    const site = siteOf(config)
    const numbers = new Numbers(pool, config.areaCode, clock)
    const housekeeping = startHousekeeping(ground, files, directory)
    onClose(() => housekeeping.stop())

    const cases: CaseMeans = {
      rules: {
        correctionFields: mappings.profile(PROFILES.registry).tables.get('BZZD')?.toWord ?? new Map(),
        platformIsSource: false,
        certificateLockedUntilPaid: config.certificateLockedUntilPaid,
        relayTypes: ['20', '22', '30'],
      },
      sealer: keyring,
      clock,
      record: trace.record,
      endpoints: { platform: PLATFORM, registry: REGISTRY },
      pollFirstMs: config.pollFirstMs,
    }
    const queue = await openWakeQueue({
      databaseUrl: ground.databaseUrl,
      redisUrl: config.redisUrl,
      prefix: config.queuePrefix,
      onFault,
    })
    onClose(() => queue.close())
    const streams = caseStreamsStep(keyring, (endpoint) => queue.wake(endpoint))
    const lock = caseLock(keyring)

    const platformClient = openPlatformClient({
      url: config.platformUrl,
      timeoutMs: config.platformTimeoutMs,
      connections: config.platformConcurrency,
      sign: (request) => signRequest(request, signers.p256, databaseClock.now()),
    })
    onClose(() => platformClient.close())
    const registryClient = openRegistryClient({
      url: config.registryUrl,
      filesUrl: config.registryFilesUrl,
      contentType: mappings.profile(PROFILES.registry).contentType,
      timeoutMs: config.registryTimeoutMs,
      connections: config.registryConcurrency * 2,
    })
    onClose(() => registryClient.close())
    const formField = formFields(mappings.profile(PROFILES.platform).tables.get('EgovFormField')?.toCode ?? new Map())
    const shared = { pool, cases, caseLock: lock, mappings, files, site, formField }
    const pollers = Math.max(1, Math.floor(config.registryConcurrency / 4))
    const destinations = [
      platformDestination({
        ...shared,
        endpoint: PLATFORM,
        profile: PROFILES.platform,
        client: platformClient,
        concurrency: config.platformConcurrency,
        timeoutMs: config.platformTimeoutMs,
        leaseMs: config.platformTimeoutMs + config.leaseMarginMs,
      }),
      registryDestination({
        ...shared,
        endpoint: REGISTRY,
        profile: PROFILES.registry,
        client: registryClient,
        numbers,
        // Polls take the rest of the registry's slots.
        concurrency: Math.max(1, config.registryConcurrency - pollers),
        timeoutMs: config.registryTimeoutMs,
        leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
        peerMaximumMs: config.registryMaximumMs,
        certificateLimitBytes: CERTIFICATE_LIMIT_BYTES,
      }),
    ]
    await ensureEndpoints(batch, destinations)
    // Without an address nothing is claimed: what waits for it wears no attempts out.
    const addresses: Record<string, string | null> = { [PLATFORM]: config.platformUrl, [REGISTRY]: config.registryUrl }
    const reachable = destinations.filter(({ endpoint }) => addresses[endpoint] !== null)
    for (const { endpoint } of destinations) {
      if (addresses[endpoint] === null) log.warn({ endpoint }, 'no address is configured: messages wait')
    }
    const delivery = startDelivery({
      pool,
      batch,
      streams,
      sealer: keyring,
      queue,
      destinations: reachable,
      retry: { baseMs: config.backoffMs, capMs: config.backoffCapMs, maximum: config.attemptsMaximum },
      onDead: deadLetters(cases),
      tickMs: config.reconcileMs,
      graceMs: config.shutdownGraceMs,
      clock,
      onAttempt: (line) => log.info(line, 'delivery attempted'),
      onFault,
    })
    onClose(() => delivery.close())

    const polling = startPeriodic({
      intervalMs: config.reconcileMs,
      work: async (signal) => {
        const means = {
          ...shared,
          endpoint: REGISTRY,
          profile: PROFILES.registry,
          batch,
          streams,
          client: registryClient,
          numbers,
          concurrency: pollers,
          firstMs: config.pollFirstMs,
          capMs: config.pollCapMs,
          leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
          onError: (error: unknown) => onFault('poll the registry', error),
        }
        while (config.registryUrl !== null && !signal.aborted && (await pollOnce(means)) > 0);
      },
      onError: (error) => onFault('poll the registry', error),
      stuckMs: config.registryTimeoutMs * 4 + 60_000,
    })
    onClose(() => polling.stop())

    const callbacks = startPeriodic({
      intervalMs: config.reconcileMs,
      work: async (signal) => {
        const onError = (error: unknown): void => onFault('apply a callback', error)
        const means = {
          ...shared,
          batch,
          streams,
          numbers,
          validateApplication: validator('application'),
          onError,
        }
        while (!signal.aborted && (await applyCallbacks(means)) > 0);
      },
      onError: (error) => onFault('apply callbacks', error),
    })
    onClose(() => callbacks.stop())
    const platformCertificates = await readPlatformCertificates(config.platformCertificates)

    let url = ''
    const server = buildServer({
      log,
      bodyLimitBytes: config.bodyLimitBytes,
      requestsAtOnce: config.requestsAtOnce,
      requestTimeoutMs: 300_000,
    })
    onClose(() => server.close())
    openHealth(server, {
      database: async () => void (await pool.query('select 1')),
      delivery: () => delivery.health().ok,
      polling: () => polling.lastError === null,
      trace: async () => (await trace.health()).ok,
      disk: () => housekeeping.hasRoom(),
      housekeeping: () => housekeeping.failing().length === 0,
      trust: () => trust.faults().length === 0,
    })
    openProblemPages(server)
    await server.register(bankRoutes, {
      prefix: '/v1',
      pool,
      batch,
      directory,
      sealer: keyring,
      clock,
      record: trace.record,
      authenticate: {
        directory,
        trust,
        sm2,
        publicUrl: () => config.publicUrl ?? url,
        windowSeconds: config.signatureWindowSeconds,
        databaseNow: () => databaseClock.now(),
      },
      refusals: trace.refusals,
      signers,
      cases,
      caseLock: lock,
      streams,
      numbers,
      validateApplication: validator('application'),
      validateWithdrawal: validator('withdrawal-request'),
      validateCorrection: validator('correction'),
      formField,
      codes: codeTables(mappings.profile(PROFILES.registry).tables),
      files,
      bodyLimitBytes: config.bodyLimitBytes,
      materialLimitBytes: config.materialLimitBytes,
      uploadsAtOnce: config.uploadsAtOnce,
      hasRoom: () => housekeeping.hasRoom(),
    })
    await server.register(callbackRoutes, {
      prefix: '/platform',
      source: {
        id: config.platformId,
        certificates: platformCertificates,
        sm2,
        publicUrl: () => config.publicUrl ?? url,
        windowSeconds: config.signatureWindowSeconds,
        databaseNow: () => databaseClock.now(),
      },
      profile: PROFILES.platform,
      pool,
      batch,
      cases,
      mappings,
      site,
      signers,
      refusals: trace.refusals,
      onStored: () => callbacks.wake(),
    })
    await server.register(registryRoutes, {
      prefix: '/registry/v1',
      pool,
      secret: config.registryHintSecret,
      onHint: () => polling.wake(),
    })
    url = await server.listen({ host: config.host, port: config.port })
    log.info({ url }, 'the gateway listens')
    return { server, ground, delivery, url, close: ground.close }
  } catch (error) {
    await ground.close()
    throw error
  }
}

/** A dead letter is told to a person; the peer's words are sealed. */
function deadLetters(cases: CaseMeans): OnDead {
  return (rows, message, { reason, words }) => {
    const id = newId()
    const at = cases.clock.now()
    rows.add(concernInserts, {
      id,
      case_id: message.caseId,
      message_id: message.id,
      kind: 'dead-letter',
      at,
      sealed: cases.sealer.seal(
        Buffer.from(JSON.stringify({ reason, words, kind: message.kind })),
        `concern/sealed/${id}`,
      ),
    })
    cases
      .record({
        type: 'message-parked',
        at,
        actors: { system: 'gateway' },
        caseId: message.caseId,
        facts: { endpoint: message.endpoint, kind: message.kind, messageId: message.id },
      })
      .addTo(rows)
  }
}

function siteOf(config: Config): Site {
  return {
    areaCode: config.areaCode,
    areaName: config.areaName,
    cityCode: config.cityCode,
    cityName: config.cityName,
    registryOrgId: config.registryOrgId,
    registryOrgName: config.registryOrgName,
    deptCode: config.deptCode,
    serviceId: config.serviceId,
    serviceCode: config.serviceCode,
    serviceName: '不动产抵押权首次登记',
  }
}
