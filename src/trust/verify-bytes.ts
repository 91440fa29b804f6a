import { constants, type VerifyKeyObjectInput, verify } from 'node:crypto'
import type { Certificate } from './certificate.ts'
import type { PublicKey } from './public-key.ts'
import type { Sm2Pool } from './sm2-pool.ts'

/** The `alg` values of RFC 9421 that we take; `sm2-sm3` is ours. */
export const signatureAlgorithms = ['rsa-v1_5-sha256', 'rsa-pss-sha512', 'ecdsa-p256-sha256', 'sm2-sm3'] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

/** Which kind of key an algorithm needs. */
export const keyKinds: Readonly<Record<SignatureAlgorithm, PublicKey['kind']>> = {
  'rsa-v1_5-sha256': 'rsa',
  'rsa-pss-sha512': 'rsa',
  'ecdsa-p256-sha256': 'p256',
  'sm2-sm3': 'sm2',
}

const pssSaltBytes = 64
const p256SignatureBytes = 64

/** Whether `signature` over `bytes` is that of the key; off the main thread. False if the key does not fit the algorithm. */
export async function verifyBytes(
  algorithm: SignatureAlgorithm,
  publicKey: PublicKey,
  bytes: Buffer,
  signature: Buffer,
  sm2: Sm2Pool,
): Promise<boolean> {
  if (publicKey.kind !== keyKinds[algorithm]) return false
  if (publicKey.kind === 'sm2') return sm2.verify(publicKey.point, bytes, signature)
  const { key } = publicKey
  switch (algorithm) {
    case 'rsa-v1_5-sha256':
      return verifyNatively('sha256', bytes, { key }, signature)
    case 'rsa-pss-sha512': {
      const padding = constants.RSA_PKCS1_PSS_PADDING
      return verifyNatively('sha512', bytes, { key, padding, saltLength: pssSaltBytes }, signature)
    }
    case 'ecdsa-p256-sha256':
      // r ‖ s and nothing else (RFC 9421, 3.3.4), whatever node makes of other lengths.
      if (signature.length !== p256SignatureBytes) return false
      return verifyNatively('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'sm2-sm3':
      return false
  }
}

/** Whether `certificate` was signed with the issuer's key. */
export async function isIssuedWith(certificate: Certificate, issuerKey: PublicKey, sm2: Sm2Pool): Promise<boolean> {
  const [family, digest = ''] = certificate.signatureAlgorithm.split('-')
  const { signed, signature } = certificate
  if (family === 'sm2') return issuerKey.kind === 'sm2' && (await sm2.verify(issuerKey.point, signed, signature))
  if (family === 'rsa' && issuerKey.kind === 'rsa')
    return verifyNatively(digest, signed, { key: issuerKey.key }, signature)
  if (family === 'ecdsa' && issuerKey.kind === 'p256') {
    return verifyNatively(digest, signed, { key: issuerKey.key, dsaEncoding: 'der' }, signature)
  }
  return false
}

function verifyNatively(digest: string, bytes: Buffer, key: VerifyKeyObjectInput, signature: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(digest, bytes, key, signature, (error, isGood) => {
      if (error === null) resolve(isGood)
      else reject(error)
    })
  })
}
