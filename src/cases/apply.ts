import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { Act, TraceRecord } from '../trace/record.ts'
import { concernContext } from './concern.ts'
import type { CaseEvent, Effect } from './effects.ts'
import type { Fact } from './facts.ts'
import { polls } from './polls.ts'
import { nextQuestion } from './questions.ts'
import type { CaseRules, CaseState } from './state.ts'
import { type CaseHold, caseUpdates, concernInserts, eventInserts, type Sealer, sealEvent, toStored } from './store.ts'
import { summary } from './summary.ts'
import { transition, type Verdict } from './transition.ts'

/** What applying facts needs of the rest of the gateway. */
export interface CaseMeans {
  rules: CaseRules
  sealer: Sealer
  clock: Clock
  record(act: Act): TraceRecord
  /** Endpoints of the channels, as delivery names them. */
  endpoints: { platform: string; registry: string }
  /** First wait before the registry is asked about a case that it has just got. */
  pollFirstMs: number
  /** How long the registry is left to answer a withdrawal that it has before another may be asked. */
  withdrawalAgainMs: number
  /** Told after each commit that wrote events of a bank: a hint, never a fact. */
  onEvents?: (bankId: string) => void
}

/** What a relay tells the platform. A result is told together with the register's entries, read when it is rendered. */
export interface RelaySource {
  part: number
  fact: Fact
}

/** What is to be fetched: a certificate's file, and what is known of it. */
export interface CertificateSource {
  part: number
  subject: string
  unitNumber: string | null
  file: Extract<Effect, { kind: 'fetch-certificate' }>['file']
  certificate: unknown
}

const CERTIFICATE_CHANNEL = 'certificate'
export const CERTIFICATE_KIND = 'CERTIFICATE-FILE'

/**
 * Joins facts to a case under its lock and gives every row that follows: state, events, messages to the platform, what
 * is to be fetched or asked, what a person must see, and a trace record for each fact that counts. The hold and the
 * streams change only when all of it succeeded, so that a neighbour in the same batch never sees half of it.
 */
export function applyFacts(
  hold: CaseHold,
  streams: CaseStreams,
  facts: readonly Fact[],
  rows: Rows,
  means: CaseMeans,
): Verdict[] {
  let memory = hold.memory
  const verdicts: Verdict[] = []
  const events: CaseEvent[] = []
  const effects: Effect[] = []
  const records: TraceRecord[] = []
  for (const fact of facts) {
    const joined = transition(memory, fact, means.rules)
    verdicts.push(joined.verdict)
    events.push(...joined.events)
    effects.push(...joined.effects)
    if (joined.verdict === 'applied') records.push(...joined.events.map((event) => eventRecord(hold, event, means)))
    else if (joined.verdict === 'contradiction' && joined.effects.length > 0)
      records.push(contradictionRecord(hold, fact, means))
    memory = joined.state
  }
  if (memory === hold.memory) return verdicts

  streams.undoOnThrow(() => {
    const now = means.clock.now()
    const positions = { next: hold.nextPosition }
    for (const record of records) record.addTo(rows)
    for (const event of events) addEvent(hold, event, rows, means)
    for (const effect of effects) addEffect(hold, streams, effect, events, positions, rows, means)
    addQuestion(hold, memory, effects, rows, means)
    const clear = summary(memory)
    const changed: CaseHold = {
      ...hold,
      memory,
      platformNumber: memory.platformNumber,
      registryNumber: memory.registryNumber,
      state: clear.state,
      facets: clear,
      nextPosition: positions.next,
      completedAt: memory.completed ? (hold.completedAt ?? now) : null,
      updatedAt: now,
    }
    rows.add(caseUpdates, toStored(changed, means.sealer))
    Object.assign(hold, changed)
  })
  return verdicts
}

function addEvent(hold: CaseHold, event: CaseEvent, rows: Rows, means: CaseMeans): void {
  const id = newId()
  rows.add(eventInserts, {
    id,
    case_id: hold.id,
    bank_id: hold.bankId,
    type: event.type,
    part: event.part,
    at: means.clock.now(),
    sealed: sealEvent(id, eventBody(id, hold, event, means.clock.now()), means.sealer),
  })
  rows.afterCommit(() => means.onEvents?.(hold.bankId))
}

/** An event as the bank reads it: the fact's content with how it changed the case. */
function eventBody(
  id: string,
  hold: Pick<CaseHold, 'id' | 'bankReference'>,
  event: CaseEvent,
  at: Date,
): Record<string, unknown> {
  const { fact } = event
  const content: Record<string, unknown> = fact === null ? {} : { ...fact }
  for (const inner of ['messageId', 'reportedIn', 'fact', 'part', 'occurredAt']) delete content[inner]
  // Where the registry keeps the file is no business of the bank's; it fetches the certificate here.
  const certificate = content['certificate'] as { file?: Record<string, unknown> } | undefined
  if (certificate?.file !== undefined) {
    const { location: _location, content: _content, ...file } = certificate.file
    content['certificate'] = { ...certificate, file }
  }
  return {
    id,
    caseId: hold.id,
    bankReference: hold.bankReference,
    type: event.type,
    part: event.part,
    occurredAt: event.occurredAt,
    knownAt: at.toISOString(),
    before: event.before,
    after: event.after,
    ...(event.differences === undefined ? {} : { differences: event.differences }),
    ...content,
  }
}

function addEffect(
  hold: CaseHold,
  streams: CaseStreams,
  effect: Effect,
  events: readonly CaseEvent[],
  positions: { next: number },
  rows: Rows,
  means: CaseMeans,
): void {
  switch (effect.kind) {
    case 'release-after':
      streams.release(rows, effect.fact)
      return
    case 'relay':
      append({
        endpoint: means.endpoints.platform,
        channel: 'platform',
        kind: effect.type,
        source: { part: effect.part, fact: effect.fact },
      })
      return
    case 'fetch-certificate': {
      const { part, subject, unitNumber, file } = effect
      const made = events.find(({ fact }) => fact?.fact === 'certificate-made' && fact.subject === subject)
      const source: CertificateSource = {
        part,
        subject,
        unitNumber,
        file,
        certificate: made?.fact?.['certificate'] ?? null,
      }
      append({ endpoint: means.endpoints.registry, channel: CERTIFICATE_CHANNEL, kind: CERTIFICATE_KIND, source })
      return
    }
    case 'raise': {
      const id = newId()
      rows.add(concernInserts, {
        id,
        case_id: hold.id,
        message_id: null,
        kind: effect.reason,
        at: means.clock.now(),
        sealed: means.sealer.seal(
          Buffer.from(JSON.stringify({ fact: effect.fact, members: effect.members ?? [] })),
          concernContext(id),
        ),
      })
      return
    }
    case 'poll':
      return
    default:
      effect satisfies never
  }

  function append(message: {
    endpoint: string
    channel: string
    kind: string
    source: RelaySource | CertificateSource
  }): void {
    const id = newId()
    streams.append(rows, {
      id,
      endpoint: message.endpoint,
      channel: message.channel,
      position: positions.next,
      kind: message.kind,
      number: id.replaceAll('-', ''),
      documentVersion: hold.documentVersion,
      source: Buffer.from(JSON.stringify(message.source)),
    })
    positions.next += 1
    means
      .record({
        type: 'message-queued',
        at: means.clock.now(),
        actors: { bankId: hold.bankId, system: 'gateway' },
        caseId: hold.id,
        facts: { endpoint: message.endpoint, kind: message.kind, messageId: id },
      })
      .addTo(rows)
  }
}

/** A question that changed is asked at once, but the registry gets time for a case that it has only just been sent. */
function addQuestion(
  hold: CaseHold,
  memory: CaseState,
  effects: readonly Effect[],
  rows: Rows,
  means: CaseMeans,
): void {
  if (!effects.some(({ kind }) => kind === 'poll')) return
  const isFirst = nextQuestion(hold.memory) === null
  const due_at =
    nextQuestion(memory) === null ? null : new Date(means.clock.now().getTime() + (isFirst ? means.pollFirstMs : 0))
  rows.add(polls, { case_id: hold.id, endpoint: means.endpoints.registry, due_at, step: 0 })
}

function eventRecord(hold: CaseHold, event: CaseEvent, means: CaseMeans): TraceRecord {
  const { fact } = event
  return means.record({
    type: event.type === 'certificate-released' ? 'certificate-released' : 'fact-applied',
    at: means.clock.now(),
    actors: { bankId: hold.bankId, system: fact?.saidBy ?? 'gateway' },
    caseId: hold.id,
    outcome: event.type,
    facts: {
      part: event.part,
      round: fact?.round,
      before: event.before,
      after: event.after,
      reportedIn: fact?.reportedIn,
    },
    personal: { subject: fact?.subject, registryNumber: fact?.registryNumber },
  })
}

function contradictionRecord(hold: CaseHold, fact: Fact, means: CaseMeans): TraceRecord {
  return means.record({
    type: 'contradiction-raised',
    at: means.clock.now(),
    actors: { bankId: hold.bankId, system: fact.saidBy },
    caseId: hold.id,
    outcome: fact.fact,
    facts: { part: fact.part, round: fact.round, reportedIn: fact.reportedIn },
    personal: { subject: fact.subject, registryNumber: fact.registryNumber },
  })
}
