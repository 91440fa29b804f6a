import { Problem } from '../base/problem.ts'

/** The parts of an HTTP message that a signature can cover. Headers as node gives them: name, value, name, value, … */
export interface RequestMessage {
  method: string
  /** Absolute: our configured public address and the target as received; see `targetUriOf`. */
  targetUri: string
  rawHeaders: readonly string[]
}

export interface AnswerMessage {
  status: number
  rawHeaders: readonly string[]
  /** The request that it answers, as the answer's signature may cover parts of it (`;req`). */
  request: RequestMessage
}

export type Message = RequestMessage | AnswerMessage

/** The headers that mean something once only; a second one is an attempt to show two readers two things. */
const onceOnly: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'content-digest',
  'idempotency-key',
  'x-operator',
  'signature',
  'signature-input',
  'trace-receipt',
  'date',
])

/** Every value of a header, trimmed, in order. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    // Only spaces and tabs may surround a value; what else trim() takes off is content.
    if (rawHeaders[index]?.toLowerCase() === name)
      values.push((rawHeaders[index + 1] ?? '').replace(/^[ \t]+|[ \t]+$/g, ''))
  }
  return values
}

/** The value of a header that occurs once at most. */
export function headerValue(rawHeaders: readonly string[], name: string): string | undefined {
  return headerValues(rawHeaders, name)[0]
}

/** @throws {Problem} header-repeated, naming the header. */
export function refuseRepeatedHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (seen.has(name) && onceOnly.has(name)) {
      throw new Problem('header-repeated', {
        zh: `请求头 ${name} 只能出现一次`,
        en: `The header ${name} may occur once only`,
      })
    }
    seen.add(name)
  }
}

export interface TargetParts {
  scheme: string
  authority: string
  path: string
  /** With its question mark; a lone one without a query. */
  query: string
}

/**
 * The parts of an absolute target as text: nothing is decoded, resolved or re-encoded, since the peer signed the
 * characters that it sent. Null if it is no absolute http(s) URI.
 */
export function targetParts(targetUri: string): TargetParts | null {
  const found = /^(https?):\/\/([^/?#@\s]+)([^?#\s]*)(\?[^#\s]*)?$/i.exec(targetUri)
  if (found === null) return null
  const [, scheme = '', authority = '', path = '', query] = found
  const lowerScheme = scheme.toLowerCase()
  const defaultPort = lowerScheme === 'https' ? /:443$/ : /:80$/
  return {
    scheme: lowerScheme,
    authority: authority.toLowerCase().replace(defaultPort, ''),
    path: path === '' ? '/' : path,
    query: query ?? '?',
  }
}

/**
 * The target URI of a request to us: the configured public address (`https://gateway.example`, no path or one that
 * the proxy strips) and the request target as received. Nothing is taken from Host or forwarded headers.
 * @throws {Problem} request-malformed if the target is not a path.
 */
export function targetUriOf(publicAddress: string, requestTarget: string): string {
  const target = publicAddress.replace(/\/$/, '') + requestTarget
  if (!requestTarget.startsWith('/') || targetParts(target) === null) {
    throw new Problem('request-malformed', {
      zh: '请求行的目标须为以 / 开头的路径',
      en: 'The request target must be a path that begins with /',
    })
  }
  return target
}
