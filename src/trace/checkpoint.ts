import { createHash, verify, X509Certificate } from 'node:crypto'
import { canonicalJson } from '../base/canonical-json.ts'

/** What the gateway's certificate signs: the log `origin` had `size` leaves under `root` at this moment. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
  readonly at: Date
  /** Lower-case hex SHA-256 of the DER certificate. */
  readonly keyid: string
  /** Name of RFC 9421's registry: ecdsa-p256-sha256 (raw r ‖ s), rsa-v1_5-sha256. */
  readonly alg: string
}

export interface SignedCheckpoint extends Checkpoint {
  /** Canonical JSON of version, origin, size, root (hex), at, keyid, alg: exactly what was signed. */
  readonly bytes: Buffer
  readonly signature: Buffer
}

/** The gateway's key for checkpoints, as trust/ loads it. */
export interface Signer {
  readonly keyid: string
  readonly algorithm: string
  readonly certificateDer: Buffer
  sign(bytes: Buffer): Promise<Buffer>
}

/** Gives the DER of a certificate that is trusted to sign checkpoints; null for any other. */
export type CertificateResolver = (keyid: string) => Promise<Buffer | null> | Buffer | null

/** True when `signature` over `bytes` verifies under the certificate's key with this algorithm. */
export type SignatureCheck = (
  alg: string,
  certificateDer: Buffer,
  bytes: Buffer,
  signature: Buffer,
) => Promise<boolean> | boolean

class CheckpointMalformed extends Error {
  constructor(why: string) {
    super(`not a checkpoint: ${why}`)
    this.name = 'CheckpointMalformed'
  }
}

export async function signCheckpoint(
  log: { origin: string; size: number; root: Buffer; at: Date },
  signer: Signer,
): Promise<SignedCheckpoint> {
  const checkpoint = { ...log, keyid: signer.keyid, alg: signer.algorithm }
  const bytes = checkpointBytes(checkpoint)
  return { ...checkpoint, bytes, signature: await signer.sign(bytes) }
}

function checkpointBytes({ origin, size, root, at, keyid, alg }: Checkpoint): Buffer {
  return Buffer.from(
    canonicalJson({ version: 1, origin, size, root: root.toString('hex'), at: at.toISOString(), keyid, alg }),
  )
}

/** @throws {CheckpointMalformed} for anything but the exact bytes that `checkpointBytes` gives. */
export function readCheckpointBytes(bytes: Buffer): Checkpoint {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(bytes.toString()) as Record<string, unknown>
  } catch {
    throw new CheckpointMalformed('no JSON')
  }
  const { origin, size, root, at, keyid, alg } = parsed
  const moment = new Date(String(at))
  if (
    typeof origin !== 'string' ||
    typeof size !== 'number' ||
    !Number.isSafeInteger(size) ||
    size < 0 ||
    typeof root !== 'string' ||
    !/^[0-9a-f]{64}$/.test(root) ||
    Number.isNaN(moment.getTime()) ||
    typeof keyid !== 'string' ||
    !/^[0-9a-f]{64}$/.test(keyid) ||
    typeof alg !== 'string'
  ) {
    throw new CheckpointMalformed('a member is missing or of another form')
  }
  const checkpoint = { origin, size, root: Buffer.from(root, 'hex'), at: moment, keyid, alg }
  if (!checkpointBytes(checkpoint).equals(bytes)) throw new CheckpointMalformed('not in canonical form')
  return checkpoint
}

/** A checkpoint as its file holds it and /v1/checkpoints gives it: canonical JSON {checkpoint, signature}, one line. */
export function checkpointText({ bytes, signature }: Pick<SignedCheckpoint, 'bytes' | 'signature'>): string {
  return `{"checkpoint":${bytes.toString()},"signature":"${signature.toString('base64')}"}\n`
}

/** @throws {CheckpointMalformed} for anything but the exact text that `checkpointText` gives. */
export function readCheckpointText(text: Buffer): SignedCheckpoint {
  const match = /^\{"checkpoint":(\{[^{}]*\}),"signature":"([A-Za-z0-9+/=]{1,4096})"\}\n$/.exec(text.toString())
  if (match === null) throw new CheckpointMalformed('not of the form of a checkpoint file')
  const bytes = Buffer.from(match[1] as string)
  const signed = { ...readCheckpointBytes(bytes), bytes, signature: Buffer.from(match[2] as string, 'base64') }
  if (!Buffer.from(checkpointText(signed)).equals(text)) throw new CheckpointMalformed('not in canonical form')
  return signed
}

/**
 * Signatures of this gateway's usual kinds. Anything else, SM2 among it, is false: Node's own SM2 judges with an empty
 * id, so that one is for a `SignatureCheck` of the caller's.
 */
const checkSignature: SignatureCheck = (alg, certificateDer, bytes, signature) => {
  const key = new X509Certificate(certificateDer).publicKey
  if (alg === 'ecdsa-p256-sha256') {
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
    return signature.length === 64 && verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
  if (alg === 'rsa-v1_5-sha256') return key.asymmetricKeyType === 'rsa' && verify('sha256', bytes, key, signature)
  return false
}

/** Whether a checkpoint is signed by a certificate that the resolver trusts under its keyid. */
export async function checkpointVerdict(
  signed: SignedCheckpoint,
  certificates: CertificateResolver,
  check: SignatureCheck = checkSignature,
): Promise<'good' | 'bad-signature' | 'unknown-key'> {
  const der = await certificates(signed.keyid)
  if (der === null || createHash('sha256').update(der).digest('hex') !== signed.keyid) return 'unknown-key'
  return (await check(signed.alg, der, signed.bytes, signed.signature)) ? 'good' : 'bad-signature'
}
