import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Json } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import type { Answer } from '../intake/once.ts'
import { readJson } from '../mapping/read-json.ts'
import { checkBodyDigest } from '../trust/content-digest.ts'
import { headerValue } from '../trust/http-message.ts'
import type { Authenticated } from './authenticate.ts'
import { type BankCall, type PerformMeans, perform } from './perform.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request's signature has verified. */
    authenticated: Authenticated | null
  }
}

/** What a route says of its call; the rest is in the request. */
type Asked = Omit<BankCall, 'requestId' | 'route' | 'auth' | 'operatorCode'>

/** Performs a call and sends its answer. */
export async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  means: PerformMeans,
  call: Asked,
): Promise<FastifyReply> {
  const done = await performFor(request, means, call)
  return send(reply, done)
}

export function performFor(request: FastifyRequest, means: PerformMeans, call: Asked): Promise<Answer> {
  return perform(
    {
      ...call,
      requestId: request.id,
      route: `${request.method} ${request.routeOptions.url ?? '/none'}`,
      auth: request.authenticated as Authenticated,
      operatorCode: headerValue(request.rawHeaders, 'x-operator'),
    },
    means,
  )
}

function send(reply: FastifyReply, done: Answer): FastifyReply {
  if (done.receipt !== null) void reply.header('trace-receipt', done.receipt)
  return reply.code(done.status).headers(done.headers).send(done.body)
}

export const jsonHeaders = { 'content-type': 'application/json; charset=utf-8' }

export function jsonBody(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** The idempotency key of a POST. @throws {Problem} idempotency-key-missing, idempotency-key-invalid. */
export function idempotencyKey(request: FastifyRequest): string {
  const key = headerValue(request.rawHeaders, 'idempotency-key')
  if (key === undefined)
    throw new Problem('idempotency-key-missing', { zh: '请求须带 Idempotency-Key', en: 'Idempotency-Key is required' })
  if (!/^[\x21-\x7e]{8,128}$/.test(key)) {
    throw new Problem('idempotency-key-invalid', {
      zh: 'Idempotency-Key 须为 8 至 128 个可见 ASCII 字符',
      en: 'Idempotency-Key must have 8 to 128 visible ASCII characters',
    })
  }
  return key
}

/** The bytes of a verified request's body, held against the signed digest. @throws {Problem} digest-mismatch. */
export function bodyBytes(request: FastifyRequest): Buffer {
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const declared = request.authenticated?.signature.contentDigest
  if (declared !== null && declared !== undefined) checkBodyDigest(declared, bytes)
  return bytes
}

/** A body as JSON. @throws {Problem} request-malformed. */
export function readBody(bytes: Buffer, limitBytes: number): Json {
  try {
    return readJson(bytes, { bytes: limitBytes, depth: 32 })
  } catch (error) {
    throw new Problem(
      'request-malformed',
      { zh: '请求体不是规范的 JSON（UTF-8，无重复键）', en: 'the body is not strict JSON (UTF-8, no double keys)' },
      { cause: error },
    )
  }
}
