import { createHash, randomUUID } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { Problem, problemBody } from '../base/problem.ts'
import type { CaseMeans } from '../cases/apply.ts'
import { addConcern } from '../cases/concern.ts'
import { messageContexts, type Site } from '../cases/contexts.ts'
import { ask, type Batch, type Member } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import { toProblem } from '../http/server.ts'
import { nonceGate } from '../intake/nonces.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'
import type { TraceRecord } from '../trace/record.ts'
import type { RefusalCounter } from '../trace/refusal-counter.ts'
import { checkBodyDigest, contentDigestOf } from '../trust/content-digest.ts'
import { signAnswer } from '../trust/sign.ts'
import type { Signers } from '../trust/signer.ts'
import { postCallback } from './api.ts'
import { authenticateCallback, type CallbackSource, digestHeader, type SignedCallback } from './authenticate.ts'
import { type Callback, inboxId, readCallback, uuidOf } from './callback.ts'
import { answerContext, bodyContext, caseOfMessage, type InboxKey, inboxGate, inboxInserts } from './inbox.ts'

export interface CallbackMeans {
  source: CallbackSource
  profile: string
  pool: Pool
  batch: Batch
  cases: CaseMeans
  mappings: MappingSet
  site: Site
  signers: Signers
  refusals: RefusalCounter
  /** A callback has been stored: it can be applied. */
  onStored: () => void
}

interface Done {
  status: number
  contentType: string
  body: Buffer
  receipt: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the platform's signature has verified. */
    signedCallback: SignedCallback | null
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/**
 * POST /platform/{id}/v1/callbacks: what the platform says by itself. Stored, then acknowledged by a 99, then applied; a
 * message that comes again gets the same 99.
 */
export const callbackRoutes: FastifyPluginAsync<CallbackMeans> = async (server, means) => {
  server.decorateRequest('signedCallback', null)

  server.addHook<{ Params: { platform: string } }>('onRequest', async (request) => {
    try {
      request.signedCallback = await authenticateCallback(request, request.params.platform, means.source)
    } catch (error) {
      if (error instanceof Problem) means.refusals.count(request.ip, error.code)
      throw error
    }
  })

  // What fails after the signature has verified, a body over the limit say, is traced like any other refusal.
  server.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error)
    if (request.signedCallback === null || problem.status >= 500) throw error
    return answer(request, reply, await receive(request, request.signedCallback, problem, means), means)
  })

  server.post('/:platform/v1/callbacks', { config: { api: postCallback } }, async (request, reply) => {
    const signed = request.signedCallback as SignedCallback
    return answer(request, reply, await receive(request, signed, null, means), means)
  })
}

async function receive(
  request: FastifyRequest,
  signed: SignedCallback,
  failed: Problem | null,
  means: CallbackMeans,
): Promise<Done> {
  const { cases, source, batch } = means
  let callback: Callback | null = null
  let problem = failed ?? signed.fault
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  try {
    if (problem === null) {
      if (signed.signature.contentDigest !== null) checkBodyDigest(signed.signature.contentDigest, body)
      callback = readCallback(body, { ...means, now: cases.clock.now() })
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    problem = error
  }
  const nonce = {
    keyid: signed.signature.keyid,
    nonce: signed.signature.nonce,
    createdAt: Math.floor(signed.signature.createdAt.getTime() / 1000),
    requestId: request.id,
  }
  if (callback === null || problem !== null) {
    return batch.submit(refusal(request.id, nonce, problem ?? malformed(), means))
  }
  const stored = await batch.submit(await storing(request.id, nonce, { platform: source.id, callback, body }, means))
  if (stored.status === 200) means.onStored()
  return stored
}

type Nonce = Parameters<typeof nonceGate.run>[1][number]

function refusal(requestId: string, nonce: Nonce, problem: Problem, means: CallbackMeans): Member<Done> {
  const first = ask(nonceGate, nonce)
  return {
    asks: [first],
    decide: (held, rows) => {
      const told = held.of(first) ? problem : nonceRepeated()
      const act = refusalRecord(requestId, told, means)
      act.addTo(rows)
      return refused(told, requestId, act)
    },
  }
}

async function storing(
  requestId: string,
  nonce: Nonce,
  { platform, callback, body }: { platform: string; callback: Callback; body: Buffer },
  means: CallbackMeans,
): Promise<Member<Done>> {
  const { cases } = means
  const key: InboxKey = { platform, unid: inboxId(callback.messageId) }
  const digest = createHash('sha256').update(body).digest()
  const now = cases.clock.now()
  const acknowledgement = acknowledge(callback, now, means)
  const subject = await subjectOf(callback, means.pool)
  const taken = cases.record({
    type: 'callback-received',
    at: now,
    actors: { system: 'platform' },
    outcome: 'stored',
    facts: { platform, type: callback.type, requestId },
    personal: { messageId: callback.messageId, platformNumber: callback.platformNumber },
  })
  const row = {
    ...key,
    digest,
    type: callback.type,
    state: 'waiting' as const,
    platform_number: callback.platformNumber ?? null,
    subject,
    body: cases.sealer.seal(Buffer.from(JSON.stringify(callback)), bodyContext(key)),
    answer: cases.sealer.seal(acknowledgement, answerContext(key)),
    receipt: taken.receipt,
    received_at: now,
    due_at: now,
  }
  const first = ask(nonceGate, nonce)
  const gate = ask(inboxGate, key, (held) => held.of(first))
  return {
    asks: [first, gate],
    decide: (held, rows) => {
      if (!held.of(first)) return refuse(nonceRepeated())
      const slot = held.of(gate)
      const { kept } = slot
      if (kept === null) {
        taken.addTo(rows)
        rows.add(inboxInserts, row)
        slot.kept = row
        return { status: 200, contentType: JSON_TYPE, body: acknowledgement, receipt: taken.receipt }
      }
      if (kept.digest.equals(digest)) {
        cases
          .record({
            type: 'callback-received',
            at: cases.clock.now(),
            actors: { system: 'platform' },
            outcome: 'repeated',
            facts: { platform, type: callback.type, requestId },
            personal: { messageId: callback.messageId },
          })
          .addTo(rows)
        const same = cases.sealer.open(kept.answer, answerContext(key))
        return { status: 200, contentType: JSON_TYPE, body: same, receipt: kept.receipt }
      }
      addConcern({ kind: 'callback-differs', caseId: null, content: { platform, callback } }, rows, cases)
      return refuse(differs())

      function refuse(problem: Problem): Done {
        const act = refusalRecord(requestId, problem, means)
        act.addTo(rows)
        return refused(problem, requestId, act)
      }
    },
  }
}

/** The case that an acknowledgement is about: its own id is the unid of its type 10, of others the message's. */
async function subjectOf({ acknowledgement }: Callback, pool: Pool): Promise<string | null> {
  if (acknowledgement === undefined) return null
  const id = uuidOf(acknowledgement.ofMessageId)
  if (id === null || acknowledgement.ofType === '10') return id
  return caseOfMessage(pool, id)
}

/** That it is stored, nothing more: what follows from it is told by messages of their own. */
function acknowledge(callback: Callback, now: Date, { mappings, profile, site }: CallbackMeans): Buffer {
  const document = {
    ...(callback.platformNumber === undefined ? {} : { platformNumber: callback.platformNumber }),
    ofType: callback.type,
    ofMessageId: callback.messageId,
    accepted: true,
    code: '0000',
    text: '已接收',
    at: now.toISOString(),
  }
  return mappings.outward(`${profile}/99`).render(document, messageContexts({ id: randomUUID(), createdAt: now }, site))
}

function refusalRecord(requestId: string, problem: Problem, { cases, source }: CallbackMeans): TraceRecord {
  return cases.record({
    type: 'request-refused',
    at: cases.clock.now(),
    actors: { system: 'platform' },
    rule: problem.rule ?? problem.code,
    outcome: problem.code,
    facts: {
      route: 'POST/platform/:platform/v1/callbacks',
      platform: source.id,
      requestId,
      faults: problem.faults.map(({ code }) => code),
    },
  })
}

function refused(problem: Problem, requestId: string, act: TraceRecord): Done {
  const body = Buffer.from(JSON.stringify(problemBody(problem, requestId)))
  return { status: problem.status, contentType: PROBLEM_TYPE, body, receipt: act.receipt }
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done,
  { source, signers }: CallbackMeans,
): Promise<FastifyReply> {
  const { signature, targetUri } = request.signedCallback as SignedCallback
  const headers = {
    'content-digest': contentDigestOf(done.body),
    'content-type': done.contentType,
    'trace-receipt': done.receipt,
  }
  const signed = await signAnswer(
    {
      status: done.status,
      headers,
      request: { method: request.method, targetUri, contentDigest: digestHeader(request), signature },
    },
    signers.p256,
    source.databaseNow(),
  )
  return reply
    .code(done.status)
    .headers({ ...headers, ...signed })
    .send(done.body)
}

function nonceRepeated(): Problem {
  return new Problem(
    'nonce-repeated',
    {
      zh: '该随机数在有效时间窗内已使用；重发同一报文请重新签名',
      en: 'this nonce was used within its window; a message that is sent again is signed anew',
    },
    { rule: 'nonce.once' },
  )
}

function differs(): Problem {
  return new Problem(
    'callback-differs',
    { zh: '该 unid 的报文已收到，内容与这次不同', en: 'a message of this unid came before with other content' },
    { rule: 'callback.same-message' },
  )
}

function malformed(): Problem {
  return new Problem('request-malformed', { zh: '请求无法读取', en: 'the request cannot be read' })
}
