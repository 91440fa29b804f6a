import { type Caller } from '../access/decide.ts'
import { refusal } from '../access/refusal.ts'
import { shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import type { TraceRecord } from '../trace/record.ts'
import { jsonBody, jsonHeaders } from './answer.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'
import type { PushResult } from './webhook-client.ts'
import { openWebhook, readWebhook } from './webhook-store.ts'

/** What a bank is told of a test. `status` only where there was an answer. */
type TestReport =
  | { delivered: true; status: number }
  | { delivered: false; fault: 'redirected' | 'status'; status: number }
  | { delivered: false; fault: 'address-refused' | 'unreachable' | 'no-answer'; reason: string }

/**
 * One test of the caller's webhook: a signed page with one event of type `test`, which says nothing of any case. Its
 * record is durable before it is sent, like that of every push, and it is sent once however often access is decided anew.
 */
export function testWebhook(
  requestId: string,
  underTest: Set<string>,
  means: BankMeans,
): { plan(caller: Caller): Promise<Plan>; end(): void } {
  let begun: string | null = null
  let report: TestReport | null = null

  return {
    plan: async (caller) => {
      const { bank } = caller.account
      await readWebhook(means.pool, bank.id)
      const open = await openWebhook(means.pool, bank.id, shanghaiDay(means.clock.now()))
      if (open === null) {
        throw refusal(
          'webhook-not-approved',
          'webhook.approved',
          '推送地址尚未由登记中心批准，或已停用',
          'the centre has not approved the address, or has suspended it',
        )
      }
      if (report === null) {
        if (underTest.has(bank.id)) throw running()
        underTest.add(bank.id)
        begun = bank.id
        const receipt = await traceTest(caller, requestId, means)
        // As late as can be: pushes may be delivered all the while, and a test must throw nobody back behind them.
        const { cursor } = await readWebhook(means.pool, bank.id)
        const body = testPage(cursor, means.clock.now())
        report = reportOf(await means.webhooks.client.push({ ...open, body, receipt }))
      }
      const told = report
      return {
        rule: 'webhook.approved',
        act: (_held, rows) => {
          const outcome = told.delivered ? 'delivered' : told.fault
          const record = testRecord(caller, requestId, outcome, means)
          record.addTo(rows)
          return { status: 200, headers: jsonHeaders, body: jsonBody(told), receipt: record.receipt }
        },
      }
    },
    end: () => {
      if (begun !== null) underTest.delete(begun)
    },
  }
}

function running(): Problem {
  return new Problem(
    'webhook-test-running',
    { zh: '该推送地址的测试正在进行', en: 'a test of this webhook is under way' },
    { rule: 'webhook.one-test', retryAfterSeconds: 5 },
  )
}

/** Durable before anything is sent; gives the receipt that the push carries. */
async function traceTest(caller: Caller, requestId: string, means: BankMeans): Promise<string> {
  const record = testRecord(caller, requestId, 'begun', means)
  await means.batch.submit({ asks: [], decide: (_held, rows) => record.addTo(rows) })
  return record.receipt
}

function testRecord({ account, operator }: Caller, requestId: string, outcome: string, means: BankMeans): TraceRecord {
  return means.record({
    type: 'push-attempted',
    at: means.clock.now(),
    actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
    rule: 'webhook.approved',
    outcome,
    facts: { requestId, kind: 'test' },
  })
}

function testPage(cursor: number, now: Date): Buffer {
  const at = now.toISOString()
  const event = { id: newId(), type: 'test', part: 0, occurredAt: at, knownAt: at, cursor: String(cursor) }
  return jsonBody({ events: [event], next: String(cursor), more: false })
}

function reportOf(result: PushResult): TestReport {
  if (result.kind === 'status') {
    const { status } = result
    if (status >= 200 && status < 300) return { delivered: true, status }
    return { delivered: false, fault: status >= 300 && status < 400 ? 'redirected' : 'status', status }
  }
  if (result.kind === 'address-refused') {
    return { delivered: false, fault: result.kind, reason: 'the address leads where nothing may go' }
  }
  return { delivered: false, fault: result.kind, reason: result.reason }
}
