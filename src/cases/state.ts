import type { NormalisedCase, NormalisedPart } from './application.ts'
import { type SentEntry, sentEntries } from './facets/register-entry.ts'
import type { Fact, FactContent } from './facts.ts'

export type PartStateName =
  | 'received'
  | 'submitted'
  | 'correction-requested'
  | 'accepted'
  | 'in-review'
  | 'recorded'
  | 'not-accepted'
  | 'rejected'
  | 'withdrawn'

export type FeeStateName =
  | 'none'
  | 'exempt'
  | 'due'
  | 'partly-paid'
  | 'paid'
  | 'on-statement'
  | 'refunding'
  | 'refunded'

export type RequestState = 'none' | 'withdrawal-pending' | 'correction-sent'

/** The promised term. `startedAt` is the acceptance, null when the registry never told it. */
export interface ClockFacet {
  state: 'not-started' | 'running' | 'paused' | 'stopped'
  startedAt: string | null
  /** Name of the special procedure that pauses it. */
  reason: string | null
}

/** `position` orders fee facts over rounds, so that an older report never sets the fee back. -1: nothing said. */
export interface FeeFacet {
  state: FeeStateName
  position: number
  /** When that was said to have happened. */
  at: string | null
  /** In 元, as the newest notice has it. */
  amount: string | null
  paymentCode: string | null
  payBy: string | null
}

export interface CertificateFacet {
  number: string
  /** Null when the registry did not say for which unit. */
  unitNumber: string | null
  /** Whether the registry named a file to be fetched. */
  hasFile: boolean
  madeAt: string
  releasedAt: string | null
}

interface EntryFacet {
  proofNumber: string | null
  /** Members that the register holds otherwise than they were sent. */
  differences: string[]
}

interface Procedure {
  name: string
  startedAt: string
  endedAt: string | null
}

export interface PartState {
  part: number
  businessType: string
  state: PartStateName
  /** Orders the facts that move the state, so that an older report never sets it back. */
  position: number
  /** The fact that ended the part, with its content; `recorded` is an end too. */
  end: Fact | null
  /** Earliest instant at which the part is known to have been accepted or later. */
  underWayAt: string | null
  provisionalNumber: string
  registryNumber: string | null
  units: string[]
  sent: { [unitNumber: string]: SentEntry }
  clock: ClockFacet
  fee: FeeFacet
  certificates: { [number: string]: CertificateFacet }
  entries: { [unitNumber: string]: EntryFacet }
  procedures: { [key: string]: Procedure }
  /** Ids of the part's materials by name, which is how the registry speaks of them. */
  materials?: { [name: string]: string }
  correction?: CorrectionFacet
  paper: 'none' | 'owed' | 'handed-over' | 'received'
  /** The result has been handed to the platform's stream: once a part. */
  resultRelayed: boolean
}

/** One item that the registry wants corrected; `resolved` is the gateway's own finding, absent where it found nothing. */
export interface CorrectionItem {
  number: number
  materialName?: string
  unitNumber?: string
  /** The registry's field, `row/@attribute`. */
  field?: string
  requirement?: string
  resolved?: { materialId?: string; path?: string }
}

/** The newest round of correction of a part. */
export interface CorrectionFacet {
  round: number
  requestedAt: string
  by: string | null
  answerBy: string | null
  items: CorrectionItem[]
  /** When it was answered and by whom; null while it is open. */
  answered: { at: string; by: Asker } | null
}

/** Who asked something of the registry through us. */
export type Asker = 'bank' | 'platform'

/** The newest request to take the whole filing back. `number` counts them. */
interface WithdrawalFacet {
  number: number
  requestedAt: string
  /** When it was stored here; cases of before do not have it. */
  knownAt?: string
  by: Asker
}

interface Contradiction {
  key: string
  reason: string
  digest: string
  saidBy: string
  messageId: string
}

/**
 * All that is known of a case; plain JSON. It names units and certificates, so it is kept sealed; `summary` gives what
 * may stand in the clear.
 */
export interface CaseState {
  version: 1
  businessType: string
  parts: PartState[]
  request: RequestState
  withdrawal?: WithdrawalFacet
  /** The highest number in the order of the case's files, those of corrections and withdrawals included. */
  lastSequence?: number
  platformNumber: string | null
  /** The registry's number of the filing (SLBH); of a single part, the same as its own. */
  registryNumber: string | null
  feeOnStatement: boolean
  /** By fact key. */
  known: { [key: string]: FactContent }
  /** Early facts, and the platform's word for what the registry has not said yet. */
  waiting: Fact[]
  /** Newest last, bounded. */
  contradictions: Contradiction[]
  /** Latest instant of any fact applied. */
  latestAt: string | null
  completed: boolean
}

export type RelayType = '20' | '21' | '22' | '23' | '24' | '30'

/** The registry's fields (`row/@attribute`) and the members that they stand for, with `*` for a place in a list. */
export type FieldPaths = ReadonlyMap<string, string>

/** What differs from county to county. */
export interface CaseRules {
  /** The platform's word for acceptance, review, recording and the rest decides as the registry's does. */
  platformIsSource: boolean
  certificateLockedUntilPaid: boolean
  /** The registry's fields in items of correction, and the members that they stand for. */
  correctionFields?: FieldPaths
  /** Types that the platform's profile carries; facts of other types are not relayed. */
  relayTypes: readonly RelayType[]
}

export const ACCEPTED_POSITION = 1_000_000
export const ENDED_POSITION = ACCEPTED_POSITION + 2

/** A case of which nothing is known yet but the application. */
export function initialState(document: NormalisedCase): CaseState {
  return {
    version: 1,
    businessType: document.businessType,
    parts: document.parts.map((part) => ({
      part: part.number,
      businessType: part.businessType ?? document.businessType,
      state: 'received',
      position: 0,
      end: null,
      underWayAt: null,
      provisionalNumber: part.registryNumber,
      registryNumber: null,
      units: part.properties.map((property) => property.unitNumber),
      sent: sentEntries(part),
      clock: { state: 'not-started', startedAt: null, reason: null },
      fee: { state: 'none', position: -1, at: null, amount: null, paymentCode: null, payBy: null },
      certificates: {},
      entries: {},
      procedures: {},
      materials: materialIds(part),
      paper: 'none',
      resultRelayed: false,
    })),
    request: 'none',
    lastSequence: lastSequence(document),
    platformNumber: null,
    registryNumber: null,
    feeOnStatement: document.fee?.settlement === 'monthly',
    known: {},
    waiting: [],
    contradictions: [],
    latestAt: null,
    completed: false,
  }
}

/** Ids of a part's materials by name. */
export function materialIds(part: NormalisedPart): { [name: string]: string } {
  return Object.fromEntries(part.materials.map(({ name, id }) => [name, id]))
}

/** The highest number in the order of a case's files. */
export function lastSequence(document: NormalisedCase): number {
  return Math.max(0, ...document.parts.flatMap((part) => part.materials.map(({ sequence }) => sequence)))
}

/** A copy that may be changed at its first two levels; deeper records are replaced, never changed. */
export function draftOf(state: CaseState): CaseState {
  return {
    ...state,
    parts: state.parts.map((part) => ({
      ...part,
      certificates: { ...part.certificates },
      entries: { ...part.entries },
      procedures: { ...part.procedures },
    })),
    known: { ...state.known },
    waiting: [...state.waiting],
    contradictions: [...state.contradictions],
  }
}

export function hasEnded(part: PartState): boolean {
  return part.position === ENDED_POSITION
}

/** Ended otherwise than by recording. */
export function hasFailed(part: PartState): boolean {
  return hasEnded(part) && part.state !== 'recorded'
}

/** From the least advanced on; ends, from the best, last. */
export const partStates: readonly PartStateName[] = [
  'received',
  'submitted',
  'correction-requested',
  'accepted',
  'in-review',
  'recorded',
  'withdrawn',
  'not-accepted',
  'rejected',
]

/** One word for the whole case: that of its least advanced part; of parts that all ended, the worst end. */
export function caseStateName(state: CaseState): PartStateName {
  const ranks = state.parts.map((part) => partStates.indexOf(part.state))
  const open = ranks.filter((_, index) => !hasEnded(state.parts[index] as PartState))
  const rank = open.length > 0 ? Math.min(...open) : Math.max(...ranks)
  return partStates[rank] as PartStateName
}
