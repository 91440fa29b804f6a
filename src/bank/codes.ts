import type { FastifyPluginAsync } from 'fastify'
import { Problem } from '../base/problem.ts'
import { answer, jsonBody, jsonHeaders } from './answer.ts'
import { getCodeTable, getCodeTables } from './api/codes.ts'
import type { BankMeans } from './means.ts'

/** GET /v1/codes and /v1/codes/{table}: the words and codes that messages use, with their Chinese names. */
export const codeRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  const give = (value: unknown) => ({
    rule: 'codes.public',
    act: () => ({ status: 200, headers: jsonHeaders, body: jsonBody(value), receipt: null }),
  })

  server.get('/codes', { config: { api: getCodeTables } }, async (request, reply) =>
    answer(request, reply, means, {
      needsOperator: false,
      key: null,
      plan: async () => give({ tables: means.codes.names() }),
    }),
  )

  server.get<{ Params: { table: string } }>(
    '/codes/:table',
    { config: { api: getCodeTable } },
    async (request, reply) =>
      answer(request, reply, means, {
        needsOperator: false,
        key: null,
        plan: async () => {
          const table = means.codes.table(request.params.table)
          if (table === undefined)
            throw new Problem('code-table-not-found', { zh: '没有此代码表', en: 'there is no such code table' })
          return give(table)
        },
      }),
  )
}
