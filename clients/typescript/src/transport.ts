import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Body } from './material.ts'
import type { RawHeaders } from './signature-base.ts'

export interface TransportOptions {
  /** Where to connect, if not to the address that is signed: through a proxy in your own network, for instance. */
  connectUrl?: string
  /** For an https address: the CA of the gateway's TLS certificate, and a client certificate where one is asked for. */
  tls?: { ca?: string; cert?: string; key?: string; passphrase?: string; servername?: string }
  /** Connections at once. Default 16. */
  connections?: number
}

export interface Outgoing {
  method: string
  /** With query. */
  path: string
  headers: Readonly<Record<string, string>>
  body: Body | undefined
  timeoutMs: number
  signal: AbortSignal | undefined
}

export interface Incoming {
  status: number
  rawHeaders: RawHeaders
  body: Buffer
}

/** The connection failed or was too slow: it is not known what became of the call. */
export class TransportError extends Error {
  readonly timedOut: boolean

  constructor(message: string, timedOut: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'TransportError'
    this.timedOut = timedOut
  }
}

/** Larger answers are not read: certificates, the largest, are files of a few megabytes. */
const ANSWER_BYTES_MAXIMUM = 64 * 1024 * 1024
/** A file is not sent before the gateway has verified its headers; something in between may not pass that word on. */
const CONTINUE_MS = 3000

/** HTTP/1.1 by node's own modules: kept connections, no redirects, no decoding, headers as they came. */
export class Transport {
  readonly #base: URL
  readonly #host: string
  readonly #agent: HttpAgent | HttpsAgent
  readonly #isTls: boolean

  constructor(baseUrl: string, { connectUrl, tls = {}, connections = 16 }: TransportOptions) {
    this.#base = new URL(connectUrl ?? baseUrl)
    this.#host = new URL(baseUrl).host
    this.#isTls = this.#base.protocol === 'https:'
    const pool = { keepAlive: true, maxSockets: connections }
    this.#agent = this.#isTls ? new HttpsAgent({ ...pool, minVersion: 'TLSv1.2', ...tls }) : new HttpAgent(pool)
  }

  /**
   * One attempt.
   * @throws {TransportError} without an answer; what the signal was aborted with; what reading the body's source threw.
   */
  exchange(outgoing: Outgoing): Promise<Incoming> {
    const { method, path, body, timeoutMs, signal } = outgoing
    const streams = body !== undefined && !Buffer.isBuffer(body.content)
    const headers: Record<string, string> = { ...outgoing.headers, host: this.#host }
    if (body !== undefined) headers['content-length'] = String(body.sizeBytes)
    if (streams) headers['expect'] = '100-continue'
    const target = this.#base.pathname.replace(/\/$/, '') + path
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const make = this.#isTls ? httpsRequest : httpRequest
      const request = make(this.#base, { method, path: target, headers, agent: this.#agent })
      const timer = setTimeout(() => {
        fail(new TransportError(`no answer within ${timeoutMs} ms`, true))
      }, timeoutMs)
      const stop = (): void => fail(signal?.reason)
      const settle = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
      const fail = (reason: unknown): void => {
        settle()
        reject(reason)
        request.destroy()
      }
      signal?.addEventListener('abort', stop, { once: true })
      // After an answer has begun, only its own end or break-off counts.
      request.on('error', (error) => fail(new TransportError(error.message, false, error)))
      const finish = async (response: IncomingMessage): Promise<void> => {
        try {
          resolve(await readAnswer(response))
          settle()
          // What was refused before its body was sent leaves a connection that cannot be used again.
          if (!request.writableEnded) request.destroy()
        } catch (error) {
          fail(error)
        }
      }
      request.on('response', (response) => void finish(response))
      if (body === undefined) request.end()
      else if (Buffer.isBuffer(body.content)) request.end(body.content)
      else sendOnceWanted(request, body.content, fail)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function readAnswer(response: IncomingMessage): Promise<Incoming> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > ANSWER_BYTES_MAXIMUM) throw new Error(`the answer is larger than ${ANSWER_BYTES_MAXIMUM} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw new TransportError('the answer broke off', false, error)
  }
  return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body: Buffer.concat(chunks) }
}

function sendOnceWanted(
  request: ClientRequest,
  open: Exclude<Body['content'], Buffer>,
  fail: (reason: unknown) => void,
): void {
  let begun = false
  let answered = false
  const begin = (): void => {
    if (begun || answered || request.destroyed) return
    begun = true
    void send().catch(fail)
  }
  async function send(): Promise<void> {
    // Only reading can throw here: what goes wrong in sending is told by the request itself.
    for await (const chunk of (await open()) as AsyncIterable<Buffer>) {
      if (answered || request.destroyed) return
      if (!request.write(chunk)) await drained(request)
    }
    request.end()
  }
  const timer = setTimeout(begin, CONTINUE_MS)
  request.on('continue', begin)
  request.on('response', () => {
    // A refusal, or the first answer again: nobody waits for the rest of the body.
    answered = true
    clearTimeout(timer)
  })
  request.on('close', () => clearTimeout(timer))
  request.flushHeaders()
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done)
      request.off('close', done)
      resolve()
    }
    request.once('drain', done)
    request.once('close', done)
  })
}
