import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { readDer, readDerAll } from './der-reader.ts'
import { derBits, derContext, derInteger, derOctets, derOid, derSequence, pemText } from './der-writer.ts'
import { makeSm2KeyPair, type Sm2KeyPair, signSm2, sm2PublicPoint } from './sm2.ts'

export type KeyAlgorithm = 'p256' | 'rsa' | 'sm2'

export interface PrivateKey {
  algorithm: KeyAlgorithm
  /** PKCS#8. */
  pem: string
  /** SubjectPublicKeyInfo in DER. */
  publicKey: Buffer
  /** A signature as certificates carry it: ECDSA and SM2 as DER, RSA PKCS#1 v1.5; over SHA-256 or SM3. */
  signCertificate(message: Buffer): Buffer
  /** A signature as HTTP messages carry it: ECDSA as 64 raw bytes (RFC 9421), SM2 as DER. */
  signHttp(message: Buffer): Buffer
}

const EC_PUBLIC_KEY = derOid('1.2.840.10045.2.1')
const SM2_CURVE = derOid('1.2.156.10197.1.301')
const sm2Algorithm = derSequence(EC_PUBLIC_KEY, SM2_CURVE)

const generate = promisify(generateKeyPair) as unknown as (
  type: string,
  options: object,
) => Promise<{ privateKey: KeyObject }>

export async function makePrivateKey(algorithm: KeyAlgorithm): Promise<PrivateKey> {
  if (algorithm === 'sm2') return sm2Key(makeSm2KeyPair())
  const { privateKey } =
    algorithm === 'rsa'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'prime256v1' })
  return nodeKey(algorithm, privateKey)
}

/** @throws {Error} when the PEM is no PKCS#8 key of a kind that the sandbox knows. */
export function readPrivateKey(pem: string): PrivateKey {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const [, algorithm, wrapped] = readDerAll(readDer(der).content)
  if (algorithm === undefined || wrapped === undefined) throw new Error('no PKCS#8 key')
  if (algorithm.content.equals(Buffer.concat([EC_PUBLIC_KEY, SM2_CURVE]))) {
    const [, scalar] = readDerAll(readDer(wrapped.content).content)
    if (scalar === undefined) throw new Error('no EC key inside PKCS#8')
    const d = BigInt(`0x${scalar.content.toString('hex')}`)
    return sm2Key({ d, publicPoint: sm2PublicPoint(d) })
  }
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType === 'rsa') return nodeKey('rsa', key)
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return nodeKey('p256', key)
  throw new Error(`the sandbox has no use for a key of type ${key.asymmetricKeyType}`)
}

function nodeKey(algorithm: 'p256' | 'rsa', key: KeyObject): PrivateKey {
  return {
    algorithm,
    pem: key.export({ format: 'pem', type: 'pkcs8' }) as string,
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }),
    signCertificate: (message) => sign('sha256', message, key),
    signHttp: (message) => sign('sha256', message, algorithm === 'rsa' ? key : { key, dsaEncoding: 'ieee-p1363' }),
  }
}

function sm2Key(pair: Sm2KeyPair): PrivateKey {
  const scalar = Buffer.from(pair.d.toString(16).padStart(64, '0'), 'hex')
  const inner = derSequence(derInteger(1n), derOctets(scalar), derContext(1, derBits(pair.publicPoint)))
  return {
    algorithm: 'sm2',
    pem: pemText('PRIVATE KEY', derSequence(derInteger(0n), sm2Algorithm, derOctets(inner))),
    publicKey: derSequence(sm2Algorithm, derBits(pair.publicPoint)),
    signCertificate: (message) => signSm2(message, pair),
    signHttp: (message) => signSm2(message, pair),
  }
}
