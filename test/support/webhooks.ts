import { decideWebhook, type WebhookDecision } from '../../src/bank/webhook-administration.ts'
import { caseStreamsStep } from '../../src/delivery/case-streams.ts'
import type { Ground } from '../../src/ground.ts'
import type { BankAnswer, BankClient } from '../../src/sandbox/bank-client.ts'
import { sampleCase, withMaterialIds } from '../../src/sandbox/sample-case.ts'
import type { WebhookReceiver } from './webhook-receiver.ts'
import { SAMPLE_BANK } from './world.ts'

/** Webhooks on this machine, by plain http too. */
export const LOOPBACK = { webhookAllowCidr: ['127.0.0.1/32'], webhookTimeoutMs: 400 }

/** As `bdc-gateway webhook approve | suspend` does, beside the gateway and without telling it. */
export function decide(
  { gateway }: { gateway: { ground: Pick<Ground, 'pool' | 'batch' | 'clock' | 'trace' | 'keyring'> } },
  to: WebhookDecision['to'],
  bank: string = SAMPLE_BANK.code,
  url?: string,
): Promise<unknown> {
  const { pool, batch, clock, trace, keyring } = gateway.ground
  const streams = caseStreamsStep(keyring, () => undefined)
  const means = { pool, batch, streams, clock, record: trace.record, staff: 'tester', rule: 'administration.test' }
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

/** As long as it takes a killed gateway to get up on a busy machine. */
const PATIENT = { attempts: 1200, retryDelayMs: 100 }

/** Files a case of which this bank is the mortgagee, however often the gateway goes down meanwhile; gives its id. */
export async function fileFor(client: BankClient, bank: { code: string; name: string }): Promise<string> {
  const { application, materials } = sampleCase({ vary: true })
  const ids = new Map<string, string>()
  for (const material of materials) {
    const answer = await client.uploadMaterial(material, PATIENT)
    if (answer.status !== 201) throw new Error(`a material was not taken: ${answer.body.toString()}`)
    ids.set(material.name, String(answer.json()['id']))
  }
  const text = JSON.stringify(withMaterialIds(application, ids))
  const own = text.replaceAll(SAMPLE_BANK.code, bank.code).replaceAll(SAMPLE_BANK.name, bank.name)
  const answer = await client.submitApplication(JSON.parse(own), PATIENT)
  if (answer.status !== 202) throw new Error(`the case was not taken: ${answer.body.toString()}`)
  return String(answer.json()['id'])
}

/** The whole feed of a bank, page by page. */
export async function feedOf(client: BankClient): Promise<{ id: string; caseId: string }[]> {
  const all: { id: string; caseId: string }[] = []
  for (let after = '0'; ; ) {
    const path = `/v1/events?after=${after}&limit=500`
    const page = (await client.call({ method: 'GET', path, ...PATIENT })).json()
    all.push(...(page['events'] as typeof all))
    if (page['more'] !== true) return all
    after = String(page['next'])
  }
}

/** Answers as an endpoint does that is now well, now not. */
export function failsAtRandom(receiver: WebhookReceiver): void {
  receiver.answer = () => {
    const luck = Math.random()
    if (luck < 0.15) return { status: 500 }
    if (luck < 0.25) return { status: 404 }
    if (luck < 0.35) return 'hang up'
    if (luck < 0.42) return 'silence'
    return { status: 200 }
  }
}
