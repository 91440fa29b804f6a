import { type Caller, openCaller, type Reply } from '../http/call.ts'

/** The registry over HTTP: one address, XML in, XML out; files beside it. */
export interface RegistryClient {
  /** Posts a whole message. */
  post(bytes: Buffer): Promise<Reply>
  /** Posts a message whose content comes as a stream of known length. */
  postStream(chunks: AsyncIterable<Uint8Array>, lengthBytes: number): Promise<Reply>
  /** Gets a file by its place relative to the file address; the body goes to `sink` when the status is 200. */
  fetchFile(location: string, sink: (chunks: AsyncIterable<Uint8Array>) => Promise<void>): Promise<Reply>
  close(): Promise<void>
}

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024

export function openRegistryClient(options: {
  /** Null: no address is configured yet; everything waits. */
  url: string | null
  filesUrl: string | null
  contentType: string
  timeoutMs: number
  connections: number
}): RegistryClient {
  const caller: Caller = openCaller({
    timeoutMs: options.timeoutMs,
    connections: options.connections,
    answerLimitBytes: ANSWER_LIMIT_BYTES,
  })
  const headers = { 'content-type': options.contentType }
  const { url } = options
  const nowhere: Reply = { kind: 'not-sent', reason: 'REGISTRY_URL is not set' }

  return {
    post: async (body) => (url === null ? nowhere : caller.call({ method: 'POST', url, headers, body })),
    postStream: async (chunks, lengthBytes) =>
      url === null ? nowhere : caller.call({ method: 'POST', url, headers, body: { chunks, lengthBytes } }),
    fetchFile: async (location, sink) => {
      const address = url === null ? null : fileAddress(options.filesUrl ?? new URL('files/', url).href, location)
      if (address === null)
        return url === null ? nowhere : { kind: 'unknown', reason: 'the file lies outside the file address' }
      return caller.download({ method: 'GET', url: address, headers: {} }, sink)
    },
    close: () => caller.close(),
  }
}

/** The address of a file, null when its place would lead out of the base: an answer must not make us call elsewhere. */
export function fileAddress(base: string, location: string): string | null {
  const folder = base.endsWith('/') ? base : `${base}/`
  if (/^[a-z][a-z0-9+.-]*:/i.test(location) || location.startsWith('/') || location.includes('\\')) return null
  const address = new URL(location, folder)
  return address.href.startsWith(new URL(folder).href) ? address.href : null
}
