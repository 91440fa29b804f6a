import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { ask, type Batch } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import { addEndpoint } from '../delivery/endpoints.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { WEBHOOK_CONCURRENCY, webhookEndpoint } from './webhook-destination.ts'
import { renewPush } from './webhook-renewal.ts'
import { readWebhook, type Webhook, webhookLock, webhookRows } from './webhook-store.ts'

export interface WebhookDecisionMeans {
  pool: Pool
  batch: Pick<Batch, 'submit'>
  streams: CaseStreamsStep
  clock: Clock
  record(act: Act): TraceRecord
  /** Login of the person who decides. */
  staff: string
  /** How that person may. */
  rule: string
}

export interface WebhookDecision {
  /** 统一社会信用代码 of the bank. */
  bank: string
  to: 'approved' | 'suspended'
  /** The address that is meant; the bank may have set another meanwhile. Undefined: whatever it is. */
  url: string | undefined
  /** Kept sealed with the trace record. */
  why: string | undefined
}

/**
 * Approves the address that a bank set, or suspends it: nothing more is claimed for it from then on. Holds on every node.
 * Once approved it goes on where it stopped: a push that is dead, or waits to be tried again, makes place for a fresh one.
 * @returns the webhook as it was before.
 * @throws {Problem} administration-not-found, webhook-not-found, webhook-changed.
 */
export async function decideWebhook(decision: WebhookDecision, means: WebhookDecisionMeans): Promise<Webhook> {
  const { rows: banks } = await means.pool.query<{ id: string }>('select id from bank where code = $1', [decision.bank])
  const bankId = banks[0]?.id
  if (bankId === undefined) {
    throw new Problem('administration-not-found', {
      zh: `没有代码为 ${decision.bank} 的银行`,
      en: `there is no bank with the code ${decision.bank}`,
    })
  }
  await readWebhook(means.pool, bankId)
  const lock = ask(webhookLock, bankId)
  const streams = ask(means.streams, bankId)
  return means.batch.submit({
    asks: [lock, streams],
    decide: (held, rows) => {
      const hold = held.of(lock)
      const before = hold.webhook
      if (before === null) throw new Error('a webhook is never taken away')
      if (decision.url !== undefined && decision.url !== before.url) {
        throw new Problem('webhook-changed', {
          zh: `推送地址现为 ${before.url}`,
          en: `the address is ${before.url} now`,
        })
      }
      if (before.state === decision.to) return before
      const now = means.clock.now()
      hold.webhook = { ...before, state: decision.to, decidedAt: now }
      rows.add(webhookRows, hold.webhook)
      if (decision.to === 'approved') {
        addEndpoint(rows, webhookEndpoint(bankId), WEBHOOK_CONCURRENCY)
        renewPush(held.of(streams), rows, 'the address was approved')
      }
      means
        .record({
          type: 'administration',
          at: now,
          actors: { bankId, staff: means.staff },
          rule: means.rule,
          outcome: `webhook-${decision.to}`,
          facts: { before: before.state, after: decision.to },
          // As one JSON text, like all that staff give.
          personal: { given: JSON.stringify({ url: before.url, why: decision.why }) },
        })
        .addTo(rows)
      return before
    },
  })
}
