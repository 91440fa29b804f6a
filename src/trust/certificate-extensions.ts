import {
  DerError,
  type DerNode,
  expectTag,
  readBoolean,
  readDer,
  readInteger,
  readNamedBits,
  readOid,
  readSequence,
  readText,
  tags,
} from './der.ts'

export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly'

/** In the order of their bits (RFC 5280, 4.2.1.3). */
export const keyUsages: readonly KeyUsage[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

export interface CertificateExtensions {
  /** CA flag and how many CAs may follow below; null without the extension. */
  basicConstraints: { isCa: boolean; pathLength: number | null } | null
  keyUsage: ReadonlySet<KeyUsage> | null
  /** Object identifiers. */
  extendedKeyUsage: readonly string[] | null
  policies: readonly string[]
  subjectAltNames: { email: readonly string[]; dns: readonly string[]; uri: readonly string[] }
  /** Hex. */
  subjectKeyId: string | null
  authorityKeyId: string | null
  /** Critical extensions that nothing here understands: such a certificate must not be relied on. */
  unknownCritical: readonly string[]
  /** Every extension's value by its object identifier, for rules that read one of a CA's own. */
  values: ReadonlyMap<string, Buffer>
}

const extensionOids = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const
const understood = new Set<string>(Object.values(extensionOids))

/** @throws {DerError} */
export function readExtensions(node: DerNode | undefined): CertificateExtensions {
  const values = new Map<string, Buffer>()
  const unknownCritical: string[] = []
  for (const extension of node === undefined ? [] : readSequence(node, 'the extensions')) {
    const [oidNode, second, third] = readSequence(extension, 'an extension')
    const oid = readOid(oidNode, 'an extension')
    const critical = second?.tag === tags.boolean ? readBoolean(second, 'critical') : false
    const value = expectTag(second?.tag === tags.boolean ? third : second, tags.octetString, `extension ${oid}`)
    if (values.has(oid)) throw new DerError(`the extension ${oid} occurs twice`)
    values.set(oid, value.content)
    if (critical && !understood.has(oid)) unknownCritical.push(oid)
  }
  const parse = <T>(oid: string, read: (node: DerNode) => T): T | null => {
    const value = values.get(oid)
    return value === undefined ? null : read(readDer(value))
  }
  return {
    basicConstraints: parse(extensionOids.basicConstraints, readBasicConstraints),
    keyUsage: parse(extensionOids.keyUsage, readKeyUsage),
    extendedKeyUsage: parse(extensionOids.extendedKeyUsage, (list) =>
      readSequence(list, 'extKeyUsage').map((usage) => readOid(usage, 'extKeyUsage')),
    ),
    policies:
      parse(extensionOids.policies, (list) =>
        readSequence(list, 'policies').map((policy) => readOid(readSequence(policy, 'a policy')[0], 'a policy')),
      ) ?? [],
    subjectAltNames: parse(extensionOids.subjectAltName, readAltNames) ?? { email: [], dns: [], uri: [] },
    subjectKeyId: parse(extensionOids.subjectKeyId, (id) =>
      expectTag(id, tags.octetString, 'subjectKeyIdentifier').content.toString('hex'),
    ),
    authorityKeyId: parse(extensionOids.authorityKeyId, readAuthorityKeyId),
    unknownCritical,
    values,
  }
}

function readBasicConstraints(node: DerNode): { isCa: boolean; pathLength: number | null } {
  const parts = [...readSequence(node, 'basicConstraints')]
  const isCa = parts[0]?.tag === tags.boolean ? readBoolean(parts.shift(), 'cA') : false
  const length = parts.length === 0 ? null : readInteger(parts.shift(), 'pathLenConstraint')
  if (parts.length > 0) throw new DerError('basicConstraints has extra parts')
  if (length === null) return { isCa, pathLength: null }
  if (!isCa || length < 0n || length > 255n) throw new DerError('pathLenConstraint is out of place')
  return { isCa, pathLength: Number(length) }
}

function readKeyUsage(node: DerNode): ReadonlySet<KeyUsage> {
  const bits = readNamedBits(node, 'keyUsage')
  return new Set(keyUsages.filter((_, index) => bits.has(index)))
}

function readAltNames(node: DerNode): CertificateExtensions['subjectAltNames'] {
  const names = readSequence(node, 'subjectAltName')
  const ofTag = (tag: number): string[] =>
    names.filter((name) => name.tag === tag).map((name) => readText({ ...name, tag: tags.ia5String }, 'an alt name'))
  return { email: ofTag(0x81), dns: ofTag(0x82), uri: ofTag(0x86) }
}

function readAuthorityKeyId(node: DerNode): string | null {
  const id = readSequence(node, 'authorityKeyIdentifier').find((part) => part.tag === 0x80)
  return id === undefined ? null : id.content.toString('hex')
}
