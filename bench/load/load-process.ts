import { randomUUID } from 'node:crypto'
import { readIdentity } from '../../src/sandbox/certificate-authority.ts'
import { signedHeaders } from '../../src/sandbox/signed-request.ts'
import { quantile } from '../statistics.ts'
import { Connection } from './connection.ts'
import type { LoadOrder, LoadResult } from './load.ts'

// The bank's side of a run, in a process of its own: all is signed before the clock starts.
const { folder, name } = JSON.parse(process.argv[2] as string) as { folder: string; name: string }
const identity = await readIdentity(folder, name)

function signedRequest(order: LoadOrder): Buffer {
  const body = Buffer.from(order.body.replaceAll('@FRESH@', () => randomUUID()))
  const headers = signedHeaders(
    identity,
    {
      method: 'POST',
      targetUri: order.url + order.path,
      headers: { 'content-type': 'application/json', 'x-operator': order.operator, 'idempotency-key': randomUUID() },
      body,
    },
    'sha-256',
  )
  const lines = Object.entries(headers).map(([field, value]) => `${field}: ${value}\r\n`)
  const { host } = new URL(order.url)
  const head = `POST ${order.path} HTTP/1.1\r\nhost: ${host}\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

async function run(order: LoadOrder): Promise<LoadResult> {
  const requests = Array.from({ length: order.requests }, () => signedRequest(order))
  const port = Number(new URL(order.url).port)
  const connections = await Promise.all(Array.from({ length: order.connections }, () => Connection.open(port)))
  const tookMs: number[] = []
  let next = 0
  let failure: string | null = null
  const startMs = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      for (let bytes = requests[next++]; bytes !== undefined && failure === null; bytes = requests[next++]) {
        const sentMs = performance.now()
        const answer = await connection.send(bytes)
        tookMs.push(performance.now() - sentMs)
        if (answer.status !== order.expected) failure = `${answer.status} ${answer.body.toString().slice(0, 300)}`
      }
    }),
  )
  const seconds = (performance.now() - startMs) / 1000
  for (const connection of connections) connection.close()
  if (failure !== null) return { failure }
  return { rate: tookMs.length / seconds, p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) }
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies LoadResult),
  )
})
process.send?.('there')
