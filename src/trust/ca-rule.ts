import { parse as parseYaml, YAMLParseError } from 'yaml'
import type { Certificate } from './certificate.ts'
import { type KeyUsage, keyUsages } from './certificate-extensions.ts'
import { attributeOids, commonName, nameValues } from './certificate-name.ts'
import { DerError, readDer, readText } from './der.ts'

/** How the certificates of one CA name the bank, and what they must be made for. The format: certs/README.md. */
export interface CaRule {
  /** The rule file's name: what is traced and shown as the rule that decided. */
  name: string
  /** Common names, or fingerprints (64 hex digits), of the CAs that the rule is for. */
  cas: readonly string[]
  /** `pattern` matches the whole value; its one group is the code. */
  bankCode: { from: string; pattern: RegExp }
  /** All of these. */
  keyUsage: readonly KeyUsage[]
  /** One of these; none asked if empty. Object identifiers. */
  extendedKeyUsage: readonly string[]
  /** One of these; none asked if empty. Object identifiers. */
  policies: readonly string[]
}

const memberNames = ['ca', 'bankCode', 'keyUsage', 'extendedKeyUsage', 'policies']
const dotted = /^[0-2](\.(0|[1-9]\d*))+$/
/** No name in a certificate is longer in practice, and a pattern is only run on bounded text. */
const maxValueLength = 512

/** Reads a rule file. Every fault is returned, none thrown. */
export function parseCaRule(name: string, text: string): { rule: CaRule } | { faults: string[] } {
  let document: unknown
  try {
    document = parseYaml(text)
  } catch (error) {
    if (error instanceof YAMLParseError) return { faults: [`${name}: ${error.message.split('\n')[0]}`] }
    throw error
  }
  const faults: string[] = []
  const fault = (message: string): void => void faults.push(`${name}: ${message}`)
  if (!isRecord(document)) return { faults: [`${name}: not a mapping`] }
  for (const key of Object.keys(document)) if (!memberNames.includes(key)) fault(`unknown member ${key}`)
  const cas = texts(document['ca'])
  if (cas === null || cas.length === 0) fault('ca must be a common name or fingerprint, or a list of them')
  const usages = texts(document['keyUsage'] ?? ['digitalSignature'])
  const keyUsage = keyUsages.filter((usage) => usages?.includes(usage))
  if (usages === null || keyUsage.length !== usages.length) fault(`keyUsage must be a list of ${keyUsages.join(', ')}`)
  const lists = { extendedKeyUsage: [] as string[], policies: [] as string[] }
  for (const member of ['extendedKeyUsage', 'policies'] as const) {
    const numbers = texts(document[member] ?? [])
    if (numbers === null || numbers.some((number) => !dotted.test(number))) {
      fault(`${member} must be a list of object identifiers`)
    } else lists[member] = numbers
  }
  const bankCode = readBankCode(document['bankCode'], fault)
  if (faults.length > 0 || bankCode === null) return { faults }
  return { rule: { name, cas: cas ?? [], bankCode, keyUsage, ...lists } }
}

function readBankCode(value: unknown, fault: (message: string) => void): CaRule['bankCode'] | null {
  const { from, pattern, ...more } = isRecord(value) ? value : {}
  if (typeof from !== 'string' || typeof pattern !== 'string' || Object.keys(more).length > 0) {
    fault('bankCode must have from and pattern, and nothing else')
    return null
  }
  if (!isSource(from)) fault(`bankCode.from ${from} is not subject.…, san.… or extension.…`)
  try {
    const expression = new RegExp(`^(?:${pattern})$`, 'u')
    // With an empty alternative every expression matches, and tells how many groups it has.
    const groups = (new RegExp(`${pattern}|`, 'u').exec('')?.length ?? 1) - 1
    if (groups !== 1) fault(`bankCode.pattern must have exactly one group, not ${groups}`)
    return { from, pattern: expression }
  } catch {
    fault('bankCode.pattern is not a regular expression')
    return null
  }
}

function isSource(from: string): boolean {
  const [place = '', ...rest] = from.split('.')
  const what = rest.join('.')
  if (place === 'subject') return Object.hasOwn(attributeOids, what) || dotted.test(what)
  if (place === 'san') return ['dns', 'email', 'uri'].includes(what)
  return place === 'extension' && dotted.test(what)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function texts(value: unknown): string[] | null {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.every((item) => typeof item === 'string' && item !== '') ? (list as string[]) : null
}

/** Whether the rule is for this CA. */
export function isRuleFor(rule: CaRule, ca: Certificate): boolean {
  return rule.cas.some((text) => text === ca.fingerprint || text === commonName(ca.subject))
}

/** The bank's code, or null if the certificate names none, or more than one. */
export function bankCodeOf(rule: CaRule, certificate: Certificate): string | null {
  const codes = new Set<string>()
  for (const value of valuesAt(certificate, rule.bankCode.from)) {
    const code = value.length > maxValueLength ? undefined : rule.bankCode.pattern.exec(value)?.[1]
    if (code !== undefined && code !== '') codes.add(code)
  }
  const [code, ...more] = codes
  return code === undefined || more.length > 0 ? null : code
}

function valuesAt(certificate: Certificate, from: string): readonly string[] {
  const [place = '', ...rest] = from.split('.')
  const what = rest.join('.')
  const { subjectAltNames, values } = certificate.extensions
  if (place === 'subject') return nameValues(certificate.subject, attributeOids[what] ?? what)
  if (place === 'san') return what === 'dns' || what === 'email' || what === 'uri' ? subjectAltNames[what] : []
  const extension = values.get(what)
  return extension === undefined ? [] : textsIn(extension)
}

/** An extension of a CA's own that holds one text. */
function textsIn(extension: Buffer): string[] {
  try {
    return [readText(readDer(extension), 'the extension')]
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}
