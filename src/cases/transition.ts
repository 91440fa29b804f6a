import { authority } from './authority.ts'
import { judge } from './contradiction.ts'
import type { CaseEvent, Effect, Joined, RaiseReason } from './effects.ts'
import { isCompleted } from './facets/completion.ts'
import {
  differingMembers,
  digestOf,
  type Fact,
  type FactContent,
  factContent,
  factKey,
  isOfCase,
  withoutFileContent,
} from './facts.ts'
import { joinCaseFact, joinPartFact } from './join.ts'
import { nextQuestion } from './questions.ts'
import { type CaseRules, type CaseState, caseStateName, draftOf, type PartState } from './state.ts'

export type Verdict = 'applied' | 'known' | 'early' | 'contradiction'

export interface Transition {
  state: CaseState
  verdict: Verdict
  events: CaseEvent[]
  effects: Effect[]
}

const keptContradictions = 50
const maxWaiting = 1000

/**
 * Joins one statement to what is known of a case. Pure: the state given is not changed.
 *
 * - applied: joined, with all early facts that it unlocks, whose events follow in order.
 * - known: said before in the same words (or waiting already); nothing changes.
 * - early: waits for its predecessor, for a payment, or, said by the platform, for the registry's own word. The bytes
 *   of a certificate's file do not wait with it: they are asked for again.
 * - contradiction: kept and raised once; nothing else changes. A repetition of it raises nothing.
 *
 * Facts that do not contradict each other give the same state and events in whatever order they come.
 */
export function transition(state: CaseState, fact: Fact, rules: CaseRules): Transition {
  const key = factKey(fact)
  const content = factContent(fact)
  const weight = authority(fact, rules)
  const part = isOfCase(fact.fact) ? state.parts[0] : state.parts.find((one) => one.part === fact.part)
  if (part === undefined) return refused(state, fact, key, 'part-unknown')
  if (weight === 'none') return refused(state, fact, key, 'source-not-allowed')
  if (isForeignNumber(part, fact)) return refused(state, fact, key, 'registry-number-differs')

  const said = state.known[key] ?? waitingContent(state, key, weight, rules)
  if (said !== undefined) {
    const members = differingMembers(said, content)
    if (members.length === 0) return { state, verdict: 'known', events: [], effects: [] }
    return refused(state, fact, key, weight === 'decides' ? 'content-differs' : 'platform-differs', members)
  }

  const judgement = judge(part, fact, rules)
  if (judgement.kind === 'contradiction') {
    return refused(state, fact, key, weight === 'decides' ? judgement.reason : 'platform-differs')
  }
  const draft = draftOf(state)
  if (judgement.kind === 'wait' || weight === 'corroborates') {
    if (draft.waiting.length >= maxWaiting) return refused(state, fact, key, 'too-many-waiting')
    draft.waiting.push(withoutFileContent(fact))
    draft.waiting.sort(byTime)
    const hint: Effect[] = weight === 'corroborates' ? [{ kind: 'poll', question: nextQuestion(state) }] : []
    return { state: draft, verdict: 'early', events: [], effects: hint }
  }
  const joined: Joined = { events: [], effects: [] }
  join(draft, fact, key, content, rules, joined)
  joinWaiting(draft, rules, joined)
  complete(draft, joined)
  const question = nextQuestion(draft)
  if (JSON.stringify(question) !== JSON.stringify(nextQuestion(state))) joined.effects.push({ kind: 'poll', question })
  return { state: draft, verdict: 'applied', ...joined }
}

/** Another number than the part is known by: a word about somebody else's case, or a file opened anew. */
function isForeignNumber(part: PartState, fact: Fact): boolean {
  const { registryNumber } = fact
  if (registryNumber === undefined || part.registryNumber === null) return false
  return registryNumber !== part.registryNumber && registryNumber !== part.provisionalNumber
}

/** What waits under this key and settles the matter: the platform's waiting word does not settle the registry's. */
function waitingContent(state: CaseState, key: string, weight: string, rules: CaseRules): FactContent | undefined {
  const same = state.waiting.filter((fact) => factKey(fact) === key)
  const twin =
    same.find((fact) => authority(fact, rules) === 'decides') ?? (weight === 'corroborates' ? same[0] : undefined)
  return twin === undefined ? undefined : factContent(twin)
}

function join(draft: CaseState, fact: Fact, key: string, content: FactContent, rules: CaseRules, out: Joined): void {
  draft.known[key] = content
  if (draft.latestAt === null || Date.parse(fact.occurredAt) > Date.parse(draft.latestAt)) {
    draft.latestAt = fact.occurredAt
  }
  if (isOfCase(fact.fact)) joinCaseFact(draft, fact, out)
  else joinPartFact(draft, fact, rules, out)
}

/** Joins what has become possible, oldest first, until nothing more is. */
function joinWaiting(draft: CaseState, rules: CaseRules, out: Joined): void {
  for (let index = 0; index < draft.waiting.length; ) {
    const fact = draft.waiting[index] as Fact
    const key = factKey(fact)
    const content = factContent(fact)
    const decides = authority(fact, rules) === 'decides'
    const said = draft.known[key]
    const judgement = judge(draft.parts.find((part) => part.part === fact.part) as PartState, fact, rules)
    if (said !== undefined) {
      const members = differingMembers(said, content)
      if (members.length > 0) contradict(draft, fact, key, 'platform-differs', out, members)
    } else if (judgement.kind === 'contradiction') {
      contradict(draft, fact, key, decides ? judgement.reason : 'platform-differs', out)
    } else if (decides && judgement.kind === 'apply') {
      join(draft, fact, key, content, rules, out)
    } else {
      index += 1
      continue
    }
    draft.waiting.splice(index, 1)
    index = 0
  }
}

function complete(draft: CaseState, out: Joined): void {
  if (draft.completed || !isCompleted(draft)) return
  draft.completed = true
  const name = caseStateName(draft)
  out.events.push({
    type: 'completed',
    part: 0,
    occurredAt: draft.latestAt as string,
    before: name,
    after: name,
    fact: null,
  })
}

function refused(state: CaseState, fact: Fact, key: string, reason: RaiseReason, members?: string[]): Transition {
  const draft = { ...state, contradictions: [...state.contradictions] }
  const out: Joined = { events: [], effects: [] }
  contradict(draft, fact, key, reason, out, members)
  const isNew = out.effects.length > 0
  return { state: isNew ? draft : state, verdict: 'contradiction', ...out }
}

function contradict(
  draft: CaseState,
  fact: Fact,
  key: string,
  reason: RaiseReason,
  out: Joined,
  members?: string[],
): void {
  const digest = digestOf({ key, saidBy: fact.saidBy, content: factContent(fact), number: fact.registryNumber ?? null })
  if (draft.contradictions.some((kept) => kept.digest === digest)) return
  draft.contradictions.push({ key, reason, digest, saidBy: fact.saidBy, messageId: fact.messageId })
  if (draft.contradictions.length > keptContradictions) draft.contradictions.shift()
  out.effects.push({
    kind: 'raise',
    reason,
    fact: withoutFileContent(fact),
    ...(members === undefined ? {} : { members }),
  })
}

function byTime(a: Fact, b: Fact): number {
  const difference = Date.parse(a.occurredAt) - Date.parse(b.occurredAt)
  if (difference !== 0) return difference
  return factKey(a) < factKey(b) ? -1 : 1
}
