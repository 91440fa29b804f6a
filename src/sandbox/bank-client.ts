import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { JsonObject } from '../base/json.ts'
import type { Identity } from './certificate-authority.ts'
import { digestFits, type Headers, SignatureError, verificationKey, verifyMessage } from './http-signature.ts'
import { LABEL, type SignatureTamper, signedHeaders } from './signed-request.ts'

export interface BankClientOptions {
  /** Where the gateway is reached, without a path: `http://127.0.0.1:8080`. */
  baseUrl: string
  identity: Identity
  /** The gateway's certificates (PEM) whose signature an answer may carry. */
  gatewayCertificates: readonly string[]
  /** Goes into `X-Operator` unless a call says otherwise. */
  operator: string
  /** Algorithm of Content-Digest; `sm3` by default for SM2 keys, else `sha-256`. */
  digest?: 'sha-256' | 'sm3'
  timeoutMs?: number
  /** PEM of the CA of the gateway's TLS certificate, for an https address. */
  tlsAuthority?: string
}

/** Makes one thing of an otherwise right call wrong. What is not named stays as it should be. */
export interface Tamper extends SignatureTamper {
  /** Changes the body that is sent, after it was signed. */
  body?: (body: Buffer) => Buffer
  /** Changes the headers that are sent, after they were signed: `undefined` drops one. */
  headers?: Readonly<Record<string, string | undefined>>
  /** Sent to this path, signed for the other. */
  path?: string
}

export interface BankCall {
  method: string
  /** With query, from `/v1` on. */
  path: string
  body?: Buffer | string
  contentType?: string
  /** `null` sends none. */
  operator?: string | null
  /** Sent on POST: a fresh one by default; `null` sends none. */
  idempotencyKey?: string | null
  headers?: Headers
  tamper?: Tamper
  /** How often the call is made at most, signed anew each time with the same key, while there is no answer or it is 429, 500, 502, 503 or 504. */
  attempts?: number
  /** In place of the client's own, for a long poll say. */
  timeoutMs?: number
  /** Between two attempts, unless Retry-After asks for more. */
  retryDelayMs?: number
}

export interface BankAnswer {
  status: number
  headers: Headers
  body: Buffer
  /** False only for an unsigned refusal. */
  verified: boolean
  /** The `Trace-Receipt` header, covered by the answer's signature. */
  receipt: string | undefined
  json(): JsonObject
}

type Query = Readonly<Record<string, string | number | undefined>>

export interface BankClient {
  call(call: BankCall): Promise<BankAnswer>
  /** `query` members that are undefined are left out. */
  get(path: string, query?: Query, more?: Partial<BankCall>): Promise<BankAnswer>
  /** The body as JSON; none when undefined. */
  post(path: string, body?: unknown, more?: Partial<BankCall>): Promise<BankAnswer>
  put(path: string, body: unknown, more?: Partial<BankCall>): Promise<BankAnswer>
  uploadMaterial(file: { bytes: Buffer; contentType: string }, more?: Partial<BankCall>): Promise<BankAnswer>
  submitApplication(application: unknown, more?: Partial<BankCall>): Promise<BankAnswer>
  getApplication(id: string, more?: Partial<BankCall>): Promise<BankAnswer>
  getEvents(id: string, more?: Partial<BankCall>): Promise<BankAnswer>
  listCertificates(id: string, more?: Partial<BankCall>): Promise<BankAnswer>
  downloadCertificate(id: string, number: string, more?: Partial<BankCall>): Promise<BankAnswer>
  close(): Promise<void>
}

const WORTH_REPEATING = new Set([429, 500, 502, 503, 504])

/** A bank's client: signs every call and believes no answer that the gateway's signature does not cover. */
export function bankClient(options: BankClientOptions): BankClient {
  const { identity } = options
  const gatewayKeys = options.gatewayCertificates.map(verificationKey)
  const digestAlgorithm = options.digest ?? (identity.algorithm === 'sm2' ? 'sm3' : 'sha-256')
  const timeoutMs = options.timeoutMs ?? 30_000
  const dispatcher = new Agent({
    connections: 64,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    ...(options.tlsAuthority === undefined ? {} : { connect: { ca: options.tlsAuthority } }),
  })

  function signed(call: BankCall): { headers: Record<string, string>; body: Buffer | undefined } {
    const tamper = call.tamper ?? {}
    const body = typeof call.body === 'string' ? Buffer.from(call.body, 'utf8') : call.body
    const given: Record<string, string> = { ...call.headers }
    if (body !== undefined) given['content-type'] = call.contentType ?? 'application/json'
    if (call.idempotencyKey !== undefined && call.idempotencyKey !== null)
      given['idempotency-key'] = call.idempotencyKey
    if (call.operator !== null) given['x-operator'] = call.operator ?? options.operator
    const targetUri = options.baseUrl + call.path
    const headers = signedHeaders(
      identity,
      { method: call.method, targetUri, headers: given, body },
      digestAlgorithm,
      tamper,
    )
    for (const [name, value] of Object.entries(tamper.headers ?? {})) {
      if (value === undefined) delete headers[name]
      else headers[name] = value
    }
    return { headers, body: body === undefined ? undefined : (tamper.body?.(body) ?? body) }
  }

  async function callOnce(call: BankCall): Promise<BankAnswer> {
    const { headers, body } = signed(call)
    const response = await request(options.baseUrl + (call.tamper?.path ?? call.path), {
      method: call.method,
      headers,
      body: body ?? null,
      dispatcher,
      ...(call.timeoutMs === undefined ? {} : { headersTimeout: call.timeoutMs, bodyTimeout: call.timeoutMs }),
    })
    const answer = { status: response.statusCode, headers: joinedHeaders(response.headers) }
    const bytes = Buffer.from(await response.body.arrayBuffer())
    const asked = { method: call.method, targetUri: options.baseUrl + call.path, headers }
    return verified(asked, answer, bytes)
  }

  /** @throws {SignatureError} for an answer that is not the gateway's word on this very call. */
  function verified(
    asked: { method: string; targetUri: string; headers: Headers },
    answer: { status: number; headers: Headers },
    body: Buffer,
  ): BankAnswer {
    const made = (isVerified: boolean): BankAnswer => ({
      ...answer,
      body,
      verified: isVerified,
      receipt: answer.headers['trace-receipt'],
      json: () => JSON.parse(body.toString('utf8')) as JsonObject,
    })
    // A refusal may come from something in front of the gateway, which cannot sign; good news must be signed.
    if (answer.headers['signature-input'] === undefined && answer.status >= 400) return made(false)
    const window = { nowMs: Date.now(), windowSeconds: 300 }
    const { covered } = verifyMessage({ request: asked, response: answer }, gatewayKeys, window)
    const needed = ['"@status"', '"@method";req', '"@target-uri";req', `"signature";req;key="${LABEL}"`]
    if (body.length > 0) needed.push('"content-digest"', '"content-type"')
    if (asked.headers['content-digest'] !== undefined) needed.push('"content-digest";req')
    if (answer.status < 300) needed.push('"trace-receipt"')
    const missing = needed.filter((component) => !covered.includes(component))
    if (missing.length > 0) throw new SignatureError(`the answer's signature does not cover ${missing.join(' ')}`)
    const digest = answer.headers['content-digest']
    if (digest === undefined ? body.length > 0 : !digestFits(digest, body)) {
      throw new SignatureError("the answer's body does not fit its digest")
    }
    return made(true)
  }

  async function call(given: BankCall): Promise<BankAnswer> {
    const fixed =
      given.method === 'POST' && given.idempotencyKey === undefined ? { ...given, idempotencyKey: randomUUID() } : given
    const attempts = given.attempts ?? 1
    for (let attempt = 1; ; attempt += 1) {
      let waitMs = given.retryDelayMs ?? 200
      try {
        const answer = await callOnce(fixed)
        if (attempt >= attempts || !WORTH_REPEATING.has(answer.status)) return answer
        waitMs = Math.max(waitMs, 1000 * Number(answer.headers['retry-after'] ?? 0) || 0)
      } catch (error) {
        if (attempt >= attempts || error instanceof SignatureError) throw error
      }
      await sleep(waitMs)
    }
  }

  const get = (path: string, query: Query = {}, more: Partial<BankCall> = {}) =>
    call({ method: 'GET', path: path + queryText(query), ...more })
  const withBody = (method: string, path: string, body: unknown, more: Partial<BankCall> = {}) =>
    call({ method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...more })
  const application = (id: string): string => `/v1/applications/${encodeURIComponent(id)}`
  return {
    call,
    get,
    post: (path, body, more) => withBody('POST', path, body, more),
    put: (path, body, more) => withBody('PUT', path, body, more),
    uploadMaterial: (file, more) =>
      call({ method: 'POST', path: '/v1/materials', body: file.bytes, contentType: file.contentType, ...more }),
    submitApplication: (body, more) => withBody('POST', '/v1/applications', body, more),
    getApplication: (id, more) => get(application(id), {}, more),
    getEvents: (id, more) => get(`${application(id)}/events`, {}, more),
    listCertificates: (id, more) => get(`${application(id)}/certificates`, {}, more),
    downloadCertificate: (id, number, more) =>
      get(`${application(id)}/certificates/${encodeURIComponent(number)}`, {}, more),
    close: () => dispatcher.close(),
  }
}

/** `?name=value&…`, or nothing; what is signed as target is what is sent. */
function queryText(query: Query): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.append(name, String(value))
  return given.size === 0 ? '' : `?${given.toString()}`
}

/** One text per header in lower case; a repeated field is joined as RFC 9110 joins it. */
function joinedHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const joined: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return joined
}
