import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { about } from './bank/api/about.ts'
import { codeTables } from './bank/code-tables.ts'
import { bankRoutes } from './bank/plugin.ts'
import { webhookMetrics } from './bank/webhook-metrics.ts'
import { addressList } from './base/address-list.ts'
import type { Clock } from './base/clock.ts'
import type { CaseMeans } from './cases/apply.ts'
import type { Site } from './cases/contexts.ts'
import { feedEnds } from './cases/feed.ts'
import { FeedWatch } from './cases/feed-watch.ts'
import { Numbers } from './cases/numbers.ts'
import { concernMetrics } from './cases/open-concerns.ts'
import type { Config } from './config.ts'
import { batchMetrics } from './db/batch-metrics.ts'
import { errorFields } from './db/log.ts'
import { deliveryMetrics, queueMetric } from './delivery/metrics.ts'
import { type Delivery } from './delivery/worker.ts'
import { type Ground, openGround } from './ground.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openHealth } from './http/health.ts'
import { openMetrics } from './http/metrics.ts'
import { openDescriptions } from './http/openapi/routes.ts'
import { openProblemPages } from './http/problem-pages.ts'
import { processMetrics } from './http/process-metrics.ts'
import { countRequests } from './http/request-metrics.ts'
import { buildServer } from './http/server.ts'
import { openValidator } from './http/validator.ts'
import { loadMappings } from './mapping/mapping-set.ts'
import { Files } from './materials/files.ts'
import { ENDPOINTS, openOutbound, PROFILES } from './outbound.ts'
import { readPlatformCertificates } from './platform/authenticate.ts'
import { callbackRoutes } from './platform/callback-routes.ts'
import { formFields } from './platform/form-fields.ts'
import { callbackMetrics } from './platform/metrics.ts'
import { queryMetrics } from './queries/metrics.ts'
import { registryRoutes } from './registry/routes.ts'
import { listenRefused } from './start-checks.ts'
import { traceMetrics } from './trace/metrics.ts'
import { openTrustStore } from './trust/trust-store.ts'

export interface Gateway {
  server: FastifyInstance
  ground: Ground
  delivery: Delivery
  /** Those who wait for events of their bank. */
  feedWatch: FeedWatch
  /** Where it listens, without a path. */
  url: string
  close(): Promise<void>
}

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

    const formField = formFields(mappings.profile(PROFILES.platform).tables.get('EgovFormField')?.toCode ?? new Map())
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
      endpoints: ENDPOINTS,
      pollFirstMs: config.pollFirstMs,
      withdrawalAgainMs: config.withdrawalAgainMs,
      onEvents: (bankId) => {
        feedWatch.hint(bankId)
        webhooks.wake()
      },
    }
    const outbound = await openOutbound({
      config,
      log,
      ground,
      mappings,
      files,
      cases,
      site,
      numbers,
      formField,
      validateApplication: validator('application'),
      onFault,
    })
    const { desk, webhooks, polling, callbacks } = outbound

    const proxies = addressList(config.trustedProxies)
    const extranet = addressList(config.egovNetworks)
    const platformCertificates = await readPlatformCertificates(config.platformCertificates)

    let url = ''
    const server = buildServer({
      log,
      bodyLimitBytes: config.bodyLimitBytes,
      requestsAtOnce: config.requestsAtOnce,
      requestTimeoutMs: 300_000,
      isTrustedProxy: (address) => proxies.has(address),
    })
    onClose(() => closeInTime(server, config.shutdownGraceMs))
    openDescriptions(server, { about, schemasDir: config.schemasDir, serverUrl: () => config.publicUrl ?? url })
    const requests = countRequests(server)
    const process = processMetrics()
    onClose(async () => process.close())
    openMetrics(server, addressList(config.metricsAllow), {
      requests,
      process: process.read,
      commit: () => batchMetrics(batch),
      delivery: () => deliveryMetrics(pool),
      queue: () => [queueMetric(outbound.queue)],
      queries: () => queryMetrics(pool),
      concerns: () => concernMetrics(pool),
      callbacks: () => callbackMetrics(pool),
      webhooks: () => webhookMetrics(pool),
      trace: () => traceMetrics(pool),
    })
    const feedWatch = new FeedWatch({
      limits: { all: config.eventWaiters, ofBank: config.eventWaitersOfBank },
      readEnds: (bankIds) => feedEnds(pool, bankIds),
      onError: (error) => onFault('look at the feeds', error),
    })
    // The server waits for its requests: those that wait for events end at once.
    server.addHook('preClose', async () => feedWatch.close())
    openHealth(
      server,
      {
        database: async () => void (await pool.query('select 1')),
        delivery: () => outbound.delivery.health().ok,
        polling: () => polling.lastError === null,
        queries: () => outbound.asking.lastError === null,
        webhooks: () => webhooks.lastError() === null,
        callbacks: () => callbacks.lastError === null,
        trace: async () => (await trace.health()).ok,
        disk: () => housekeeping.hasRoom(),
        housekeeping: () => housekeeping.failing().length === 0,
        trust: () => trust.faults().length === 0,
      },
      { queue: () => outbound.queue.isUp() },
    )
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
      caseLock: outbound.caseLock,
      streams: outbound.streams,
      numbers,
      feedWatch,
      webhooks,
      validateApplication: validator('application'),
      validateAuthorization: validator('authorization'),
      validateQuery: validator('query-request'),
      desk,
      extranet,
      areaCode: config.areaCode,
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
    url = await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
      throw listenRefused(error, config)
    })
    log.info({ url }, 'the gateway listens')
    return { server, ground, delivery: outbound.delivery, feedWatch, url, close: ground.close }
  } catch (error) {
    await ground.close()
    throw error
  }
}

/** What is in flight may finish within the grace; a caller who dribbles his body does not keep us. */
async function closeInTime(server: FastifyInstance, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), graceMs)
  try {
    await server.close()
  } finally {
    clearTimeout(cut)
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
