import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../base/problem.ts'
import { type CaRule, parseCaRule } from './ca-rule.ts'
import { type Certificate, certificatesOfPem, parseCertificate } from './certificate.ts'
import type { CaSet } from './certificate-chain.ts'
import { commonName, isSameName } from './certificate-name.ts'
import type { Sm2Pool } from './sm2-pool.ts'
import { isIssuedWith } from './verify-bytes.ts'

/** What the folders of a trust store hold: `*.pem` certificates of CAs, `*.yaml` rules. */
export interface TrustFiles extends CaSet {
  rules: readonly CaRule[]
  /** One sentence for each file, or part of one, that was left out. */
  faults: readonly string[]
}

/** A text that changes when a file is added, removed or written. */
export async function trustFolderState(folders: readonly string[]): Promise<string> {
  const lines: string[] = []
  for (const file of await trustFileNames(folders)) {
    const { mtimeMs, size, ino } = await stat(file)
    lines.push(`${file} ${mtimeMs} ${size} ${ino}`)
  }
  return lines.join('\n')
}

async function trustFileNames(folders: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const folder of new Set(folders)) {
    const names = await readdir(folder)
    for (const name of names.sort()) if (/^[^.].*\.(pem|yaml)$/.test(name)) files.push(join(folder, name))
  }
  return files
}

/**
 * Reads them all. A file with a fault adds nothing and is named in `faults`; the others hold.
 * @throws {Error} if a folder cannot be read.
 */
export async function readTrustFiles(folders: readonly string[], sm2: Sm2Pool): Promise<TrustFiles> {
  const certificates = new Map<string, Certificate>()
  const rules: CaRule[] = []
  const faults: string[] = []
  for (const file of await trustFileNames(folders)) {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    if (file.endsWith('.pem')) readCertificates(file, text, certificates, faults)
    else {
      const read = parseCaRule(file, text)
      if ('rule' in read) rules.push(read.rule)
      else faults.push(...read.faults)
    }
  }
  const cas = await sortCas(certificates.values(), sm2, faults)
  return { ...cas, rules: withoutSharedCas(rules, faults), faults }
}

function readCertificates(file: string, text: string, into: Map<string, Certificate>, faults: string[]): void {
  const blocks = certificatesOfPem(text)
  if (blocks.length === 0) faults.push(`${file}: holds no certificate`)
  for (const der of blocks) {
    try {
      const certificate = parseCertificate(der)
      if (certificate.extensions.basicConstraints?.isCa !== true) {
        faults.push(`${file}: "${commonName(certificate.subject)}" is not the certificate of a CA`)
      } else into.set(certificate.fingerprint, certificate)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      faults.push(`${file}: ${error.detail.en}`)
    }
  }
}

/** Two rules for one CA would leave the bank's code to the order of files: neither holds. */
function withoutSharedCas(rules: readonly CaRule[], faults: string[]): CaRule[] {
  return rules.filter((rule) => {
    const other = rules.find((each) => each !== rule && each.cas.some((ca) => rule.cas.includes(ca)))
    if (other !== undefined) faults.push(`${rule.name}: ${other.name} is a rule for the same CA`)
    return other === undefined
  })
}

async function sortCas(certificates: Iterable<Certificate>, sm2: Sm2Pool, faults: string[]): Promise<CaSet> {
  const anchors = new Set<Certificate>()
  const intermediates = new Set<Certificate>()
  for (const certificate of certificates) {
    const name = commonName(certificate.subject)
    if (!isSameName(certificate.subject, certificate.issuer)) intermediates.add(certificate)
    else if (await isIssuedWith(certificate, certificate.publicKey, sm2)) anchors.add(certificate)
    // A CA that changes its key issues itself a certificate with the old one.
    else if (certificate.extensions.authorityKeyId !== certificate.extensions.subjectKeyId)
      intermediates.add(certificate)
    else faults.push(`the signature of the root "${name}" is not its own`)
  }
  return { anchors, intermediates }
}
