import { constants, verify, X509Certificate } from 'node:crypto'
import { digestFits } from './content-digest.ts'
import { headerOf, type SignedAnswer, type SignedRequest, signatureBase } from './signature-base.ts'
import { certificateId } from './signing.ts'
import {
  type ComponentList,
  componentText,
  FieldError,
  readByteSequences,
  readComponentLists,
} from './structured-fields.ts'

/** A certificate of the gateway, as the centre gave it to you. Several overlap while keys are changed. */
export interface GatewayKey {
  certificatePem: string
  /** Needed for an SM2 certificate only: whether this SM2-SM3 signature (DER) over these bytes is its key's. */
  verify?(base: Buffer, signature: Buffer): boolean | Promise<boolean>
}

/** Why a message is not the gateway's word. */
export class VerificationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'VerificationError'
  }
}

/** What a signature that verified said of itself. */
export interface Verified {
  keyid: string
  createdAt: Date
  nonce: string | undefined
  /** Covered by the signature wherever it was sent. */
  receipt: string | undefined
  idempotencyKey: string | undefined
}

export interface VerificationRules {
  now: Date
  /** How far `created` may be from `now`, either way. Default 300. */
  skewSeconds?: number
}

type Check = (base: Buffer, signature: Buffer) => boolean | Promise<boolean>

/** The gateway's keys by `keyid` and algorithm. */
export class GatewayKeys {
  readonly #checks = new Map<string, Check>()

  /** @throws {Error} for a certificate with a key that is neither P-256 nor RSA and has no `verify`. */
  constructor(keys: readonly (GatewayKey | string)[]) {
    for (const given of keys) {
      const key = typeof given === 'string' ? { certificatePem: given } : given
      const keyid = certificateId(key.certificatePem)
      for (const [algorithm, check] of checksOf(key)) this.#checks.set(`${keyid} ${algorithm}`, check)
    }
  }

  /** Undefined where the key is not the gateway's or not for this algorithm. */
  check(keyid: string, algorithm: string): Check | undefined {
    return this.#checks.get(`${keyid} ${algorithm}`)
  }
}

function checksOf(given: GatewayKey): [string, Check][] {
  if (given.verify !== undefined) return [['sm2-sm3', given.verify.bind(given)]]
  const key = new X509Certificate(given.certificatePem).publicKey
  if (key.asymmetricKeyType === 'rsa') {
    const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
    return [
      ['rsa-v1_5-sha256', (base, signature) => verify('sha256', base, key, signature)],
      ['rsa-pss-sha512', (base, signature) => verify('sha512', base, pss, signature)],
    ]
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error('this certificate’s key is neither P-256 nor RSA: give it a `verify` function')
  }
  const raw = { key, dsaEncoding: 'ieee-p1363' } as const
  return [['ecdsa-p256-sha256', (base, signature) => signature.length === 64 && verify('sha256', base, raw, signature)]]
}

/** Whether a message carries a signature at all. */
export function isSigned({ rawHeaders }: SignedAnswer | SignedRequest): boolean {
  return rawHeaders.some((text, at) => at % 2 === 0 && text.toLowerCase() === 'signature-input')
}

/**
 * Holds an answer to be the gateway's word on this very call: its signature covers status, body, receipt, and what was
 * asked, down to the signature of the request.
 * @throws {VerificationError}
 */
export function verifyAnswer(
  answer: SignedAnswer,
  body: Buffer,
  keys: GatewayKeys,
  rules: VerificationRules,
): Promise<Verified> {
  const { request } = answer
  const needed = ['"@status"', '"@method";req', '"@target-uri";req']
  for (const label of readByteSequences(headerOf(request.rawHeaders, 'signature') ?? '').keys()) {
    needed.push(`"signature";req;key="${label}"`)
  }
  if (headerOf(request.rawHeaders, 'content-digest') !== undefined) needed.push('"content-digest";req')
  // Every act has a record, and every answer to it the record's receipt; where something was refused before any act,
  // there is none.
  if (answer.status < 300) needed.push('"trace-receipt"')
  return verifyMessage(answer, body, needed, keys, rules)
}

/** Holds a push to be the gateway's word to this address. @throws {VerificationError} */
export function verifyPush(
  push: SignedRequest,
  body: Buffer,
  keys: GatewayKeys,
  rules: VerificationRules,
): Promise<Verified> {
  return verifyMessage(push, body, ['"@method"', '"@target-uri"'], keys, rules)
}

/** Headers that mean nothing unless they are covered. */
const COVERED_IF_SENT = ['trace-receipt', 'idempotency-key']

async function verifyMessage(
  message: SignedAnswer | SignedRequest,
  body: Buffer,
  always: readonly string[],
  keys: GatewayKeys,
  rules: VerificationRules,
): Promise<Verified> {
  try {
    const { list, signature } = oneSignature(message)
    const covered = new Set(list.components.map(componentText))
    // The digest of an empty body too: else a body could be taken away.
    const needed = new Set([...always, '"content-digest"'])
    if (body.length > 0) needed.add('"content-type"')
    for (const name of COVERED_IF_SENT) {
      if (headerOf(message.rawHeaders, name) !== undefined) needed.add(`"${name}"`)
    }
    const missing = [...needed].filter((component) => !covered.has(component))
    if (missing.length > 0) throw new VerificationError(`the signature does not cover ${missing.join(' ')}`)
    const { keyid, algorithm, createdAt, nonce } = readParameters(list, rules)
    const check = keys.check(keyid, algorithm)
    if (check === undefined) {
      throw new VerificationError(`the key ${keyid} (${algorithm}) is none of the gateway’s that were given`)
    }
    if (!(await check(signatureBase(message, list), signature))) {
      throw new VerificationError('the signature is not that of the message')
    }
    if (!digestFits(headerOf(message.rawHeaders, 'content-digest') ?? '', body)) {
      throw new VerificationError('the body does not have its Content-Digest')
    }
    return {
      keyid,
      createdAt,
      nonce,
      receipt: headerOf(message.rawHeaders, 'trace-receipt'),
      idempotencyKey: headerOf(message.rawHeaders, 'idempotency-key'),
    }
  } catch (error) {
    if (error instanceof FieldError) throw new VerificationError(error.message)
    throw error
  }
}

function oneSignature({ rawHeaders }: SignedAnswer | SignedRequest): { list: ComponentList; signature: Buffer } {
  const input = headerOf(rawHeaders, 'signature-input')
  const signatures = headerOf(rawHeaders, 'signature')
  if (input === undefined || signatures === undefined) throw new VerificationError('there is no signature')
  const lists = readComponentLists(input)
  const values = readByteSequences(signatures)
  const [label = ''] = lists.keys()
  const list = lists.get(label)
  const signature = values.get(label)
  if (list === undefined || signature === undefined || lists.size !== 1 || values.size !== 1) {
    throw new VerificationError('there is not exactly one signature')
  }
  return { list, signature }
}

function readParameters(
  { parameters }: ComponentList,
  { now, skewSeconds = 300 }: VerificationRules,
): { keyid: string; algorithm: string; createdAt: Date; nonce: string | undefined } {
  const given = new Map(parameters)
  const [keyid, algorithm, created] = [given.get('keyid'), given.get('alg'), given.get('created')]
  if (typeof keyid !== 'string' || typeof algorithm !== 'string' || typeof created !== 'number') {
    throw new VerificationError('keyid, alg or created is missing')
  }
  const offset = created - now.getTime() / 1000
  if (Math.abs(offset) > skewSeconds) {
    throw new VerificationError(`the signature was made ${Math.round(offset)} s from this machine’s clock`)
  }
  const expires = given.get('expires')
  if (typeof expires === 'number' && expires * 1000 <= now.getTime()) {
    throw new VerificationError('the signature has expired')
  }
  const nonce = given.get('nonce')
  return { keyid, algorithm, createdAt: new Date(created * 1000), nonce: typeof nonce === 'string' ? nonce : undefined }
}
