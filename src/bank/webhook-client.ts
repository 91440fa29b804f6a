import { ADDRESS_REFUSED, type AddressGuard } from '../http/address-guard.ts'
import { type Caller, openCaller, type Reply } from '../http/call.ts'
import { contentDigestOf } from '../trust/content-digest.ts'

/** Signs a request in our name; gives the two headers to add. */
type SignPush = (
  request: { method: string; targetUri: string; headers: Record<string, string> },
  algorithm: 'p256' | 'sm2',
) => Promise<{ 'signature-input': string; signature: string }>

interface Push {
  url: string
  body: Buffer
  answerAlgorithm: 'p256' | 'sm2'
  /** Value of Trace-Receipt: the record of what this push discloses. */
  receipt: string
}

/** What came of a push: the status that was answered, or the class of what went wrong. */
export type PushResult =
  | { kind: 'status'; status: number; retryAfter: string | null }
  /** The address leads where nothing may go, an inner network say: nothing was sent. */
  | { kind: 'address-refused' }
  /** No connection was made: nothing was sent. */
  | { kind: 'unreachable'; reason: string }
  | { kind: 'no-answer'; reason: string }

export interface WebhookClient {
  push(push: Push): Promise<PushResult>
  close(): Promise<void>
}

export interface WebhookClientOptions {
  timeoutMs: number
  guard: AddressGuard
  /** CAs (PEM) in place of Node's own list; null for that. */
  authorities: readonly string[] | null
  sign: SignPush
}

/** Pushes over HTTP, signed anew each time, to addresses that hold as they are connected to. Redirects are not followed. */
export function openWebhookClient(options: WebhookClientOptions): WebhookClient {
  const callerFor = (protocol: 'http:' | 'https:'): Caller =>
    openCaller({
      timeoutMs: options.timeoutMs,
      // Two banks may share a host; neither waits for the other there.
      connections: null,
      answerLimitBytes: 0,
      withoutBodies: true,
      lookup: options.guard.lookupFor(protocol),
      ...(options.authorities === null ? {} : { authorities: options.authorities }),
    })
  const callers = { https: callerFor('https:'), http: callerFor('http:') }
  return {
    push: async ({ url, body, answerAlgorithm, receipt }) => {
      const target = new URL(url)
      if (options.guard.checkLiteral(target) !== null) return { kind: 'address-refused' }
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'content-digest': contentDigestOf(body),
        'trace-receipt': receipt,
      }
      const signature = await options.sign({ method: 'POST', targetUri: url, headers }, answerAlgorithm)
      const caller = target.protocol === 'https:' ? callers.https : callers.http
      return resultOf(await caller.call({ method: 'POST', url, headers: { ...headers, ...signature }, body }))
    },
    close: async () => void (await Promise.all([callers.https.close(), callers.http.close()])),
  }
}

function resultOf(reply: Reply): PushResult {
  if (reply.kind === 'answered') {
    return { kind: 'status', status: reply.status, retryAfter: reply.headers['retry-after'] ?? null }
  }
  if (reply.kind === 'unknown') return { kind: 'no-answer', reason: reply.reason }
  return reply.reason === ADDRESS_REFUSED ? { kind: 'address-refused' } : { kind: 'unreachable', reason: reply.reason }
}
