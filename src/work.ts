import { WEBHOOK_CHANNEL } from './bank/webhook-destination.ts'
import { newId } from './base/id.ts'
import type { CaseMeans } from './cases/apply.ts'
import type { FormField } from './cases/correct.ts'
import { concernInserts } from './cases/store.ts'
import type { OnDead } from './delivery/destination.ts'
import { type Delivery, startDelivery } from './delivery/worker.ts'
import type { Validate } from './http/validator.ts'
import type { Files } from './materials/files.ts'
import { ENDPOINTS, type Outbound, type OutboundMeans, PROFILES } from './outbound.ts'
import { applyCallbacks } from './platform/callback-courier.ts'
import { openPlatformClient } from './platform/client.ts'
import { platformDestination } from './platform/destination.ts'
import { registryDestination } from './registry/destination.ts'
import { pollOnce } from './registry/poller.ts'
import { type Periodic, startPeriodic } from './trace/periodic.ts'
import { signRequest } from './trust/sign.ts'

/** Most certificates are a few pages; a scan of a bound volume is not one. */
const CERTIFICATE_LIMIT_BYTES = 64 * 1024 * 1024

interface WorkMeans extends OutboundMeans {
  outbound: Outbound
  files: Files
  formField: FormField
  validateApplication: Validate
}

/** What is done without being asked at that moment; every process that does it claims it in the database first. */
export interface Work {
  delivery: Delivery
  polling: Periodic
  /** Asks again what a stopped process left open. */
  asking: Periodic
  callbacks: Periodic
  feeding: Periodic
  /** Claims nothing more and waits within the grace for what is under way. */
  stop(): Promise<void>
}

/** Starts the half of the gateway that works by itself. Each closer is given to the ground. */
export function startWork(means: WorkMeans): Work {
  const { config, log, ground, mappings, files, cases, site, numbers, formField, outbound, grace, onFault } = means
  const { pool, batch, keyring, clock, signers, databaseClock, onClose } = ground
  const { streams, caseLock, queue, registryClient, pollers, inSlot, concurrency, webhooks, desk } = outbound
  const platformClient = openPlatformClient({
    url: config.platformUrl,
    timeoutMs: config.platformTimeoutMs,
    connections: config.platformConcurrency,
    sign: (request) => signRequest(request, signers.p256, databaseClock.now()),
  })
  onClose(() => platformClient.close())
  const shared = { pool, cases, caseLock, mappings, files, site, formField }
  const destinations = [
    platformDestination({
      ...shared,
      endpoint: ENDPOINTS.platform,
      profile: PROFILES.platform,
      client: platformClient,
      concurrency: concurrency.platform,
      timeoutMs: config.platformTimeoutMs,
      leaseMs: config.platformTimeoutMs + config.leaseMarginMs,
    }),
    registryDestination({
      ...shared,
      endpoint: ENDPOINTS.registry,
      profile: PROFILES.registry,
      client: registryClient,
      numbers,
      concurrency: concurrency.registry,
      timeoutMs: config.registryTimeoutMs,
      leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
      peerMaximumMs: config.registryMaximumMs,
      certificateLimitBytes: CERTIFICATE_LIMIT_BYTES,
    }),
  ]
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
    clock,
    onAttempt: (line) => log.info(line, 'delivery attempted'),
    onFault,
  })
  const feeding = webhooks.startFeeding()

  const polling = startPeriodic({
    intervalMs: config.reconcileMs,
    work: async (signal) => {
      const polled = {
        ...shared,
        endpoint: ENDPOINTS.registry,
        profile: PROFILES.registry,
        batch,
        streams,
        post: (bytes: Buffer) => registryClient.post(bytes),
        inSlot: <T>(exchange: () => Promise<T>) => inSlot('polls', exchange),
        numbers,
        concurrency: pollers,
        firstMs: config.pollFirstMs,
        capMs: config.pollCapMs,
        leaseMs: config.registryTimeoutMs + config.leaseMarginMs,
        signal,
        onError: (error: unknown) => onFault('poll the registry', error),
      }
      while (config.registryUrl !== null && !signal.aborted && (await pollOnce(polled)) > 0);
    },
    onError: (error) => onFault('poll the registry', error),
    stuckMs: config.registryTimeoutMs * 4 + 60_000,
  })

  const asking = startPeriodic({
    intervalMs: config.reconcileMs,
    work: async (signal) => {
      while (config.registryUrl !== null && !signal.aborted && (await desk.askDue()) > 0);
    },
    onError: (error) => onFault('ask queries again', error),
    stuckMs: config.registryTimeoutMs * 4 + 60_000,
  })

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
      while (!signal.aborted && (await applyCallbacks(applying, signal)) > 0);
    },
    onError: (error) => onFault('apply callbacks', error),
  })

  const loops = [polling, asking, callbacks, feeding]
  const stop = async (): Promise<void> =>
    void (await Promise.all([delivery.close(grace.leftMs()), ...loops.map((loop) => loop.stop(grace.leftMs()))]))
  onClose(stop)
  return { delivery, polling, asking, callbacks, feeding, stop }
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
