import { currentTrace, traceparentText } from '../base/trace-context.ts'
import type { Rows, Step } from '../db/batch.ts'
import { type Change, clearReason, type LiveMessage } from './message.ts'
import type { Sealer } from './sealer.ts'
import {
  changedMessages,
  depthChanges,
  finishedMessages,
  insertedMessages,
  lockMessages,
  replacedMessages,
  sealContext,
} from './store.ts'

/** A message to be sent. */
export interface Appended {
  id: string
  endpoint: string
  channel: string
  /** From the case's counter, never given twice: orders the case's messages. */
  position: number
  kind: string
  number: string
  documentVersion: number
  /** What a relay tells; sealed here. */
  source?: Buffer
  /** Hold it until this fact of its case. Left out when the fact is known already. */
  afterFact?: string
  /** Hold it until this other case lets it go. */
  dependsOn?: string
  /** Not to be sent sooner than this long from now; default 0. */
  dueInMs?: number
}

/** A message that takes the place of a dead one. */
export interface Replacement {
  id: string
  number: string
  documentVersion: number
  source?: Buffer
}

type Wake = (endpoint: string) => void

/**
 * The live messages of one case under lock: a stream a channel, in order of position, of which only the head may be
 * sent. Members of one batch share one of these. Whoever appends holds the case's lock.
 *
 * Its methods change it at once and give the rows to the member; a member that throws loses its rows, so what may throw
 * after a change here runs inside `undoOnThrow`.
 */
export class CaseStreams {
  readonly caseId: string
  #messages: LiveMessage[]
  readonly #sealer: Sealer
  readonly #wake: Wake

  /** @internal */
  constructor(caseId: string, messages: LiveMessage[], sealer: Sealer, wake: Wake) {
    this.caseId = caseId
    this.#messages = messages
    this.#sealer = sealer
    this.#wake = wake
  }

  /** Live messages, dead ones included, by channel and position. */
  get messages(): readonly LiveMessage[] {
    return this.#messages
  }

  find(id: string): LiveMessage | undefined {
    return this.#messages.find((message) => message.id === id)
  }

  /** Puts everything here back as it was when `work` throws. */
  undoOnThrow<T>(work: () => T): T {
    const before = this.#messages.map((message) => ({ ...message, change: { ...message.change } }))
    const same = [...this.#messages]
    try {
      return work()
    } catch (error) {
      this.#messages = same
      for (const [i, message] of same.entries()) {
        const { change, ...fields } = before[i] as LiveMessage
        Object.assign(message, fields)
        Object.assign(message.change, change)
      }
      throw error
    }
  }

  append(rows: Rows, appended: Appended): LiveMessage {
    if (this.#messages.some(({ channel, position }) => channel === appended.channel && position === appended.position))
      throw new Error(`position ${appended.position} of ${appended.channel} was given twice`)
    const trace = currentTrace()
    const message = this.#newMessage({
      ...appended,
      supersedes: null,
      traceparent: trace === null ? null : traceparentText(trace),
      dueInMs: appended.dueInMs ?? 0,
    })
    this.#insert(message)
    this.#stand(message)
    rows.add(insertedMessages, message)
    depth(rows, message, { live: 1, taken: 1 })
    this.#wakeIfReady(rows, message)
    return message
  }

  /** A fact became known: messages held for it may go. */
  release(rows: Rows, fact: string): void {
    for (const message of this.#messages) {
      if (message.afterFact !== fact) continue
      message.afterFact = null
      this.#letGo(rows, message)
    }
  }

  /** Another case let go of those that depended on it. */
  releaseDependents(rows: Rows, caseId: string): void {
    for (const message of this.#messages) {
      if (message.dependsOn !== caseId) continue
      message.dependsOn = null
      this.#letGo(rows, message)
    }
  }

  finish(rows: Rows, message: LiveMessage, receipt: string | null): void {
    this.#leave(message)
    rows.add(finishedMessages, { id: message.id, state: 'delivered', why: null, receipt })
    depth(rows, message, { live: -1, delivered: 1 })
    this.#promote(rows, message.channel)
  }

  retryLater(rows: Rows, message: LiveMessage, waitMs: number, why: string): void {
    this.#wait(rows, message, { from: 'now', ms: waitMs }, why)
    depth(rows, message, { retried: 1 })
  }

  /** It may have arrived: `question` is asked, no sooner than `waitMs` after the lease's end. */
  startInquiry(rows: Rows, message: LiveMessage, question: string, waitMs: number, why: string): void {
    message.inquiry = question
    message.inquiries = 0
    message.unclear = 0
    this.#wait(rows, message, { from: 'lease', ms: waitMs }, why)
  }

  /** The inquiry goes on; its counts are the caller's to raise first. */
  inquireLater(rows: Rows, message: LiveMessage, waitMs: number, why: string): void {
    this.#wait(rows, message, { from: 'now', ms: waitMs }, why)
  }

  /** It is certain that it did not arrive: the same bytes again. */
  sendAgain(rows: Rows, message: LiveMessage, why: string): void {
    endInquiry(message)
    this.#wait(rows, message, { from: 'now', ms: 0 }, why)
    depth(rows, message, { retried: 1 })
  }

  /** A dead letter: only a person moves it on. Blocks its own stream. */
  park(rows: Rows, message: LiveMessage, why: string): void {
    const wasDead = message.state === 'dead'
    message.state = 'dead'
    message.why = clearReason(why)
    message.change.lease = 'clear'
    this.#change(rows, message)
    if (!wasDead) depth(rows, message, { live: -1, dead: 1 })
  }

  /** One step of it arrived: the next is sent under the same lease, renewed. */
  continueWithCursor(rows: Rows, message: LiveMessage, leaseMs: number): void {
    message.cursor += 1
    message.attempts = 0
    message.hasRendered = false
    message.change.rendered = 'clear'
    message.change.lease = { renewMs: leaseMs }
    this.#change(rows, message)
  }

  keepRendered(rows: Rows, message: LiveMessage, bytes: Buffer, mapping: string): void {
    message.hasRendered = true
    message.change.rendered = { sealed: this.#sealer.seal(bytes, sealContext.rendered(message.id)), mapping }
    this.#change(rows, message)
  }

  /** Claimed and not begun: as if it had not been claimed. */
  handBack(rows: Rows, message: LiveMessage): void {
    this.#wait(rows, message, { from: 'now', ms: 0 }, message.why ?? 'handed back')
  }

  /** A dead one goes on where it stopped: what was asked about is asked about again, else the same bytes. */
  revive(rows: Rows, message: LiveMessage): void {
    if (message.state !== 'dead') throw new Error('only a dead message is revived')
    message.attempts = 0
    message.inquiries = 0
    message.unclear = 0
    message.state = 'queued'
    message.change.due = { from: 'now', ms: 0 }
    depth(rows, message, { live: 1, dead: -1 })
    this.#letGo(rows, message)
  }

  /** Leaves the stream unsent. One that is being sent or asked about cannot: it may have arrived. */
  withdraw(rows: Rows, message: LiveMessage, why: string): void {
    if (message.state === 'sending' || message.inquiry !== null)
      throw new Error('a message that may have arrived cannot be withdrawn')
    this.giveUp(rows, message, why)
  }

  /** Leaves the stream, not delivered: the peer has been asked, and has gone on without it. */
  giveUp(rows: Rows, message: LiveMessage, why: string): void {
    this.#leave(message)
    rows.add(finishedMessages, { id: message.id, state: 'superseded', why: clearReason(why), receipt: null })
    depth(rows, message, message.state === 'dead' ? { dead: -1 } : { live: -1 })
    this.#promote(rows, message.channel)
  }

  /** A new message, rendered anew, takes a dead one's place in its stream. */
  supersede(rows: Rows, message: LiveMessage, by: Replacement, why: string): LiveMessage {
    if (message.state !== 'dead') throw new Error('only a dead message is superseded')
    this.#leave(message)
    rows.add(replacedMessages, { id: message.id, state: 'superseded', why: clearReason(why), receipt: null })
    depth(rows, message, { dead: -1 })
    const { endpoint, channel, position, kind, traceparent } = message
    const next = this.#newMessage({
      ...by,
      endpoint,
      channel,
      position,
      kind,
      dueInMs: 0,
      supersedes: message.id,
      traceparent,
    })
    this.#insert(next)
    this.#stand(next)
    rows.add(insertedMessages, next)
    depth(rows, next, { live: 1, taken: 1 })
    this.#wakeIfReady(rows, next)
    return next
  }

  #newMessage(
    from: Omit<Appended, 'dueInMs'> & { supersedes: string | null; traceparent: string | null; dueInMs: number },
  ): LiveMessage {
    const source = from.source === undefined ? null : this.#sealer.seal(from.source, sealContext.source(from.id))
    const change: Change = {
      due: { from: 'now', ms: from.dueInMs },
      lease: 'keep',
      rendered: 'keep',
      isNew: true,
      source,
    }
    return {
      id: from.id,
      endpoint: from.endpoint,
      caseId: this.caseId,
      channel: from.channel,
      position: from.position,
      kind: from.kind,
      number: from.number,
      documentVersion: from.documentVersion,
      supersedes: from.supersedes,
      traceparent: from.traceparent,
      fence: 0,
      hasRendered: false,
      state: 'queued',
      afterFact: from.afterFact ?? null,
      dependsOn: from.dependsOn ?? null,
      why: null,
      attempts: 0,
      inquiry: null,
      inquiries: 0,
      unclear: 0,
      cursor: 0,
      leaseOver: false,
      change,
    }
  }

  #insert(message: LiveMessage): void {
    this.#messages.push(message)
    this.#messages.sort((a, b) => (a.channel === b.channel ? a.position - b.position : a.channel < b.channel ? -1 : 1))
  }

  #leave(message: LiveMessage): void {
    this.#messages = this.#messages.filter((other) => other !== message)
  }

  #head(channel: string): LiveMessage | undefined {
    return this.#messages.find((message) => message.channel === channel)
  }

  /** Queued behind another or for a cause of its own, or ready. */
  #stand(message: LiveMessage): void {
    const held = heldBy(message)
    if (held === null && this.#head(message.channel) === message) {
      message.state = 'ready'
      message.why = null
    } else {
      message.state = 'queued'
      message.why = held ?? 'behind another message'
    }
  }

  #letGo(rows: Rows, message: LiveMessage): void {
    if (message.state !== 'queued') return this.#change(rows, message)
    this.#stand(message)
    this.#change(rows, message)
    this.#wakeIfReady(rows, message)
  }

  #promote(rows: Rows, channel: string): void {
    const head = this.#head(channel)
    if (head === undefined || head.state !== 'queued') return
    this.#letGo(rows, head)
  }

  #wait(rows: Rows, message: LiveMessage, due: NonNullable<Change['due']>, why: string): void {
    message.state = 'waiting'
    message.why = clearReason(why)
    message.change.due = due
    message.change.lease = 'clear'
    this.#change(rows, message)
    if (due.from === 'now' && due.ms === 0) rows.afterCommit(() => this.#wake(message.endpoint))
  }

  #change(rows: Rows, message: LiveMessage): void {
    rows.add(changedMessages, message)
  }

  #wakeIfReady(rows: Rows, message: LiveMessage): void {
    if (message.state === 'ready') rows.afterCommit(() => this.#wake(message.endpoint))
  }
}

export interface CaseStreamsStep extends Step<string, CaseStreams> {
  /** Of cases that begin in this very transaction: there is nothing to lock or load. */
  readonly ofNew: Step<string, CaseStreams>
}

/**
 * The step that locks and loads the streams of cases by their ids. One of these a process: members of one batch that
 * ask for the same case get the same object.
 * @param wake called after a commit for each endpoint that got work.
 */
export function caseStreamsStep(sealer: Sealer, wake: Wake): CaseStreamsStep {
  return {
    name: 'case streams',
    order: 70,
    run: async (tx, asks) => {
      const caseIds = [...new Set(asks)].sort()
      const loaded = new Map<string, LiveMessage[]>(caseIds.map((caseId) => [caseId, []]))
      for (const message of await lockMessages(tx, caseIds)) loaded.get(message.caseId)?.push(message)
      const streams = new Map(
        [...loaded].map(([caseId, messages]) => [caseId, new CaseStreams(caseId, messages, sealer, wake)]),
      )
      return asks.map((caseId) => streams.get(caseId) as CaseStreams)
    },
    ofNew: {
      name: 'streams of new cases',
      order: 71,
      run: async (_tx, caseIds) => caseIds.map((caseId) => new CaseStreams(caseId, [], sealer, wake)),
    },
  }
}

function heldBy(message: LiveMessage): string | null {
  if (message.dependsOn !== null) return `until case ${message.dependsOn} lets it go`
  return message.afterFact === null ? null : `until ${message.afterFact} is known`
}

function endInquiry(message: LiveMessage): void {
  message.inquiry = null
  message.inquiries = 0
  message.unclear = 0
}

function depth(
  rows: Rows,
  message: LiveMessage,
  change: Partial<Record<'live' | 'dead' | 'taken' | 'delivered' | 'retried', number>>,
): void {
  rows.add(depthChanges, {
    endpoint: message.endpoint,
    live: 0,
    dead: 0,
    taken: 0,
    delivered: 0,
    retried: 0,
    ...change,
  })
}
