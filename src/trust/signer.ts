import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, certificatesOfPem, parseCertificate } from './certificate.ts'
import { DerError, expectTag, readDer, readInteger, readOid, readSequence, tags } from './der.ts'
import { oids } from './public-key.ts'
import { sm2PublicKey } from './sm2.ts'
import type { Sm2Pool } from './sm2-pool.ts'
import type { SignatureAlgorithm } from './verify-bytes.ts'

/** A key of the gateway, with its certificate. */
export interface Signer {
  algorithm: SignatureAlgorithm
  /** Lower-case hex SHA-256 of the certificate's DER. */
  keyid: string
  certificateDer: Buffer
  /** The signature as it stands in a Signature header: r ‖ s for P-256, DER for SM2. Off the main thread. */
  sign(bytes: Buffer): Promise<Buffer>
}

export interface Signers {
  p256: Signer
  sm2: Signer | null
  rsa: Signer | null
}

/**
 * Loads `p256`, and where they are there `sm2` and `rsa`, from `NAME.key.pem` (PKCS#8) and `NAME.cert.pem` in a folder.
 * @throws {Error} naming the file that is missing or wrong, and if a certificate is not that of its key.
 */
export async function loadSigners(folder: string, sm2: Sm2Pool): Promise<Signers> {
  const p256 = await loadPair(folder, 'p256')
  if (p256 === null) throw new Error(`${join(folder, 'p256.key.pem')} and p256.cert.pem are not there`)
  const sm2Pair = await loadPair(folder, 'sm2')
  const rsa = await loadPair(folder, 'rsa')
  return {
    p256: nativeSigner(p256, 'p256'),
    sm2: sm2Pair === null ? null : sm2Signer(sm2Pair, sm2),
    rsa: rsa === null ? null : nativeSigner(rsa, 'rsa'),
  }
}

interface Pair {
  keyFile: string
  keyPem: string
  certificate: Certificate
}

async function loadPair(folder: string, name: string): Promise<Pair | null> {
  const keyFile = join(folder, `${name}.key.pem`)
  const certificateFile = join(folder, `${name}.cert.pem`)
  const keyPem = await readIfThere(keyFile)
  const certificatePem = await readIfThere(certificateFile)
  if (keyPem === null && certificatePem === null) return null
  if (keyPem === null || certificatePem === null) {
    throw new Error(`${keyPem === null ? keyFile : certificateFile} is missing beside its counterpart`)
  }
  const [der] = certificatesOfPem(certificatePem)
  if (der === undefined) throw new Error(`${certificateFile} holds no certificate`)
  return { keyFile, keyPem, certificate: parseCertificate(der) }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function nativeSigner({ keyFile, keyPem, certificate }: Pair, kind: 'p256' | 'rsa'): Signer {
  const key = createPrivateKey(keyPem)
  const { publicKey } = certificate
  if (publicKey.kind !== kind || !createPublicKey(key).equals(publicKey.key)) throw unfit(keyFile, kind)
  return {
    algorithm: kind === 'p256' ? 'ecdsa-p256-sha256' : 'rsa-v1_5-sha256',
    keyid: certificate.fingerprint,
    certificateDer: certificate.der,
    sign: (bytes) => signNatively(key, bytes),
  }
}

function signNatively(key: KeyObject, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
  })
}

function sm2Signer({ keyFile, keyPem, certificate }: Pair, pool: Sm2Pool): Signer {
  const privateKey = readSm2Key(keyPem, keyFile)
  const { publicKey } = certificate
  if (publicKey.kind !== 'sm2' || !sm2PublicKey(privateKey).equals(publicKey.point)) throw unfit(keyFile, 'sm2')
  return {
    algorithm: 'sm2-sm3',
    keyid: certificate.fingerprint,
    certificateDer: certificate.der,
    sign: (bytes) => pool.sign(privateKey, bytes),
  }
}

function unfit(keyFile: string, kind: string): Error {
  return new Error(`${keyFile} is not the ${kind} key of the certificate beside it`)
}

/**
 * The 32 bytes of an SM2 key in PKCS#8 (RFC 5958) holding an ECPrivateKey (RFC 5915).
 * @throws {Error} naming the file, never the key.
 */
function readSm2Key(pem: string, file: string): Buffer {
  const base64 = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END PRIVATE KEY-----/.exec(pem)?.[1]
  if (base64 === undefined) throw new Error(`${file} holds no unencrypted PKCS#8 key`)
  try {
    const [version, algorithm, key] = readSequence(readDer(Buffer.from(base64, 'base64')), 'the key')
    readInteger(version, 'the version')
    const [family, curve] = readSequence(algorithm, 'the algorithm')
    if (readOid(family, 'the algorithm') !== oids.ecPublicKey || readOid(curve, 'the curve') !== oids.sm2Curve) {
      throw new DerError('not an SM2 key')
    }
    const [, scalar] = readSequence(readDer(expectTag(key, tags.octetString, 'the key').content), 'the EC key')
    const { content } = expectTag(scalar, tags.octetString, 'the private value')
    if (content.length !== 32) throw new DerError('the private value has not 32 bytes')
    return Buffer.from(content)
  } catch (error) {
    if (error instanceof DerError)
      throw new Error(`${file} cannot be read as an SM2 key: ${error.message}`, { cause: error })
    throw error
  }
}
