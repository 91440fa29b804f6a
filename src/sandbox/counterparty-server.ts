import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '../base/json.ts'
import { type FaultRule, openFaults } from './faults.ts'

export interface CounterpartyRequest {
  method: string
  /** As in the request line, query included. */
  target: string
  /** The URL as the client called it, made of the Host header. */
  uri: string
  headers: Readonly<Record<string, string>>
  body: Buffer
}
export interface CounterpartyReply {
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer
}

/** What makes a counterparty itself: everything else, faults and control included, is common to both. */
export interface Counterparty {
  /** The kind of a call, by which fault rules name it. */
  kindOf(request: CounterpartyRequest): string
  handle(request: CounterpartyRequest): CounterpartyReply
  /** A decided "later, nothing was stored". */
  busy(request: CounterpartyRequest): CounterpartyReply
  /** Commands beyond faults; @throws {TypeError} for one that is not understood. */
  control(command: JsonObject): void | Promise<void>
  state(): JsonObject
  close(): void
}

export interface CounterpartyServer {
  port: number
  url: string
  close(): Promise<void>
}

const MAX_BODY_BYTES = 256 * 1024 * 1024

/**
 * Serves a counterparty on 127.0.0.1. `POST /_control` takes `{fault …}`, `{reset: true}` and the counterparty's own
 * commands, one or a list; `GET /_control/state` tells what it holds, how often it was called and which faults struck.
 */
export async function serveCounterparty(counterparty: Counterparty, port: number): Promise<CounterpartyServer> {
  const faults = openFaults()
  const calls: Record<string, number> = {}
  let refusing: NodeJS.Timeout | undefined

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => {
      // The caller is gone: a process that was killed, or a call that was given up.
      if (incoming.errored !== null && !incoming.complete) return
      process.stderr.write(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      if (response.headersSent) response.destroy()
      else send(response, { status: 500, headers: {}, body: Buffer.alloc(0) })
    })
  })
  server.keepAliveTimeout = 60_000

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming)
    if (request.target.startsWith('/_control')) {
      await control(request, response)
      return
    }
    const kind = counterparty.kindOf(request)
    calls[kind] = (calls[kind] ?? 0) + 1
    const { delayMs, fault, to } = faults.next(kind)
    if (delayMs > 0) await sleep(delayMs)
    if (fault === 'error-before') {
      send(response, serverError)
    } else if (fault === 'drop-before') {
      response.destroy()
    } else if (fault === 'busy') {
      send(response, counterparty.busy(request))
    } else if (fault === 'redirect') {
      send(response, { status: 307, headers: { location: to ?? request.uri }, body: Buffer.alloc(0) })
    } else {
      const reply = counterparty.handle(request)
      if (fault === 'drop-after-effect') response.destroy()
      else if (fault === 'error-after-effect') send(response, serverError)
      else if (fault === 'garbage') send(response, { ...reply, status: 200, body: randomBytes(200) })
      else send(response, reply)
    }
  }

  async function control(request: CounterpartyRequest, response: ServerResponse): Promise<void> {
    try {
      if (request.method === 'POST') {
        const given = JSON.parse(request.body.toString('utf8')) as JsonObject | JsonObject[]
        for (const command of Array.isArray(given) ? given : [given]) await obey(command, response)
      }
      send(response, jsonReply(200, { ...counterparty.state(), calls, faults: faults.struck() }))
    } catch (error) {
      send(response, jsonReply(400, { error: error instanceof Error ? error.message : String(error) }))
    }
  }

  async function obey(command: JsonObject, response: ServerResponse): Promise<void> {
    if (command.fault === 'refuse') response.once('finish', () => refuse(Number(command.delayMs ?? 1000)))
    else if ('fault' in command) faults.add(command as unknown as FaultRule)
    else if (command.reset === true) faults.reset()
    else await counterparty.control(command)
  }

  /** Nobody listens on the port for a while, and open connections are gone. */
  function refuse(durationMs: number): void {
    const { port: same } = server.address() as AddressInfo
    server.close()
    server.closeAllConnections()
    refusing = setTimeout(() => server.listen(same, '127.0.0.1'), durationMs)
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: chosen } = server.address() as AddressInfo
  return {
    port: chosen,
    url: `http://127.0.0.1:${chosen}`,
    async close() {
      clearTimeout(refusing)
      counterparty.close()
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeAllConnections()
      await closed
    },
  }
}

export function jsonReply(status: number, value: JsonObject): CounterpartyReply {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: Buffer.from(JSON.stringify(value), 'utf8') }
}

const serverError: CounterpartyReply = {
  status: 500,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: Buffer.from('Internal Server Error', 'utf8'),
}

async function readRequest(incoming: IncomingMessage): Promise<CounterpartyRequest> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Error('body over the limit')
    chunks.push(chunk)
  }
  const headers: Record<string, string> = {}
  for (const [name, values] of Object.entries(incoming.headersDistinct)) headers[name] = (values ?? []).join(', ')
  const target = incoming.url ?? '/'
  const uri = `http://${headers.host ?? 'localhost'}${target}`
  return { method: incoming.method ?? 'GET', target, uri, headers, body: Buffer.concat(chunks) }
}

function send(response: ServerResponse, reply: CounterpartyReply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': reply.body.length })
  response.end(reply.body)
}
