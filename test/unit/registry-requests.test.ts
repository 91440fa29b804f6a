import t from 'tap'
import type { Fact, FactName } from '../../src/cases/facts.ts'
import type { ClaimedMessage } from '../../src/delivery/destination.ts'
import type { RegistryAnswer } from '../../src/registry/answer.ts'
import { courseOf, requestOutcome } from '../../src/registry/requests.ts'

const message = (kind: string, source: object): ClaimedMessage => ({
  id: 'm',
  endpoint: 'registry',
  caseId: 'c',
  channel: 'registry',
  position: 1,
  kind,
  number: '1',
  documentVersion: 1,
  source: Buffer.from(JSON.stringify(source)),
  cursor: 0,
  attempts: 1,
  fence: 1,
  inquiry: 'after an unknown outcome',
  supersedes: null,
  traceparent: null,
})
const told = (part: number, fact: FactName, occurredAt = '2026-11-20T10:00:00+08:00', round = 1): Fact => ({
  part,
  fact,
  round,
  occurredAt,
  saidBy: 'registry',
  reportedIn: 'progress',
  messageId: 'p',
})
const parts = (...numbers: number[]): { number: number }[] => numbers.map((number) => ({ number }))

await t.test('a withdrawal has arrived when all parts have ended, one at least by being withdrawn', (t) => {
  const withdraw = message('WITHDRAW', { requestedAt: '2026-11-25T09:00:00.500+08:00', parts: parts(1, 2) })
  const later = '2026-11-25T10:00:00+08:00'
  for (const [facts, course] of [
    [[], 'unchanged'],
    [[told(1, 'rejected')], 'unchanged'],
    [[told(1, 'withdrawn'), told(2, 'accepted')], 'unchanged'],
    [[told(1, 'rejected'), told(2, 'withdrawn', later)], 'arrived'],
    [[told(1, 'withdrawn', later), told(2, 'withdrawn', later)], 'arrived'],
    [[told(1, 'rejected'), told(2, 'recorded', later)], 'overtaken'],
    [[told(1, 'withdrawal-refused')], 'unchanged'],
    [[told(1, 'withdrawal-refused', later)], 'arrived'],
  ] as const)
    t.equal(courseOf(withdraw, facts), course, facts.map(({ part, fact }) => `${part} ${fact}`).join(', '))
  t.end()
})

await t.test('an answer to a correction has arrived when the registry went on with each of its parts', (t) => {
  const correct = (...numbers: number[]) => message('CORRECT', { round: 1, parts: parts(...numbers), items: [] })
  const asked = [told(1, 'correction-requested'), told(2, 'correction-requested')]
  for (const [numbers, facts, course] of [
    [[2], [], 'unchanged'],
    [[2], [told(1, 'accepted')], 'unchanged'],
    [[2], [told(1, 'rejected')], 'unchanged'],
    [[1, 2], [told(1, 'accepted')], 'unchanged'],
    [[1, 2], [told(1, 'accepted'), told(2, 'review-step')], 'arrived'],
    [[2], [told(2, 'correction-requested', undefined, 2)], 'arrived'],
    [[2], [told(2, 'withdrawn')], 'overtaken'],
    [[2], [told(2, 'not-accepted')], 'overtaken'],
    [[2], [told(2, 'accepted'), told(2, 'rejected')], 'arrived'],
    [[1, 2], [told(1, 'accepted'), told(2, 'withdrawn')], 'overtaken'],
  ] as const)
    t.equal(courseOf(correct(...numbers), [...asked, ...facts]), course, JSON.stringify([numbers, facts]))
  t.end()
})

await t.test('a round that is closed is no proof that the answer came', (t) => {
  const closed = { success: false, code: '2002', retry: 'never', faults: [], cases: [], events: [] }
  const answer = closed as unknown as RegistryAnswer
  t.match(requestOutcome(answer, 'CORRECT', true), { kind: 'unknown' })
  t.match(requestOutcome(answer, 'CORRECT', false), { kind: 'refused', code: '2002' })
  t.match(requestOutcome(answer, 'WITHDRAW', true), { kind: 'delivered' })
  t.end()
})
