import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { Caller } from '../access/decide.ts'
import { Problem } from '../base/problem.ts'
import { eventPage, feedEnds, readFeed } from '../cases/feed.ts'
import { answer } from './answer.ts'
import { getFeed } from './api/feed.ts'
import { disclosure } from './cases.ts'
import type { BankMeans } from './means.ts'
import { badCursor, wholeNumber } from './paging.ts'
import type { Plan } from './perform.ts'

const PAGE_DEFAULT = 100
const PAGE_MAXIMUM = 500
const WAIT_MAXIMUM_SECONDS = 30

/**
 * GET /v1/events: everything that happened to the bank's cases, in one order that never changes, from any cursor on. With
 * `wait` an empty page is held back until there is something. Access is decided again by the commit that follows the
 * wait, so that whoever was suspended meanwhile gets nothing.
 */
export const feedRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.get<{ Querystring: Record<string, unknown> }>(
    '/events',
    { config: { api: getFeed } },
    async (request, reply) => {
      const gone = whenGone(reply)
      let waited = false
      return answer(request, reply, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const after = feedCursor(request.query['after'])
          const limit = wholeNumber(request.query['limit'], 'limit', PAGE_DEFAULT, 1, PAGE_MAXIMUM)
          const seconds = wholeNumber(request.query['wait'], 'wait', 0, 0, WAIT_MAXIMUM_SECONDS)
          await refuseBeyond(caller, after, means)
          // A decision that access has overtaken is taken anew, and does not wait again.
          if (!waited && seconds > 0) {
            waited = true
            await news(caller, after, seconds * 1000, gone, means)
          }
          return feedPage(caller, after, limit, means)
        },
      })
    },
  )
}

function feedCursor(given: unknown): number {
  if (given === undefined) return 0
  const value = typeof given === 'string' && /^(0|[1-9]\d{0,15})$/.test(given) ? Number(given) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw badCursor()
}

async function endOf({ account }: Caller, means: BankMeans): Promise<number> {
  return (await feedEnds(means.pool, [account.bank.id])).get(account.bank.id) ?? 0
}

/** A bank that knows of more than there is must not be told that nothing is new. */
async function refuseBeyond(caller: Caller, after: number, means: BankMeans): Promise<void> {
  const end = await endOf(caller, means)
  if (after <= end) return
  throw new Problem('cursor-beyond-feed', {
    zh: `游标 ${after} 超出事件流，最后一个事件为 ${end}；请核对后从已知游标重新读取`,
    en: `the feed ends at ${end}, before the cursor ${after}; read again from a cursor that you know`,
  })
}

async function news(caller: Caller, after: number, ms: number, gone: AbortSignal, means: BankMeans): Promise<void> {
  const wait = means.feedWatch.enter(caller.account.bank.id, after)
  if (wait === 'all' || wait === 'of-bank') throw tooMany(wait)
  try {
    if ((await endOf(caller, means)) <= after) await wait.news(ms, gone)
  } finally {
    wait.leave()
  }
}

function tooMany(which: 'all' | 'of-bank'): Problem {
  if (which === 'of-bank') {
    return new Problem(
      'event-waiters-of-bank',
      {
        zh: '本行同时等待事件的请求已达上限；请减少并发，或不带 wait 读取',
        en: 'the bank has as many requests waiting for events as it may; use fewer, or read without wait',
      },
      { rule: 'feed.waiters-of-bank', retryAfterSeconds: 5 },
    )
  }
  return new Problem(
    'event-waiters',
    {
      zh: '同时等待事件的请求已达上限；请稍后重试，或不带 wait 读取',
      en: 'as many requests wait for events as may; come again, or read without wait',
    },
    { retryAfterSeconds: 5 },
  )
}

async function feedPage(caller: Caller, after: number, limit: number, means: BankMeans): Promise<Plan> {
  const found = await readFeed(means.pool, caller.account.bank.id, after, limit + 1, means.sealer)
  const { page, disclosure: told } = eventPage(found, after, limit)
  const facts = { fields: told.fields, events: told.count, types: told.types, cases: told.caseIds }
  return disclosure(caller, means, null, 'feed.of-bank', facts, told.personal, () => page)
}

/** Aborts when the caller hangs up. */
function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
