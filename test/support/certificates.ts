import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { tags } from '../../src/trust/der.ts'
import {
  writeBits,
  writeBoolean,
  writeDer,
  writeInteger,
  writeOctets,
  writeOid,
  writeSequence,
  writeText,
  writeTime,
} from '../../src/trust/der-write.ts'
import { oids, publicKeyDer } from '../../src/trust/public-key.ts'
import { makeSm2Key, signSm2, sm2PublicKey } from '../../src/trust/sm2.ts'

/** Makes certificates of every shape, wrong ones above all, without any tool. */

export interface TestKey {
  kind: 'p256' | 'rsa' | 'sm2'
  publicKey: Buffer
  algorithm: Buffer
  sign(bytes: Buffer): Buffer
}

export interface TestCertificate {
  der: Buffer
  pem: string
  key: TestKey
  name: Buffer
}

export interface CertificateOptions {
  key: TestKey
  /** Attribute values by object identifier, in order. */
  subject: readonly (readonly [string, string])[]
  /** Self-signed without. */
  issuer?: TestCertificate
  from?: Date
  until?: Date
  /** undefined: no basicConstraints. */
  ca?: { pathLength?: number } | false
  /** Octets and unused bits of keyUsage; null: none. */
  keyUsage?: readonly [number, number] | null
  extensions?: readonly Buffer[]
  /** The algorithm as it stands inside the signed part, if another than outside. */
  innerAlgorithm?: Buffer
  signWith?: TestKey
}

const ECDSA_SHA256 = writeSequence(writeOid('1.2.840.10045.4.3.2'))
const DAY_MS = 86_400_000
const digitalSignature = [0x80, 7] as const
export const keyEncipherment = [0x20, 5] as const
export const keyCertSign = [0x06, 1] as const

export function testKey(kind: TestKey['kind'], rsaBits = 2048): TestKey {
  if (kind === 'sm2') {
    const key = makeSm2Key()
    const publicKey = publicKeyDer(oids.sm2Curve, sm2PublicKey(key))
    const algorithm = writeSequence(writeOid('1.2.156.10197.1.501'))
    return { kind, publicKey, algorithm, sign: (bytes) => signSm2(key, bytes) }
  }
  if (kind === 'rsa') {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: rsaBits })
    return nativeKey(kind, privateKey, writeSequence(writeOid('1.2.840.113549.1.1.11'), writeDer(tags.null)))
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return nativeKey(kind, privateKey, ECDSA_SHA256)
}

/** A certificate for an address of IPv4 that is its own CA, as a server of TLS takes it. */
export function serverCertificate(address: readonly number[]): { key: string; cert: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  const { pem: cert } = testCertificate({
    key: nativeKey('p256', privateKey, ECDSA_SHA256),
    subject: [['2.5.4.3', 'server']],
    from: new Date(now - DAY_MS),
    until: new Date(now + DAY_MS),
    ca: {},
    keyUsage: null,
    extensions: [testExtension('2.5.29.17', false, writeSequence(writeDer(0x87, Buffer.from(address))))],
  })
  return { key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), cert }
}

function nativeKey(kind: TestKey['kind'], key: KeyObject, algorithm: Buffer): TestKey {
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { kind, publicKey, algorithm, sign: (bytes) => sign('sha256', bytes, key) }
}

export function testExtension(oid: string, critical: boolean, value: Buffer): Buffer {
  return writeSequence(writeOid(oid), ...(critical ? [writeBoolean(true)] : []), writeOctets(value))
}

export function testCertificate(options: CertificateOptions): TestCertificate {
  const name = writeSequence(
    ...options.subject.map(([oid, value]) => writeDer(tags.set, writeSequence(writeOid(oid), writeText(value)))),
  )
  const signer = options.signWith ?? options.issuer?.key ?? options.key
  const extensions = [...(options.extensions ?? [])]
  if (options.ca !== undefined) extensions.push(testExtension('2.5.29.19', true, basicConstraints(options.ca)))
  const usage = options.keyUsage === undefined ? digitalSignature : options.keyUsage
  if (usage !== null) extensions.push(testExtension('2.5.29.15', true, writeBits(Buffer.of(usage[0]), usage[1])))
  const content = writeSequence(
    writeDer(0xa0, writeInteger(2n)),
    writeInteger(BigInt(`0x${randomBytes(12).toString('hex')}`)),
    options.innerAlgorithm ?? signer.algorithm,
    options.issuer?.name ?? name,
    writeSequence(
      writeTime(options.from ?? new Date('2026-01-01T00:00:00Z')),
      writeTime(options.until ?? new Date('2028-01-01T00:00:00Z')),
    ),
    name,
    options.key.publicKey,
    ...(extensions.length === 0 ? [] : [writeDer(0xa3, writeSequence(...extensions))]),
  )
  const der = writeSequence(content, signer.algorithm, writeBits(signer.sign(content)))
  return { der, pem: pem(der), key: options.key, name }
}

function basicConstraints(ca: { pathLength?: number } | false): Buffer {
  if (ca === false) return writeSequence()
  const length = ca.pathLength === undefined ? [] : [writeInteger(BigInt(ca.pathLength))]
  return writeSequence(writeBoolean(true), ...length)
}

function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}
