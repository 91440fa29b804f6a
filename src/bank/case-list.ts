import type { FastifyPluginAsync } from 'fastify'
import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { partStates } from '../cases/state.ts'
import { listCases } from '../cases/store.ts'
import { answer } from './answer.ts'
import { getCases } from './api/case-list.ts'
import { casePage, disclosure } from './cases.ts'
import type { BankMeans } from './means.ts'
import { badCursor, wholeNumber } from './paging.ts'

const PAGE_DEFAULT = 50
const PAGE_MAXIMUM = 200

/** GET /v1/applications: the bank's cases in the order in which they came, a page at a time. */
export const caseListRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.get<{ Querystring: Record<string, unknown> }>(
    '/applications',
    { config: { api: getCases } },
    async (request, reply) =>
      answer(request, reply, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const afterId = caseCursor(request.query['after'])
          const state = stateName(request.query['state'])
          const limit = wholeNumber(request.query['limit'], 'limit', PAGE_DEFAULT, 1, PAGE_MAXIMUM)
          const { bank } = caller.account
          const found = await listCases(means.pool, bank.id, { afterId, state, limit: limit + 1 })
          const page = found.slice(0, limit)
          const facts = { fields: ['case'], count: page.length, cases: page.map(({ id }) => id) }
          return disclosure(caller, means, null, 'cases.of-bank', facts, {}, () => ({
            applications: page.map((head) => casePage(head)),
            next: page.at(-1)?.id ?? afterId,
            more: found.length > limit,
          }))
        },
      }),
  )
}

/** The id of the last case of the page before; null from the beginning. */
function caseCursor(given: unknown): string | null {
  if (given === undefined) return null
  if (typeof given === 'string' && isUuid(given)) return given
  throw badCursor()
}

function stateName(given: unknown): string | null {
  if (given === undefined) return null
  const state = partStates.find((one) => one === given)
  if (state !== undefined) return state
  throw new Problem('request-malformed', {
    zh: `参数 state 应为 ${partStates.join('、')} 之一`,
    en: `state must be one of ${partStates.join(', ')}`,
  })
}
