import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { readDer, readDerAll } from './der-reader.ts'
import { verifySm2 } from './sm2.ts'
import { type InnerList, type Item, isInnerList, parseDictionary, serializeMember } from './structured-fields.ts'

/** HTTP message signatures (RFC 9421) and digests (RFC 9530) as a counterparty writes them: one signature a message. */
export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'rsa-v1_5-sha256' | 'sm2-sm3'

/** Header names in lower case; a field that occurred twice is already joined with a comma and a blank. */
export type Headers = Readonly<Record<string, string>>

export interface RequestParts {
  method: string
  /** The whole URL as the client called it. */
  targetUri: string
  headers: Headers
}
/** What a signature was made over: a request, or a response with the request that it answers. */
export interface SignedMessage {
  request?: RequestParts
  response?: { status: number; headers: Headers }
}

export interface VerificationKey {
  algorithm: SignatureAlgorithm
  fingerprint: string
  verifies(base: Buffer, signature: Buffer): boolean
}

export class SignatureError extends Error {
  override name = 'SignatureError'
}

/** The public key of a PEM certificate, ready to verify what its holder signed. */
export function verificationKey(certificatePem: string): VerificationKey {
  const certificate = new X509Certificate(certificatePem)
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex')
  const info = subjectPublicKeyInfo(certificate.raw)
  const [algorithm, point] = readDerAll(readDer(info).content)
  const sm2Curve = Buffer.from('06082a811ccf5501822d', 'hex')
  if (algorithm !== undefined && point !== undefined && algorithm.content.includes(sm2Curve)) {
    const publicPoint = point.content.subarray(1)
    return { algorithm: 'sm2-sm3', fingerprint, verifies: (base, bytes) => verifySm2(base, bytes, publicPoint) }
  }
  return nodeVerificationKey(createPublicKey({ key: info, format: 'der', type: 'spki' }), fingerprint)
}

function nodeVerificationKey(key: KeyObject, fingerprint: string): VerificationKey {
  if (key.asymmetricKeyType === 'rsa') {
    return { algorithm: 'rsa-v1_5-sha256', fingerprint, verifies: (base, bytes) => verify('sha256', base, key, bytes) }
  }
  const raw = { key, dsaEncoding: 'ieee-p1363' } as const
  const verifies = (base: Buffer, bytes: Buffer) => bytes.length === 64 && verify('sha256', base, raw, bytes)
  return { algorithm: 'ecdsa-p256-sha256', fingerprint, verifies }
}

/** tbsCertificate: [0] version, serial, algorithm, issuer, validity, subject, subjectPublicKeyInfo. */
function subjectPublicKeyInfo(certificate: Buffer): Buffer {
  const content = readDer(readDer(certificate).content).content
  let offset = 0
  for (let skipped = 0; skipped < 6; skipped += 1) offset = readDer(content, offset).end
  return content.subarray(offset, readDer(content, offset).end)
}

/** `Content-Digest` of a body with one algorithm. */
export function contentDigest(body: Buffer, algorithm: 'sha-256' | 'sm3'): string {
  const digest = createHash(algorithm === 'sm3' ? 'sm3' : 'sha256').update(body)
  return `${algorithm}=:${digest.digest('base64')}:`
}

/** True when the header names at least one digest of a known algorithm and every such digest fits the body. */
export function digestFits(header: string, body: Buffer): boolean {
  let known = 0
  for (const [name, member] of parseDictionary(header)) {
    if (name !== 'sha-256' && name !== 'sha-512' && name !== 'sm3') continue
    const expected = createHash(name.replace('-', '')).update(body).digest()
    if (isInnerList(member) || !Buffer.isBuffer(member.value) || !expected.equals(member.value)) return false
    known += 1
  }
  return known > 0
}

/** The signature base (RFC 9421, 2.5) for the covered components and parameters of `input`. */
export function signatureBase(input: InnerList, message: SignedMessage): Buffer {
  const lines = input.items.map((component) => {
    const identifier = serializeMember(component)
    return `${identifier}: ${componentValue(component, message)}`
  })
  if (new Set(input.items.map(serializeMember)).size !== lines.length) throw new SignatureError('component given twice')
  return Buffer.from([...lines, `"@signature-params": ${serializeMember(input)}`].join('\n'), 'utf8')
}

function componentValue(component: Item, message: SignedMessage): string {
  const name = component.value
  if (typeof name !== 'string') throw new SignatureError('a component is named by a string')
  const params = new Map(component.params)
  for (const param of params.keys()) {
    if (param !== 'req' && param !== 'key') throw new SignatureError(`parameter ${param} is not known here`)
  }
  const ofRequest = params.get('req') === true || message.response === undefined
  const { request, response } = message
  if (name === '@status' && !ofRequest && response !== undefined) return String(response.status)
  if (name.startsWith('@')) {
    if (!ofRequest || request === undefined) throw new SignatureError(`${name} is not of this message`)
    return derivedComponent(name, request)
  }
  const header = (ofRequest ? request?.headers : response?.headers)?.[name]
  if (header === undefined) throw new SignatureError(`header ${name} is covered but absent`)
  const key = params.get('key')
  if (key === undefined) return header.trim()
  const member = typeof key === 'string' ? parseDictionary(header).get(key) : undefined
  if (member === undefined) throw new SignatureError(`header ${name} has no member of that key`)
  return serializeMember(member)
}

function derivedComponent(name: string, request: RequestParts): string {
  const url = new URL(request.targetUri)
  switch (name) {
    case '@method':
      return request.method
    case '@target-uri':
      return request.targetUri
    case '@authority':
      return url.host
    case '@path':
      return url.pathname
    case '@query':
      return url.search === '' ? '?' : url.search
    default:
      throw new SignatureError(`component ${name} is not known here`)
  }
}

/**
 * Verifies the one signature of a message and returns what it covers, as identifiers (`"@method";req`).
 * @throws {SignatureError} with the reason when it does not verify.
 */
export function verifyMessage(
  message: SignedMessage,
  keys: readonly VerificationKey[],
  options: { nowMs: number; windowSeconds: number },
): { label: string; covered: string[]; nonce: string | undefined } {
  const headers = message.response?.headers ?? message.request?.headers ?? {}
  const { 'signature-input': inputHeader, signature: signatureHeader } = headers
  if (inputHeader === undefined || signatureHeader === undefined) throw new SignatureError('the message is not signed')
  const [first, ...others] = parseDictionary(inputHeader)
  if (first === undefined || others.length > 0) throw new SignatureError('exactly one signature is expected')
  const [label, input] = first
  const signature = parseDictionary(signatureHeader).get(label)
  if (!isInnerList(input)) throw new SignatureError('Signature-Input holds no list of components')
  if (signature === undefined || isInnerList(signature) || !Buffer.isBuffer(signature.value)) {
    throw new SignatureError('Signature holds no bytes under the label of Signature-Input')
  }
  const params = new Map(input.params)
  const created = params.get('created')
  if (typeof created !== 'number' || Math.abs(options.nowMs / 1000 - created) > options.windowSeconds) {
    throw new SignatureError('created is missing or outside the window')
  }
  const key = keys.find((candidate) => candidate.fingerprint === params.get('keyid'))
  if (key === undefined) throw new SignatureError('keyid names no known certificate')
  const algorithm = params.get('alg')
  if (algorithm !== undefined && algorithm !== key.algorithm) throw new SignatureError('alg does not fit the key')
  if (!key.verifies(signatureBase(input, message), signature.value)) throw new SignatureError('the signature is wrong')
  const nonce = params.get('nonce')
  return { label, covered: input.items.map(coveredName), nonce: typeof nonce === 'string' ? nonce : undefined }
}

/** A component's identifier with its parameters in one order: `"signature";req;key="sig1"`. */
function coveredName(component: Item): string {
  const params = component.params.toSorted(([one], [other]) => (one < other ? 1 : -1))
  return serializeMember({ value: component.value, params })
}
