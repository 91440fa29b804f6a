import { type CertificateDocument, makeCertificate, proofNumber } from './certificate-document.ts'
import type { RegistryMessage, Row } from './registry-message.ts'

/** The stations of a case that goes well, in order; each is reached a configured time after the one before. */
export const steps = ['accepted', 'review-1', 'review-2', 'recorded', 'certified'] as const
export type Step = (typeof steps)[number]

/** How a case ends or what it goes through, decided when it arrives. */
export const outcomes = ['record', 'reject', 'not-accept', 'correct'] as const
type CaseOutcome = (typeof outcomes)[number]

/** What a correction asks for: a paper anew, or one attribute of a row. */
export interface WantedItem {
  /** 1 by default. */
  part?: number
  materialName?: string
  /** `QLF_QL_DYAQ_DYWQD/@MJ`. */
  field?: string
  unitNumber?: string
  wanted?: string
}

/** What is decided about a filing before it comes. */
export interface CaseScript {
  outcome: CaseOutcome
  /** Rounds of correction before the acceptance, one after the other; `correct` without any has one of the usual kind. */
  rounds?: WantedItem[][]
}

export interface CasePart {
  /** Number within the filing, from 1. */
  number: number
  /** The applicant's provisional YWH, and the registry's own. */
  givenYwh: string
  ywh: string
  rows: Row[]
}

/** A round of 补正: what was asked, and when it was answered. */
export interface Correction {
  /** From 1. */
  round: number
  askedAt: Date
  answeredAt: Date | undefined
  items: (WantedItem & { part: number })[]
}

/** A withdrawal that was asked for; a second request while one is pending is the same. */
export interface Withdrawal {
  askedAt: Date
  reason: string
  decision: 'pending' | 'granted' | 'refused'
  decidedAt: Date | undefined
}

export interface RegistryCase {
  businessNumber: string
  slbh: string
  receivedAt: Date
  outcome: CaseOutcome
  parts: CasePart[]
  /** When each station was reached. */
  reached: Partial<Record<Step, Date>>
  corrections: Correction[]
  /** Rounds of correction that are still to be asked, before the acceptance; an empty one asks for what is usual. */
  rounds: WantedItem[][]
  withdrawals: Withdrawal[]
  ended: { how: 'not-accepted' | 'rejected' | 'withdrawn'; at: Date } | undefined
  /** Per unit of each part that a right is recorded on: its proof's sequence number; given at the recording. */
  proofs: { part: number; unitNumber: string; sequence: number }[]
  paidAt: Date | undefined
}

/** A case as a SUBMIT makes it; `sequence` counts the filings of the day. */
export function openCase(message: RegistryMessage, sequence: number, script: CaseScript, now: Date): RegistryCase {
  const slbh = shanghaiTime(now).slice(0, 10).replaceAll('-', '') + String(sequence).padStart(4, '0')
  const given = message.rows.filter((row) => row.name === 'DJT_DJ_SL').map((row) => row.attributes.YWH as string)
  const parts = given.map((givenYwh, index) => {
    const ywh = given.length === 1 ? slbh : slbh + String(index + 1).padStart(2, '0')
    const own = message.rows.filter((row) => row.attributes.YWH === givenYwh || row.attributes.ZXYWH === givenYwh)
    return { number: index + 1, givenYwh, ywh, rows: own.map((row) => renumbered(row, givenYwh, ywh)) }
  })
  return {
    businessNumber: message.head.get('RecFlowID') as string,
    slbh,
    receivedAt: now,
    outcome: script.outcome,
    parts,
    reached: {},
    corrections: [],
    rounds: script.rounds ?? (script.outcome === 'correct' ? [[]] : []),
    withdrawals: [],
    ended: undefined,
    proofs: [],
    paidAt: undefined,
  }
}

/** The row under the registry's own number. */
export function renumbered(row: Row, from: string, to: string): Row {
  const attributes = Object.entries(row.attributes).map(([name, value]): [string, string] => [
    name,
    (name === 'YWH' || name === 'ZXYWH') && value === from ? to : value,
  ])
  return { name: row.name, attributes: Object.fromEntries(attributes) }
}

/** The number of the proof of a unit, once recorded. */
export function proofOf(filed: RegistryCase, part: CasePart, unitNumber: string): string | undefined {
  const proof = filed.proofs.find((candidate) => candidate.part === part.number && candidate.unitNumber === unitNumber)
  return proof && proofNumber(proof.sequence, shanghaiTime(filed.reached.recorded as Date).slice(0, 10))
}

/** The electronic proofs of a case, the same bytes whenever they are asked for; none before they are made. */
export function certificatesOf(filed: RegistryCase): (CertificateDocument & { part: number })[] {
  if (filed.reached.certified === undefined) return []
  return filed.proofs.map((proof) => ({ ...certificateOf(filed, proof), part: proof.part }))
}

function certificateOf(filed: RegistryCase, proof: RegistryCase['proofs'][number]): CertificateDocument {
  const { unitNumber, sequence } = proof
  const part = filed.parts[proof.part - 1] as CasePart
  const ofUnit = (name: string): Row[] =>
    part.rows.filter((row) => row.name === name && row.attributes.BDCDYH === unitNumber)
  const mortgage = ofUnit('QLF_QL_DYAQ')[0]?.attributes
  const notice = ofUnit('QLF_QL_YGDJ')[0]?.attributes
  return makeCertificate({
    sequence,
    unitNumber,
    location: ofUnit('QLF_QL_DYAQ_DYWQD')[0]?.attributes.ZL ?? notice?.BDCZL ?? '',
    right: notice === undefined ? '抵押权' : '预告登记',
    holders: ofUnit('ZTT_GY_QLR').map((row) => ({
      name: row.attributes.QLRMC as string,
      idNumber: row.attributes.ZJH as string,
    })),
    obligor: mortgage?.DYR ?? notice?.YWR ?? '',
    issuedOn: shanghaiTime(filed.reached.recorded as Date).slice(0, 10),
  })
}

const shanghai = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** `yyyy-MM-ddTHH:mm:ss` in Asia/Shanghai, without offset, as the registry writes times. */
export function shanghaiTime(at: Date): string {
  return shanghai.format(at).replace(' ', 'T')
}
