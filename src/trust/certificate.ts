import { hash } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { type CertificateExtensions, readExtensions } from './certificate-extensions.ts'
import { type Name, readName } from './certificate-name.ts'
import {
  DerError,
  type DerNode,
  expectTag,
  readDer,
  readInteger,
  readOctetBits,
  readOid,
  readSequence,
  readTime,
} from './der.ts'
import { type PublicKey, readPublicKey, WeakKeyError } from './public-key.ts'

type CertificateSignatureAlgorithm =
  | 'rsa-sha256'
  | 'rsa-sha384'
  | 'rsa-sha512'
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha512'
  | 'sm2-sm3'

/** An X.509 v3 certificate, read and in order; whether to trust it is the trust store's word. */
export interface Certificate {
  der: Buffer
  /** Lower-case hex SHA-256 of the DER: the `keyid` of signatures. */
  fingerprint: string
  serialNumber: bigint
  issuer: Name
  subject: Name
  validFrom: Date
  validUntil: Date
  publicKey: PublicKey
  extensions: CertificateExtensions
  signatureAlgorithm: CertificateSignatureAlgorithm
  /** What the issuer signed. */
  signed: Buffer
  signature: Buffer
}

const signatureAlgorithms: Readonly<Record<string, CertificateSignatureAlgorithm>> = {
  '1.2.840.113549.1.1.11': 'rsa-sha256',
  '1.2.840.113549.1.1.12': 'rsa-sha384',
  '1.2.840.113549.1.1.13': 'rsa-sha512',
  '1.2.840.10045.4.3.2': 'ecdsa-sha256',
  '1.2.840.10045.4.3.3': 'ecdsa-sha384',
  '1.2.840.10045.4.3.4': 'ecdsa-sha512',
  '1.2.156.10197.1.501': 'sm2-sm3',
}
const explicitVersion = 0xa0
const explicitExtensions = 0xa3
/** issuerUniqueID, subjectUniqueID, extensions. */
const optionalParts = [0x81, 0x82, explicitExtensions]

export function fingerprintOf(der: Buffer): string {
  return hash('sha256', der, 'hex')
}

/** @throws {Problem} certificate-malformed, certificate-weak. */
export function parseCertificate(der: Buffer): Certificate {
  try {
    return readCertificate(Buffer.from(der))
  } catch (error) {
    if (error instanceof DerError) {
      throw new Problem(
        'certificate-malformed',
        { zh: `证书无法解析：${error.message}`, en: `The certificate cannot be read: ${error.message}` },
        { cause: error },
      )
    }
    if (error instanceof WeakKeyError) {
      throw new Problem(
        'certificate-weak',
        { zh: `证书的密钥或算法不被接受：${error.message}`, en: `The certificate is not accepted: ${error.message}` },
        { cause: error },
      )
    }
    throw error
  }
}

function readCertificate(der: Buffer): Certificate {
  const [toSign, outer, signature, ...more] = readSequence(readDer(der), 'the certificate')
  if (more.length > 0) throw new DerError('the certificate has extra parts')
  const parts = [...readSequence(toSign, 'the certificate content')]
  const version = expectTag(parts.shift(), explicitVersion, 'the version').children[0]
  if (readInteger(version, 'the version') !== 2n) throw new DerError('the certificate is not of version 3')
  const serialNumber = readInteger(parts.shift(), 'the serial number')
  const inner = parts.shift()
  const issuer = readName(parts.shift(), 'the issuer')
  const [from, until] = readSequence(parts.shift(), 'the validity')
  const subject = readName(parts.shift(), 'the subject')
  const publicKey = readPublicKey(parts.shift())
  const rest = parts.map((part) => part.tag)
  if (rest.some((tag, index) => !optionalParts.includes(tag) || rest.indexOf(tag) !== index)) {
    throw new DerError('the certificate content has extra parts')
  }
  const extensions = readExtensions(parts.find((part) => part.tag === explicitExtensions)?.children[0])
  return {
    der,
    fingerprint: fingerprintOf(der),
    serialNumber,
    issuer,
    subject,
    validFrom: readTime(from, 'notBefore'),
    validUntil: readTime(until, 'notAfter'),
    publicKey,
    extensions,
    signatureAlgorithm: readSignatureAlgorithm(inner, outer),
    signed: toSign?.raw ?? Buffer.of(),
    signature: readOctetBits(signature, 'the signature'),
  }
}

/** The algorithm stands in the signed part and outside it; if the two differ, one of them lies. */
function readSignatureAlgorithm(inner: DerNode | undefined, outer: DerNode | undefined): CertificateSignatureAlgorithm {
  const [oidNode] = readSequence(outer, 'the signature algorithm')
  if (inner === undefined || outer === undefined || !inner.raw.equals(outer.raw)) {
    throw new DerError('the signature algorithm is not the same in both places')
  }
  const oid = readOid(oidNode, 'the signature algorithm')
  const algorithm = signatureAlgorithms[oid]
  if (algorithm === undefined) throw new WeakKeyError(`the signature algorithm ${oid} is not accepted`)
  return algorithm
}

/** Every CERTIFICATE block of a PEM file. @throws {Problem} certificate-malformed for a block that is not base64. */
export function certificatesOfPem(pem: string): Buffer[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g)
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}

export function pemOf(label: 'CERTIFICATE' | 'PRIVATE KEY', der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
