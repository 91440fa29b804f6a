import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { type DigestAlgorithm, digestText, newHash } from './content-digest.ts'

/** A file to upload. It is read once for its digest and once for each attempt, never held in memory as a whole. */
export type MaterialSource = { file: string } | { bytes: Uint8Array } | { open(): Readable | Promise<Readable> }

/** A body that can be sent more than once. */
export interface Body {
  sizeBytes: number
  contentType: string
  /** Value of Content-Digest. */
  digest: string
  /** Bytes at hand, or a new stream for each attempt. */
  content: Buffer | (() => Readable | Promise<Readable>)
}

/** @throws what opening or reading the source throws. */
export async function materialBody(
  source: MaterialSource,
  contentType: string,
  algorithm: DigestAlgorithm,
): Promise<Body> {
  const open = openerOf(source)
  const hash = newHash(algorithm)
  let sizeBytes = 0
  for await (const chunk of (await open()) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { sizeBytes, contentType, digest: digestText(hash.digest(), algorithm), content: open }
}

function openerOf(source: MaterialSource): () => Readable | Promise<Readable> {
  if ('file' in source) return () => createReadStream(source.file)
  if ('bytes' in source) {
    const bytes = Buffer.from(source.bytes)
    return () => Readable.from([bytes], { objectMode: false })
  }
  return () => source.open()
}
