import { createHash } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import type { Caller } from '../access/decide.ts'
import type { Json } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { feedEnds } from '../cases/feed.ts'
import { ask } from '../db/batch.ts'
import { type WaitingHead, waitingHeads } from '../delivery/operations.ts'
import { answer, bodyBytes, idempotencyKey, jsonBody, jsonHeaders, readBody } from './answer.ts'
import { getWebhook, postWebhookTest, putWebhook } from './api/webhook.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import { checkedAddress } from './webhook-address.ts'
import { readWebhook, type Webhook, type WebhookHold, webhookLock, webhookRows } from './webhook-store.ts'
import { testWebhook } from './webhook-test.ts'

/** PUT and GET /v1/webhook, POST /v1/webhook/test: where a bank wants its events pushed, once the centre approved it. */
export const webhookRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  const underCheck = new Set<string>()
  server.put('/webhook', { config: { api: putWebhook } }, async (request, reply) => {
    const bytes = bodyBytes(request)
    return answer(request, reply, means, {
      needsOperator: true,
      key: null,
      plan: async (caller) => {
        const given = addressMember(readBody(bytes, means.bodyLimitBytes))
        // One at a time: a bank's slow names take up one place, however often it calls.
        const { id } = caller.account.bank
        if (underCheck.has(id)) throw checkRunning()
        underCheck.add(id)
        try {
          return planSetting(caller, await checkedAddress(given, means.webhooks.guard), means)
        } finally {
          underCheck.delete(id)
        }
      },
    })
  })

  server.get('/webhook', { config: { api: getWebhook } }, async (request, reply) =>
    answer(request, reply, means, {
      needsOperator: true,
      key: null,
      plan: async ({ account }) => {
        const { bank } = account
        const webhook = await readWebhook(means.pool, bank.id)
        const end = (await feedEnds(means.pool, [bank.id])).get(bank.id) ?? 0
        const [head] = await waitingHeads(means.pool, bank.id)
        const page = webhookPage(webhook, end, head)
        return {
          rule: 'webhook.of-bank',
          act: () => ({ status: 200, headers: jsonHeaders, body: jsonBody(page), receipt: null }),
        }
      },
    }),
  )

  const underTest = new Set<string>()
  server.post('/webhook/test', { config: { api: postWebhookTest } }, async (request, reply) => {
    const bytes = bodyBytes(request)
    const test = testWebhook(request.id, underTest, means)
    try {
      return await answer(request, reply, means, {
        needsOperator: true,
        key: { value: idempotencyKey(request), requestDigest: createHash('sha256').update(bytes).digest() },
        plan: (caller) => test.plan(caller),
      })
    } finally {
      test.end()
    }
  })
}

/** @throws {Problem} message-invalid when the body is anything but an object with `url`. */
function addressMember(body: Json): unknown {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  const faults = isObject
    ? Object.keys(body)
        .filter((name) => name !== 'url')
        .map((name) => ({
          pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          code: 'field-unknown',
          detail: '没有此字段',
          detailEn: 'there is no such member',
        }))
    : [{ pointer: '', code: 'type-wrong', detail: '应为对象', detailEn: 'must be an object' }]
  if (faults.length > 0) {
    throw new Problem('message-invalid', { zh: '请求体应为 {"url": …}', en: 'the body must be {"url": …}' }, { faults })
  }
  return (body as { url?: unknown }).url
}

function checkRunning(): Problem {
  return new Problem(
    'webhook-check-running',
    { zh: '本行的另一个推送地址正在核验', en: 'another address of this bank is being checked' },
    { rule: 'webhook.one-check', retryAfterSeconds: 5 },
  )
}

/** An address that is new waits for the centre's approval; the same one again keeps its state. */
function planSetting({ account, operator }: Caller, url: string, means: BankMeans): Plan {
  let lock: ReturnType<typeof ask<string, WebhookHold>>
  return {
    rule: 'webhook.of-bank',
    tracesDecision: true,
    asks: (won) => {
      lock = ask(webhookLock, account.bank.id, won)
      return [lock]
    },
    act: (held, rows) => {
      const hold = held.of(lock)
      const before = hold.webhook
      const same = before?.url === url
      const now = means.clock.now()
      const webhook: Webhook = {
        bankId: account.bank.id,
        accountId: account.id,
        url,
        state: same ? before.state : 'pending',
        cursor: before?.cursor ?? 0,
        setAt: same ? before.setAt : now,
        decidedAt: same ? before.decidedAt : null,
      }
      hold.webhook = webhook
      rows.add(webhookRows, webhook)
      const record = means.record({
        type: 'administration',
        at: now,
        actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
        rule: 'webhook.of-bank',
        outcome: same ? 'webhook-kept' : 'webhook-set',
        facts: { state: webhook.state },
        personal: { url },
      })
      record.addTo(rows)
      const { state, cursor } = webhook
      const body = jsonBody({ url, state, cursor: String(cursor), setAt: webhook.setAt.toISOString() })
      return { status: same ? 200 : 202, headers: jsonHeaders, body, receipt: record.receipt }
    },
  }
}

function webhookPage(webhook: Webhook, end: number, head: WaitingHead | undefined): Record<string, unknown> {
  const behind = Math.max(0, end - webhook.cursor)
  return {
    url: webhook.url,
    state: webhook.state,
    cursor: String(webhook.cursor),
    waiting: behind === 0 ? null : { events: behind, ...waitingFor(webhook, head) },
    setAt: webhook.setAt.toISOString(),
    decidedAt: webhook.decidedAt?.toISOString() ?? null,
  }
}

/** What the events wait for: the centre's decision while there is none in favour, else what came of the push. */
function waitingFor(webhook: Webhook, head: WaitingHead | undefined): Record<'state' | 'since' | 'why', string | null> {
  if (webhook.state !== 'approved') {
    const since = webhook.decidedAt ?? webhook.setAt
    return { state: 'queued', since: since.toISOString(), why: `the address is ${webhook.state}` }
  }
  // The same words that the centre sees.
  return { state: head?.state ?? 'queued', since: head?.since.toISOString() ?? null, why: head?.why ?? null }
}
