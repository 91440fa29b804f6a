import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
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
import { type Ground, openGround } from './ground.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openHealth } from './http/health.ts'
import { openMetrics } from './http/metrics.ts'
import { processMetrics } from './http/process-metrics.ts'
import { countRequests } from './http/request-metrics.ts'
import { buildServer } from './http/server.ts'
import { openValidator } from './http/validator.ts'
import { openInbound } from './inbound.ts'
import { loadMappings } from './mapping/mapping-set.ts'
import { Files } from './materials/files.ts'
import { ENDPOINTS, openOutbound, PROFILES } from './outbound.ts'
import { formFields } from './platform/form-fields.ts'
import { callbackMetrics } from './platform/metrics.ts'
import { queryMetrics } from './queries/metrics.ts'
import { listenRefused } from './start-checks.ts'
import { type Grace, graceOf } from './stop.ts'
import { traceMetrics } from './trace/metrics.ts'
import { startWork, type Work } from './work.ts'

export interface Gateway {
  server: FastifyInstance
  ground: Ground
  /** Null in a process that only answers calls. */
  work: Work | null
  /** Those who wait for events of their bank. */
  feedWatch: FeedWatch
  /** Where it listens, without a path. */
  url: string
  /** Tells load balancers for SHUTDOWN_NOTICE_MS to look elsewhere, while it still serves; at once where nobody calls. */
  announceStop(signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A batch under way for longer has met a connection that says nothing, or locks that nobody gives up. */
const BATCH_STUCK_MS = 10_000

/**
 * The composition root: builds every room in order, by role, listens, and closes in reverse. No rule of the domain lives
 * here. @param options.sealing off only in a test that shows what its scan would find.
 */
export async function openGateway(
  config: Config,
  log: Logger,
  options: { clock?: Clock; sealing?: 'on' | 'off'; onLockLost?: (error: Error) => void } = {},
): Promise<Gateway> {
  const mappings = loadMappings({ mappingsDir: config.mappingsDir, schemasDir: config.schemasDir })
  const validator = openValidator(config.schemasDir)
  const ground = await openGround(config, log, { ...options, serves: true })
  const { pool, batch, keyring, clock, trace, onClose } = ground
  const onFault = (where: string, error: unknown): void =>
    log.error({ where, ...errorFields(error) }, 'a fault of ours')
  const grace = graceOf(config.shutdownGraceMs)
  try {
    const files = new Files(ground.folders.materials)
    const site = siteOf(config)
    const numbers = new Numbers(pool, config.areaCode, clock)
    const housekeeping = startHousekeeping(ground, files)
    onClose(() => housekeeping.stop())
    const feedWatch = new FeedWatch({
      limits: { all: config.eventWaiters, ofBank: config.eventWaitersOfBank },
      readEnds: (bankIds) => feedEnds(pool, bankIds),
      onError: (error) => onFault('look at the feeds', error),
    })
    onClose(async () => feedWatch.close())

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
        outbound.webhooks.wake()
      },
    }
    const shared = { config, log, ground, mappings, cases, site, numbers, grace, onFault }
    const outbound = await openOutbound(shared)
    const halves = { ...shared, outbound, files, formField }
    const work = config.role === 'api' ? null : startWork({ ...halves, validateApplication: validator('application') })

    const proxies = addressList(config.trustedProxies)
    let url = ''
    let leaving = false
    const server = buildServer({
      log,
      bodyLimitBytes: config.bodyLimitBytes,
      requestsAtOnce: config.requestsAtOnce,
      requestTimeoutMs: 300_000,
      isTrustedProxy: (address) => proxies.has(address),
      isLeaving: () => leaving,
    })
    onClose(() => stopBoth(server, work, grace))
    const requests = countRequests(server)
    const process = processMetrics()
    onClose(async () => process.close())
    // First what describes the routes: it sees those that come after it.
    const trust =
      config.role === 'worker'
        ? null
        : await openInbound(server, {
            ...halves,
            feedWatch,
            housekeeping,
            validator,
            publicUrl: () => config.publicUrl ?? url,
            onCallbackStored: () => work?.callbacks.wake(),
            onRegistryHint: () => work?.polling.wake(),
          })
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
    openHealth(
      server,
      {
        serving: () => !leaving,
        database: async () => batch.ageMs < BATCH_STUCK_MS && (await pool.query('select 1')).rowCount === 1,
        ...(work === null ? {} : checksOf(work)),
        trace: async () => (await trace.health()).ok,
        disk: () => housekeeping.hasRoom(),
        housekeeping: () => housekeeping.failing().length === 0,
        ...(trust === null ? {} : { trust: () => trust.faults().length === 0 }),
      },
      { queue: () => outbound.queue.isUp() },
    )
    url = await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
      throw listenRefused(error, config)
    })
    log.info({ url, role: config.role }, 'the gateway listens')
    // Among several, banks sign the address of what stands before them, which none of the processes can know.
    if (config.publicUrl === null && config.sharedStorage && config.role !== 'worker') {
      log.warn({ url }, 'PUBLIC_URL is not set: calls must be signed for this address, those for a balancer get 401')
    }
    const announceStop = async (signal?: AbortSignal): Promise<void> => {
      leaving = true
      if (config.role === 'worker') return
      await sleep(config.shutdownNoticeMs, null, signal === undefined ? {} : { signal }).catch(() => undefined)
    }
    return { server, ground, work, feedWatch, url, announceStop, close: ground.close }
  } catch (error) {
    await ground.close()
    throw error
  }
}

function checksOf(work: Work): Record<string, () => boolean> {
  return {
    delivery: () => work.delivery.health().ok,
    polling: () => work.polling.lastError === null,
    queries: () => work.asking.lastError === null,
    webhooks: () => work.feeding.lastError === null,
    callbacks: () => work.callbacks.lastError === null,
  }
}

/** Takes nothing new on either side; what is in flight may finish within the grace. */
async function stopBoth(server: FastifyInstance, work: Work | null, grace: Grace): Promise<void> {
  grace.begin()
  const both = await Promise.allSettled([closeInTime(server, grace.leftMs()), work?.stop()])
  for (const one of both) if (one.status === 'rejected') throw one.reason
}

/** A caller who dribbles his body does not keep us. */
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
