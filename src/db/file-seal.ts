import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'

/**
 * A sealed file: version 1 ‖ prefix (7 random bytes) ‖ chunks. A chunk is 64 KiB of the file (the last one less, or
 * nothing at all) sealed with AES-256-GCM, ciphertext ‖ tag (16). Its nonce is prefix ‖ number (4, big-endian) ‖ 1 for
 * the last, else 0 (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár): chunks that are changed,
 * swapped, left out, added or cut off do not open. One random key a file.
 */
const VERSION = 1
const PREFIX_BYTES = 7
const HEAD_BYTES = 1 + PREFIX_BYTES
const TAG_BYTES = 16
const CHUNK_BYTES = 64 * 1024

/** A sealed file was changed, cut short, or is of another key. */
class FileSealBroken extends Error {
  constructor(why: string) {
    super(`the sealed file does not open: ${why}`)
    this.name = 'FileSealBroken'
  }
}

export function newFileKey(): Buffer {
  return randomBytes(32)
}

/** Clear bytes in, a sealed file out. @param fileKey 32 random bytes that seal this file only. */
export function createSealer(fileKey: Buffer): Transform {
  const prefix = randomBytes(PREFIX_BYTES)
  const head = Buffer.concat([Buffer.of(VERSION), prefix])
  const sealChunk = (chunk: Buffer, number: number, last: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', fileKey, nonce(prefix, number, last))
    cipher.setAAD(head)
    const body = cipher.update(chunk)
    cipher.final()
    return Buffer.concat([body, cipher.getAuthTag()])
  }
  const chunks = new Chunks(CHUNK_BYTES, sealChunk)
  let headSent = false
  return new Transform({
    transform(data: Buffer, _encoding, callback) {
      attempt(callback, () => {
        if (!headSent) this.push(head)
        headSent = true
        chunks.take(data, this)
      })
    },
    flush(callback) {
      attempt(callback, () => {
        if (!headSent) this.push(head)
        chunks.end(this)
      })
    },
  })
}

/**
 * A sealed file in, clear bytes out. Each chunk is verified before it is given out, but that the file is whole is known
 * only at the end: what was read counts once the stream has ended without error.
 * Fails with {FileSealBroken}.
 */
export function createOpener(fileKey: Buffer): Transform {
  let head: Buffer = Buffer.alloc(0)
  const openChunk = (chunk: Buffer, number: number, last: boolean): Buffer => {
    if (chunk.length < TAG_BYTES) throw new FileSealBroken('it is cut off')
    const at = chunk.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', fileKey, nonce(head.subarray(1), number, last), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(head)
    decipher.setAuthTag(chunk.subarray(at))
    try {
      return Buffer.concat([decipher.update(chunk.subarray(0, at)), decipher.final()])
    } catch {
      throw new FileSealBroken(last ? 'its last chunk was changed, or it is cut off' : `chunk ${number} was changed`)
    }
  }
  const chunks = new Chunks(CHUNK_BYTES + TAG_BYTES, openChunk)
  return new Transform({
    transform(data: Buffer, _encoding, callback) {
      attempt(callback, () => {
        const missing = HEAD_BYTES - head.length
        if (missing > 0) head = Buffer.concat([head, data.subarray(0, missing)])
        if (head.length < HEAD_BYTES) return
        if (head[0] !== VERSION) throw new FileSealBroken('it is of no known version')
        chunks.take(data.subarray(Math.max(0, missing)), this)
      })
    },
    flush(callback) {
      attempt(callback, () => {
        if (head.length < HEAD_BYTES) throw new FileSealBroken('it is cut off')
        chunks.end(this)
      })
    },
  })
}

/** Cuts a stream into chunks of one size and holds the newest back until it is known whether it is the last. */
class Chunks {
  readonly #size: number
  readonly #work: (chunk: Buffer, number: number, last: boolean) => Buffer
  #parts: Buffer[] = []
  #held = 0
  #number = 0

  constructor(size: number, work: (chunk: Buffer, number: number, last: boolean) => Buffer) {
    this.#size = size
    this.#work = work
  }

  take(data: Buffer, out: Transform): void {
    this.#parts.push(data)
    this.#held += data.length
    if (this.#held <= this.#size) return
    const all = Buffer.concat(this.#parts, this.#held)
    let at = 0
    // Not <=: a full chunk with nothing behind it may be the last.
    for (; all.length - at > this.#size; at += this.#size) this.#emit(all.subarray(at, at + this.#size), false, out)
    this.#parts = [all.subarray(at)]
    this.#held = all.length - at
  }

  end(out: Transform): void {
    this.#emit(Buffer.concat(this.#parts, this.#held), true, out)
  }

  #emit(chunk: Buffer, last: boolean, out: Transform): void {
    const done = this.#work(chunk, this.#number, last)
    this.#number += 1
    if (done.length > 0) out.push(done)
  }
}

function nonce(prefix: Buffer, number: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12)
  prefix.copy(bytes)
  // Throws beyond 2^32 chunks, which are 256 TiB.
  bytes.writeUInt32BE(number, PREFIX_BYTES)
  bytes[11] = last ? 1 : 0
  return bytes
}

function attempt(callback: TransformCallback, work: () => void): void {
  try {
    work()
  } catch (error) {
    callback(error as Error)
    return
  }
  callback()
}
