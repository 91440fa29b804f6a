import type { Readable } from 'node:stream'

/** Text that a mapping puts where a file's base64 belongs; base64 has no such characters, so it cannot be confused. */
export const CONTENT_MARKER = '@@CONTENT@@'

/** A rendered message cut at the place of the file's content. */
export interface CutMessage {
  head: Buffer
  tail: Buffer
}

/** @throws {Error} when the marker is not there exactly once: a fault of the mapping. */
export function cutAtMarker(rendered: Buffer): CutMessage {
  const at = rendered.indexOf(CONTENT_MARKER)
  if (at < 0 || rendered.indexOf(CONTENT_MARKER, at + 1) >= 0) {
    throw new Error('the mapping of a material must write message.contentMarker exactly once')
  }
  return { head: rendered.subarray(0, at), tail: rendered.subarray(at + CONTENT_MARKER.length) }
}

/** Length of the whole message with a file of `sizeBytes` in base64. */
export function messageLength(cut: CutMessage, sizeBytes: number): number {
  return cut.head.length + Math.ceil(sizeBytes / 3) * 4 + cut.tail.length
}

/** The whole message, the file encoded as it is read. ASCII is the same in every encoding that a registry speaks. */
export async function* withContent(cut: CutMessage, file: Readable): AsyncGenerator<Uint8Array> {
  yield cut.head
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of file as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % 3)
    rest = bytes.subarray(whole)
    if (whole > 0) yield Buffer.from(bytes.toString('base64', 0, whole), 'latin1')
  }
  if (rest.length > 0) yield Buffer.from(rest.toString('base64'), 'latin1')
  yield cut.tail
}

/** The number that lies `count` after another of the same day and range: files of a case have numbers in a row. */
export function numberAfter(number: string, count: number): string {
  return number.slice(0, 12) + String(Number(number.slice(12)) + count).padStart(6, '0')
}
