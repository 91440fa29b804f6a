import { createHash } from 'node:crypto'
import { type Call, type Caller, openCaller, type Reply } from '../http/call.ts'

/** Signs a request in our name; gives the two headers to add. */
export type SignRequest = (request: {
  method: string
  targetUri: string
  headers: Record<string, string>
}) => Promise<{ 'signature-input': string; signature: string }>

/** The platform over HTTP: messages by POST, material files by PUT, each signed with the gateway's certificate. */
export interface PlatformClient {
  post(bytes: Buffer): Promise<Reply>
  /** @param sha256 digest of the file, known before it is read: the signature covers it. */
  putFile(
    unid: string,
    file: { chunks: AsyncIterable<Uint8Array>; lengthBytes: number; mediaType: string; sha256: Buffer },
  ): Promise<Reply>
  close(): Promise<void>
}

const ANSWER_LIMIT_BYTES = 1024 * 1024

export function openPlatformClient(options: {
  /** Base address; null: none is configured yet and everything waits. */
  url: string | null
  timeoutMs: number
  connections: number
  sign: SignRequest
}): PlatformClient {
  const caller: Caller = openCaller({
    timeoutMs: options.timeoutMs,
    connections: options.connections,
    answerLimitBytes: ANSWER_LIMIT_BYTES,
  })
  const base = options.url?.replace(/\/$/, '') ?? null

  async function signed(call: Call): Promise<Reply> {
    const signature = await options.sign({ method: call.method, targetUri: call.url, headers: call.headers })
    return caller.call({ ...call, headers: { ...call.headers, ...signature } })
  }
  const nowhere: Reply = { kind: 'not-sent', reason: 'PLATFORM_URL is not set' }

  return {
    post: async (body) => {
      if (base === null) return nowhere
      const headers = {
        'content-type': 'application/json',
        'content-digest': digestHeader(createHash('sha256').update(body).digest()),
      }
      return signed({ method: 'POST', url: `${base}/messages`, headers, body })
    },
    putFile: async (unid, file) => {
      if (base === null) return nowhere
      const headers = { 'content-type': file.mediaType, 'content-digest': digestHeader(file.sha256) }
      return signed({ method: 'PUT', url: `${base}/files/${unid}`, headers, body: file })
    },
    close: () => caller.close(),
  }
}

function digestHeader(sha256: Buffer): string {
  return `sha-256=:${sha256.toString('base64')}:`
}
