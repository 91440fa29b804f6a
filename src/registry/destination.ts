import { createHash } from 'node:crypto'
import { newId } from '../base/id.ts'
import type { Json } from '../base/json.ts'
import type { Outcome } from '../base/outcome.ts'
import { applyFacts, type CaseMeans, CERTIFICATE_KIND, type CertificateSource } from '../cases/apply.ts'
import { messageFiles } from '../cases/case-files.ts'
import { addConcern } from '../cases/concern.ts'
import { contexts, messageContexts, type Site } from '../cases/contexts.ts'
import { type FileToSend, fileToSend } from '../cases/file-to-send.ts'
import type { Numbers } from '../cases/numbers.ts'
import { pushRecord } from '../cases/push-record.ts'
import { type CaseHold, readCase, readCases, readDocument } from '../cases/store.ts'
import { ask, type Step } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import {
  type ClaimedMessage,
  type Destination,
  type InquiryResult,
  OVERTAKEN,
  type Rendered,
  type SendResult,
  type Settlement,
} from '../delivery/destination.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'
import { renderMessage } from '../mapping/render.ts'
import type { Files } from '../materials/files.ts'
import { factsOf, hear, type RegistryAnswer, refusalOutcome } from './answer.ts'
import { certificateRow, type FetchedCertificate, fetchCertificate } from './certificate.ts'
import type { RegistryClient } from './client.ts'
import { CONTENT_MARKER, cutAtMarker, messageLength, numberAfter, withContent } from './materials.ts'
import { courseOf, isRequest, requestDocument, requestOutcome, settleRequest, wasClosed } from './requests.ts'

export interface RegistryMeans {
  endpoint: string
  profile: string
  concurrency: number
  leaseMs: number
  timeoutMs: number
  peerMaximumMs: number
  pool: Pool
  cases: CaseMeans
  caseLock: Step<string, CaseHold | null>
  client: RegistryClient
  mappings: MappingSet
  files: Files
  numbers: Numbers
  site: Site
  certificateLimitBytes: number
}

const GONE_ON = 'the registry has ended the case without it'

/**
 * What is pushed to the registry: MATERIALS (file by file), SUBMIT, CORRECT, WITHDRAW, and the fetching of a
 * certificate's file. An unknown SUBMIT is looked up before anything is sent again: the registry does not deduplicate.
 * After an unknown CORRECT or WITHDRAW its progress is asked for: the same bytes go again only if nothing changed. A
 * MATERIAL replaces the one of its name, and a file that is fetched twice is fetched twice.
 */
export function registryDestination(means: RegistryMeans): Destination {
  const readAnswerTo = (name: string, bytes: Buffer, createdAt: Date): Json =>
    means.mappings
      .inward(`${means.profile}/${name}`)
      .read(bytes, messageContexts({ id: newId(), createdAt }, means.site))
  const readReceipt = (bytes: Buffer, createdAt: Date): Json => readAnswerTo('receipt', bytes, createdAt)

  return {
    endpoint: means.endpoint,
    channel: 'registry',
    concurrency: means.concurrency,
    leaseMs: means.leaseMs,
    timeoutMs: means.timeoutMs,
    peerMaximumMs: means.peerMaximumMs,
    afterUnknown: (kind) => (kind === 'SUBMIT' || isRequest(kind) ? 'inquire' : 'resend'),
    render: (message) => render(means, message),

    send: async (message, rendered, deadline) => {
      if (message.kind === CERTIFICATE_KIND) return fetchCertificate(means, message)
      if (rendered === null) throw new Error('a message to the registry was not rendered')
      const number = message.kind === 'MATERIALS' ? numberAfter(message.number, message.cursor) : message.number
      const file = message.kind === 'MATERIALS' ? await fileToSend(means.pool, means.cases.sealer, message) : null
      // Right before the first byte: another may hold the lease by now.
      if (deadline.over) return { outcome: { kind: 'retry', reason: 'the lease was over before anything was sent' } }
      const now = means.cases.clock.now()
      const reply = file === null ? await means.client.post(rendered) : await postFile(means, rendered, file)
      const heard = hear(reply, number, (bytes) =>
        message.kind === 'WITHDRAW' ? readAnswerTo('withdraw', bytes, now) : readReceipt(bytes, now),
      )
      const requestDigest = createHash('sm3').update(rendered).digest()
      if (heard.kind === 'not-sent') return { outcome: { kind: 'retry', reason: heard.reason }, requestDigest }
      if (heard.kind === 'undecided') {
        const response = heard.bytes
        return {
          outcome: { kind: 'unknown', reason: heard.reason },
          requestDigest,
          ...(response === undefined ? {} : { response }),
        }
      }
      const { answer } = heard
      const outcome = isRequest(message.kind)
        ? requestOutcome(answer, message.kind, await wasUnknown(means.pool, message.id))
        : receiptOutcome(answer, message)
      const more = file?.more === true && outcome.kind === 'delivered'
      return { outcome, requestDigest, response: heard.bytes, said: answer, more }
    },

    inquire: async (message): Promise<InquiryResult> => {
      const head = await readCase(means.pool, message.caseId)
      if (head === undefined) throw new Error('a message belongs to no case')
      const [number = ''] = await means.numbers.take('inquiry')
      const now = means.cases.clock.now()
      const question = isRequest(message.kind) ? 'progress' : 'lookup'
      const bytes = means.mappings
        .outward(`${means.profile}/${question}`)
        .render(
          { cases: [{ businessNumber: head.businessNumber }] },
          messageContexts({ id: newId(), number, createdAt: now }, means.site),
        )
      const heard = hear(await means.client.post(bytes), number, (answer) => readAnswerTo(question, answer, now))
      if (heard.kind !== 'answer') return { kind: 'unclear', reason: heard.reason }
      const { answer, bytes: response } = heard
      const rows = answer.cases.filter((one) => one.businessNumber === head.businessNumber)
      if (!answer.success || rows.length === 0) return { kind: 'unclear', reason: `code ${answer.code}`, response }
      if (isRequest(message.kind)) {
        const course = courseOf(message, factsOf(answer, head.businessNumber))
        if (course === 'overtaken') return { kind: course, reason: GONE_ON, said: answer, response }
        // Progress shows nothing of an answer that was taken; a round that is closed while the case is open was answered.
        const arrived = course === 'arrived' || (await wasClosed(means.pool, message.id))
        return arrived ? { kind: 'found', said: answer, response } : { kind: 'absent', response }
      }
      if (rows.every((row) => row.stored)) return { kind: 'found', said: answer, response }
      if (rows.some((row) => row.stored)) return { kind: 'unclear', reason: 'only some parts are there', response }
      return { kind: 'absent', response }
    },

    settle: (message, result) => settle(means, message, result),
  }
}

async function render(means: RegistryMeans, message: ClaimedMessage): Promise<Rendered | null> {
  if (message.kind === CERTIFICATE_KIND) return null
  const head = await readCase(means.pool, message.caseId)
  if (head === undefined) throw new Error('a message belongs to no case')
  const document = await readDocument(means.pool, head.id, message.documentVersion, means.cases.sealer)
  const createdAt = means.cases.clock.now()
  if (message.kind === 'SUBMIT') {
    const mapping = means.mappings.outward(`${means.profile}/submit-${head.businessType}`)
    const all = contexts(head, document, { id: message.id, number: message.number, createdAt }, means.site)
    return renderMessage(mapping, document, all)
  }
  if (isRequest(message.kind)) {
    const [hold] = await readCases(means.pool, [head.id], means.cases)
    if (hold === undefined) throw new Error('a case has gone')
    const mapping = means.mappings.outward(`${means.profile}/${message.kind.toLowerCase()}`)
    const all = contexts(head, document, { id: message.id, number: message.number, createdAt }, means.site)
    return renderMessage(mapping, requestDocument(message, hold.memory), all)
  }
  const material = messageFiles(message, document)[message.cursor]
  if (material === undefined) throw new Error('the cursor points behind the last file')
  const mapping = means.mappings.outward(`${means.profile}/material`)
  const number = numberAfter(message.number, message.cursor)
  const all = contexts(head, document, { id: message.id, number, createdAt, contentMarker: CONTENT_MARKER }, means.site)
  return renderMessage(mapping, material, all)
}

function postFile(means: RegistryMeans, rendered: Buffer, file: FileToSend): ReturnType<RegistryClient['post']> {
  const cut = cutAtMarker(rendered)
  return means.client.postStream(
    withContent(cut, means.files.read(file.id, file.key)),
    messageLength(cut, file.sizeBytes),
  )
}

/** Whether an attempt of this message ended without telling what became of it. */
async function wasUnknown(pool: Pool, messageId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from attempt where message_id = $1 and outcome in ('unknown', 'late') limit 1`,
    [messageId],
  )
  return rowCount !== 0
}

function receiptOutcome(answer: RegistryAnswer, { kind, number }: ClaimedMessage): Outcome {
  if (!answer.success) {
    const outcome = refusalOutcome(answer)
    // A file is no effect: where a submission would be looked up, a material is simply sent again.
    return outcome.kind === 'unknown' && kind === 'MATERIALS' ? { kind: 'retry', reason: outcome.reason } : outcome
  }
  // A submission's number is that of its case; what the receipt says of other cases says nothing of this one.
  if (kind === 'SUBMIT' && !answer.cases.some((one) => one.stored && one.businessNumber === number)) {
    return { kind: 'unknown', reason: 'a receipt that does not say whether the submission was stored' }
  }
  return { kind: 'delivered', receipt: answer.cases[0]?.receivedAt ?? null }
}

function settle(means: RegistryMeans, message: ClaimedMessage, result: SendResult): Settlement {
  const lock = ask(means.caseLock, message.caseId)
  return {
    asks: [lock],
    apply: (held, rows, streams) => {
      const hold = held.of(lock)
      if (hold === null) throw new Error('a message belongs to no case')
      const { outcome } = result
      pushRecord(hold, message, result.outcome, 'registry', means.cases).addTo(rows)
      if (outcome.kind === 'refused' && outcome.code === OVERTAKEN) {
        settleRequest(hold, streams, message, result.said as RegistryAnswer, rows, means.cases)
        // The bank answered, and its answer counts for nothing: a person is told.
        const about = { caseId: hold.id, content: { messageId: message.id } }
        if (message.kind === 'CORRECT') addConcern({ kind: 'correction-overtaken', ...about }, rows, means.cases)
        return
      }
      if (outcome.kind !== 'delivered') return
      if (message.kind === CERTIFICATE_KIND) {
        const fetched = result.said as FetchedCertificate
        const source = JSON.parse((message.source as Buffer).toString()) as CertificateSource
        certificateRow(hold, source, fetched, rows, means.cases)
        const fact = {
          part: source.part,
          fact: 'certificate-released' as const,
          round: 1,
          subject: source.subject,
          occurredAt: means.cases.clock.now().toISOString(),
          saidBy: 'gateway' as const,
          reportedIn: 'file',
          messageId: message.id,
        }
        applyFacts(hold, streams, [fact], rows, means.cases)
        return
      }
      if (isRequest(message.kind)) {
        settleRequest(hold, streams, message, result.said as RegistryAnswer, rows, means.cases)
        return
      }
      if (message.kind === 'SUBMIT') {
        applyFacts(hold, streams, factsOf(result.said as RegistryAnswer, hold.businessNumber), rows, means.cases)
        // Nobody would ask about it again: parked, and asked about when a person replays it.
        if (hold.state === 'received') throw new Error('the registry has the submission, but says nothing of its parts')
      }
    },
  }
}
