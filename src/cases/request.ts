import { newId } from '../base/id.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { CaseMeans } from './apply.ts'
import { type CaseState, caseStateName } from './state.ts'
import { type CaseHold, caseUpdates, eventInserts, sealEvent, toStored } from './store.ts'
import { summary } from './summary.ts'

/** A message that carries what was asked; `source` is what it tells, kept sealed. */
export interface RequestMessage {
  channel: 'platform' | 'registry'
  kind: string
  /** BizMsgID; at the platform the message's own id is its unid. */
  number?: string
  source: unknown
}

/** What was asked of a case and what is sent for it. The state of its parts stays: only the registry moves that. */
export interface Request {
  type: 'withdrawal-requested' | 'correction-answered'
  part: number
  at: string
  memory: CaseState
  documentVersion: number
  /** What the event tells beside the usual. */
  content: Record<string, unknown>
  messages: readonly RequestMessage[]
}

/**
 * Rows of a request: the case with its request facet, the event, and the messages, behind whatever their streams hold.
 * The hold and the streams change only when all of it succeeded.
 */
export function addRequest(hold: CaseHold, streams: CaseStreams, request: Request, rows: Rows, means: CaseMeans): void {
  streams.undoOnThrow(() => {
    const now = means.clock.now()
    const { memory, documentVersion } = request
    let { nextPosition } = hold
    const messageIds = request.messages.map((message) => {
      const id = newId()
      streams.append(rows, {
        id,
        endpoint: means.endpoints[message.channel],
        channel: message.channel,
        position: nextPosition,
        kind: message.kind,
        number: message.number ?? id.replaceAll('-', ''),
        documentVersion,
        source: Buffer.from(JSON.stringify(message.source)),
        // As the case itself goes: the platform's number comes first.
        ...(memory.platformNumber === null ? { afterFact: 'platform-acknowledged' } : {}),
      })
      nextPosition += 1
      return id
    })
    addRequestEvent(hold, request, now, rows, means)
    if (messageIds.length > 0) {
      means
        .record({
          type: 'message-queued',
          at: now,
          actors: { bankId: hold.bankId, system: 'gateway' },
          caseId: hold.id,
          facts: { kinds: request.messages.map(({ channel, kind }) => `${channel}/${kind}`), messageIds },
        })
        .addTo(rows)
    }
    const clear = summary(memory)
    const changed: CaseHold = {
      ...hold,
      memory,
      documentVersion,
      state: clear.state,
      facets: clear,
      nextPosition,
      updatedAt: now,
    }
    rows.add(caseUpdates, toStored(changed, means.sealer))
    Object.assign(hold, changed)
  })
}

function addRequestEvent(hold: CaseHold, request: Request, now: Date, rows: Rows, means: CaseMeans): void {
  const id = newId()
  const { type, part } = request
  const state = caseStateName(request.memory)
  const body = {
    id,
    caseId: hold.id,
    bankReference: hold.bankReference,
    type,
    part,
    occurredAt: request.at,
    knownAt: now.toISOString(),
    before: state,
    after: state,
    ...request.content,
  }
  rows.add(eventInserts, {
    id,
    case_id: hold.id,
    bank_id: hold.bankId,
    type,
    part,
    at: now,
    sealed: sealEvent(id, body, means.sealer),
  })
  rows.afterCommit(() => means.onEvents?.(hold.bankId))
}
