import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../base/problem.ts'
import { toProblem } from '../http/server.ts'
import { contentDigestOf } from '../trust/content-digest.ts'
import { headerValue } from '../trust/http-message.ts'
import { signAnswer } from '../trust/sign.ts'
import { performFor } from './answer.ts'
import { applicationRoutes } from './applications.ts'
import { type Authenticated, authenticate } from './authenticate.ts'
import { authorizationRoutes } from './authorizations.ts'
import { caseListRoutes } from './case-list.ts'
import { certificateRoutes } from './certificates.ts'
import { codeRoutes } from './codes.ts'
import { feedRoutes } from './feed.ts'
import { materialRoutes } from './materials.ts'
import type { BankMeans } from './means.ts'
import { Refused } from './perform.ts'
import { queryRoutes } from './queries.ts'
import { webhookRoutes } from './webhook.ts'

/**
 * The bank API, /v1. In the order in which they run:
 *   onRequest  the signature over the headers is verified, before a byte of a body is asked for or read
 *   handler    access, digest, schema and rules decide; the shared commit; then the answer
 *   onSend     the answer is signed, bound to the request
 */
export const bankRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.decorateRequest('authenticated', null)

  server.addHook('onRequest', async (request, reply) => {
    try {
      request.authenticated = await authenticate(request, means.authenticate)
    } catch (error) {
      if (error instanceof Problem) means.refusals.count(request.ip, error.code)
      throw error
    }
    request.logFields.account = request.authenticated.registered.account.id
    if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue()
  })

  // The server's own handler, next in line, tells the problem.
  server.setErrorHandler(async (error, request, reply) => {
    const told = request.authenticated === null ? error : await traced(error, request, means)
    if (!(told instanceof Refused)) throw told
    void reply.header('trace-receipt', told.receipt)
    throw told.problem
  })
  server.setNotFoundHandler(async () => {
    throw new Problem('route-not-found', { zh: '该地址不存在', en: 'no such address' })
  })

  server.addHook('onSend', async (request, reply, payload) => {
    if (request.authenticated !== null)
      await signReply(request, reply, payload as string | Buffer | Readable | null, means)
    return payload
  })

  const served = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ url, method }) => {
    const methods = served.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    served.set(url, methods)
  })

  // The prefix among the options is this plugin's own; its children must not add it again.
  const within = { ...means, prefix: '' }
  await server.register(materialRoutes, within)
  await server.register(applicationRoutes, within)
  await server.register(caseListRoutes, within)
  await server.register(feedRoutes, within)
  await server.register(webhookRoutes, within)
  await server.register(certificateRoutes, within)
  await server.register(authorizationRoutes, within)
  await server.register(queryRoutes, within)
  await server.register(codeRoutes, within)
  for (const [url, methods] of served) refuseOtherMethods(server, url.slice(server.prefix.length), methods)
}

/** 405 with `Allow` for a method that the address has not: told before a body is read, once the signature verified. */
function refuseOtherMethods(server: FastifyInstance, url: string, methods: ReadonlySet<string>): void {
  const allowed = [...methods].sort().join(', ')
  server.route({
    url,
    method: server.supportedMethods.filter((method) => !methods.has(method)),
    config: { api: null },
    onRequest: async (_request, reply) => {
      void reply.header('allow', allowed)
      throw new Problem('method-not-allowed', {
        zh: `该地址只支持 ${allowed}`,
        en: `the address takes ${allowed} only`,
      })
    },
    handler: () => undefined,
  })
}

/**
 * Whatever refuses a call once its signature has verified is traced, also where no decision was reached: a body over the
 * limit, a key of no form, an address that is not there.
 */
async function traced(error: unknown, request: FastifyRequest, means: BankMeans): Promise<unknown> {
  if (error instanceof Refused) return error
  const problem = toProblem(error)
  if (problem.status >= 500) return error
  try {
    return await performFor(request, means, {
      needsOperator: false,
      key: null,
      plan: async () => {
        throw problem
      },
    })
  } catch (refused) {
    return refused
  }
}

async function signReply(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: string | Buffer | Readable | null,
  means: BankMeans,
): Promise<void> {
  const { signature, targetUri, registered } = request.authenticated as Authenticated
  if (payload === null || typeof payload === 'string' || Buffer.isBuffer(payload)) {
    const body = payload === null ? Buffer.alloc(0) : Buffer.from(payload)
    void reply.header('content-digest', contentDigestOf(body))
  }
  const headers: Record<string, string> = {}
  for (const name of ['content-digest', 'content-type', 'trace-receipt']) {
    const value = reply.getHeader(name)
    if (value !== undefined) headers[name] = String(value)
  }
  const signer =
    registered.account.answerAlgorithm === 'sm2' ? (means.signers.sm2 ?? means.signers.p256) : means.signers.p256
  const signed = await signAnswer(
    {
      status: reply.statusCode,
      headers,
      request: {
        method: request.method,
        targetUri,
        contentDigest: headerValue(request.rawHeaders, 'content-digest') ?? null,
        signature,
      },
    },
    signer,
    means.authenticate.databaseNow(),
  )
  void reply.headers({ ...signed })
}
