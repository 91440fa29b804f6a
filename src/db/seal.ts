import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

/**
 * A sealed value: version 1 ‖ key id (16) ‖ nonce (12) ‖ tag (16) ‖ ciphertext, AES-256-GCM. Authenticated with it are
 * the first 17 bytes and the context, `table/column/id`: a value moved to another place does not open.
 * Nonces are random: a key is good for 2^32 values, and there is a new one each month.
 */
const VERSION = 1
/** Only ever written by tests that show what their scan would find without sealing. */
const VERSION_PLAIN = 0
const HEAD_BYTES = 17
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What sealing adds to a value. */
const SEAL_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES

export interface DataKey {
  /** UUID, lower case with hyphens. */
  readonly id: string
  readonly key: KeyObject
}

/** A sealed value does not open: it was changed, moved, or sealed under another key. Says nothing of its content. */
export class SealBroken extends Error {
  constructor(context: string, cause?: unknown) {
    super(`the sealed value at ${context} does not open`, cause === undefined ? undefined : { cause })
    this.name = 'SealBroken'
  }
}

export function sealValue(dataKey: DataKey, plain: Buffer | string, context: string): Buffer {
  const nonce = freshNonce()
  const head = Buffer.concat([Buffer.of(VERSION), idBytes(dataKey.id)])
  const cipher = createCipheriv('aes-256-gcm', dataKey.key, nonce)
  cipher.setAAD(additional(head, context))
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain)
  cipher.final()
  return Buffer.concat([head, nonce, cipher.getAuthTag(), body])
}

/** @throws {SealBroken} */
export function openValue(key: KeyObject, sealed: Buffer, context: string): Buffer {
  if (sealed.length < SEAL_BYTES || sealed[0] !== VERSION) throw new SealBroken(context)
  const nonceEnd = HEAD_BYTES + NONCE_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(HEAD_BYTES, nonceEnd), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(additional(sealed.subarray(0, HEAD_BYTES), context))
  decipher.setAuthTag(sealed.subarray(nonceEnd, SEAL_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(SEAL_BYTES)), decipher.final()])
  } catch (error) {
    throw new SealBroken(context, error)
  }
}

/** The id of the key that opens a value. @throws {SealBroken} */
export function sealedKeyId(sealed: Buffer, context: string): string {
  if (sealed.length < SEAL_BYTES || sealed[0] !== VERSION) throw new SealBroken(context)
  const hex = sealed.toString('hex', 1, HEAD_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** @internal */
export function plainValue(plain: Buffer | string): Buffer {
  return Buffer.concat([Buffer.of(VERSION_PLAIN), Buffer.from(plain)])
}

/** @internal */
export function openPlainValue(value: Buffer): Buffer | null {
  return value[0] === VERSION_PLAIN ? value.subarray(1) : null
}

/** Drawn in advance: a call of the generator costs more than what it gives. */
let drawn: Buffer = Buffer.alloc(0)

function freshNonce(): Buffer {
  if (drawn.length === 0) drawn = randomBytes(NONCE_BYTES * 512)
  const nonce = drawn.subarray(0, NONCE_BYTES)
  drawn = drawn.subarray(NONCE_BYTES)
  return nonce
}

function idBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

function additional(head: Buffer, context: string): Buffer {
  return Buffer.concat([head, Buffer.from(context, 'utf8')])
}
