import { type Clock, shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { childOf, inTrace } from '../base/trace-context.ts'
import { type EventDisclosure, eventPage, readFeed } from '../cases/feed.ts'
import type { Sealer } from '../cases/store.ts'
import { ask, type Batch } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { PUSH_EVENTS, PUSH_KIND, type PushSource, WEBHOOK_CHANNEL, webhookEndpoint } from './webhook-destination.ts'
import { behindFeed, webhookLock } from './webhook-store.ts'

export interface FeederMeans {
  pool: Pool
  batch: Pick<Batch, 'submit'>
  streams: CaseStreamsStep
  sealer: Sealer
  clock: Clock
  record(act: Act): TraceRecord
}

/**
 * Gives every approved webhook that is behind its bank's feed its next push, at most one live at a time: so a bank gets
 * its events in the order of its feed, and a webhook that does not answer piles nothing up. May run at any time, on any
 * node: what another did meanwhile is seen under the lock.
 */
export async function feedWebhooks(means: FeederMeans): Promise<void> {
  const behind = await behindFeed(means.pool, shanghaiDay(means.clock.now()), WEBHOOK_CHANNEL)
  // Each push is a trace of its own: what it tells of was caused by many.
  const fed = await Promise.allSettled(
    behind.map(({ bankId, cursor }) => inTrace(childOf(null), () => feed(bankId, cursor, means))),
  )
  // One bank's fault must not keep the others from being fed, but it must be heard of.
  const failed = fed.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function feed(bankId: string, cursor: number, means: FeederMeans): Promise<void> {
  const found = await readFeed(means.pool, bankId, cursor, PUSH_EVENTS + 1, means.sealer)
  const last = found.slice(0, PUSH_EVENTS).at(-1)?.feedNumber
  if (last === undefined) return
  const { disclosure } = eventPage(found, cursor, PUSH_EVENTS)
  const lock = ask(webhookLock, bankId)
  const streams = ask(means.streams, bankId)
  await means.batch.submit({
    asks: [lock, streams],
    decide: (held, rows) => {
      const { webhook } = held.of(lock)
      const own = held.of(streams)
      if (webhook?.state !== 'approved' || webhook.cursor !== cursor || own.messages.length > 0) return
      const id = newId()
      const record = means.record(disclosureAct(bankId, id, webhook.accountId, disclosure, means.clock.now()))
      record.addTo(rows)
      const source: PushSource = { after: cursor, last, receipt: record.receipt }
      own.append(rows, {
        id,
        endpoint: webhookEndpoint(bankId),
        channel: WEBHOOK_CHANNEL,
        position: last,
        kind: PUSH_KIND,
        number: id.replaceAll('-', ''),
        documentVersion: 1,
        source: Buffer.from(JSON.stringify(source)),
      })
    },
  })
}

/** Written with the push itself, before a byte of it is sent. */
function disclosureAct(bankId: string, messageId: string, accountId: string, told: EventDisclosure, at: Date): Act {
  return {
    type: 'disclosure',
    at,
    actors: { bankId, accountId, system: 'gateway' },
    rule: 'webhook.approved',
    outcome: 'queued',
    facts: { messageId, fields: told.fields, events: told.count, types: told.types, cases: told.caseIds },
    personal: told.personal,
    subjects: Object.values(told.personal),
  }
}
