import t from 'tap'
import { type Fact, type FactName, factNames } from '../../src/cases/facts.ts'
import { type CaseState, initialState, type PartState, type PartStateName } from '../../src/cases/state.ts'
import { type Transition, transition } from '../../src/cases/transition.ts'
import { defaultRules, goldenCase } from '../support/golden-case.ts'

const unit = '420222001003GB00057F00120031'
const otherUnit = '420222001003GB00057F00120032'
const certificate = '鄂(2026)阳新县不动产证明第0010421号'

// Moments in the order of a plain life; a withdrawal is refused after all of them.
const times: { [name in FactName]?: string } = {
  received: '09:00:00',
  'platform-acknowledged': '09:00:30',
  submitted: '09:01:00',
  'correction-requested': '10:00:00',
  accepted: '14:00:00',
  'review-step': '15:00:00',
  'procedure-started': '15:10:00',
  'procedure-ended': '15:20:00',
}

const subjects: { [name in FactName]?: string } = {
  'review-step': '1',
  'procedure-started': '实地查看',
  'procedure-ended': '实地查看',
  'register-entry': unit,
  'certificate-made': certificate,
  'certificate-released': certificate,
}

const sources: { [name in FactName]?: Fact['saidBy'] } = {
  received: 'gateway',
  'platform-acknowledged': 'platform',
  'certificate-released': 'gateway',
}

function fact(name: FactName, more: Partial<Fact> = {}): Fact {
  const late = name === 'withdrawal-refused' ? '18:00:00' : '16:00:00'
  const subject = subjects[name]
  return {
    part: 1,
    fact: name,
    round: 1,
    ...(subject === undefined ? {} : { subject }),
    occurredAt: `2026-11-09T${times[name] ?? late}+08:00`,
    saidBy: sources[name] ?? 'registry',
    reportedIn: 'progress',
    messageId: '420222261109000099',
    ...(name === 'platform-acknowledged' ? { platformNumber: 'SN1' } : {}),
    ...(name === 'certificate-made' ? { unitNumber: unit } : {}),
    ...more,
  }
}

function after(...facts: (FactName | Fact)[]): CaseState {
  let state = initialState(goldenCase())
  for (const one of facts) {
    const step = transition(state, typeof one === 'string' ? fact(one) : one, defaultRules)
    t.equal(step.verdict, 'applied', `preparing: ${typeof one === 'string' ? one : one.fact}`)
    state = step.state
  }
  return state
}

const part = (state: CaseState): PartState => state.parts[0] as PartState
const reasonOf = (step: Transition): string | undefined => {
  const raised = step.effects.find((effect) => effect.kind === 'raise')
  return raised?.kind === 'raise' ? raised.reason : undefined
}

const ways: { [state in PartStateName]: FactName[] } = {
  received: [],
  submitted: ['submitted'],
  'correction-requested': ['submitted', 'correction-requested'],
  accepted: ['accepted'],
  'in-review': ['accepted', 'review-step'],
  recorded: ['accepted', 'recorded'],
  'not-accepted': ['submitted', 'not-accepted'],
  rejected: ['accepted', 'rejected'],
  withdrawn: ['submitted', 'withdrawn'],
}

// `=` applied and the state stays, `>x` applied and moves to x, `k` known, `w` waits, anything else: a contradiction.
const fees: FactName[] = ['fee-exempt', 'fee-due', 'fee-partly-paid', 'fee-paid', 'fee-refunding', 'fee-refunded']
const stays = Object.fromEntries(['received', 'platform-acknowledged', ...fees].map((name) => [name, '=']))
const open = {
  ...stays,
  submitted: '>submitted',
  'correction-requested': '>correction-requested',
  accepted: '>accepted',
  'review-step': '>in-review',
  'procedure-started': 'w',
  'procedure-ended': 'w',
  recorded: '>recorded',
  'not-accepted': '>not-accepted',
  rejected: '>rejected',
  withdrawn: '>withdrawn',
  'withdrawal-refused': '=',
  'register-entry': 'w',
  'certificate-made': 'w',
  'certificate-released': 'w',
}
const accepted = {
  ...open,
  submitted: '=',
  'correction-requested': '=',
  accepted: 'k',
  'procedure-started': '=',
  'not-accepted': 'already-accepted',
}
const ended = {
  recorded: 'already-ended',
  'not-accepted': 'already-ended',
  rejected: 'already-ended',
  withdrawn: 'already-ended',
}
const failed = {
  ...ended,
  'register-entry': 'not-recorded',
  'certificate-made': 'not-recorded',
  'certificate-released': 'not-recorded',
}
const table: { [state in PartStateName]: { [name: string]: string } } = {
  received: open,
  submitted: { ...open, submitted: 'k' },
  'correction-requested': { ...open, submitted: 'k', 'correction-requested': 'k' },
  accepted: accepted,
  'in-review': { ...accepted, 'review-step': 'k' },
  recorded: {
    ...accepted,
    ...ended,
    'review-step': '=',
    recorded: 'k',
    'register-entry': '=',
    'certificate-made': '=',
  },
  'not-accepted': {
    ...open,
    ...failed,
    submitted: 'k',
    'correction-requested': '=',
    accepted: 'never-accepted',
    'review-step': 'never-accepted',
    'procedure-started': 'never-accepted',
    'procedure-ended': 'never-accepted',
    'not-accepted': 'k',
  },
  rejected: { ...accepted, ...failed, 'review-step': '=', rejected: 'k' },
  withdrawn: {
    ...accepted,
    ...failed,
    submitted: 'k',
    accepted: '=',
    'review-step': '=',
    withdrawn: 'k',
    'withdrawal-refused': 'refused-after-withdrawal',
  },
}

await t.test('every state meets every fact as the table says', async (t) => {
  for (const [name, way] of Object.entries(ways) as [PartStateName, FactName[]][]) {
    const state = after(...way)
    t.equal(part(state).state, name)
    const frozen = JSON.stringify(state)
    for (const told of factNames) {
      const expected = table[name][told] as string
      const step = transition(state, fact(told), defaultRules)
      const label = `${told} in ${name}`
      t.equal(JSON.stringify(state), frozen, `${label}: the state given is untouched`)
      const now = part(step.state).state
      if (expected === 'k')
        t.strictSame([step.verdict, step.events, step.effects, step.state === state], ['known', [], [], true], label)
      else if (expected === 'w') {
        t.strictSame([step.verdict, step.events, now], ['early', [], name], label)
        t.equal(step.state.waiting.length, 1, label)
      } else if (expected.startsWith('>') || expected === '=') {
        t.strictSame([step.verdict, now], ['applied', expected === '=' ? name : expected.slice(1)], label)
        t.strictSame([step.events[0]?.type, step.events[0]?.after], [told, now], label)
      } else {
        t.strictSame([step.verdict, reasonOf(step), step.events, now], ['contradiction', expected, [], name], label)
        t.strictSame({ ...step.state, contradictions: [] }, state, `${label}: nothing but the record of it changes`)
      }
    }
  }
})

await t.test('a contradiction is raised once, however often it is said, and kept', async (t) => {
  const first = transition(after('accepted', 'rejected'), fact('recorded'), defaultRules)
  t.equal(first.state.contradictions.length, 1)
  const second = transition(first.state, fact('recorded', { messageId: 'another' }), defaultRules)
  t.strictSame([second.verdict, second.effects, second.state === first.state], ['contradiction', [], true])
})

await t.test('contradictions kept are bounded', async (t) => {
  let state = after('accepted', 'rejected')
  for (let n = 0; n < 60; n++) state = transition(state, fact('recorded', { opinion: `${n}` }), defaultRules).state
  t.equal(state.contradictions.length, 50)
})

await t.test('the same fact in other words is a contradiction that names the members', async (t) => {
  const step = transition(
    after('accepted'),
    fact('accepted', { occurredAt: '2026-11-09T14:00:01+08:00' }),
    defaultRules,
  )
  t.equal(step.verdict, 'contradiction')
  t.match(step.effects, [{ kind: 'raise', reason: 'content-differs', members: ['occurredAt'] }])
  const sameInstant = transition(
    after('accepted'),
    fact('accepted', { occurredAt: '2026-11-09T06:00:00Z' }),
    defaultRules,
  )
  t.equal(sameInstant.verdict, 'known')
  const lessSaid = transition(after(fact('accepted', { by: '受理员一' })), fact('accepted'), defaultRules)
  t.equal(lessSaid.verdict, 'known')
})

await t.test('a correction asked on a day after the acceptance is a contradiction', async (t) => {
  const late = fact('correction-requested', { occurredAt: '2026-11-10T09:00:00+08:00' })
  t.equal(reasonOf(transition(after('accepted'), late, defaultRules)), 'correction-after-acceptance')
})

await t.test('corrections go round: asked, submitted again, asked again', async (t) => {
  const rounds = [1, 2].flatMap((round) => [fact('submitted', { round }), fact('correction-requested', { round })])
  t.equal(part(after(...rounds.slice(0, 3))).state, 'submitted')
  t.equal(part(after(...rounds)).state, 'correction-requested')
  const shuffled = after(rounds[2] as Fact, rounds[0] as Fact, rounds[1] as Fact)
  t.equal(part(shuffled).state, 'submitted')
})

await t.test('the request facet is cleared by the answer it waits for', async (t) => {
  const withdrawing: CaseState = { ...after('accepted'), request: 'withdrawal-pending' }
  t.equal(transition(withdrawing, fact('review-step'), defaultRules).state.request, 'withdrawal-pending')
  t.equal(transition(withdrawing, fact('withdrawal-refused'), defaultRules).state.request, 'none')
  t.equal(transition(withdrawing, fact('withdrawn'), defaultRules).state.request, 'none')
  t.equal(transition(withdrawing, fact('recorded'), defaultRules).state.request, 'none')
  const corrected: CaseState = { ...after('submitted', 'correction-requested'), request: 'correction-sent' }
  t.equal(transition(corrected, fact('fee-due'), defaultRules).state.request, 'correction-sent')
  t.equal(transition(corrected, fact('submitted', { round: 2 }), defaultRules).state.request, 'none')
})

await t.test('the clock runs from acceptance, pauses for a named procedure, stops at the end', async (t) => {
  t.strictSame(part(after('submitted')).clock, { state: 'not-started', startedAt: null, reason: null })
  const startedAt = fact('accepted').occurredAt
  t.strictSame(part(after('accepted')).clock, { state: 'running', startedAt, reason: null })
  const paused = after('accepted', fact('procedure-started', { procedure: '实地查看' }))
  t.strictSame(part(paused).clock, { state: 'paused', startedAt, reason: '实地查看' })
  t.equal(part(transition(paused, fact('procedure-ended'), defaultRules).state).clock.state, 'running')
  t.equal(part(transition(paused, fact('recorded'), defaultRules).state).clock.state, 'stopped')
  t.equal(part(after('review-step')).clock.state, 'running')
  t.equal(part(after('review-step', 'accepted')).clock.startedAt, startedAt, 'an acceptance told late starts it')
  const backwards = fact('procedure-ended', { occurredAt: '2026-11-09T15:00:00+08:00' })
  t.equal(reasonOf(transition(paused, backwards, defaultRules)), 'procedure-ends-before-start')
})

await t.test('early facts are joined in the call that unlocks them, oldest first', async (t) => {
  let state = after('submitted')
  for (const name of ['certificate-released', 'certificate-made', 'procedure-ended', 'register-entry'] as const) {
    state = transition(state, fact(name), defaultRules).state
  }
  state = transition(state, fact('procedure-started'), defaultRules).state
  t.equal(state.waiting.length, 5)
  t.equal(transition(state, fact('certificate-made'), defaultRules).verdict, 'known', 'what waits already is known')
  const differing = transition(state, fact('certificate-made', { unitNumber: otherUnit }), defaultRules)
  t.equal(reasonOf(differing), 'content-differs')
  const acceptance = transition(state, fact('accepted'), defaultRules)
  t.strictSame(
    acceptance.events.map((event) => event.type),
    ['accepted', 'procedure-started', 'procedure-ended'],
  )
  const recording = transition(acceptance.state, fact('recorded'), defaultRules)
  t.strictSame(
    recording.events.map((event) => event.type),
    ['recorded', 'certificate-made', 'certificate-released', 'register-entry'],
  )
  t.strictSame(recording.state.waiting, [])
})

await t.test('what waits is joined in the order in which it happened, and what needs another after it', async (t) => {
  const at = (hour: number): string => `2026-11-10T${hour}:00:00+08:00`
  let state = after('accepted')
  const late = fact('register-entry', { subject: otherUnit, occurredAt: at(12) })
  const early = fact('register-entry', { occurredAt: at(11) })
  const released = fact('certificate-released', { occurredAt: at(10) })
  const made = fact('certificate-made', { occurredAt: at(13) })
  for (const one of [late, early, released, made]) state = transition(state, one, defaultRules).state
  const step = transition(state, fact('recorded'), defaultRules)
  t.strictSame(
    step.events.slice(1).map((event) => event.fact),
    [early, late, made, released],
  )
})

await t.test('of two early facts the one that unlocks the other may stand behind it in time', async (t) => {
  const rules = { ...defaultRules, certificateLockedUntilPaid: true }
  let state = after('accepted', 'fee-paid')
  const released = fact('certificate-released', { occurredAt: '2026-11-09T10:00:00+08:00' })
  const entry = fact('register-entry', { occurredAt: '2026-11-09T20:00:00+08:00' })
  const made = fact('certificate-made', { occurredAt: '2026-11-09T11:00:00+08:00' })
  for (const one of [entry, released, made]) state = transition(state, one, rules).state
  const step = transition(state, fact('recorded'), rules)
  t.strictSame(
    step.events.slice(1).map((event) => event.type),
    ['certificate-made', 'certificate-released', 'register-entry'],
  )
})

await t.test('what waits for a recording is raised when the case is rejected instead', async (t) => {
  const state = transition(after('accepted'), fact('certificate-made'), defaultRules).state
  const step = transition(state, fact('rejected'), defaultRules)
  t.equal(step.verdict, 'applied')
  t.equal(reasonOf(step), 'not-recorded')
  t.strictSame(step.state.waiting, [])
})

await t.test('entries and certificates of units that the part has not are refused', async (t) => {
  const state = after('recorded')
  const foreign = '420222001003GB00057F00999999'
  t.equal(reasonOf(transition(state, fact('register-entry', { subject: foreign }), defaultRules)), 'unit-not-in-part')
  t.equal(
    reasonOf(transition(state, fact('certificate-made', { unitNumber: foreign }), defaultRules)),
    'unit-not-in-part',
  )
  const twice = fact('certificate-made', { subject: '鄂(2026)阳新县不动产证明第0019999号' })
  t.equal(reasonOf(transition(after('recorded', 'certificate-made'), twice, defaultRules)), 'unit-has-certificate')
  const fullWidth = fact('certificate-made', { subject: '鄂（2026）阳新县不动产证明第0010421号' })
  t.equal(transition(after('recorded', 'certificate-made'), fullWidth, defaultRules).verdict, 'known')
})

await t.test('a certificate locked until payment is released by the payment', async (t) => {
  const rules = { ...defaultRules, certificateLockedUntilPaid: true }
  const made = after('recorded', 'fee-due', 'certificate-made')
  const early = transition(made, fact('certificate-released'), rules)
  t.equal(early.verdict, 'early')
  const paid = transition(early.state, fact('fee-paid', { saidBy: 'payment' }), rules)
  t.strictSame(
    paid.events.map((event) => event.type),
    ['fee-paid', 'certificate-released'],
  )
})

await t.test('a made certificate is fetched; its bytes stay out of events and state', async (t) => {
  const file = { name: 'a.pdf', content: 'QUJD', size: 3, digest: { algorithm: 'sm3', value: 'ab' } }
  const made = fact('certificate-made', { certificate: { number: certificate, file } })
  const step = transition(after('recorded'), made, defaultRules)
  t.match(step.effects, [
    { kind: 'fetch-certificate', part: 1, subject: certificate, unitNumber: unit, file: { content: 'QUJD' } },
  ])
  t.notMatch(JSON.stringify([step.state, step.events]), /QUJD/)
  const elsewhere = { ...file, content: null, location: 'b.pdf' }
  const again = transition(
    step.state,
    fact('certificate-made', { certificate: { number: certificate, file: elsewhere } }),
    defaultRules,
  )
  t.equal(again.verdict, 'known', 'the same file at another place is the same certificate')
  t.equal(reasonOf(transition(after('recorded'), fact('certificate-made'), defaultRules)), 'certificate-without-file')
})

await t.test(
  'a certificate whose number is not that of the register entry is raised, whichever came first',
  async (t) => {
    const entry = fact('register-entry', {
      entry: { unitNumber: unit, proofNumber: '鄂(2026)阳新县不动产证明第0000001号' },
    })
    const made = fact('certificate-made', { certificate: { number: certificate, file: { name: 'a.pdf' } } })
    for (const [first, second] of [
      [entry, made],
      [made, entry],
    ] as const) {
      t.equal(reasonOf(transition(after('recorded', first), second, defaultRules)), 'certificate-number-differs')
    }
  },
)

await t.test('a fact of a part that is not there, and another registry number, are contradictions', async (t) => {
  t.equal(reasonOf(transition(after(), fact('accepted', { part: 2 }), defaultRules)), 'part-unknown')
  const numbered = after(fact('submitted', { registryNumber: '202611090037' }))
  t.equal(numbered.registryNumber, '202611090037')
  const foreign = fact('accepted', { registryNumber: '202611090038' })
  t.equal(reasonOf(transition(numbered, foreign, defaultRules)), 'registry-number-differs')
  const provisional = fact('accepted', { registryNumber: part(numbered).provisionalNumber })
  t.equal(transition(numbered, provisional, defaultRules).verdict, 'applied')
})

await t.test('the platform acknowledgement brings the number and releases what waits for it', async (t) => {
  const step = transition(after(), fact('platform-acknowledged'), defaultRules)
  t.equal(step.state.platformNumber, 'SN1')
  t.match(step.effects, [{ kind: 'release-after', fact: 'platform-acknowledged' }])
  const later = fact('platform-acknowledged', { occurredAt: '2026-11-10T00:00:00+08:00', part: 0 })
  t.equal(transition(step.state, later, defaultRules).verdict, 'known')
  const other = fact('platform-acknowledged', { platformNumber: 'SN2' })
  t.equal(reasonOf(transition(step.state, other, defaultRules)), 'content-differs')
})
