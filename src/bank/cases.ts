import type { FastifyPluginAsync } from 'fastify'
import type { Caller } from '../access/decide.ts'
import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { eventPage } from '../cases/feed.ts'
import type { CorrectionFacet } from '../cases/state.ts'
import { type CaseHead, type CaseHold, readCase, readCases, readEvents } from '../cases/store.ts'
import { type WaitingHead, waitingHeads } from '../delivery/operations.ts'
import type { Facts } from '../trace/clear-facts.ts'
import { answer, jsonBody, jsonHeaders } from './answer.ts'
import { getCase, getCaseEvents } from './api/applications.ts'
import type { BankMeans } from './means.ts'
import { wholeNumber } from './paging.ts'
import type { PerformMeans, Plan } from './perform.ts'

const PAGE_DEFAULT = 100
const PAGE_MAXIMUM = 500

/** GET /v1/applications/{id} and its events. Another bank's case is as little there as one that never was. */
export const caseRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.get<{ Params: { id: string } }>('/applications/:id', { config: { api: getCase } }, async (request, reply) =>
    answer(request, reply, means, {
      needsOperator: true,
      key: null,
      plan: async (caller) => {
        const head = await caseOfBank(request.params.id, caller, means)
        const waiting = await waitingHeads(means.pool, head.id)
        const [whole] = await readCases(means.pool, [head.id], means.cases)
        const corrections = correctionsOf(whole)
        const fields = ['case', ...(corrections.length === 0 ? [] : ['corrections'])]
        return disclosure(caller, means, head, 'case.of-bank', { fields }, unitsOf(corrections), () => ({
          ...casePage(head, waiting),
          ...(corrections.length === 0 ? {} : { corrections }),
        }))
      },
    }),
  )

  server.get<{ Params: { id: string }; Querystring: { after?: string; limit?: string } }>(
    '/applications/:id/events',
    { config: { api: getCaseEvents } },
    async (request, reply) =>
      answer(request, reply, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const after = wholeNumber(request.query.after, 'after', 0, 0, Number.MAX_SAFE_INTEGER)
          const limit = wholeNumber(request.query.limit, 'limit', PAGE_DEFAULT, 1, PAGE_MAXIMUM)
          const head = await caseOfBank(request.params.id, caller, means)
          const events = await readEvents(means.pool, head.id, head.id, after, limit + 1, means.sealer)
          const { page, disclosure: told } = eventPage(events, after, limit)
          const facts = { fields: told.fields, events: told.count }
          return disclosure(caller, means, head, 'case.of-bank', facts, told.personal, () => page)
        },
      }),
  )
}

/** @throws {Problem} case-not-found, also for the case of another bank. */
export async function caseOfBank(id: string, { account }: Caller, means: PerformMeans): Promise<CaseHead> {
  const head = isUuid(id) ? await readCase(means.pool, id) : undefined
  if (head !== undefined && head.bankId === account.bank.id) return head
  throw new Problem('case-not-found', { zh: '没有此办件', en: 'there is no such case' }, { rule: 'case.of-bank' })
}

/**
 * A reading call: its record tells the decision and what left, is durable before the answer, and gives the receipt.
 * @param head of the case that it is about; null when it is about several.
 */
export function disclosure(
  { account, operator }: Caller,
  means: PerformMeans,
  head: Pick<CaseHead, 'id'> | null,
  rule: string,
  facts: Facts,
  personal: Record<string, string>,
  page: () => unknown,
): Plan {
  return {
    rule,
    ...(head === null ? {} : { caseId: head.id }),
    tracesDecision: true,
    act: (_held, rows) => {
      const act = means.record({
        type: 'disclosure',
        at: means.clock.now(),
        actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
        caseId: head?.id,
        rule,
        outcome: 'allowed',
        facts,
        personal,
        subjects: Object.values(personal),
      })
      act.addTo(rows)
      return { status: 200, headers: jsonHeaders, body: jsonBody(page()), receipt: act.receipt }
    },
  }
}

/** @param waiting left out where only the head is told, as in a list. */
export function casePage(head: CaseHead, waiting?: readonly WaitingHead[]): Record<string, unknown> {
  return {
    id: head.id,
    bankReference: head.bankReference,
    businessType: head.businessType,
    businessNumber: head.businessNumber,
    platformNumber: head.platformNumber,
    registryNumber: head.registryNumber,
    ...head.facets,
    // Where it waits now, and why: the same words that the centre sees.
    ...(waiting === undefined
      ? {}
      : {
          waiting: waiting.map(({ channel, kind, state, since, why }) => ({
            channel,
            kind,
            state,
            since: since.toISOString(),
            why,
          })),
        }),
    completedAt: head.completedAt?.toISOString() ?? null,
    createdAt: head.createdAt.toISOString(),
    updatedAt: head.updatedAt.toISOString(),
  }
}

type PartCorrection = { part: number } & CorrectionFacet

/** The newest round of correction of each part: what is wanted, by when, and whether it has been answered. */
function correctionsOf(whole: CaseHold | undefined): PartCorrection[] {
  return (whole?.memory.parts ?? []).flatMap(({ part, correction }) =>
    correction === undefined ? [] : [{ part, ...correction }],
  )
}

/** Units that items of correction name, for the trace. */
function unitsOf(corrections: readonly PartCorrection[]): Record<string, string> {
  return Object.fromEntries(
    corrections.flatMap(({ part, items }) =>
      items.flatMap(({ number, unitNumber }) =>
        unitNumber === undefined ? [] : [[`corrections[${part}].items[${number}].unitNumber`, unitNumber]],
      ),
    ),
  )
}
