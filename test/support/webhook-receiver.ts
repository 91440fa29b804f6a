import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { digestFits, type VerificationKey, verificationKey, verifyMessage } from '../../src/sandbox/http-signature.ts'

interface ReceivedPush {
  url: string
  headers: Record<string, string>
  body: Buffer
  /** What the signature covers, and by which algorithm it was made. */
  covered: string[]
  algorithm: string
  nonce: string
  events: { id: string; cursor: string; caseId: string; type: string }[]
}

type Answer = { status: number; headers?: Record<string, string> } | 'hang up' | 'silence'

export interface WebhookReceiver {
  url: string
  /** Pushes whose signature and digest held, in the order in which they came. */
  readonly pushes: ReceivedPush[]
  /** What was wrong with the others. */
  readonly faults: string[]
  /** How pushes are answered; 204 by default. */
  answer: (push: ReceivedPush) => Answer
  /** Ids of events of the pushes that were answered with 2xx, doubles and tests dropped. */
  taken(): string[]
}

/**
 * A bank's endpoint on this machine, which believes nothing that the gateway's signature does not cover.
 * @param signing folder of the gateway's certificates.
 */
export async function startReceiver(
  t: { teardown(work: () => Promise<void>): unknown },
  signing: string,
  tls?: { key: string; cert: string },
): Promise<WebhookReceiver> {
  const keys = await Promise.all(
    ['p256', 'sm2'].map(async (name) => verificationKey(await readFile(join(signing, `${name}.cert.pem`), 'utf8'))),
  )
  const taken = new Set<string>()
  const receiver: WebhookReceiver = {
    url: '',
    pushes: [],
    faults: [],
    answer: () => ({ status: 204 }),
    taken: () => [...taken],
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    let push: ReceivedPush
    try {
      push = verified(request, body, receiver.url, keys)
    } catch (error) {
      receiver.faults.push(String(error))
      response.writeHead(401).end()
      return
    }
    receiver.pushes.push(push)
    const answer = receiver.answer(push)
    if (answer === 'hang up') request.socket.destroy()
    else if (answer !== 'silence') {
      if (answer.status < 300) for (const { id, type } of push.events) if (type !== 'test') taken.add(id)
      response.writeHead(answer.status, answer.headers).end()
    }
  }
  const listener: RequestListener = (request, response) => {
    handle(request, response).catch((error: unknown) => receiver.faults.push(String(error)))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  receiver.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return receiver
}

function verified(request: IncomingMessage, body: Buffer, base: string, keys: VerificationKey[]): ReceivedPush {
  const headers: Record<string, string> = {}
  for (const [name, values] of Object.entries(request.headersDistinct)) headers[name] = (values ?? []).join(', ')
  const targetUri = base + (request.url ?? '')
  const { covered, nonce } = verifyMessage({ request: { method: request.method ?? '', targetUri, headers } }, keys, {
    nowMs: Date.now(),
    windowSeconds: 300,
  })
  if (!digestFits(headers['content-digest'] ?? '', body)) throw new Error('the digest does not fit')
  const algorithm = /alg="([^"]+)"/.exec(headers['signature-input'] ?? '')?.[1] ?? ''
  const page = JSON.parse(body.toString()) as { events: ReceivedPush['events'] }
  return { url: request.url ?? '', headers, body, covered, algorithm, nonce: nonce ?? '', events: page.events }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
