import { randomBytes } from 'node:crypto'
import type { Identity } from './certificate-authority.ts'
import { contentDigest, type Headers, type SignatureAlgorithm, signatureBase } from './http-signature.ts'
import type { KeyAlgorithm } from './private-key.ts'
import { type InnerList, serializeMember } from './structured-fields.ts'

/** The label of the signature of every request from here. */
export const LABEL = 'sig1'

const ALGORITHM: Record<KeyAlgorithm, SignatureAlgorithm> = {
  p256: 'ecdsa-p256-sha256',
  rsa: 'rsa-v1_5-sha256',
  sm2: 'sm2-sm3',
}

/** Makes one thing of an otherwise right signature wrong. What is not named stays as it should be. */
export interface SignatureTamper {
  /** Exactly these components are covered. */
  components?: string[]
  /** Seconds since 1970. */
  created?: number
  nonce?: string
  keyid?: string
  alg?: string
  /** The whole `Content-Digest` header, covered as it stands. */
  digest?: string
  signature?: (signature: Buffer) => Buffer
}

export interface RequestToSign {
  method: string
  targetUri: string
  /** Names in lower case. */
  headers: Headers
  body?: Buffer | undefined
}

/** The headers of a request with its Content-Digest, Signature-Input and Signature (RFC 9421, RFC 9530). */
export function signedHeaders(
  identity: Identity,
  request: RequestToSign,
  digestAlgorithm: 'sha-256' | 'sm3',
  tamper: SignatureTamper = {},
): Record<string, string> {
  const { method, targetUri, body } = request
  const headers: Record<string, string> = { ...request.headers }
  if (body !== undefined) headers['content-digest'] = tamper.digest ?? contentDigest(body, digestAlgorithm)
  const coverable = ['content-digest', 'content-type', 'idempotency-key', 'x-operator']
  const covered = coverable.filter((name) => name in headers)
  const input: InnerList = {
    items: (tamper.components ?? ['@method', '@target-uri', ...covered]).map((value) => ({ value, params: [] })),
    params: [
      ['created', tamper.created ?? Math.floor(Date.now() / 1000)],
      ['nonce', tamper.nonce ?? randomBytes(16).toString('base64url')],
      ['keyid', tamper.keyid ?? identity.fingerprint],
      ['alg', tamper.alg ?? ALGORITHM[identity.algorithm]],
    ],
  }
  const signature = identity.key.signHttp(signatureBase(input, { request: { method, targetUri, headers } }))
  headers['signature-input'] = `${LABEL}=${serializeMember(input)}`
  headers.signature = `${LABEL}=:${(tamper.signature?.(signature) ?? signature).toString('base64')}:`
  return headers
}
