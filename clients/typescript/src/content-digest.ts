import { createHash, getHashes, type Hash } from 'node:crypto'
import { bytesText, FieldError, readByteSequences } from './structured-fields.ts'

/** Of Content-Digest (RFC 9530); `sm3` is the gateway's addition for 国密 banks. */
export type DigestAlgorithm = 'sha-256' | 'sm3'

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = { 'sha-256': 'sha256', sm3: 'sm3' }
/** Not every OpenSSL has SM3. */
const AVAILABLE = (Object.keys(HASH_NAMES) as DigestAlgorithm[]).filter((name) =>
  getHashes().some((hash) => hash.toLowerCase() === HASH_NAMES[name]),
)

export function newHash(algorithm: DigestAlgorithm): Hash {
  return createHash(HASH_NAMES[algorithm])
}

/** The header's value for a body at hand. */
export function contentDigest(body: Uint8Array, algorithm: DigestAlgorithm): string {
  return digestText(newHash(algorithm).update(body).digest(), algorithm)
}

export function digestText(digest: Uint8Array, algorithm: DigestAlgorithm): string {
  return `${algorithm}=${bytesText(digest)}`
}

/**
 * Whether the body has every digest of the header that can be computed here, and at least one can.
 * False for a header that is malformed too.
 */
export function digestFits(header: string, body: Uint8Array): boolean {
  try {
    const declared = readByteSequences(header)
    const known = AVAILABLE.filter((algorithm) => declared.has(algorithm))
    return (
      known.length > 0 &&
      known.every((algorithm) => declared.get(algorithm)?.equals(newHash(algorithm).update(body).digest()))
    )
  } catch (error) {
    if (error instanceof FieldError) return false
    throw error
  }
}
