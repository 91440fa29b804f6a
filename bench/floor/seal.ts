import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'

const key = createSecretKey(randomBytes(32))

/** Drawn for many at once: a draw costs more than what it draws. */
let drawn: Buffer = Buffer.alloc(0)

/** AES-256-GCM, bound to its place. */
export function seal(plain: Buffer, context: string): Buffer {
  if (drawn.length < 12) drawn = randomBytes(12 * 512)
  const nonce = drawn.subarray(0, 12)
  drawn = drawn.subarray(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(context))
  const body = cipher.update(plain)
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}
