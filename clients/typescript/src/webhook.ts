import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventPage } from './types.ts'
import { type GatewayKey, GatewayKeys, VerificationError, type Verified, verifyPush } from './verification.ts'

/** A push whose signature verified: what it carries is the gateway's word. */
export interface Push {
  /** Some of the feed, in its order: the same page that GET /v1/events gives. An event of type `test` is a test. */
  data: EventPage
  /** The same push, sent again because your answer did not arrive, has the same key. */
  idempotencyKey: string | undefined
  receipt: string | undefined
  keyid: string
  createdAt: Date
}

export interface PushOptions {
  /** The address exactly as PUT /v1/webhook answered it: it is signed as `@target-uri`. */
  url: string
  gatewayKeys: readonly (GatewayKey | string)[]
  /** Default 300: older pushes are refused, so that one that was overheard cannot be played again later. */
  skewSeconds?: number
  now?: () => Date
}

const BODY_BYTES_MAXIMUM = 4 * 1024 * 1024

/** Verifies one push. Headers as node's `rawHeaders`, the body's bytes as they came. @throws {VerificationError} */
export function pushVerifier(
  options: PushOptions,
): (method: string, rawHeaders: readonly string[], body: Buffer) => Promise<Push> {
  const keys = new GatewayKeys(options.gatewayKeys)
  const { url, skewSeconds = 300, now = () => new Date() } = options
  return async (method, rawHeaders, body) => {
    const request = { method, targetUri: url, rawHeaders }
    const verified: Verified = await verifyPush(request, body, keys, { now: now(), skewSeconds })
    try {
      const { keyid, createdAt, receipt, idempotencyKey } = verified
      return { data: JSON.parse(body.toString('utf8')) as EventPage, keyid, createdAt, receipt, idempotencyKey }
    } catch (error) {
      throw new VerificationError(`the body is no JSON: ${(error as Error).message}`)
    }
  }
}

/**
 * A request listener for node's http server at your webhook address, behind whatever ends TLS for you.
 * 204 once `onPush` has resolved, that is, once you have written the push down; 401 for what is not the gateway's; 500
 * when `onPush` failed: the gateway then comes again. The same event may come twice, and by GET /v1/events too: keep
 * one of each `id`.
 */
export function webhookListener(
  options: PushOptions & { onPush: (push: Push) => Promise<void>; onRefused?: (why: Error) => void },
): (request: IncomingMessage, response: ServerResponse) => void {
  const verify = pushVerifier(options)
  async function receive(request: IncomingMessage): Promise<number> {
    let push: Push
    try {
      push = await verify(request.method ?? '', request.rawHeaders, await bodyOf(request))
    } catch (error) {
      options.onRefused?.(error as Error)
      return error instanceof VerificationError ? 401 : 400
    }
    await options.onPush(push)
    return 204
  }
  return (request, response) => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      () => response.writeHead(500).end(),
    )
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > BODY_BYTES_MAXIMUM) throw new Error('the push is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
