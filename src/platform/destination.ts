import { createHash, randomUUID } from 'node:crypto'
import type { Acknowledgement } from '../base/canonical.ts'
import type { Outcome } from '../base/outcome.ts'
import { applyFacts, type CaseMeans } from '../cases/apply.ts'
import { raiseContradiction } from '../cases/concern.ts'
import { contexts, messageContexts, type Site } from '../cases/contexts.ts'
import type { FormField } from '../cases/correct.ts'
import { fileToSend } from '../cases/file-to-send.ts'
import { platformNumberGate, takeNumber } from '../cases/platform-number.ts'
import { pushRecord } from '../cases/push-record.ts'
import { type CaseHold, readCase, readDocument } from '../cases/store.ts'
import { ask, type Step } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import type { Deadline } from '../delivery/deadline.ts'
import type { ClaimedMessage, Destination, Rendered, SendResult, Settlement } from '../delivery/destination.ts'
import type { Reply } from '../http/call.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'
import { renderMessage } from '../mapping/render.ts'
import type { Files } from '../materials/files.ts'
import type { PlatformClient } from './client.ts'
import { inboxWakes } from './inbox.ts'
import { toldOf } from './told.ts'

export interface PlatformMeans {
  endpoint: string
  profile: string
  concurrency: number
  leaseMs: number
  timeoutMs: number
  pool: Pool
  cases: CaseMeans
  caseLock: Step<string, CaseHold | null>
  client: PlatformClient
  mappings: MappingSet
  files: Files
  site: Site
  formField: FormField
}

/**
 * What is pushed to 一事联办: material files, the case (10), what the bank asks of it (22 answered, 26), and what the
 * registry said of it (20, 22, 30). The platform knows its messages by `unid` and its files by their digest, so after an
 * unknown outcome the same bytes go again.
 */
export function platformDestination(means: PlatformMeans): Destination {
  const acknowledgement = means.mappings.inward(`${means.profile}/99`)
  const readAcknowledgement = (bytes: Buffer): Acknowledgement =>
    acknowledgement.read(
      bytes,
      messageContexts({ id: randomUUID(), createdAt: means.cases.clock.now() }, means.site),
    ) as unknown as Acknowledgement

  return {
    endpoint: means.endpoint,
    channel: 'platform',
    concurrency: means.concurrency,
    leaseMs: means.leaseMs,
    timeoutMs: means.timeoutMs,
    peerMaximumMs: means.timeoutMs,
    afterUnknown: () => 'resend',
    inquire: async () => ({ kind: 'unclear', reason: 'the platform has no look-up' }),
    render: (message) => render(means, message),
    send: (message, rendered, deadline) =>
      message.kind === 'MATERIALS'
        ? sendFile(means, message, deadline)
        : sendMessage(means, message, rendered, deadline, readAcknowledgement),
    settle: (message, result) => settle(means, message, result),
  }
}

async function render(means: PlatformMeans, message: ClaimedMessage): Promise<Rendered | null> {
  // A file is its own bytes.
  if (message.kind === 'MATERIALS') return null
  const [head, document] = await Promise.all([
    readCase(means.pool, message.caseId),
    readDocument(means.pool, message.caseId, message.documentVersion, means.cases.sealer),
  ])
  if (head === undefined) throw new Error('a message belongs to no case')
  const told = await toldOf(message, document, { ...means, sealer: means.cases.sealer })
  const mapping = means.mappings.outward(`${means.profile}/${told.mapping}`)
  const all = contexts(head, document, { id: message.id, createdAt: means.cases.clock.now() }, means.site)
  return renderMessage(mapping, told.document, all)
}

async function sendFile(means: PlatformMeans, message: ClaimedMessage, deadline: Deadline): Promise<SendResult> {
  const file = await fileToSend(means.pool, means.cases.sealer, message)
  if (deadline.over) return leaseOver
  const reply = await means.client.putFile(file.id.replaceAll('-', ''), {
    chunks: means.files.read(file.id, file.key),
    lengthBytes: file.sizeBytes,
    mediaType: file.mediaType,
    sha256: Buffer.from(file.sha256, 'hex'),
  })
  const requestDigest = Buffer.from(file.sm3, 'hex')
  if (reply.kind === 'answered' && reply.status >= 200 && reply.status < 300) {
    return { outcome: { kind: 'delivered', receipt: null }, requestDigest, more: file.more }
  }
  return { outcome: undecided(reply), requestDigest }
}

async function sendMessage(
  means: PlatformMeans,
  message: ClaimedMessage,
  rendered: Buffer | null,
  deadline: Deadline,
  read: (bytes: Buffer) => Acknowledgement,
): Promise<SendResult> {
  if (rendered === null) throw new Error('a message to the platform was not rendered')
  if (deadline.over) return leaseOver
  const reply = await means.client.post(rendered)
  const requestDigest = createHash('sm3').update(rendered).digest()
  if (reply.kind !== 'answered') return { outcome: undecided(reply), requestDigest }
  const response = reply.body
  if (reply.status !== 200) return { outcome: undecided(reply), requestDigest, response }
  let said: Acknowledgement
  try {
    said = read(response)
  } catch {
    return { outcome: { kind: 'unknown', reason: 'the answer cannot be read' }, requestDigest, response }
  }
  if (said.ofMessageId !== message.number) {
    return { outcome: { kind: 'unknown', reason: 'the answer is to another message' }, requestDigest, response }
  }
  if (!said.accepted) {
    const outcome: Outcome = { kind: 'refused', code: said.code ?? 'none', reason: said.text ?? '' }
    return { outcome, requestDigest, response, said }
  }
  if (message.kind === '10' && said.platformNumber === undefined) {
    return { outcome: { kind: 'unknown', reason: 'acknowledged without a number' }, requestDigest, response }
  }
  return { outcome: { kind: 'delivered', receipt: said.platformNumber ?? null }, requestDigest, response, said }
}

const leaseOver: SendResult = { outcome: { kind: 'retry', reason: 'the lease was over before anything was sent' } }

/** A reply that brought no acknowledgement. 429 and 503 say themselves that nothing was taken. */
function undecided(reply: Reply): Outcome {
  if (reply.kind === 'not-sent') return { kind: 'retry', reason: reply.reason }
  if (reply.kind === 'unknown') return { kind: 'unknown', reason: reply.reason }
  const reason = `status ${reply.status}`
  if (reply.status === 429 || reply.status === 503) {
    const seconds = Number(reply.headers['retry-after'])
    return {
      kind: 'retry',
      reason,
      ...(Number.isInteger(seconds) && seconds > 0 ? { afterMs: Math.min(seconds, 3600) * 1000 } : {}),
    }
  }
  if (reply.status >= 400 && reply.status < 500) return { kind: 'refused', code: String(reply.status), reason }
  return { kind: 'unknown', reason }
}

function settle(means: PlatformMeans, message: ClaimedMessage, result: SendResult): Settlement {
  const lock = ask(means.caseLock, message.caseId)
  const { outcome } = result
  const said = message.kind === '10' && outcome.kind === 'delivered' ? (result.said as Acknowledgement) : null
  const number = said?.platformNumber ?? ''
  const gate = ask(platformNumberGate, number)
  return {
    asks: said === null ? [lock] : [gate, lock],
    apply: (held, rows, streams) => {
      const hold = held.of(lock)
      if (hold === null) throw new Error('a message belongs to no case')
      pushRecord(hold, message, outcome, 'platform', means.cases).addTo(rows)
      if (said === null) return
      const messageId = said.messageId ?? message.number
      if (!takeNumber(held.of(gate), hold)) {
        const about = { content: { said }, facts: { type: '99' }, personal: { messageId } }
        raiseContradiction({ kind: 'platform-number-taken', hold, system: 'platform', ...about }, rows, means.cases)
        return
      }
      const fact = {
        part: 0,
        fact: 'platform-acknowledged' as const,
        round: 1,
        occurredAt: said.at ?? means.cases.clock.now().toISOString(),
        saidBy: 'platform' as const,
        reportedIn: '99',
        messageId,
        platformNumber: number,
      }
      applyFacts(hold, streams, [fact], rows, means.cases)
      rows.add(inboxWakes, number)
    },
  }
}
