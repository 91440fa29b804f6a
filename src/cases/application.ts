/**
 * The application as a bank sends it (a single filing flat, or `parts[]`) and as the gateway keeps it (always parts).
 * Amounts are decimal text in 元, dates `yyyy-MM-dd`, times ISO 8601 with offset. The schema of the request is the
 * authority on what is required; these types say what the rules read.
 */
export interface Application extends Partial<PartContent> {
  bankReference: string
  businessType: string
  appliedAt: string
  operator: { id: string; name?: string; phone?: string }
  contact?: { name?: string; phone?: string; mobile?: string; email?: string; notifyBy?: string }
  authorizationIds?: string[]
  /** Instead of the members of PartContent, when several parts are filed together. */
  parts?: FiledPart[]
  materials: FiledMaterial[]
  declarations?: {
    signedVoluntarily?: boolean
    otherCoOwners?: boolean
    knowsTwoThirdsRule?: boolean
    otherCoOwnerAgreement?: boolean
  }
  delivery?: { method: string }
  fee?: { payer: string; settlement?: string }
}

interface PartContent {
  reason?: string
  remarks?: string
  parties: Party[]
  properties: Property[]
  mortgage?: Mortgage
  notice?: Notice
}

export interface FiledPart extends PartContent {
  part: number
  businessType: string
}

export interface Party {
  role: string
  kind: string
  name: string
  idType: string
  idNumber: string
  phone?: string
  address?: string
  postcode?: string
  legalRepresentative?: { name: string; phone?: string }
  coOwnership?: string
  /** `n/m`, only of co-owners in shares. */
  share?: string
  agent?: Agent
  smallEnterprise?: boolean
}

export interface Agent {
  name: string
  idType: string
  idNumber: string
  phone?: string
  organisation?: string
  authorizationMaterialId?: string
}

export interface Property {
  unitNumber: string
  certificateNumber?: string
  kind: string
  location?: string
  area?: string
  areaUnit?: string
  useCode?: string
  previousBusinessNumber?: string
  assessedValue?: string
  houseNatureCode?: string
  structureCode?: string
  floor?: number
  totalFloors?: number
  landUser?: string
}

export interface Period {
  from: string
  to: string
}

export interface Mortgage {
  kind: string
  securedAmount?: string
  maximumAmount?: string
  currency?: string
  term?: Period
  determinationPeriod?: Period
  determinationFacts?: string
  scope?: string
  transferRestricted?: boolean
  rank?: number
  contractNumber?: string
  principalContractNumbers?: string[]
  signedOn?: string
}

interface Notice {
  kind: string
  price?: string
  currency?: string
  contractNumber?: string
  contractFilingNumber?: string
  signedOn?: string
}

export interface FiledMaterial {
  id: string
  kind: string
  name: string
  form?: string
  copies?: number
  pages?: number
  /** Unit number of the property that it is about. */
  property?: string
  /** Name of the party or agent whom it is about. */
  person?: string
  /** Parts that it belongs to; without it, all. */
  parts?: number[]
  /** Operator who checked the original, and when. */
  checkedBy?: string
  checkedAt?: string
}

/** What the gateway keeps and maps from: the shape of `schemas/canonical/case.schema.json`. */
export interface NormalisedCase {
  bankReference: string
  businessType: string
  appliedAt: string
  operator: Application['operator']
  contact?: Application['contact']
  authorizationIds?: string[]
  declarations?: Application['declarations']
  delivery?: Application['delivery']
  fee?: Application['fee']
  parts: NormalisedPart[]
}

export interface NormalisedPart extends PartContent {
  /** From 1. */
  number: number
  /** Only where it differs from the case's, in a combined filing. */
  businessType?: string
  /** Provisional: business number and two digits of the part, until the registry has given its own (C20). */
  registryNumber: string
  materials: NormalisedMaterial[]
}

/** Facts of a stored file. `digest` is lower-case hex. */
export interface StoredFile {
  mediaType: string
  sizeBytes: number
  digest: { algorithm: string; value: string }
}

export interface NormalisedMaterial extends Omit<FiledMaterial, 'parts'>, StoredFile {
  /** From 1 over the whole case; a file that serves several parts keeps the number of its first place. */
  sequence: number
  /** Set where the file has been listed under an earlier part. */
  repeated?: boolean
  /** Absent of a file that no operator of a bank has checked. */
  checkedByName?: string
  /** Name of the material and the extension of what it is by content. */
  fileName: string
}
