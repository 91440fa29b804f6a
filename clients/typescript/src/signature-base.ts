import {
  bytesText,
  type Component,
  type ComponentList,
  componentListText,
  componentText,
  FieldError,
  readByteSequences,
} from './structured-fields.ts'

/** Headers as name and value in turn, as node gives them in `rawHeaders`. */
export type RawHeaders = readonly string[]

export interface SignedRequest {
  method: string
  /** Absolute, character by character as the receiver knows itself: `https://gateway.example/v1/events?after=0`. */
  targetUri: string
  rawHeaders: RawHeaders
}

export interface SignedAnswer {
  status: number
  rawHeaders: RawHeaders
  /** What it answers: components with `;req` are taken from here. */
  request: SignedRequest
}

/** The one value of a header; undefined where it is not sent. @throws {FieldError} when it is sent twice. */
export function headerOf(rawHeaders: RawHeaders, name: string): string | undefined {
  let found: string | undefined
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== name) continue
    if (found !== undefined) throw new FieldError(`the header ${name} occurs twice`)
    found = (rawHeaders[at + 1] ?? '').replace(/^[ \t]+|[ \t]+$/g, '')
  }
  return found
}

/**
 * The bytes under a signature (RFC 9421, 2.5): a line for each covered component, then the parameters.
 * @throws {FieldError} for a component that is absent, covered twice, or of a kind that this client does not know.
 */
export function signatureBase(message: SignedRequest | SignedAnswer, list: ComponentList): Buffer {
  const lines: string[] = []
  const seen = new Set<string>()
  for (const component of list.components) {
    const name = componentText(component)
    if (seen.has(name)) throw new FieldError(`${name} is covered twice`)
    seen.add(name)
    const value = valueOf(message, component)
    if (value === undefined) throw new FieldError(`${name} is covered but absent`)
    if (/[\r\n]/.test(value)) throw new FieldError(`${name} has a line break`)
    lines.push(`${name}: ${value}`)
  }
  lines.push(`"@signature-params": ${componentListText(list)}`)
  // Node gives header bytes beyond ASCII one a character.
  return Buffer.from(lines.join('\n'), 'latin1')
}

function valueOf(message: SignedRequest | SignedAnswer, { name, parameters }: Component): string | undefined {
  const [first, ...more] = parameters
  if (first?.[0] === 'req') {
    if (first[1] !== true || !('request' in message)) throw new FieldError(`;req does not apply to ${name}`)
    return valueOf(message.request, { name, parameters: more })
  }
  if (name.startsWith('@')) {
    if (first !== undefined) throw new FieldError(`${name} takes no parameters here`)
    return derivedValue(message, name)
  }
  const value = headerOf(message.rawHeaders, name)
  if (first === undefined || value === undefined) return value
  // Of the members of a dictionary only signatures are ever covered one by one.
  if (first[0] !== 'key' || more.length > 0) throw new FieldError(`unknown parameters of ${name}`)
  const bytes = readByteSequences(value).get(String(first[1]))
  return bytes === undefined ? undefined : bytesText(bytes)
}

function derivedValue(message: SignedRequest | SignedAnswer, name: string): string {
  if ('status' in message) {
    if (name === '@status') return String(message.status)
  } else {
    if (name === '@method') return message.method
    if (name === '@target-uri') return message.targetUri
  }
  throw new FieldError(`${name} is not a component that this client knows`)
}
