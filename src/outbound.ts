import type { Logger } from 'pino'
import { openWebhooks, type Webhooks } from './bank/webhooks.ts'
import type { CaseMeans } from './cases/apply.ts'
import { addBankEvent } from './cases/bank-events.ts'
import type { Site } from './cases/contexts.ts'
import type { Numbers } from './cases/numbers.ts'
import { type CaseHold, caseLock } from './cases/store.ts'
import type { Config } from './config.ts'
import { lockSpace } from './db/advisory-lock.ts'
import type { Step } from './db/batch.ts'
import { type Slots, sharedSlots } from './db/shared-slots.ts'
import { type CaseStreamsStep, caseStreamsStep } from './delivery/case-streams.ts'
import { ensureEndpoints, isEndpointOpen } from './delivery/endpoints.ts'
import { openWakeQueue, type WakeQueue } from './delivery/queue.ts'
import type { Ground } from './ground.ts'
import type { MappingSet } from './mapping/mapping-set.ts'
import { Desk } from './queries/desk.ts'
import { toQuestion } from './queries/findings.ts'
import { openRegistryClient, type RegistryClient } from './registry/client.ts'
import { askRegistry } from './registry/query.ts'
import type { Grace } from './stop.ts'
import { signRequest } from './trust/sign.ts'

export const ENDPOINTS = { platform: 'platform', registry: 'registry' } as const
/** The profiles that ship; one of each for now. */
export const PROFILES = { platform: 'yx-platform', registry: 'yx-registry' } as const
/** A bank's clerk waits for it: asked again soon, and not for long. */
const QUERY_RETRY_CAP_MS = 60_000

/** What the halves of the composition need of the rest. */
export interface OutboundMeans {
  config: Config
  log: Logger
  ground: Ground
  mappings: MappingSet
  cases: CaseMeans
  site: Site
  numbers: Numbers
  grace: Grace
  onFault: (where: string, error: unknown) => void
}

/** The ways out that calls and claimed work share. */
export interface Outbound {
  streams: CaseStreamsStep
  caseLock: Step<string, CaseHold | null>
  queue: WakeQueue
  registryClient: RegistryClient
  /** Of the registry's slots, those for polls; as many are for queries, and pushes have the rest. */
  pollers: number
  /** Runs a call to the registry in a slot of its kind, counted over all processes. */
  inSlot<T>(of: keyof typeof lockSpace, call: () => Promise<T>): Promise<T>
  /** Pushes at once, by endpoint. */
  concurrency: Readonly<Record<keyof typeof ENDPOINTS, number>>
  webhooks: Webhooks
  /** Puts banks' queries to the registry. */
  desk: Desk
}

/** Opens the ways out, in every role. Each closer is given to the ground; no rule of the domain lives here. */
export async function openOutbound(means: OutboundMeans): Promise<Outbound> {
  const { config, log, ground, mappings, cases, site, numbers, grace, onFault } = means
  const { pool, batch, keyring, clock, trace, signers, databaseClock, onClose } = ground
  const queue = await openWakeQueue({
    databaseUrl: ground.databaseUrl,
    redisUrl: config.redisUrl,
    prefix: config.queuePrefix,
    onFault,
  })
  onClose(() => queue.close())
  const streams = caseStreamsStep(keyring, (endpoint) => queue.wake(endpoint))
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
  const pollers = Math.max(1, Math.floor(config.registryConcurrency / 4))
  const concurrency = {
    platform: config.platformConcurrency,
    registry: Math.max(1, config.registryConcurrency - 2 * pollers),
  }
  // Here, since a process that only asks looks too whether an endpoint is open.
  await ensureEndpoints(batch, [
    { endpoint: ENDPOINTS.platform, concurrency: concurrency.platform },
    { endpoint: ENDPOINTS.registry, concurrency: concurrency.registry },
  ])
  const slotsOf = (space: number): Slots | null => {
    if (!config.sharedStorage) return null
    const slots = sharedSlots({ url: ground.databaseUrl, space, count: pollers, log })
    onClose(() => slots.close())
    return slots
  }
  const slots = { polls: slotsOf(lockSpace.polls), queries: slotsOf(lockSpace.queries) }
  // A process that is alone counts by itself: it never begins more.
  const inSlot: Outbound['inSlot'] = (of, call) => slots[of]?.hold(call) ?? call()
  const desk = new Desk({
    pool,
    batch,
    sealer: keyring,
    clock,
    record: trace.record,
    addEvent: (rows, event) => addBankEvent(rows, event, cases),
    ask: (asked, by) => askRegistry(toQuestion(asked, by), { ...questions, client: registryClient }),
    inSlot: (question) => inSlot('queries', question),
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
  onClose(() => desk.close(grace.leftMs()))

  return { streams, caseLock: caseLock(cases), queue, registryClient, pollers, inSlot, concurrency, webhooks, desk }
}
