import { decodeGb18030, decodeGbk, encodeGb18030, encodeGbk } from './gb18030.ts'
import type { Encoding } from './profile.ts'

/** Text to bytes and back by tables of our own, so that both directions agree; what does not fit is an error. */
export interface TextEncoding {
  /** @throws {UnencodableError} for a character that the encoding does not have; UTF-8 takes what is well-formed. */
  encode: (text: string) => Buffer
  /** @throws for bytes that are no text of the encoding. */
  decode: (bytes: Uint8Array) => string
}

export function textEncoding({ name, edition }: Encoding): TextEncoding {
  if (name === 'GBK') return { encode: encodeGbk, decode: decodeGbk }
  if (name === 'GB18030' && edition !== null) {
    return { encode: (text) => encodeGb18030(text, edition), decode: (bytes) => decodeGb18030(bytes, edition) }
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return { encode: (text) => Buffer.from(text, 'utf8'), decode: (bytes) => decoder.decode(bytes) }
}
