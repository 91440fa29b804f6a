import type { IdType, Material, MaterialKind, Operator } from './application.ts'

/** 权利人 or whoever else is named by name and document. */
export interface Person {
  name: string
  idType: IdType
  idNumber: string
}

export type QueryLevel = 'flags' | 'detail'
export type Purpose = 'mortgage-registration' | 'mortgage-cancellation' | 'loan-review' | 'loan-management'

/** Body of POST /v1/authorizations (查询授权书). */
export interface AuthorizationRequest {
  authorizer: Person & { phone?: string }
  certificateNumber?: string
  proofNumber?: string
  purpose: Purpose
  /** The most that may be asked under it. */
  level: QueryLevel
  /** `yyyy-MM-dd`, both days included. */
  validFrom: string
  validTo: string
  usesMaximum?: number
  evidence: {
    materialId: string
    kind: 'paper-scan' | 'e-signature' | 'face-check'
    /** With offset. */
    signedAt: string
  }
}

export interface Authorization {
  id: string
  state: 'active' | 'revoked'
  authorizer: AuthorizationRequest['authorizer']
  certificateNumber: string | null
  proofNumber: string | null
  purpose: Purpose
  level: QueryLevel
  validFrom: string
  validTo: string
  usesMaximum: number | null
  used: number
  evidence: AuthorizationRequest['evidence']
  /** The application that followed. */
  caseId: string | null
  createdAt: string
  revokedAt: string | null
}

/** Body of POST /v1/queries: exactly one of the two numbers. */
export interface QueryRequest {
  level: QueryLevel
  certificateNumber?: string
  proofNumber?: string
  holder: Person
  purpose: Purpose
  authorizationId?: string
  /** Six-digit division code. */
  area?: string
  fields?: ('name' | 'idNumber' | 'phone' | 'address')[]
}

/** What is known of a query: `asking` while the registry has not answered. */
export type Query =
  | { state: 'asking'; id: string }
  | { state: 'failed'; id: string; code?: string }
  | ({ state: 'answered'; id: string; level: QueryLevel; answeredAt: string } & QueryPage)

/** Members are always there; null where nothing was found or your scope hides it. */
export interface QueryPage {
  code: 'match' | 'no-match'
  property: {
    certificateNumber: string | null
    proofNumber: string | null
    unitNumber: string
    location: string | null
    area: string | null
    useCode: string | null
  } | null
  flags: { mortgaged: boolean; seized: boolean; objected: boolean; noticed: boolean; coOwned: boolean } | null
  holders: {
    name: string | null
    idType: string | null
    idNumber: string | null
    phone: string | null
    address: string | null
    share: string | null
    coOwnership: string | null
  }[]
  ownership: { registeredAt: string | null; reason: string | null; structure: string | null } | null
  mortgages: {
    proofNumber: string | null
    kind: string | null
    registeredAt: string | null
    rank: number | null
    transferRestricted: boolean | null
    own: boolean
    securedAmount: string | null
    maximumAmount: string | null
    mortgagees: { name: string; idNumber: string | null }[]
    mortgagorNames: string[]
  }[]
}

/** A file that the gateway holds; digests in hex. */
export interface StoredMaterial {
  id: string
  mediaType: string
  sizeBytes: number
  digests: { 'sha-256': string; sm3: string }
  createdAt: string
}

/** The answer to an application. */
export interface Filed {
  id: string
  bankReference: string
  businessType: string
  businessNumber: string
  state: string
  receivedAt: string
}

export interface CaseSummary {
  id: string
  bankReference: string
  businessType: string
  businessNumber: string
  platformNumber: string | null
  registryNumber: string | null
  state: string
  completed: boolean
  createdAt: string
  updatedAt: string
}

export interface Case extends CaseSummary {
  request: string
  parts: {
    part: number
    businessType: string
    state: string
    clock: string
    fee: string
    certificate: string
    paper: string
  }[]
  /** The head of each stream that has not been delivered yet: since when, and why. */
  waiting: { channel: string; kind: string; state: string; since: string; why: string | null }[]
  completedAt: string | null
}

export interface CasePage {
  applications: CaseSummary[]
  /** Null where there is no case at all. */
  next: string | null
  more: boolean
}

/** An event; what else it carries follows its `type` (docs/bank-api.md). */
export interface Event {
  id: string
  type: string
  /** Give it as `after` to go on behind this event: write it down with what you did about the event. */
  cursor: string
  caseId?: string
  bankReference?: string
  occurredAt?: string
  [member: string]: unknown
}

export interface EventPage {
  events: Event[]
  next: string
  more: boolean
}

/** Body of POST /v1/applications/{id}/corrections: the bank's answer to one round of 补正. */
export interface CorrectionRequest {
  round: number
  operator: Operator
  appliedAt: string
  items: {
    /** Of the item in the `correction-requested` event. */
    number: number
    answer: string
    /** Id of the material in whose place the new one comes. */
    replaces?: string
    material?: Omit<Material, 'parts'> & { kind: MaterialKind }
    changes?: { path: string; value: unknown }[]
  }[]
}

/** Body of POST /v1/applications/{id}/withdrawal. Only the registry's word ends the case. */
export interface WithdrawalRequest {
  reason: string
  requestedAt?: string
  operator?: Operator
  materials?: Omit<Material, 'parts'>[]
}

/** What a correction or withdrawal is answered with: it is durable and on its way. */
export interface CaseRequestTaken {
  id: string
  state: string
  [member: string]: unknown
}

export interface CertificateSummary {
  number: string
  part: number
  unitNumber?: string
  mediaType: string
  sizeBytes: number
  digests: { 'sha-256': string; sm3: string }
  /** The file may be had. */
  released: boolean
  [member: string]: unknown
}

export interface CertificateFile {
  bytes: Buffer
  mediaType: string
}

/** Where results are pushed. A new address is used once the centre has approved it. */
export interface Webhook {
  url: string
  state: 'pending' | 'approved' | 'suspended'
  /** Of the last event that was delivered. */
  cursor: string
  setAt: string
  decidedAt?: string | null
  /** What has not been delivered: how much, since when, and why. */
  waiting?: { events: number; state: string; since: string | null; why: string | null } | null
}

/** What came of a test push: its one event has the type `test` and moves no cursor. */
export interface WebhookTest {
  delivered: boolean
  status?: number
  fault?: 'redirected' | 'status' | 'address-refused' | 'unreachable' | 'no-answer'
  reason?: string
}
