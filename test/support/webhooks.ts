import { decideWebhook, type WebhookDecision } from '../../src/bank/webhook-administration.ts'
import type { BankAnswer, BankClient } from '../../src/sandbox/bank-client.ts'
import { SAMPLE_BANK, type World } from './world.ts'

/** Webhooks on this machine, by plain http too. */
export const LOOPBACK = { webhookAllowCidr: ['127.0.0.1/32'], webhookTimeoutMs: 400 }

/** As `bdc-gateway webhook approve | suspend` does, beside the gateway and without telling it. */
export function decide(
  { gateway }: World,
  to: WebhookDecision['to'],
  bank: string = SAMPLE_BANK.code,
  url?: string,
): Promise<unknown> {
  const { pool, batch, clock, trace } = gateway.ground
  const means = { pool, batch, clock, record: trace.record, staff: 'tester', rule: 'administration.test' }
  return decideWebhook({ bank, to, url, why: 'test' }, means)
}

export function putWebhook(client: BankClient, url: unknown): Promise<BankAnswer> {
  return client.call({ method: 'PUT', path: '/v1/webhook', body: JSON.stringify({ url }) })
}

export async function webhookOf(client: BankClient): Promise<Record<string, unknown>> {
  return (await client.call({ method: 'GET', path: '/v1/webhook' })).json()
}

export async function tested(client: BankClient): Promise<Record<string, unknown>> {
  return (await client.call({ method: 'POST', path: '/v1/webhook/test', body: '{}' })).json()
}
