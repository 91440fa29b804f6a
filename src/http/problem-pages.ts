import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '../base/problem.ts'
import { problems } from '../base/problem-catalogue.ts'
import { getProblem } from './openapi/operation.ts'

/** GET /problems/{code}: where the `type` of a problem document leads (RFC 9457). */
export function openProblemPages(server: FastifyInstance): void {
  server.get<{ Params: { code: string } }>('/problems/:code', { config: { api: getProblem } }, async (request) => {
    const { code } = request.params
    if (!Object.hasOwn(problems, code))
      throw new Problem('route-not-found', { zh: '没有此错误代码', en: 'no such problem' })
    return { code, ...problems[code as ProblemCode] }
  })
}
