import type { Logger } from 'pino'
import { WEBHOOK_CHANNEL } from './bank/webhook-destination.ts'
import type { Webhooks } from './bank/webhooks.ts'
import { openWebhooks } from './bank/webhooks.ts'
import { newId } from './base/id.ts'
import type { CaseMeans } from './cases/apply.ts'
import { addBankEvent } from './cases/bank-events.ts'
import type { Site } from './cases/contexts.ts'
import type { FormField } from './cases/correct.ts'
import { Numbers } from './cases/numbers.ts'
import type { CaseHold } from './cases/store.ts'
import { caseLock, concernInserts } from './cases/store.ts'
import type { Config } from './config.ts'
import type { Step } from './db/batch.ts'
import type { CaseStreamsStep } from './delivery/case-streams.ts'
import { caseStreamsStep } from './delivery/case-streams.ts'
import type { OnDead } from './delivery/destination.ts'
import { ensureEndpoints, isEndpointOpen } from './delivery/endpoints.ts'
import { openWakeQueue, type WakeQueue } from './delivery/queue.ts'
import { type Delivery, startDelivery } from './delivery/worker.ts'
import { type Ground } from './ground.ts'
import type { Validate } from './http/validator.ts'
import type { MappingSet } from './mapping/mapping-set.ts'
import { Files } from './materials/files.ts'
import { applyCallbacks } from './platform/callback-courier.ts'
import { openPlatformClient } from './platform/client.ts'
import { platformDestination } from './platform/destination.ts'
import { Desk } from './queries/desk.ts'
import { toQuestion } from './queries/findings.ts'
import { openRegistryClient } from './registry/client.ts'
import { registryDestination } from './registry/destination.ts'
import { pollOnce } from './registry/poller.ts'
import { askRegistry } from './registry/query.ts'
import type { Periodic } from './trace/periodic.ts'
import { startPeriodic } from './trace/periodic.ts'
import { signRequest } from './trust/sign.ts'

export const ENDPOINTS = { platform: 'platform', registry: 'registry' } as const
/** The profiles that ship; one of each for now. */
export const PROFILES = { platform: 'yx-platform', registry: 'yx-registry' } as const
/** A bank's clerk waits for it: asked again soon, and not for long. */
const QUERY_RETRY_CAP_MS = 60_000
/** Most certificates are a few pages; a scan of a bound volume is not one. */
const CERTIFICATE_LIMIT_BYTES = 64 * 1024 * 1024

/** What the half of the composition that goes out needs of the rest. */
export interface OutboundMeans {
  config: Config
  log: Logger
  ground: Ground
  mappings: MappingSet
  files: Files
  cases: CaseMeans
  site: Site
  numbers: Numbers
  formField: FormField
  validateApplication: Validate
  onFault: (where: string, error: unknown) => void
}

/** All that the gateway does towards others without being asked at that moment. */
export interface Outbound {
  streams: CaseStreamsStep
  caseLock: Step<string, CaseHold | null>
  delivery: Delivery
  queue: WakeQueue
  webhooks: Webhooks
  /** Puts banks' queries to the registry. */
  desk: Desk
  polling: Periodic
  /** Asks again what a stopped process left open. */
  asking: Periodic
  callbacks: Periodic
}

/**
 * The second half of the composition root: clients of the counterparties, destinations, delivery, polls, queries,
 * callbacks under way, webhooks. Each closer is given to the ground; no rule of the domain lives here.
 */
export async function openOutbound(means: OutboundMeans): Promise<Outbound> {
  const { config, log, ground, mappings, files, cases, site, numbers, formField, onFault } = means
  const { pool, batch, keyring, clock, trace, signers, databaseClock, onClose } = ground
  const queue = await openWakeQueue({
    databaseUrl: ground.databaseUrl,
    redisUrl: config.redisUrl,
    prefix: config.queuePrefix,
    onFault,
  })
  onClose(() => queue.close())
  const streams = caseStreamsStep(keyring, (endpoint) => queue.wake(endpoint))
  const lock = caseLock(cases)

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
  const questions = { profile: PROFILES.registry, mappings, numbers, site, clock }
  const webhooks = openWebhooks({
    pool,
    batch,
    streams,
    sealer: keyring,
    clock,
    record: trace.record,
    allow: config.webhookAllowCidr,
    caFile: config.webhookCaFile,
    timeoutMs: config.webhookTimeoutMs,
    leaseMs: config.webhookTimeoutMs + config.leaseMarginMs,
    tickMs: config.reconcileMs,
    sign: (request, algorithm) =>
      signRequest(request, (algorithm === 'sm2' ? signers.sm2 : null) ?? signers.p256, databaseClock.now()),
    onError: (error) => onFault('feed webhooks', error),
  })
  onClose(() => webhooks.client.close())
  const shared = { pool, cases, caseLock: lock, mappings, files, site, formField }
  const pollers = Math.max(1, Math.floor(config.registryConcurrency / 4))
  const desk = new Desk({
    pool,
    batch,
    sealer: keyring,
    clock,
    record: trace.record,
    addEvent: (rows, event) => addBankEvent(rows, event, cases),
    ask: (asked, by) => askRegistry(toQuestion(asked, by), { ...questions, client: registryClient }),
    // As many as polls: pushes have the rest of the registry's slots.
    atOnce: pollers,
    waitingMaximum: config.queriesWaiting,
    waitMs: config.queryWaitMs,
    leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
    retryMs: config.backoffMs,
    retryCapMs: Math.min(config.backoffCapMs, QUERY_RETRY_CAP_MS),
    giveUpMs: config.queryGiveUpMs,
    isOpen: async () => config.registryUrl !== null && (await isEndpointOpen(pool, ENDPOINTS.registry)),
    onQuestion: (line) => log.info(line, 'registry asked'),
    onFault,
  })
  onClose(() => desk.close(config.shutdownGraceMs))
  const destinations = [
    platformDestination({
      ...shared,
      endpoint: ENDPOINTS.platform,
      profile: PROFILES.platform,
      client: platformClient,
      concurrency: config.platformConcurrency,
      timeoutMs: config.platformTimeoutMs,
      leaseMs: config.platformTimeoutMs + config.leaseMarginMs,
    }),
    registryDestination({
      ...shared,
      endpoint: ENDPOINTS.registry,
      profile: PROFILES.registry,
      client: registryClient,
      numbers,
      // Polls and queries take the rest of the registry's slots.
      concurrency: Math.max(1, config.registryConcurrency - 2 * pollers),
      timeoutMs: config.registryTimeoutMs,
      leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
      peerMaximumMs: config.registryMaximumMs,
      certificateLimitBytes: CERTIFICATE_LIMIT_BYTES,
    }),
  ]
  await ensureEndpoints(batch, destinations)
  // Without an address nothing is claimed: what waits for it wears no attempts out.
  const addresses: Record<string, string | null> = {
    [ENDPOINTS.platform]: config.platformUrl,
    [ENDPOINTS.registry]: config.registryUrl,
  }
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
    discover: () => webhooks.discover(),
    retry: { baseMs: config.backoffMs, capMs: config.backoffCapMs, maximum: config.attemptsMaximum },
    onDead: deadLetters(cases),
    tickMs: config.reconcileMs,
    graceMs: config.shutdownGraceMs,
    clock,
    onAttempt: (line) => log.info(line, 'delivery attempted'),
    onFault,
  })
  onClose(() => delivery.close())
  onClose(() => webhooks.stop())

  const polling = startPeriodic({
    intervalMs: config.reconcileMs,
    work: async (signal) => {
      const polled = {
        ...shared,
        endpoint: ENDPOINTS.registry,
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
      while (config.registryUrl !== null && !signal.aborted && (await pollOnce(polled)) > 0);
    },
    onError: (error) => onFault('poll the registry', error),
    stuckMs: config.registryTimeoutMs * 4 + 60_000,
  })
  onClose(() => polling.stop())

  const asking = startPeriodic({
    intervalMs: config.reconcileMs,
    work: async (signal) => {
      while (config.registryUrl !== null && !signal.aborted && (await desk.askDue()) > 0);
    },
    onError: (error) => onFault('ask queries again', error),
    stuckMs: config.registryTimeoutMs * 4 + 60_000,
  })
  onClose(() => asking.stop())

  const callbacks = startPeriodic({
    intervalMs: config.reconcileMs,
    work: async (signal) => {
      const onError = (error: unknown): void => onFault('apply a callback', error)
      const applying = {
        ...shared,
        batch,
        streams,
        numbers,
        validateApplication: means.validateApplication,
        onError,
      }
      while (!signal.aborted && (await applyCallbacks(applying)) > 0);
    },
    onError: (error) => onFault('apply callbacks', error),
  })
  onClose(() => callbacks.stop())

  return { streams, caseLock: lock, delivery, queue, webhooks, desk, polling, asking, callbacks }
}

/** A dead letter is told to a person; the peer's words are sealed. */
function deadLetters(cases: CaseMeans): OnDead {
  return (rows, message, { reason, words }) => {
    const id = newId()
    const at = cases.clock.now()
    // A push to a bank is about no one case: its stream is the bank's.
    const isPush = message.channel === WEBHOOK_CHANNEL
    const caseId = isPush ? null : message.caseId
    rows.add(concernInserts, {
      id,
      case_id: caseId,
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
        actors: { bankId: isPush ? message.caseId : undefined, system: 'gateway' },
        caseId: caseId ?? undefined,
        facts: { endpoint: message.endpoint, kind: message.kind, messageId: message.id },
      })
      .addTo(rows)
  }
}
