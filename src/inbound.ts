import type { FastifyInstance } from 'fastify'
import { about } from './bank/api/about.ts'
import { codeTables } from './bank/code-tables.ts'
import { bankRoutes } from './bank/plugin.ts'
import { addressList } from './base/address-list.ts'
import type { FormField } from './cases/correct.ts'
import type { FeedWatch } from './cases/feed-watch.ts'
import type { Housekeeping } from './housekeeping.ts'
import { openDescriptions } from './http/openapi/routes.ts'
import { openProblemPages } from './http/problem-pages.ts'
import type { openValidator } from './http/validator.ts'
import type { Files } from './materials/files.ts'
import { type Outbound, type OutboundMeans, PROFILES } from './outbound.ts'
import { readPlatformCertificates } from './platform/authenticate.ts'
import { callbackRoutes } from './platform/callback-routes.ts'
import { registryRoutes } from './registry/routes.ts'
import { openTrustStore, type TrustStore } from './trust/trust-store.ts'

interface InboundMeans extends OutboundMeans {
  outbound: Outbound
  files: Files
  formField: FormField
  feedWatch: FeedWatch
  housekeeping: Housekeeping
  validator: ReturnType<typeof openValidator>
  /** Where it is reached, once it listens. */
  publicUrl: () => string
  /** Makes this process look at once at what a call left; others see it at their next look. */
  onCallbackStored: () => void
  onRegistryHint: () => void
}

/**
 * Registers all that others may call: the bank API, the platform's callbacks, the registry's hints, and what describes
 * them. @returns the trust store, for readiness.
 */
export async function openInbound(server: FastifyInstance, means: InboundMeans): Promise<TrustStore> {
  const { config, ground, mappings, files, cases, site, numbers, outbound, housekeeping, validator, publicUrl } = means
  const { pool, batch, keyring, clock, trace, directory, signers, sm2, databaseClock } = ground
  const trust = await openTrustStore({ trustDir: ground.folders.trust, rulesDir: config.certsDir, sm2 })
  const platformCertificates = await readPlatformCertificates(config.platformCertificates)
  const verification = {
    sm2,
    publicUrl,
    windowSeconds: config.signatureWindowSeconds,
    databaseNow: () => databaseClock.now(),
  }

  openDescriptions(server, { about, schemasDir: config.schemasDir, serverUrl: publicUrl })
  openProblemPages(server)
  // The server waits for its requests: those that wait for events end at once.
  server.addHook('preClose', async () => means.feedWatch.close())
  await server.register(bankRoutes, {
    prefix: '/v1',
    pool,
    batch,
    directory,
    sealer: keyring,
    clock,
    record: trace.record,
    authenticate: { ...verification, directory, trust },
    refusals: trace.refusals,
    signers,
    cases,
    caseLock: outbound.caseLock,
    streams: outbound.streams,
    numbers,
    feedWatch: means.feedWatch,
    webhooks: outbound.webhooks,
    validateApplication: validator('application'),
    validateAuthorization: validator('authorization'),
    validateQuery: validator('query-request'),
    desk: outbound.desk,
    extranet: addressList(config.egovNetworks),
    areaCode: config.areaCode,
    validateWithdrawal: validator('withdrawal-request'),
    validateCorrection: validator('correction'),
    formField: means.formField,
    codes: codeTables(mappings.profile(PROFILES.registry).tables),
    files,
    bodyLimitBytes: config.bodyLimitBytes,
    materialLimitBytes: config.materialLimitBytes,
    uploadsAtOnce: config.uploadsAtOnce,
    hasRoom: () => housekeeping.hasRoom(),
  })
  await server.register(callbackRoutes, {
    prefix: '/platform',
    source: { ...verification, id: config.platformId, certificates: platformCertificates },
    profile: PROFILES.platform,
    pool,
    batch,
    cases,
    mappings,
    site,
    signers,
    refusals: trace.refusals,
    onStored: means.onCallbackStored,
  })
  await server.register(registryRoutes, {
    prefix: '/registry/v1',
    pool,
    secret: config.registryHintSecret,
    onHint: means.onRegistryHint,
  })
  return trust
}
