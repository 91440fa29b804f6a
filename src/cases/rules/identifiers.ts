import { isRealDate } from './dates.ts'

/** Why an identifier is refused; the text of each stands in `faults.ts`. */
export type IdentifierFault =
  | 'resident-id-old'
  | 'resident-id-lower-case'
  | 'resident-id-invalid'
  | 'permit-invalid'
  | 'passport-invalid'
  | 'credit-code-invalid'
  | 'organisation-code-invalid'
  | 'id-number-invalid'

/**
 * The fault of an identity number of the given kind (canonical `idType`), null when it is well-formed. Numbers are
 * judged as written: nothing is trimmed or re-cased, because the registry compares exactly.
 *
 * @param today `yyyy-MM-dd`; nobody is born later.
 */
export function idNumberFault(idType: string, idNumber: string, today: string): IdentifierFault | null {
  switch (idType) {
    case 'resident-id':
      return residentIdFault(idNumber, today)
    case 'hk-macao-taiwan-id':
      return isPermit(idNumber, today) ? null : 'permit-invalid'
    case 'passport':
      return /^[A-Z0-9]{5,17}$/.test(idNumber) ? null : 'passport-invalid'
    case 'business-licence':
    case 'social-credit-code':
      return isCreditCode(idNumber) ? null : 'credit-code-invalid'
    case 'organisation-code':
      return isOrganisationCode(idNumber) ? null : 'organisation-code-invalid'
    default:
      // Military papers, household registers and the rest have no public form: only their length is bounded.
      return /^[^\s\p{C}]{2,50}$/u.test(idNumber) ? null : 'id-number-invalid'
  }
}

const idWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
// First two digits of a division code: provinces, and 81 to 83 of residents of Hong Kong, Macao and Taiwan.
const provinces = /^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])/

/** GB 11643: 17 digits with division and birth date, check digit by ISO 7064 MOD 11-2, `X` upper-case. */
function residentIdFault(id: string, today: string): IdentifierFault | null {
  if (/^\d{15}$/.test(id)) return 'resident-id-old'
  if (/^\d{17}x$/.test(id)) return 'resident-id-lower-case'
  return isResidentNumber(id, today) && !/^8[1-3]/.test(id) ? null : 'resident-id-invalid'
}

function isResidentNumber(id: string, today: string): boolean {
  if (!/^\d{17}[\dX]$/.test(id) || !provinces.test(id)) return false
  const born = `${id.slice(6, 10)}-${id.slice(10, 12)}-${id.slice(12, 14)}`
  if (!isRealDate(born) || born < '1850-01-01' || born > today) return false
  const sum = idWeights.reduce((total, weight, index) => total + weight * Number(id[index]), 0)
  return id[17] === '10X98765432'[sum % 11]
}

/** Travel permits of Hong Kong and Macao (H or M) and Taiwan, and the residence permits numbered like resident ids. */
function isPermit(id: string, today: string): boolean {
  if (/^[HM]\d{8}(\d{2})?$/.test(id) || /^\d{8}$/.test(id)) return true
  return /^8[1-3]0000/.test(id) && isResidentNumber(id, today)
}

const creditCharacters = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const creditWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

/** GB 32100: 18 characters, the last a check by modulus 31 over the others. */
export function isCreditCode(code: string): boolean {
  if (!/^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(code)) return false
  const sum = creditWeights.reduce(
    (total, weight, index) => total + weight * creditCharacters.indexOf(code[index] as string),
    0,
  )
  return code[17] === creditCharacters[(31 - (sum % 31)) % 31]
}

const organisationCharacters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const organisationWeights = [3, 7, 9, 10, 5, 8, 4, 2]

/** GB 11714: 8 characters and a check digit, with or without the hyphen between them. */
export function isOrganisationCode(code: string): boolean {
  const match = /^([0-9A-Z]{8})-?([0-9X])$/.exec(code)
  if (match === null) return false
  const [, body, check] = match as unknown as [string, string, string]
  const sum = organisationWeights.reduce(
    (total, weight, index) => total + weight * organisationCharacters.indexOf(body[index] as string),
    0,
  )
  return check === '0123456789X0'[11 - (sum % 11)]
}

/** GB/T 37346 as the registries use it: 28 characters without blanks. */
export function isUnitNumber(text: string): boolean {
  return /^\d{12}[GJZ][ABSXCDEFHGWYK]\d{5}(W0{8}|[FLQ]\d{8})$/.test(text)
}

export interface CertificateNumber {
  province: string
  year: number
  place: string
  kind: '不动产权' | '不动产证明'
  serial: string
}

const certificateNumber =
  /^([京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新])[(（](20\d{2})[)）](\p{Script=Han}{2,20}?)(不动产权|不动产证明)第(\d{7})号$/u

/** The parts of a number under unified registration, brackets half or full; null for any other (房权证 and the like). */
export function parseCertificateNumber(text: string): CertificateNumber | null {
  const match = certificateNumber.exec(text)
  if (match === null) return null
  const [, province, year, place, kind, serial] = match as unknown as string[]
  return {
    province: province as string,
    year: Number(year),
    place: place as string,
    kind: kind as CertificateNumber['kind'],
    serial: serial as string,
  }
}

/**
 * 证照标识 of an electronic certificate: root, type, issuer, serial, version and a check character by ISO 7064
 * MOD 37,36 over the segments between root and check.
 */
export function isCertificateIdentifier(text: string): boolean {
  const match = /^1\.2\.156\.3005\.2\.([0-9A-Z]+)\.([0-9A-Z]+)\.([0-9A-Z]+)\.(\d{3})\.([0-9A-Z])$/.exec(text)
  if (match === null) return false
  return checkCharacter(match.slice(1, 5).join('')) === match[5]
}

/** The check character of ISO 7064 MOD 37,36 for digits and upper-case letters. */
export function checkCharacter(body: string): string {
  let product = 36
  for (const character of body) {
    const sum = (product + organisationCharacters.indexOf(character)) % 36
    product = ((sum === 0 ? 36 : sum) * 2) % 37
  }
  return organisationCharacters[(37 - product) % 36] as string
}
