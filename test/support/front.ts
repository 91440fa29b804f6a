import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { request as get } from 'undici'

/** A load balancer. */
export interface Front {
  url: string
  /** Those that were ready at the last look. */
  ready(): readonly string[]
}

/** How often each is asked whether it is ready; one word decides. */
const LOOK_MS = 100

/** Passes requests on to those that /readyz calls ready, in turn, over connections that it keeps; repeats nothing. */
export async function front(
  t: { teardown(work: () => Promise<void>): unknown },
  urls: readonly string[],
  port: number,
): Promise<Front> {
  const agent = new Agent({ keepAlive: true })
  let ready: readonly string[] = []
  let turn = 0
  const server = createServer((asked, answer) => {
    turn += 1
    const url = ready[turn % ready.length]
    if (url === undefined) return void answer.writeHead(502).end('nobody is ready')
    passOn(asked, answer, url, agent)
  })
  const look = async (): Promise<void> => {
    const asked = await Promise.all(urls.map(async (url) => ((await isReady(url)) ? [url] : [])))
    ready = asked.flat()
  }
  await look()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const over = new AbortController()
  const looking = (async () => {
    while (!over.signal.aborted) {
      await look()
      await sleep(LOOK_MS, null, { signal: over.signal }).catch(() => undefined)
    }
  })()
  t.teardown(async () => {
    over.abort()
    await looking
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    agent.destroy()
  })
  return { url: `http://127.0.0.1:${port}`, ready: () => ready }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await get(`${url}/readyz`, { headersTimeout: 1000 })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

function passOn(asked: IncomingMessage, answer: ServerResponse, url: string, agent: Agent): void {
  const { connection: _, ...headers } = asked.headers
  const options = { method: asked.method, path: asked.url, headers, agent }
  const passed = request(url, options, (from) => {
    const { connection: __, 'keep-alive': ___, ...told } = from.headers
    answer.writeHead(from.statusCode ?? 502, told)
    from.pipe(answer)
    from.on('error', () => answer.destroy())
  })
  passed.on('error', (error) => {
    if (answer.headersSent) answer.destroy()
    else answer.writeHead(502).end(`the node failed: ${error.message}`)
  })
  asked.pipe(passed)
}
