import { newId } from '../base/id.ts'
import { childOf, inTrace } from '../base/trace-context.ts'
import { applyFacts, type CaseMeans } from '../cases/apply.ts'
import { addUnreadable, hasOpenConcern, UNREADABLE } from '../cases/concern.ts'
import { messageContexts, type Site } from '../cases/contexts.ts'
import type { Numbers } from '../cases/numbers.ts'
import { polls } from '../cases/polls.ts'
import { nextQuestion, type QuestionKind } from '../cases/questions.ts'
import { type CaseHold, readCases } from '../cases/store.ts'
import { ask, type Batch, type Step } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import { backoffMs } from '../delivery/backoff.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'
import { factsOf, type Heard, hear, type RegistryAnswer } from './answer.ts'
import type { RegistryClient } from './client.ts'
import { claimPolls, handBackPolls, renewPolls } from './poll-store.ts'
import { ofThisRequest } from './requests.ts'

export interface PollerMeans {
  endpoint: string
  profile: string
  pool: Pool
  batch: Batch
  cases: CaseMeans
  caseLock: Step<string, CaseHold | null>
  streams: CaseStreamsStep
  post: RegistryClient['post']
  /** Runs an exchange when there is room for it beside those of other processes. */
  inSlot: <T>(exchange: () => Promise<T>) => Promise<T>
  mappings: MappingSet
  numbers: Numbers
  site: Site
  /** Exchanges at once: at most a quarter of the registry's slots. */
  concurrency: number
  firstMs: number
  capMs: number
  /** After this long another process may ask. */
  leaseMs: number
  /** Aborts when nothing more is to be begun. */
  signal: AbortSignal
  onError: (error: unknown) => void
}

/** Most cases of one exchange. */
const CASES_OF_ONE = 50

interface Polled {
  hold: CaseHold
  step: number
  fence: number
}

/**
 * Asks the registry about cases. What to ask is a pure function of a case's state; cases with the same question share an
 * exchange. Whoever has news is asked about again at once, the others back off.
 * @returns how many cases were asked about: 0 means that nothing is due.
 */
export async function pollOnce(means: PollerMeans): Promise<number> {
  const due = await claimPolls(means.pool, means.endpoint, CASES_OF_ONE * means.concurrency, means.leaseMs)
  if (due.length === 0) return 0
  const leases = new Map(due.map((poll) => [poll.caseId, poll]))
  const groups = new Map<QuestionKind, Polled[]>()
  const idle: Polled[] = []
  for (const hold of await readCases(means.pool, [...leases.keys()], means.cases)) {
    const kind = nextQuestion(hold.memory)?.kinds[0]
    const { step = 0, fence = 0 } = leases.get(hold.id) ?? {}
    const polled = { hold, step, fence }
    if (kind === undefined) idle.push(polled)
    else groups.set(kind, [...(groups.get(kind) ?? []), polled])
  }
  const exchanges: { kind: QuestionKind; cases: Polled[] }[] = []
  for (const [kind, cases] of groups) {
    for (let i = 0; i < cases.length; i += CASES_OF_ONE)
      exchanges.push({ kind, cases: cases.slice(i, i + CASES_OF_ONE) })
  }
  await Promise.all([...idle.map((one) => forget(means, one)), ...lanes(exchanges, means)])
  return due.length
}

function lanes(exchanges: { kind: QuestionKind; cases: Polled[] }[], means: PollerMeans): Promise<void>[] {
  const rest = [...exchanges]
  return Array.from({ length: Math.min(means.concurrency, rest.length) }, async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      try {
        // No request caused it: each exchange, and what it brings, is a trace of its own.
        const { kind, cases } = next
        if (means.signal.aborted) await handBackPolls(means.pool, leasesOf(cases))
        else await inTrace(childOf(null), () => exchange(means, kind, cases))
      } catch (error) {
        // The leases run out and the cases are asked about again.
        means.onError(error)
      }
    }
  })
}

function leasesOf(cases: readonly Polled[]): { caseId: string; fence: number }[] {
  return cases.map(({ hold, fence }) => ({ caseId: hold.id, fence }))
}

async function exchange(means: PollerMeans, kind: QuestionKind, due: Polled[]): Promise<void> {
  const asked = await means.inSlot(async () => {
    if (means.signal.aborted) return handBackPolls(means.pool, leasesOf(due))
    // The wait for room may have outlasted the leases; what another process asks about since is left to it.
    const ours = await renewPolls(means.pool, leasesOf(due), means.leaseMs)
    const cases = due.filter(({ hold }) => ours.has(hold.id))
    return cases.length === 0 ? undefined : { cases, heard: await put(means, kind, cases) }
  })
  if (asked === undefined) return
  const { cases, heard } = asked
  await trace(means, kind, cases.length, heard.kind)
  if (heard.kind === 'undecided' && heard.unreadable !== undefined) {
    const [one, ...others] = cases
    if (one !== undefined && others.length === 0) return cannotRead(means, kind, one, heard.unreadable)
    // One case's answer must not keep the others from theirs.
    for (const alone of cases) await exchange(means, kind, [alone])
    return
  }
  if (heard.kind !== 'answer' || !heard.answer.success) {
    await Promise.all(cases.map((one) => later(means, one)))
    return
  }
  await Promise.all(cases.map((one) => take(means, one, heard.answer)))
}

async function put(means: PollerMeans, kind: QuestionKind, cases: readonly Polled[]): Promise<Heard> {
  const [number = ''] = await means.numbers.take('inquiry')
  const now = means.cases.clock.now()
  const name = `${means.profile}/${kind.toLowerCase()}`
  const all = messageContexts({ id: newId(), number, createdAt: now }, means.site)
  const question = { cases: cases.map(({ hold }) => ({ businessNumber: hold.businessNumber })) }
  const reply = await means.post(means.mappings.outward(name).render(question, all))
  return hear(reply, number, (bytes) => means.mappings.inward(name).read(bytes, all))
}

/** Applies what an answer says of one case. */
async function take(means: PollerMeans, polled: Polled, answer: RegistryAnswer): Promise<void> {
  const lock = ask(means.caseLock, polled.hold.id)
  const streams = ask(means.streams, polled.hold.id)
  await means.batch.submit({
    asks: [lock, streams],
    decide: (held, rows) => {
      const hold = held.of(lock)
      if (hold === null) return
      const before = JSON.stringify(nextQuestion(hold.memory))
      const verdicts = applyFacts(
        hold,
        held.of(streams),
        ofThisRequest(factsOf(answer, hold.businessNumber), hold.memory),
        rows,
        means.cases,
      )
      // Where the question changed, applying the facts has said when to ask it.
      if (JSON.stringify(nextQuestion(hold.memory)) !== before) return
      const hasNews = verdicts.includes('applied')
      rows.add(polls, nextPoll(means, hold.id, hasNews ? 0 : polled.step + 1))
    },
  })
}

/** There is nothing to ask, unless that has changed meanwhile. */
async function forget(means: PollerMeans, { hold, step }: Polled): Promise<void> {
  const lock = ask(means.caseLock, hold.id)
  await means.batch.submit({
    asks: [lock],
    decide: (held, rows) => {
      const now = held.of(lock)
      if (now === null || nextQuestion(now.memory) === null)
        rows.add(polls, { case_id: hold.id, endpoint: means.endpoint, due_at: null, step: 0 })
      else rows.add(polls, nextPoll(means, hold.id, step))
    },
  })
}

/** What the registry says of this case cannot be read: told to a person, once; asked again, since it may be mended. */
async function cannotRead(means: PollerMeans, kind: QuestionKind, polled: Polled, bytes: Buffer): Promise<void> {
  const lock = ask(means.caseLock, polled.hold.id)
  const isTold = await hasOpenConcern(means.pool, polled.hold.id, UNREADABLE)
  await means.batch.submit({
    asks: [lock],
    decide: (_held, rows) => {
      if (!isTold) addUnreadable(polled.hold.id, kind, bytes, rows, means.cases)
      rows.add(polls, nextPoll(means, polled.hold.id, polled.step + 1))
    },
  })
}

/** Nothing was learnt: asked again later. */
async function later(means: PollerMeans, { hold, step }: Polled): Promise<void> {
  await means.batch.submit({
    asks: [],
    decide: (_held, rows) => rows.add(polls, nextPoll(means, hold.id, step + 1)),
  })
}

function nextPoll(
  means: PollerMeans,
  caseId: string,
  step: number,
): { case_id: string; endpoint: string; due_at: Date; step: number } {
  const waitMs = backoffMs({ baseMs: means.firstMs, capMs: means.capMs }, Math.max(1, step), 0, Math.random)
  return {
    case_id: caseId,
    endpoint: means.endpoint,
    due_at: new Date(means.cases.clock.now().getTime() + waitMs),
    step: Math.min(step, 30),
  }
}

async function trace(means: PollerMeans, kind: QuestionKind, count: number, outcome: string): Promise<void> {
  await means.batch.submit({
    asks: [],
    decide: (_held, rows) =>
      means.cases
        .record({
          type: 'poll-exchanged',
          at: means.cases.clock.now(),
          actors: { system: 'registry' },
          outcome,
          facts: { endpoint: means.endpoint, kind, cases: count },
        })
        .addTo(rows),
  })
}
