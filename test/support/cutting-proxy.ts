import { connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy {
  /** The database's address through the proxy. */
  readonly url: string
  /** COMMITs that were cut. */
  readonly cuts: number
  /**
   * The next COMMIT loses its connection: `before` the server got it, or `after`, when its answer is on the way back.
   */
  cut(when: 'before' | 'after'): void
  /** The connection of the next statement stays open, and nothing passes through it any more: no end either. */
  silence(): void
}

const COMMIT = Buffer.from('commit\0')

/** A way to the database that breaks at the worst moment. */
export async function cuttingProxy(
  t: { teardown(work: () => Promise<void>): unknown },
  url: string,
): Promise<CuttingProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let armed: 'before' | 'after' | null = null
  let cuts = 0
  let silences = false
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let dropsAnswer = false
    let isSilent = false
    const end = (): void => {
      client.destroy()
      if (!isSilent) upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (chunk) => {
      if (silences) isSilent = true
      silences = false
      if (isSilent) return
      if (armed !== null && chunk.includes(COMMIT)) {
        const when = armed
        armed = null
        cuts += 1
        if (when === 'before') {
          end()
          return
        }
        dropsAnswer = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (dropsAnswer) end()
      else client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as { port: number }).port)
  return {
    url: through.href,
    get cuts() {
      return cuts
    },
    cut: (when) => {
      armed = when
    },
    silence: () => {
      silences = true
    },
  }
}
