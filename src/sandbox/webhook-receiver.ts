import { request } from 'undici'
import type { Json, JsonObject } from '../base/json.ts'
import {
  type CounterpartyReply,
  type CounterpartyRequest,
  jsonReply,
  serveCounterparty,
} from './counterparty-server.ts'
import type { FaultRule } from './faults.ts'
import { digestFits, verificationKey, verifyMessage } from './http-signature.ts'

export interface WebhookReceiverOptions {
  /** The gateway's certificates (PEM) whose signature a push may carry. */
  gatewayCertificates: readonly string[]
  /** A free port by default. */
  port?: number
}

/** A call that arrived and was looked at, in its order; what a fault swallowed before is not there. */
interface ReceivedPush {
  /** Ids of its events. */
  events: string[]
  /** 204 when it was taken. */
  status: number
  /** Why it was not. */
  fault?: string
  receipt: string | undefined
}

/** Where a bank is told of its events. */
export interface WebhookReceiver {
  /** The address to be registered. */
  url: string
  /** The events that it took but for tests, each once, in the order in which they first came. */
  events: readonly JsonObject[]
  pushes: readonly ReceivedPush[]
  /** Calls that arrived, faults or not. */
  calls(): number
  /** Misbehaves from now on: `{fault: 'error-before', rate: 0.3, seed: 7}`; `{reset: true}` ends it. */
  control(command: FaultRule | { reset: true } | readonly (FaultRule | { reset: true })[]): Promise<void>
  close(): Promise<void>
}

const PATH = '/events'

/** Takes pushes `{events: [{id, …}], …}` that the gateway signed, and answers 204; what it did not sign gets 401. */
export async function startWebhookReceiver(options: WebhookReceiverOptions): Promise<WebhookReceiver> {
  const keys = options.gatewayCertificates.map(verificationKey)
  const known = new Map<string, JsonObject>()
  const events: JsonObject[] = []
  const pushes: ReceivedPush[] = []
  const nonces = new Set<string>()
  let calls = 0

  /** Why a call is not the gateway's word; undefined when it is. */
  function signatureFault(given: CounterpartyRequest): string | undefined {
    try {
      const signed = { method: given.method, targetUri: given.uri, headers: given.headers }
      const { covered, nonce } = verifyMessage({ request: signed }, keys, { nowMs: Date.now(), windowSeconds: 300 })
      const needed = ['"@method"', '"@target-uri"', '"content-digest"', '"content-type"', '"trace-receipt"']
      const missing = needed.filter((component) => !covered.includes(component))
      if (missing.length > 0) return `not covered: ${missing.join(' ')}`
      if (nonce === undefined || nonces.has(nonce)) return 'nonce missing or repeated'
      nonces.add(nonce)
      return digestFits(given.headers['content-digest'] ?? '', given.body) ? undefined : 'the digest does not fit'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  function take(given: CounterpartyRequest): CounterpartyReply {
    const receipt = given.headers['trace-receipt']
    const refuse = (status: number, fault: string): CounterpartyReply => {
      pushes.push({ events: [], status, fault, receipt })
      return jsonReply(status, { error: fault })
    }
    if (given.method !== 'POST' || given.target !== PATH) return refuse(404, 'no such address')
    const fault = signatureFault(given)
    if (fault !== undefined) return refuse(401, fault)
    const page = eventsIn(given.body)
    if (page === undefined) return refuse(400, 'no page of events')
    for (const event of page) {
      const id = event.id as string
      const before = known.get(id)
      if (before === undefined) {
        known.set(id, event)
        if (event.type !== 'test') events.push(event)
      } else if (JSON.stringify(before) !== JSON.stringify(event)) return refuse(409, `event ${id} has changed`)
    }
    pushes.push({ events: page.map(({ id }) => id as string), status: 204, receipt })
    return { status: 204, headers: {}, body: Buffer.alloc(0) }
  }

  const server = await serveCounterparty(
    {
      kindOf: () => {
        calls += 1
        return 'PUSH'
      },
      handle: take,
      busy() {
        const reply = jsonReply(503, { error: 'busy' })
        return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } }
      },
      control() {
        throw new TypeError('no such command')
      },
      state: () => ({}),
      close() {},
    },
    options.port ?? 0,
  )
  return {
    url: server.url + PATH,
    events,
    pushes,
    calls: () => calls,
    async control(command) {
      const answer = await request(`${server.url}/_control`, { method: 'POST', body: JSON.stringify(command) })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`the receiver refused: ${text}`)
    },
    close: () => server.close(),
  }
}

function eventsIn(body: Buffer): JsonObject[] | undefined {
  let document: Json
  try {
    document = JSON.parse(body.toString('utf8')) as Json
  } catch {
    return undefined
  }
  const list = (document as { events?: JsonObject[] } | null)?.events
  const isPage = Array.isArray(list) && list.every((event) => typeof event?.id === 'string')
  return isPage ? list : undefined
}
