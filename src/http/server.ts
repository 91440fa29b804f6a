import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { isConnectionLost } from '../base/connection-lost.ts'
import { newId } from '../base/id.ts'
import { Problem, type ProblemCode, problemBody } from '../base/problem.ts'
import { childOf, inTrace, readTraceparent, type TraceContext, traceparentText } from '../base/trace-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Headers of the raw request, for signatures: name, value, name, value … */
    rawHeaders: readonly string[]
    /** Continues the caller's `traceparent`, or begins a trace; null before a route was looked for. */
    traceContext: TraceContext | null
    /** Fields for the request's one log line; nothing else of a request is ever logged. */
    logFields: Record<string, string | number | boolean>
  }
  interface FastifyContextConfig {
    /** Answered beyond `requestsAtOnce` too. */
    unbounded?: boolean
  }
}

/**
 * A Fastify instance with the gateway's edge: bodies stay bytes until a channel has verified them, every error is a
 * problem document, requests in flight are bounded, one log line a request from an allow-list.
 */
export function buildServer(options: {
  log: Logger
  bodyLimitBytes: number
  requestsAtOnce: number
  requestTimeoutMs: number
  /** Whether X-Forwarded-For of this peer is believed. */
  isTrustedProxy: (address: string) => boolean
  /** It will stop soon: callers are told to come by another connection next time. Default never. */
  isLeaving?: () => boolean
}): FastifyInstance {
  const server = Fastify({
    logger: false,
    trustProxy: options.isTrustedProxy,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMs,
    genReqId: () => newId(),
    // One spelling of a path: what was signed is what is routed.
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      maxParamLength: 500,
    },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // What fails before a route is found: an address that cannot be read, a request that is no HTTP.
    frameworkErrors: (error, request, reply) => void sendProblem(toProblem(error), request, reply),
    clientErrorHandler: refuseConnection,
  })

  // Node answers `Expect: 100-continue` by itself unless asked; here a channel does, once it has verified the headers.
  server.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.server.emit('request', request, response)
  })

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  server.decorateRequest('traceContext', null)
  server.addHook('onRequest', (request, _reply, done) => {
    request.traceContext = childOf(readTraceparent(request.headers['traceparent']))
    inTrace(request.traceContext, done)
  })

  let inFlight = 0
  let closing = false
  server.addHook('preClose', async () => {
    closing = true
  })
  server.decorateRequest('rawHeaders', {
    getter(this: FastifyRequest) {
      return this.raw.rawHeaders
    },
  })
  server.decorateRequest('logFields')
  server.addHook('onRequest', async (request, reply) => {
    request.logFields = {}
    inFlight += 1
    // Not onResponse: a caller who hangs up never finishes the answer, but its connection always closes.
    reply.raw.once('close', () => {
      inFlight -= 1
    })
    if (closing) {
      void reply.header('connection', 'close')
      throw new Problem(
        'shutting-down',
        { zh: '系统正在停机，请稍后重试', en: 'the gateway is shutting down' },
        { retryAfterSeconds: 5 },
      )
    }
    if (inFlight > options.requestsAtOnce && request.routeOptions.config.unbounded !== true) {
      throw new Problem(
        'overloaded',
        { zh: '并发请求过多', en: 'too many requests in flight' },
        { retryAfterSeconds: 1 },
      )
    }
  })
  // An answer that was under way as the stop came ends its connection too, or an idle one would hold the stop up.
  server.addHook('onSend', async (_request, reply) => {
    if (closing || options.isLeaving?.() === true) void reply.header('connection', 'close')
  })
  server.addHook('onResponse', async (request, reply) => {
    options.log.info({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...traceField(request),
      ...request.logFields,
    })
  })

  server.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error)
    if (problem.code === 'internal') {
      options.log.error({
        requestId: request.id,
        route: request.routeOptions.url ?? 'none',
        ...traceField(request),
        error: describeError(error),
      })
    }
    request.logFields.code = problem.code
    return sendProblem(problem, request, reply)
  })
  server.setNotFoundHandler(async (request, reply) =>
    sendProblem(new Problem('route-not-found', { zh: '该地址不存在', en: 'no such address' }), request, reply),
  )
  return server
}

function traceField({ traceContext }: FastifyRequest): { traceparent?: string } {
  return traceContext === null ? {} : { traceparent: traceparentText(traceContext) }
}

type Reply = Parameters<Parameters<FastifyInstance['setErrorHandler']>[0]>[2]

function sendProblem(problem: Problem, request: FastifyRequest, reply: Reply): Reply {
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', String(problem.retryAfterSeconds))
  // A body that was not read to its end cannot be followed by another request.
  if (!request.raw.complete) void reply.header('connection', 'close')
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemBody(problem, request.id)))
}

/** Answers bytes that Node could not read as a request. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const problem = toProblem(error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? tooSlow() : { statusCode: 400 })
    const body = JSON.stringify(problemBody(problem, newId()))
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  }
  socket.destroySoon()
}

function tooSlow(): Problem {
  return new Problem('request-too-slow', { zh: '请求未在时限内传完', en: 'the request did not arrive in time' })
}

const FASTIFY_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-unsupported',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request-malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-malformed',
  FST_ERR_BAD_URL: 'request-malformed',
}

/** Any error as the problem that a caller may see; what is ours alone becomes `internal`. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isConnectionLost(error)) {
    return new Problem(
      'database-unavailable',
      { zh: '数据库暂不可用，请稍后重试', en: 'the database cannot be reached; try again later' },
      { retryAfterSeconds: 2, cause: error },
    )
  }
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  const known = code === undefined ? undefined : FASTIFY_CODES[code]
  if (known !== undefined) {
    return new Problem(known, { zh: '请求无法读取', en: `the request cannot be read (${code})` }, { cause: error })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('request-malformed', { zh: '请求无法读取', en: 'the request cannot be read' }, { cause: error })
  }
  return new Problem('internal', { zh: '系统内部错误，已记录', en: 'an unexpected error, recorded' }, { cause: error })
}

/** Class, code and stack of an error, never its message: messages quote values. */
function describeError(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code } = error as { code?: string }
  const frames = framesOf(error).slice(0, 8)
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    frames: frames.map((line) => line.trim()).join(' | '),
    ...(error.cause === undefined ? {} : { cause: JSON.stringify(describeError(error.cause)) }),
  }
}

/** The stack without its head, which repeats the message, whatever lines that has. */
function framesOf({ stack = '', message }: Error): string[] {
  const at = stack.indexOf(message)
  if (at < 0) return []
  return stack
    .slice(at + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
}
