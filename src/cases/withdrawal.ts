import type { ProblemCode } from '../base/problem.ts'
import type { Rows } from '../db/batch.ts'
import type { CaseStreams } from '../delivery/case-streams.ts'
import type { NormalisedMaterial } from './application.ts'
import type { CaseMeans } from './apply.ts'
import type { FilesSource } from './case-files.ts'
import { addRequest, type RequestMessage } from './request.ts'
import { type Asker, hasEnded } from './state.ts'
import type { CaseHold } from './store.ts'

/** What the registry and the platform are told of it: `canonical/withdrawal`, with the registry's own numbers once it is sent. */
export interface WithdrawalSource {
  number: number
  reason: string
  requestedAt: string
  operatorName: string
  /** Of the first unit. */
  unitNumber?: string
  parts: { number: number; registryNumber: string; businessType: string }[]
  materials: NormalisedMaterial[]
}

export interface WithdrawalRequest extends Pick<WithdrawalSource, 'reason' | 'requestedAt' | 'operatorName'> {
  by: Asker
  /** In order; each gets the next number of the case's files. */
  materials: NormalisedMaterial[]
  /** The registry's BizMsgIDs: one for each material, then that of the request. */
  numbers: readonly string[]
}

/**
 * Why a case cannot be asked back now; null when it can. Only the registry decides what becomes of the request. A registry
 * may refuse without a word one that it has taken: after some time another may be asked.
 */
export function withdrawalFault(
  { memory }: Pick<CaseHold, 'memory'>,
  streams: Pick<CaseStreams, 'messages'>,
  { clock, withdrawalAgainMs }: Pick<CaseMeans, 'clock' | 'withdrawalAgainMs'>,
): Extract<ProblemCode, 'case-ended' | 'withdrawal-pending'> | null {
  if (memory.parts.every(hasEnded)) return 'case-ended'
  const { request, withdrawal } = memory
  if (request !== 'withdrawal-pending') return null
  const isOnItsWay = streams.messages.some(({ kind }) => kind === 'WITHDRAW')
  const askedAt = Date.parse(withdrawal?.knownAt ?? withdrawal?.requestedAt ?? '')
  return !isOnItsWay && clock.now().getTime() >= askedAt + withdrawalAgainMs ? null : 'withdrawal-pending'
}

/**
 * Queues the request behind whatever was sent: to the registry as WITHDRAW, and to the platform as 26 unless it was
 * the platform that asked. `withdrawalFault` has allowed it.
 */
export function requestWithdrawal(
  hold: CaseHold,
  streams: CaseStreams,
  request: WithdrawalRequest,
  rows: Rows,
  means: CaseMeans,
): void {
  const { memory } = hold
  const { by, reason, requestedAt, operatorName, numbers } = request
  const first = (memory.lastSequence ?? 0) + 1
  const materials = request.materials.map((material, index) => ({ ...material, sequence: first + index }))
  const number = (memory.withdrawal?.number ?? 0) + 1
  const parts = memory.parts.map(({ part, provisionalNumber, businessType }) => ({
    number: part,
    registryNumber: provisionalNumber,
    businessType,
  }))
  const unitNumber = memory.parts[0]?.units[0]
  const source: WithdrawalSource = {
    number,
    reason,
    requestedAt,
    operatorName,
    ...(unitNumber === undefined ? {} : { unitNumber }),
    parts,
    materials,
  }
  const files: FilesSource = { materials }
  const messages: RequestMessage[] = []
  if (materials.length > 0)
    messages.push({ channel: 'registry', kind: 'MATERIALS', number: numbers[0] ?? '', source: files })
  messages.push({ channel: 'registry', kind: 'WITHDRAW', number: numbers.at(-1) ?? '', source })
  if (by === 'bank') {
    if (materials.length > 0) messages.push({ channel: 'platform', kind: 'MATERIALS', source: files })
    messages.push({ channel: 'platform', kind: '26', source })
  }
  addRequest(
    hold,
    streams,
    {
      type: 'withdrawal-requested',
      part: 0,
      at: requestedAt,
      memory: {
        ...memory,
        request: 'withdrawal-pending',
        withdrawal: { number, requestedAt, knownAt: means.clock.now().toISOString(), by },
        lastSequence: first - 1 + materials.length,
      },
      documentVersion: hold.documentVersion,
      content: { round: number, by, reason },
      messages,
    },
    rows,
    means,
  )
}

/** The record of the request, for its receipt. */
export function withdrawalRecord(
  hold: CaseHold,
  request: WithdrawalRequest,
  who: { accountId?: string; operator?: string; system?: string; rule: string },
  means: CaseMeans,
): ReturnType<CaseMeans['record']> {
  const { rule, ...actors } = who
  return means.record({
    type: 'withdrawal-requested',
    at: means.clock.now(),
    actors: { bankId: hold.bankId, ...actors },
    caseId: hold.id,
    rule,
    outcome: 'withdrawal-pending',
    facts: { by: request.by, materials: request.materials.length, number: hold.memory.withdrawal?.number ?? 0 },
    // As JSON text, which no clear part can hold by chance.
    personal: { reason: JSON.stringify(request.reason), bankReference: hold.bankReference },
  })
}
