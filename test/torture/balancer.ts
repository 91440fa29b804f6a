import { connect, createServer, type Socket } from 'node:net'

export interface Balancer {
  url: string
  close(): Promise<void>
}

/** Gives each connection to the next of the ports that takes it, as a bank's network would. */
export async function balancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer({ pauseOnConnect: true }, (client) => {
    sockets.add(client)
    client.on('error', () => client.destroy()).on('close', () => sockets.delete(client))
    turn += 1
    const order = ports.map((_, place) => ports[(turn + place) % ports.length] as number)
    const next = (): void => {
      const port = order.shift()
      if (port === undefined) return void client.destroy()
      const upstream = connect(port, '127.0.0.1')
      let isUp = false
      upstream.once('connect', () => {
        isUp = true
        client.pipe(upstream).pipe(client)
        client.on('close', () => upstream.destroy())
      })
      upstream.on('error', () => (isUp ? client.destroy() : next()))
      upstream.on('close', () => {
        if (isUp) client.destroy()
      })
    }
    next()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
