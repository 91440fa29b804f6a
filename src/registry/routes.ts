import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { Problem } from '../base/problem.ts'
import type { Pool } from '../db/pool.ts'
import { postResults } from './api.ts'
import { caseByNumber, hurryPoll } from './poll-store.ts'

/** A number of ours (YWLSH) or the registry's (SLBH, slbh), wherever it stands in the vendor's form. */
const NUMBER = /(?:\bYWLSH|\bSLBH|"slbh")\s*[=:]\s*"([0-9A-Za-z-]{1,20})"/g
const HINT_LIMIT_BYTES = 65_536
const NUMBERS_OF_ONE = 50

/**
 * POST /registry/v1/results: the registry says that something happened. Only the numbers are read, and nothing is
 * believed: the case is asked about, and the polled answer is what is applied.
 */
export const registryRoutes: FastifyPluginAsync<{
  pool: Pool
  /** Null: hints are refused. */
  secret: string | null
  onHint: () => void
}> = async (server, { pool, secret, onHint }) => {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: HINT_LIMIT_BYTES }, (_request, body, done) =>
    done(null, body),
  )

  server.addHook('onRequest', async (request) => {
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (secret === null || !isSame(given, secret)) {
      throw new Problem('hint-refused', {
        zh: '未通过验证的登记系统通知',
        en: 'the hint does not carry the agreed secret',
      })
    }
  })

  server.post('/results', { config: { api: postResults } }, async (request, reply) => {
    // Latin-1 keeps every byte: the numbers are ASCII in all encodings that a registry speaks.
    const text = Buffer.isBuffer(request.body) ? request.body.toString('latin1') : ''
    const numbers = [...new Set([...text.matchAll(NUMBER)].map((match) => match[1] as string))].slice(0, NUMBERS_OF_ONE)
    let hurried = 0
    for (const number of numbers) {
      const caseId = await caseByNumber(pool, number)
      if (caseId !== undefined && (await hurryPoll(pool, caseId))) hurried += 1
    }
    if (hurried > 0) onHint()
    return reply.code(202).send({ cases: hurried })
  })
}

function isSame(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
