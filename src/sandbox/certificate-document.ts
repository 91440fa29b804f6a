import { createHash } from 'node:crypto'
import { pdfDocument } from './pdf.ts'

/** What an electronic proof of registration says, and its file. */
export interface CertificateDocument {
  /** 鄂(2026)阳新县不动产证明第0010421号 */
  number: string
  /** 证照标识 with its check character. */
  identifier: string
  unitNumber: string
  location: string
  right: string
  holders: readonly { name: string; idNumber: string }[]
  obligor: string
  /** yyyy-MM-dd */
  issuedOn: string
  fileName: string
  /** Relative to the registry's file address. */
  path: string
  bytes: Buffer
  sm3: string
  sha256: string
}

export const AUTHORITY = { name: '阳新县不动产登记中心', id: '12420222000000027R', areaName: '阳新县', province: '鄂' }
export const CERTIFICATE_TYPE = { code: '11100000MB03271699022', title: '中华人民共和国不动产登记证明' }
const IDENTIFIER_ROOT = '1.2.156.3005.2'

export interface CertificateContent {
  /** The seven digits of its number. */
  sequence: number
  unitNumber: string
  location: string
  right: string
  holders: readonly { name: string; idNumber: string }[]
  obligor: string
  issuedOn: string
}

/** The number that a proof has from the recording on, before its file is made. */
export function proofNumber(sequence: number, issuedOn: string): string {
  const digits = String(sequence).padStart(7, '0')
  return `${AUTHORITY.province}(${issuedOn.slice(0, 4)})${AUTHORITY.areaName}不动产证明第${digits}号`
}

export function makeCertificate(content: CertificateContent): CertificateDocument {
  const digits = String(content.sequence).padStart(7, '0')
  const number = proofNumber(content.sequence, content.issuedOn)
  const identifier = certificateIdentifier(content.sequence)
  const bytes = pdfDocument(`${CERTIFICATE_TYPE.title} ${number}`, [
    {
      lines: [
        CERTIFICATE_TYPE.title,
        '（联调环境生成，内容虚构，不具有法律效力）',
        '',
        `证明号    ${number}`,
        `证照标识  ${identifier}`,
        `证明权利或事项  ${content.right}`,
        `权利人    ${content.holders.map((holder) => holder.name).join('、')}`,
        `义务人    ${content.obligor}`,
        `坐落      ${content.location}`,
        `不动产单元号  ${content.unitNumber}`,
        `登记机构  ${AUTHORITY.name}`,
        `颁发日期  ${content.issuedOn}`,
      ],
    },
  ])
  const [year, month] = content.issuedOn.split('-')
  return {
    ...content,
    number,
    identifier,
    fileName: `不动产登记电子证明-${digits}.pdf`,
    path: `dzzz/${year}/${month}/${digits}.pdf`,
    bytes,
    sm3: createHash('sm3').update(bytes).digest('hex'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

export function certificateIdentifier(sequence: number): string {
  const parts = [CERTIFICATE_TYPE.code, AUTHORITY.id, String(sequence).padStart(18, '0'), '001']
  return [IDENTIFIER_ROOT, ...parts, checkCharacter(parts.join(''))].join('.')
}

/** ISO 7064 MOD 37,36. */
function checkCharacter(text: string): string {
  let remainder = 36
  for (const character of text) {
    const sum = (remainder + Number.parseInt(character, 36)) % 36
    remainder = ((sum === 0 ? 36 : sum) * 2) % 37
  }
  return ((37 - (remainder % 36)) % 36).toString(36).toUpperCase()
}
