import { type Fact, halfBrackets } from '../facts.ts'
import type { CertificateFacet, PartState } from '../state.ts'

/** The file that the registry says holds a certificate. */
export interface CertificateFile {
  name: string
  location: string | null
  /** Base64, when the registry gave the bytes in its answer. */
  content: string | null
  sizeBytes: number | null
  digest: { algorithm: string; value: string } | null
}

/** none → made → released, of each certificate. */
export function madeCertificate(fact: Fact): CertificateFacet {
  return {
    number: fact.subject ?? '',
    unitNumber: unitOf(fact),
    hasFile: certificateFile(fact) !== null,
    madeAt: fact.occurredAt,
    releasedAt: null,
  }
}

export function certificateKey(fact: Fact): string {
  return halfBrackets(fact.subject ?? '')
}

export function unitOf(fact: Fact): string | null {
  return typeof fact['unitNumber'] === 'string' ? fact['unitNumber'] : null
}

export function certificateFile(fact: Fact): CertificateFile | null {
  const certificate = fact['certificate']
  if (!isRecord(certificate) || !isRecord(certificate['file'])) return null
  const { name, location, content, size, digest } = certificate['file']
  if (typeof name !== 'string') return null
  return {
    name,
    location: typeof location === 'string' ? location : null,
    content: typeof content === 'string' ? content : null,
    sizeBytes: typeof size === 'number' ? size : null,
    digest:
      isRecord(digest) && typeof digest['algorithm'] === 'string' && typeof digest['value'] === 'string'
        ? { algorithm: digest['algorithm'], value: digest['value'] }
        : null,
  }
}

/** Units of the part for which no certificate has been made (or released). */
export function unitsWithout(part: PartState, step: 'made' | 'released'): string[] {
  const counted = Object.entries(part.certificates).filter(
    ([, certificate]) => step === 'made' || certificate.releasedAt !== null,
  )
  return part.units.filter((unit) => !counted.some(([key, certificate]) => covers(part, key, certificate, unit)))
}

// By the unit that it names; else by the proof number in the register's entry; else, of a single unit, by being there.
function covers(part: PartState, key: string, certificate: CertificateFacet, unit: string): boolean {
  if (certificate.unitNumber !== null) return certificate.unitNumber === unit
  const proofNumber = part.entries[unit]?.proofNumber ?? null
  return proofNumber === null ? part.units.length === 1 : halfBrackets(proofNumber) === key
}

/** One word for the part. */
export function certificateState(part: PartState): 'none' | 'made' | 'released' {
  if (part.units.length > 0 && unitsWithout(part, 'released').length === 0) return 'released'
  return part.units.length > 0 && unitsWithout(part, 'made').length === 0 ? 'made' : 'none'
}

function isRecord(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
