import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  Gateway as BankClient,
  type Event,
  type GatewayKey,
  webhookListener,
} from '../../clients/typescript/src/index.ts'
import { decideWebhook } from '../bank/webhook-administration.ts'
import { caseStreamsStep } from '../delivery/case-streams.ts'
import type { Gateway } from '../gateway.ts'
import type { Identity } from '../sandbox/certificate-authority.ts'
import { verificationKey } from '../sandbox/http-signature.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { SAMPLE_BANK, SAMPLE_OPERATOR } from './sample-bank.ts'

/** The sample bank's side, with the example client that banks copy: its calls, and what is pushed to it. */
export interface DemoBank {
  client: BankClient
  /** Events that were pushed, each once, in the order in which they came; test events are not among them. */
  pushed: Event[]
  close(): Promise<void>
}

/**
 * The bank's client, signing with SM2, and its webhook at a port of this machine, set by the bank and approved as the
 * centre would.
 * @param certificates the gateway's, in PEM: what an answer or a push may be signed with.
 */
export async function openDemoBank(
  gateway: Gateway,
  identity: Identity,
  certificates: { p256: string; sm2: string },
): Promise<DemoBank> {
  const gatewayKeys: GatewayKey[] = [
    { certificatePem: certificates.p256 },
    { certificatePem: certificates.sm2, verify: verificationKey(certificates.sm2).verifies },
  ]
  const client = new BankClient({
    baseUrl: gateway.url,
    signer: {
      keyid: identity.fingerprint,
      algorithm: 'sm2-sm3',
      sign: (base) => identity.key.signHttp(base),
    },
    gatewayKeys,
    operator: SAMPLE_OPERATOR,
    digest: 'sm3',
  })

  const pushed: Event[] = []
  const known = new Set<string>()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bdc/events`
  const listener = webhookListener({
    url,
    gatewayKeys,
    onPush: async ({ data }) => {
      for (const event of data.events) {
        if (event.type === 'test' || known.has(event.id)) continue
        known.add(event.id)
        pushed.push(event)
      }
    },
  })
  server.on('request', listener)
  await client.putWebhook(url)
  const { pool, batch, clock, trace, keyring } = gateway.ground
  const streams = caseStreamsStep(keyring, () => undefined)
  await decideWebhook(
    { bank: SAMPLE_BANK.code, to: 'approved', url, why: undefined },
    { pool, batch, streams, clock, record: trace.record, staff: staffLogin(), rule: CLI_RULE },
  )
  return {
    client,
    pushed,
    close: async () => {
      client.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
