import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { StartRefused } from '../db/start-refused.ts'
import type { Destination } from '../delivery/destination.ts'
import { type AddressGuard, addressGuard } from '../http/address-guard.ts'
import { type Periodic, startPeriodic } from '../trace/periodic.ts'
import { openWebhookClient, type WebhookClient, type WebhookClientOptions } from './webhook-client.ts'
import { type WebhookMeans, webhookDestination } from './webhook-destination.ts'
import { type FeederMeans, feedWebhooks } from './webhook-feeder.ts'
import { webhookBanks } from './webhook-store.ts'

/** All webhooks of this process: who checks and calls their addresses, where their pushes go, and who feeds them. */
export interface Webhooks {
  guard: AddressGuard
  client: WebhookClient
  /** Where pushes of each bank that set a webhook go. */
  discover(): Promise<Destination[]>
  /** Looks from now on at who is behind its feed; a process that does not leaves it to others. */
  startFeeding(): Periodic
  /** A bank may have new events. */
  wake(): void
}

export interface WebhooksOptions extends FeederMeans {
  /** Ranges in which inner addresses are called, by plain http too. */
  allow: readonly string[]
  /** CAs beside Node's own; null for none. */
  caFile: string | null
  timeoutMs: number
  leaseMs: number
  tickMs: number
  sign: WebhookClientOptions['sign']
  onError: (error: unknown) => void
}

/** @throws {StartRefused} when the file of CAs cannot be read. */
export function openWebhooks(options: WebhooksOptions): Webhooks {
  const guard = addressGuard(options.allow)
  const client = openWebhookClient({
    timeoutMs: options.timeoutMs,
    guard,
    authorities: options.caFile === null ? null : [...rootCertificates, readAuthorities(options.caFile)],
    sign: options.sign,
  })
  let feeder: Periodic | null = null
  const wake = (): void => feeder?.wake()
  const means: WebhookMeans = { ...options, client, onDelivered: wake }
  return {
    guard,
    client,
    discover: async () => (await webhookBanks(options.pool)).map((bankId) => webhookDestination(bankId, means)),
    startFeeding: () => {
      feeder = startPeriodic({
        intervalMs: options.tickMs,
        work: () => feedWebhooks(options),
        onError: options.onError,
      })
      return feeder
    },
    wake,
  }
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new StartRefused(
      'webhook-ca-unreadable',
      { zh: `WEBHOOK_CA_FILE 无法读取：${file}`, en: `WEBHOOK_CA_FILE cannot be read: ${file}` },
      error,
    )
  }
}
