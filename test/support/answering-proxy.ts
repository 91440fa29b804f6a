import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'

export interface Exchange {
  method: string
  target: string
  asked: Buffer
  /** The request's headers as they came: name, value, name, value … */
  rawHeaders: readonly string[]
  status: number
  /** The counterparty's own answer. */
  answer: Buffer
}

/** Stands before a counterparty and may put another answer in the place of its own, after the effect. */
export interface AnsweringProxy {
  readonly url: string
  /** Where calls go; to be told before the first. */
  forwardTo: string
  /** @returns another answer, or null for the counterparty's own. */
  answer: (exchange: Exchange) => { status?: number; body: Buffer } | null
}

const OF_ONE_HOP = new Set(['connection', 'transfer-encoding', 'content-length', 'expect'])

export async function answeringProxy(t: { teardown(work: () => Promise<void>): unknown }): Promise<AnsweringProxy> {
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const proxy: AnsweringProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forwardTo: '',
    answer: () => null,
  }

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const exchange = await forward(incoming, proxy.forwardTo).catch(() => null)
    if (exchange === null) {
      outgoing.destroy()
      return
    }
    // A fault of the test's own answer ends the test.
    const other = proxy.answer(exchange)
    const body = other?.body ?? exchange.answer
    outgoing.writeHead(other?.status ?? exchange.status, { ...exchange.headers, 'content-length': body.length })
    outgoing.end(body)
  }
  return proxy
}

async function forward(
  incoming: IncomingMessage,
  to: string,
): Promise<Exchange & { headers: Readonly<Record<string, string>> }> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  const asked = Buffer.concat(chunks)
  const { method = 'GET', url: target = '/' } = incoming
  // The Host header stays as it is: signatures cover the address that was called.
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === 'string' && !OF_ONE_HOP.has(name)) headers[name] = value
  }
  const response = await request(to + target, { method, headers, body: asked.length === 0 ? null : asked })
  const contentType = response.headers['content-type']
  return {
    method,
    target,
    asked,
    rawHeaders: incoming.rawHeaders,
    status: response.statusCode,
    headers: typeof contentType === 'string' ? { 'content-type': contentType } : {},
    answer: Buffer.from(await response.body.arrayBuffer()),
  }
}
