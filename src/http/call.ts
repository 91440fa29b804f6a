import type { LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { childOf, currentTrace, traceparentText } from '../base/trace-context.ts'
import { ADDRESS_REFUSED } from './address-guard.ts'

/** What came of one call to a counterparty, told by what is known of the effect. */
export type Reply =
  | { kind: 'answered'; status: number; headers: Record<string, string>; body: Buffer }
  /** The connection was never made: nothing can have happened there. */
  | { kind: 'not-sent'; reason: string }
  /** Anything else: reset, time-out, an answer over the limit. */
  | { kind: 'unknown'; reason: string }

export interface Call {
  method: 'GET' | 'POST' | 'PUT'
  url: string
  headers: Record<string, string>
  /** Bytes, or a stream of known length. */
  body?: Buffer | { chunks: AsyncIterable<Uint8Array>; lengthBytes: number }
}

export interface Caller {
  call(call: Call): Promise<Reply>
  /**
   * The body of an answer 200 goes to `sink` as it comes; `body` of the reply is empty then.
   * @throws {SinkError} when the sink threw one; any other throw of it counts as a fault of the connection.
   */
  download(call: Call, sink: (chunks: AsyncIterable<Uint8Array>) => Promise<void>): Promise<Reply>
  close(): Promise<void>
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  ADDRESS_REFUSED,
])

export interface CallerOptions {
  timeoutMs: number
  /** At once to one host; null: as many as are asked for. */
  connections: number | null
  answerLimitBytes: number
  /** Only the status and headers of an answer count: its body is not read, however long it is. */
  withoutBodies?: true
  /** In place of the system's resolver. */
  lookup?: LookupFunction
  /** CAs (PEM) that TLS certificates may come from, in place of the system's. */
  authorities?: readonly string[]
}

/**
 * Calls with a bound on everything: connecting, waiting, the whole call, the size of the answer. No redirects.
 * Each call is a span of its own of the trace at hand (`traceparent`). Each has a connection of its own: a request on a kept connection that the peer is just closing would end as
 * `unknown`, and an unknown outcome is dear.
 */
export function openCaller(options: CallerOptions): Caller {
  const agent = new Agent({
    connections: options.connections,
    pipelining: 0,
    connect: {
      timeout: Math.min(options.timeoutMs, 10_000),
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      ...(options.authorities === undefined ? {} : { ca: [...options.authorities] }),
    },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  })

  async function run(call: Call, sink: ((chunks: AsyncIterable<Uint8Array>) => Promise<void>) | null): Promise<Reply> {
    const { body } = call
    const headers: Record<string, string> = { traceparent: traceparentText(childOf(currentTrace())), ...call.headers }
    let payload: Buffer | AsyncIterable<Uint8Array> | null = null
    if (body !== undefined) {
      payload = Buffer.isBuffer(body) ? body : body.chunks
      headers['content-length'] = String(Buffer.isBuffer(body) ? body.length : body.lengthBytes)
    }
    try {
      const response = await request(call.url, {
        method: call.method,
        headers,
        dispatcher: agent,
        signal: AbortSignal.timeout(options.timeoutMs),
        ...(payload === null ? {} : { body: payload as Buffer }),
      })
      const answer = { kind: 'answered' as const, status: response.statusCode, headers: plainHeaders(response.headers) }
      if (options.withoutBodies === true) {
        response.body.on('error', () => undefined)
        response.body.destroy()
        return { ...answer, body: Buffer.alloc(0) }
      }
      if (sink !== null && response.statusCode === 200) {
        // A sink that gave up leaves the rest unread; the connection must not wait for it.
        response.body.on('error', () => undefined)
        try {
          await sink(response.body)
        } finally {
          response.body.destroy()
        }
        return { ...answer, body: Buffer.alloc(0) }
      }
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        size += chunk.length
        if (size > options.answerLimitBytes) {
          return { kind: 'unknown', reason: `answer over ${options.answerLimitBytes} bytes` }
        }
        chunks.push(chunk)
      }
      return { ...answer, body: Buffer.concat(chunks) }
    } catch (error) {
      return failure(error)
    }
  }

  return {
    call: (call) => run(call, null),
    download: run,
    close: () => agent.destroy(),
  }
}

/** An error that a sink raised on purpose (a limit, a full disk): not the peer's doing. */
export class SinkError extends Error {}

function failure(error: unknown): Reply {
  if (error instanceof SinkError) throw error
  const causes = [error, ...((error as { errors?: unknown[] }).errors ?? []), (error as { cause?: unknown }).cause]
  const coded = causes.filter((cause): cause is Coded => (cause as Coded | undefined)?.code !== undefined)
  const name = error instanceof Error ? error.name : 'Error'
  const reason = coded[0]?.code ?? name
  if (coded.length > 0 && coded.every(neverConnected)) return { kind: 'not-sent', reason }
  return { kind: 'unknown', reason: name === 'TimeoutError' ? 'no answer in time' : reason }
}

interface Coded {
  code: string
  syscall?: string
}

/** An unreachable host may also be the end of a connection that stood: then the system says that it was reading or writing. */
function neverConnected({ code, syscall = 'connect' }: Coded): boolean {
  return NEVER_CONNECTED.has(code) && (syscall === 'connect' || syscall === 'getaddrinfo')
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}
