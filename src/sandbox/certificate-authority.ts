import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  derBits,
  derContext,
  derContextPrimitive,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derPrintable,
  derSequence,
  derSet,
  derTime,
  derTrue,
  derUtf8,
  pemText,
} from './der-writer.ts'
import { type KeyAlgorithm, makePrivateKey, type PrivateKey, readPrivateKey } from './private-key.ts'

/** What makes a certificate one that must be refused. */
export type Flaw = 'expired' | 'not-yet-valid' | 'wrong-usage' | 'unknown-ca'

interface CertificateRequest {
  algorithm: KeyAlgorithm
  /** Subject O: the bank's full name. */
  organization: string
  commonName: string
  /** Subject serialNumber: the 18-character 统一社会信用代码. */
  uscc: string
  flaw?: Flaw
}

/** A certificate with its key, as a bank holds it. */
export interface Identity {
  algorithm: KeyAlgorithm
  certificatePem: string
  /** Lower-case hex SHA-256 of the certificate's DER: the `keyid` of signatures. */
  fingerprint: string
  key: PrivateKey
}

export interface CertificateAuthority {
  /** The roots by algorithm, and the folder that holds nothing but their certificates: a trust folder. */
  roots: Readonly<Record<KeyAlgorithm, { certificatePem: string; certificateFile: string }>>
  trustFolder: string
  issue(request: CertificateRequest): Promise<Identity>
}

interface Name {
  commonName: string
  organization: string
  uscc?: string
}
interface Root {
  name: Name
  key: PrivateKey
  certificatePem: string
}

const DAY_MS = 86_400_000
const SIGNATURE_ALGORITHM = {
  p256: derSequence(derOid('1.2.840.10045.4.3.2')),
  rsa: derSequence(derOid('1.2.840.113549.1.1.11'), derNull()),
  sm2: derSequence(derOid('1.2.156.10197.1.501')),
} as const
const ROOT_NAME = {
  p256: 'BDC Sandbox Root CA',
  rsa: 'BDC Sandbox RSA Root CA',
  sm2: 'BDC Sandbox SM2 Root CA',
} as const
const KEY_USAGE = {
  digitalSignature: derBits(Uint8Array.of(0x80), 7),
  keyEncipherment: derBits(Uint8Array.of(0x20), 5),
}
const CA_KEY_USAGE = derBits(Uint8Array.of(0x06), 1)

/**
 * The development CA of a folder, made there at its first use: one self-signed root per algorithm. Its keys are in
 * the clear on disk (0600): it stands for a CA in tests and demonstrations, never in a real centre.
 */
export async function openCertificateAuthority(folder: string): Promise<CertificateAuthority> {
  const trustFolder = join(folder, 'roots')
  await mkdir(trustFolder, { recursive: true, mode: 0o700 })
  const p256 = await openRoot(folder, 'p256')
  const rsa = await openRoot(folder, 'rsa')
  const sm2 = await openRoot(folder, 'sm2')
  const roots = { p256, rsa, sm2 }
  const published = (algorithm: KeyAlgorithm) => ({
    certificatePem: roots[algorithm].certificatePem,
    certificateFile: rootFile(folder, algorithm),
  })
  return {
    roots: { p256: published('p256'), rsa: published('rsa'), sm2: published('sm2') },
    trustFolder,
    issue: (request) => issue(roots[request.algorithm], request),
  }
}

/** A certificate that its own key vouches for, as a counterparty's that is named by its file. */
export async function selfSignedIdentity(request: Omit<CertificateRequest, 'flaw'>): Promise<Identity> {
  const key = await makePrivateKey(request.algorithm)
  return certified({ name: request, key }, request, key)
}

/** Writes `NAME.cert.pem` and `NAME.key.pem` (PKCS#8), readable by the owner only. */
export async function writeIdentity(folder: string, name: string, identity: Identity): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writePrivate(join(folder, `${name}.key.pem`), identity.key.pem)
  await writePrivate(join(folder, `${name}.cert.pem`), identity.certificatePem)
}

export async function readIdentity(folder: string, name: string): Promise<Identity> {
  const key = readPrivateKey(await readFile(join(folder, `${name}.key.pem`), 'utf8'))
  return identityOf(key, await readFile(join(folder, `${name}.cert.pem`), 'utf8'))
}

const rootFile = (folder: string, algorithm: KeyAlgorithm): string => join(folder, 'roots', `sandbox-${algorithm}.pem`)

async function openRoot(folder: string, algorithm: KeyAlgorithm): Promise<Root> {
  const name: Name = { commonName: ROOT_NAME[algorithm], organization: 'BDC Sandbox' }
  const keyFile = join(folder, `sandbox-${algorithm}.key.pem`)
  const certificateFile = rootFile(folder, algorithm)
  if (existsSync(keyFile) && existsSync(certificateFile)) {
    const key = readPrivateKey(await readFile(keyFile, 'utf8'))
    return { name, key, certificatePem: await readFile(certificateFile, 'utf8') }
  }
  const root = await makeRoot(algorithm, name)
  await writePrivate(keyFile, root.key.pem)
  await writePrivate(certificateFile, root.certificatePem)
  return root
}

async function makeRoot(algorithm: KeyAlgorithm, name: Name): Promise<Root> {
  const key = await makePrivateKey(algorithm)
  const now = Date.now()
  const validity = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 3650 * DAY_MS) }
  const der = certificateDer({ name, key }, name, key.publicKey, validity, 'ca')
  return { name, key, certificatePem: pemText('CERTIFICATE', der) }
}

async function issue(root: Root, request: CertificateRequest): Promise<Identity> {
  const { algorithm, flaw } = request
  // The same name as the true root, another key: only the signature tells them apart.
  const issuer = flaw === 'unknown-ca' ? await makeRoot(algorithm, root.name) : root
  return certified(issuer, request, await makePrivateKey(algorithm))
}

function certified(issuer: { name: Name; key: PrivateKey }, request: CertificateRequest, key: PrivateKey): Identity {
  const { flaw } = request
  const now = Date.now()
  // Two years; half an hour back, so that a clock a little behind does not refuse a new certificate.
  const firstMs = flaw === 'expired' ? -731 * DAY_MS : flaw === 'not-yet-valid' ? 2 * DAY_MS : -1_800_000
  const validity = { notBefore: new Date(now + firstMs), notAfter: new Date(now + firstMs + 730 * DAY_MS) }
  const usage = flaw === 'wrong-usage' ? 'keyEncipherment' : 'digitalSignature'
  return identityOf(key, pemText('CERTIFICATE', certificateDer(issuer, request, key.publicKey, validity, usage)))
}

function identityOf(key: PrivateKey, certificatePem: string): Identity {
  const der = Buffer.from(certificatePem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const fingerprint = createHash('sha256').update(der).digest('hex')
  return { algorithm: key.algorithm, certificatePem, fingerprint, key }
}

function certificateDer(
  issuer: { name: Name; key: PrivateKey },
  subject: Name,
  publicKey: Buffer,
  validity: { notBefore: Date; notAfter: Date },
  usage: 'ca' | keyof typeof KEY_USAGE,
): Buffer {
  const algorithm = SIGNATURE_ALGORITHM[issuer.key.algorithm]
  const serial = BigInt(`0x${randomBytes(16).toString('hex')}`) >> 1n
  const isCa = usage === 'ca'
  const extensions = derSequence(
    extension('2.5.29.19', true, isCa ? derSequence(derTrue(), derInteger(0n)) : derSequence()),
    extension('2.5.29.15', true, isCa ? CA_KEY_USAGE : KEY_USAGE[usage]),
    extension('2.5.29.14', false, derOctets(keyIdentifier(publicKey))),
    extension('2.5.29.35', false, derSequence(derContextPrimitive(0, keyIdentifier(issuer.key.publicKey)))),
  )
  const content = derSequence(
    derContext(0, derInteger(2n)),
    derInteger(serial),
    algorithm,
    distinguishedName(issuer.name),
    derSequence(derTime(validity.notBefore), derTime(validity.notAfter)),
    distinguishedName(subject),
    publicKey,
    derContext(3, extensions),
  )
  return derSequence(content, algorithm, derBits(issuer.key.signCertificate(content)))
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return derSequence(derOid(oid), ...(critical ? [derTrue()] : []), derOctets(value))
}

const keyIdentifier = (publicKey: Buffer): Buffer => createHash('sha1').update(publicKey).digest()

function distinguishedName(name: Name): Buffer {
  const attribute = (oid: string, value: Buffer): Buffer => derSet(derSequence(derOid(oid), value))
  return derSequence(
    attribute('2.5.4.6', derPrintable('CN')),
    attribute('2.5.4.10', derUtf8(name.organization)),
    ...(name.uscc === undefined ? [] : [attribute('2.5.4.5', derPrintable(name.uscc))]),
    attribute('2.5.4.3', derUtf8(name.commonName)),
  )
}

async function writePrivate(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  await writeFile(temporary, text, { mode: 0o600 })
  await rename(temporary, file)
}
