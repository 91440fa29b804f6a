import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'

const key = createSecretKey(randomBytes(32))

/** AES-256-GCM, bound to its place. */
export function seal(plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(context))
  const body = cipher.update(plain)
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}
