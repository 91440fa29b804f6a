import { createHash } from 'node:crypto'
import { type Clock, shanghaiDay } from '../base/clock.ts'
import type { Outcome } from '../base/outcome.ts'
import { eventPage, readFeed } from '../cases/feed.ts'
import type { Sealer } from '../cases/store.ts'
import { ask } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { ClaimedMessage, Destination, Rendered, SendResult, Settlement } from '../delivery/destination.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { jsonBody } from './answer.ts'
import type { PushResult, WebhookClient } from './webhook-client.ts'
import { renewPush } from './webhook-renewal.ts'
import { openWebhook, webhookCursors, webhookLock } from './webhook-store.ts'

/** Of all pushes to banks; a stream of this channel is a bank's, and the case id of its messages is the bank's id. */
export const WEBHOOK_CHANNEL = 'webhook'
export const PUSH_KIND = 'EVENTS'
/** Events of one push. */
export const PUSH_EVENTS = 50
/** One push of a bank at a time: that is what keeps its order. */
export const WEBHOOK_CONCURRENCY = 1
const RETRY_AFTER_MAXIMUM_SECONDS = 3600

/** Each bank's pushes have an endpoint of their own, so that none takes up another's slots. */
export const webhookEndpoint = (bankId: string): string => `${WEBHOOK_CHANNEL}:${bankId}`

/** What a push tells: the events of the feed behind `after` up to `last`, and the receipt of their disclosure. */
export interface PushSource {
  after: number
  last: number
  receipt: string
}

/** Where a push went. */
interface Sent {
  url: string
}

export interface WebhookMeans {
  pool: Pool
  sealer: Sealer
  clock: Clock
  record(act: Act): TraceRecord
  client: WebhookClient
  timeoutMs: number
  leaseMs: number
  /** The bank's cursor moved: there may be more to push. */
  onDelivered(): void
}

/** Pushes of one bank's events. Receivers tell events by their ids, so after an unknown outcome the same bytes go again. */
export function webhookDestination(bankId: string, means: WebhookMeans): Destination {
  return {
    endpoint: webhookEndpoint(bankId),
    channel: WEBHOOK_CHANNEL,
    concurrency: WEBHOOK_CONCURRENCY,
    leaseMs: means.leaseMs,
    timeoutMs: means.timeoutMs,
    peerMaximumMs: means.timeoutMs,
    isOpen: async () => (await openWebhook(means.pool, bankId, shanghaiDay(means.clock.now()))) !== null,
    afterUnknown: () => 'resend',
    inquire: async () => ({ kind: 'unclear', reason: 'a webhook has no look-up' }),
    render: (message) => render(message, means),
    send: (message, rendered) => send(message, rendered, means),
    settle: (message, result) => settle(message, result, means),
  }
}

async function render(message: ClaimedMessage, { pool, sealer }: WebhookMeans): Promise<Rendered> {
  const { after, last } = sourceOf(message)
  const found = await readFeed(pool, message.caseId, after, PUSH_EVENTS + 1, sealer)
  const { page } = eventPage(found, after, found.filter(({ feedNumber }) => feedNumber <= last).length)
  return { bytes: jsonBody(page), mapping: 'feed' }
}

async function send(message: ClaimedMessage, rendered: Buffer | null, means: WebhookMeans): Promise<SendResult> {
  if (rendered === null) throw new Error('a push was not rendered')
  // Between the claim and now it may have been suspended, or its address changed.
  const open = await openWebhook(means.pool, message.caseId, shanghaiDay(means.clock.now()))
  if (open === null)
    return { outcome: { kind: 'retry', reason: 'the webhook is not approved or its bank not in force' } }
  const { receipt } = sourceOf(message)
  const result = await means.client.push({ ...open, body: rendered, receipt })
  const requestDigest = createHash('sm3').update(rendered).digest()
  return { outcome: outcomeOf(result, means.clock.now()), requestDigest, said: { url: open.url } satisfies Sent }
}

function sourceOf({ source }: ClaimedMessage): PushSource {
  if (source === null) throw new Error('a push has no source')
  return JSON.parse(source.toString()) as PushSource
}

function outcomeOf(result: PushResult, now: Date): Outcome {
  switch (result.kind) {
    case 'address-refused':
      return { kind: 'refused', code: result.kind, reason: 'the address leads where nothing may go' }
    case 'unreachable':
      return { kind: 'retry', reason: result.reason }
    case 'no-answer':
      return { kind: 'unknown', reason: result.reason }
    case 'status':
      return statusOutcome(result.status, result.retryAfter, now)
    default:
      return result satisfies never
  }
}

function statusOutcome(status: number, retryAfter: string | null, now: Date): Outcome {
  const reason = `status ${status}`
  if (status >= 200 && status < 300) return { kind: 'delivered', receipt: null }
  if (status >= 300 && status < 400) return { kind: 'refused', code: `redirected ${status}`, reason }
  const afterMs = status === 429 || status === 503 ? retryAfterMs(retryAfter, now) : 0
  return { kind: 'retry', reason, ...(afterMs > 0 ? { afterMs } : {}) }
}

/** Seconds or a date, as HTTP has it; 0 for none, one that cannot be read or one that is over. */
function retryAfterMs(text: string | null, now: Date): number {
  if (text === null) return 0
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAXIMUM_SECONDS * 1000) : 0
}

function settle(message: ClaimedMessage, result: SendResult, means: WebhookMeans): Settlement {
  const lock = ask(webhookLock, message.caseId)
  return {
    asks: [lock],
    apply: (held, rows, streams) => {
      const { webhook } = held.of(lock)
      if (webhook === null) throw new Error('a push belongs to no webhook')
      const { endpoint, kind, id, fence } = message
      means
        .record({
          type: 'push-attempted',
          at: means.clock.now(),
          actors: { bankId: message.caseId, system: 'gateway' },
          outcome: result.outcome.kind,
          facts: { endpoint, kind, messageId: id, fence },
        })
        .addTo(rows)
      if (result.outcome.kind !== 'delivered') {
        // Another address was set meanwhile: what the old one did is nothing to it.
        const sent = result.said as Sent | undefined
        if (sent !== undefined && sent.url !== webhook.url) renewPush(streams, rows, 'the address was changed')
        return
      }
      webhook.cursor = Math.max(webhook.cursor, message.position)
      rows.add(webhookCursors, { bank_id: webhook.bankId, cursor: webhook.cursor })
      rows.afterCommit(() => means.onDelivered())
    },
  }
}
