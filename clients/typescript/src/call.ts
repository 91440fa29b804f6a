import { setTimeout as sleep } from 'node:timers/promises'
import type { DigestAlgorithm } from './content-digest.ts'
import { type CallFacts, NoAnswerError, type Problem, RefusedError, UntrustedAnswerError } from './errors.ts'
import type { Body } from './material.ts'
import { RETRY_DEFAULTS, type RetryPolicy, retryAfterMs, waitBeforeRetry } from './retry.ts'
import { headerOf, type RawHeaders } from './signature-base.ts'
import { type Signer, signRequest } from './signing.ts'
import { FieldError } from './structured-fields.ts'
import { type Incoming, Transport, TransportError, type TransportOptions } from './transport.ts'
import { type GatewayKey, GatewayKeys, isSigned, VerificationError, verifyAnswer } from './verification.ts'

export interface GatewayOptions extends TransportOptions {
  /** The gateway's public address as the centre gave it, without a path: it is signed as `@target-uri`. */
  baseUrl: string
  signer: Signer
  /** The gateway's certificates (PEM) whose signature an answer may carry. */
  gatewayKeys: readonly (GatewayKey | string)[]
  /** 业务办理人员 for whom calls are made, unless a call names another: goes into `X-Operator`. */
  operator?: string
  /** Default `sha-256`. */
  digest?: DigestAlgorithm
  /** For one attempt, connection to last byte. Default 30,000. */
  timeoutMs?: number
  /** Likewise, for files. Default 600,000. */
  uploadTimeoutMs?: number
  retry?: Partial<RetryPolicy>
  /** Told before each wait; for your log. */
  onRetry?: (error: Error, waitMs: number) => void
  /** This machine's clock; the gateway lets it be wrong by 300 s. */
  now?: () => Date
  /** How waiting is done. */
  wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>
}

/** What may be said of any single call. */
export interface CallOptions {
  operator?: string
  /**
   * Of a POST, 8 to 128 visible ASCII characters. Make it yourself and write it down with what you are about to send:
   * then a crash of your own does no harm either. Otherwise it is made here, and errors tell it.
   */
  idempotencyKey?: string
  timeoutMs?: number
  /** Attempts at most; 1 for none but the first. */
  attempts?: number
  /** Ends the call and its waits. */
  signal?: AbortSignal
}

export interface Answer<Data> {
  data: Data
  status: number
  /** `Trace-Receipt`: the hash of the gateway's record of this act. Keep it; the log can be held to it. */
  receipt: string
  /** Milliseconds that the gateway asks to wait before the next look. */
  retryAfterMs: number | undefined
  rawHeaders: RawHeaders
}

export interface Request {
  method: 'GET' | 'POST' | 'PUT'
  /** With query. */
  path: string
  body?: Body
}

/** Signs, sends, verifies, and repeats where the gateway says so: the one way of every call. */
export class Caller {
  readonly options: GatewayOptions
  readonly keys: GatewayKeys
  readonly #baseUrl: string
  readonly #transport: Transport
  readonly #retry: RetryPolicy
  readonly #now: () => Date

  constructor(options: GatewayOptions) {
    this.options = options
    this.keys = new GatewayKeys(options.gatewayKeys)
    this.#baseUrl = options.baseUrl.replace(/\/$/, '')
    this.#transport = new Transport(this.#baseUrl, options)
    this.#retry = { ...RETRY_DEFAULTS, ...options.retry }
    this.#now = options.now ?? (() => new Date())
  }

  /**
   * @returns an answer that the gateway's signature covers.
   * @throws {RefusedError} {NoAnswerError} {UntrustedAnswerError}, and what `signal` was aborted with.
   */
  async call(request: Request, key: string | undefined, options: CallOptions = {}): Promise<Answer<Buffer>> {
    const facts: CallFacts = { method: request.method, path: request.path, idempotencyKey: key }
    const policy = options.attempts === undefined ? this.#retry : { ...this.#retry, attempts: options.attempts }
    for (let made = 1; ; made += 1) {
      try {
        return await this.#attempt(request, facts, options)
      } catch (error) {
        const waitMs = waitBeforeRetry(error, made, policy)
        if (waitMs === null) throw error
        this.options.onRetry?.(error as Error, waitMs)
        await this.wait(waitMs, options.signal)
      }
    }
  }

  async wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.options.wait !== undefined) return this.options.wait(milliseconds, signal)
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal })
  }

  close(): void {
    this.#transport.close()
  }

  async #attempt(request: Request, facts: CallFacts, options: CallOptions): Promise<Answer<Buffer>> {
    const { method, path, body } = request
    const headers: Record<string, string> = {}
    const operator = options.operator ?? this.options.operator
    if (body !== undefined) {
      headers['content-digest'] = body.digest
      headers['content-type'] = body.contentType
    }
    if (facts.idempotencyKey !== undefined) headers['idempotency-key'] = facts.idempotencyKey
    if (operator !== undefined) headers['x-operator'] = operator
    const toSign = { method, targetUri: this.#baseUrl + path, rawHeaders: Object.entries(headers).flat() }
    // Signed anew each time: a nonce is good for one attempt.
    Object.assign(headers, await signRequest(toSign, this.options.signer, this.#now()))

    const incoming = await this.#exchange(request, headers, facts, options)
    const asked = { ...toSign, rawHeaders: Object.entries(headers).flat() }
    const answer = { status: incoming.status, rawHeaders: incoming.rawHeaders, request: asked }
    const untrusted = (why: string, cause?: unknown) => new UntrustedAnswerError(facts, incoming.status, why, cause)
    try {
      // A refusal may come from something that cannot sign; good news must be signed.
      if (!isSigned(answer)) {
        if (incoming.status >= 400) throw this.#refusal(incoming, facts, false)
        throw untrusted('it is not signed')
      }
      const { receipt } = await verifyAnswer(answer, incoming.body, this.keys, { now: this.#now() })
      if (incoming.status >= 400) throw this.#refusal(incoming, facts, true)
      if (incoming.status < 200 || incoming.status > 299 || receipt === undefined) throw untrusted('it is no success')
      const { status, rawHeaders, body: data } = incoming
      return { data, status, receipt, retryAfterMs: this.#retryAfter(incoming), rawHeaders }
    } catch (error) {
      if (error instanceof VerificationError || error instanceof FieldError) throw untrusted(error.message, error)
      throw error
    }
  }

  async #exchange(
    { method, path, body }: Request,
    headers: Record<string, string>,
    facts: CallFacts,
    { timeoutMs, signal }: CallOptions,
  ): Promise<Incoming> {
    const isFile = body !== undefined && !Buffer.isBuffer(body.content)
    const limitMs = isFile ? (this.options.uploadTimeoutMs ?? 600_000) : (this.options.timeoutMs ?? 30_000)
    try {
      return await this.#transport.exchange({ method, path, headers, body, timeoutMs: timeoutMs ?? limitMs, signal })
    } catch (error) {
      if (error instanceof TransportError) throw new NoAnswerError(facts, error.timedOut, error)
      throw error
    }
  }

  #refusal(incoming: Incoming, facts: CallFacts, verified: boolean): RefusedError {
    return new RefusedError(facts, {
      status: incoming.status,
      problem: problemOf(incoming),
      verified,
      receipt: verified ? headerOf(incoming.rawHeaders, 'trace-receipt') : undefined,
      retryAfterMs: this.#retryAfter(incoming),
    })
  }

  #retryAfter({ rawHeaders }: Incoming): number | undefined {
    return retryAfterMs(headerOf(rawHeaders, 'retry-after'), this.#now())
  }
}

/** Statuses after which a call is repeated when there is no problem document that says whether to. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/** The problem that a refusal tells, or one made of its status where something else than the gateway refused. */
function problemOf({ status, body }: Incoming): Problem {
  try {
    const told = JSON.parse(body.toString('utf8')) as Partial<Problem> | null
    if (typeof told?.code === 'string' && typeof told.retry === 'string') {
      return { ...told, status, code: told.code, retry: told.retry, pointers: told.pointers ?? [] }
    }
  } catch {
    // No JSON: a proxy's page.
  }
  const retry = PASSING.has(status) ? 'after' : 'never'
  return { status, code: `http-${status}`, titleEn: 'The answer is no problem document', pointers: [], retry }
}
