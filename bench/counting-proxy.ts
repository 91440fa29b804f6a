import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL that counts the statements that are executed on it, as the protocol has them. */
export interface CountingProxy {
  /** The database's address by this way. */
  url: string
  statements(): number
  close(): Promise<void>
}

const EXECUTE = 0x45
const QUERY = 0x51

export async function countingProxy(databaseUrl: string): Promise<CountingProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    client.setNoDelay(true)
    const messages = counter(() => {
      count += 1
    })
    client.on('data', (chunk: Buffer) => messages(chunk))
    client.pipe(upstream).pipe(client)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    statements: () => count,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Messages from a client: a first one without a type, then a type and a length each. */
function counter(onStatement: () => void): (chunk: Buffer) => void {
  let head = Buffer.alloc(0)
  let skip = 0
  let isFirst = true
  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (skip > 0) {
        const skipped = Math.min(skip, chunk.length - at)
        skip -= skipped
        at += skipped
        continue
      }
      const size = isFirst ? 4 : 5
      const taken = chunk.subarray(at, at + size - head.length)
      head = Buffer.concat([head, taken])
      at += taken.length
      if (head.length < size) return
      if (!isFirst && (head[0] === EXECUTE || head[0] === QUERY)) onStatement()
      skip = head.readInt32BE(size - 4) - 4
      isFirst = false
      head = Buffer.alloc(0)
    }
  }
}
