import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'

export interface ProxiedAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Stands between a bank and the gateway and may change what the gateway answers. */
export interface MeddlingProxy {
  url: string
  /** Where calls go; to be told before the first. */
  target: string
  meddle: (answer: ProxiedAnswer, path: string) => ProxiedAnswer | Promise<ProxiedAnswer>
}

const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect', 'date'])

export async function meddlingProxy(t: { teardown(work: () => Promise<void>): unknown }): Promise<MeddlingProxy> {
  const proxy: MeddlingProxy = { url: '', target: '', meddle: (answer) => answer }
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
      const path = incoming.url ?? '/'
      const response = await request(proxy.target + path, {
        method: incoming.method ?? 'GET',
        headers: plain(incoming.headers),
        body: chunks.length === 0 ? null : Buffer.concat(chunks),
      })
      const own = { status: response.statusCode, headers: plain(response.headers) }
      const { status, headers, body } = await proxy.meddle(
        { ...own, body: Buffer.from(await response.body.arrayBuffer()) },
        path,
      )
      outgoing.writeHead(status, { ...headers, 'content-length': body.length })
      outgoing.end(body)
    })().catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return proxy
}

function plain(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && !OF_THE_CONNECTION.has(name)) kept[name] = value
  }
  return kept
}
