import { type CertificateDocument, makeCertificate, proofNumber } from './certificate-document.ts'
import type { RegistryMessage, Row } from './registry-message.ts'

/** The stations of a case that goes well, in order; each is reached a configured time after the one before. */
export const steps = ['accepted', 'review-1', 'review-2', 'recorded', 'certified'] as const
export type Step = (typeof steps)[number]

/** How a case ends or what it goes through, decided when it arrives. */
export const outcomes = ['record', 'reject', 'not-accept', 'correct'] as const
export type CaseOutcome = (typeof outcomes)[number]

export interface CasePart {
  /** Number within the filing, from 1. */
  number: number
  /** The applicant's provisional YWH, and the registry's own. */
  givenYwh: string
  ywh: string
  rows: Row[]
}

interface CorrectionItem {
  materialName?: string
  field?: { row: string; attribute: string; unitNumber: string }
  wanted: string
}

export interface RegistryCase {
  businessNumber: string
  slbh: string
  receivedAt: Date
  outcome: CaseOutcome
  parts: CasePart[]
  /** When each station was reached. */
  reached: Partial<Record<Step, Date>>
  correction: { askedAt: Date; answeredAt: Date | undefined; items: CorrectionItem[] } | undefined
  ended: { how: 'not-accepted' | 'rejected' | 'withdrawn'; at: Date } | undefined
  /** Per unit of each part that a right is recorded on: its proof's sequence number; given at the recording. */
  proofs: { part: number; unitNumber: string; sequence: number }[]
  paidAt: Date | undefined
}

/** A case as a SUBMIT makes it; `sequence` counts the filings of the day. */
export function openCase(message: RegistryMessage, sequence: number, outcome: CaseOutcome, now: Date): RegistryCase {
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
    outcome,
    parts,
    reached: {},
    correction: undefined,
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

/** The next station of a case that is neither at an end nor waiting for a correction. */
export function nextStep(filed: RegistryCase): Step | undefined {
  if (filed.ended !== undefined) return undefined
  if (filed.correction !== undefined && filed.correction.answeredAt === undefined) return undefined
  return steps.find((step) => filed.reached[step] === undefined)
}

/** Takes one step; `nextSequence` gives proof numbers. What the script says otherwise (a refusal, a correction) happens here. */
export function takeStep(filed: RegistryCase, step: Step, now: Date, nextSequence: () => number): void {
  if (step === 'accepted' && filed.outcome === 'not-accept') {
    filed.ended = { how: 'not-accepted', at: now }
    return
  }
  if (step === 'accepted' && filed.outcome === 'correct' && filed.correction === undefined) {
    filed.correction = { askedAt: now, answeredAt: undefined, items: correctionItems(filed) }
    return
  }
  filed.reached[step] = now
  if (step === 'review-2' && filed.outcome === 'reject') filed.ended = { how: 'rejected', at: now }
  if (step === 'recorded') {
    for (const part of filed.parts) {
      for (const unitNumber of unitsOf(part))
        filed.proofs.push({ part: part.number, unitNumber, sequence: nextSequence() })
    }
  }
}

/** The units of the rights that a part asks for; none for a cancellation. */
function unitsOf(part: CasePart): string[] {
  const holders = part.rows.filter((row) => row.name === 'ZTT_GY_QLR')
  return [...new Set(holders.map((row) => row.attributes.BDCDYH as string))]
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

/** What is asked for: one paper anew, and where there are several units the area of the last one. */
function correctionItems(filed: RegistryCase): CorrectionItem[] {
  const rows = filed.parts.flatMap((part) => part.rows)
  const papers = rows.filter((row) => row.name === 'DJF_DJ_SJ').map((row) => row.attributes.SJMC as string)
  const paper = papers.find((name) => name.startsWith('授权委托书')) ?? papers[0]
  const items: CorrectionItem[] = []
  if (paper !== undefined) items.push({ materialName: paper, wanted: '材料内容不完整，请重新签署后上传' })
  const [, ...further] = rows.filter((row) => row.name === 'QLF_QL_DYAQ_DYWQD')
  const unitNumber = further.at(-1)?.attributes.BDCDYH
  if (unitNumber !== undefined) {
    const field = { row: 'QLF_QL_DYAQ_DYWQD', attribute: 'MJ', unitNumber }
    items.push({ field, wanted: '该单元的面积与权属证书不一致，请核对更正' })
  }
  return items
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
