import { createServer } from 'node:http'

// Acknowledges every message at once, and counts.
let arrived = 0
const server = createServer((request, reply) => {
  if (request.method === 'GET') {
    const text = String(arrived)
    reply.writeHead(200, { 'content-length': text.length }).end(text)
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    arrived += 1
    const { Case: told } = JSON.parse(Buffer.concat(chunks).toString()) as { Case: { type: string; unid: string } }
    const at = '2026-11-09 09:20:38'
    const text = JSON.stringify({
      Case: {
        applyFrom: '21',
        type: '99',
        unid: `a${told.unid.slice(1)}`,
        xsd: '1.0',
        Router: {
          FromAreaCode: '420200',
          FromAreaName: '黄石市',
          ToAreaCode: '420222',
          ToAreaName: '阳新县',
          Time: at,
        },
        Body: {
          ApasInfo: { SN: `hsbdc${told.unid.slice(0, 14)}` },
          Feedback: {
            OfType: told.type,
            OfUnid: told.unid,
            Result: 'Y',
            Code: '0000',
            Message: '已接收',
            Time: at,
          },
        },
      },
    })
    reply.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })
})
process.once('SIGTERM', () => process.exit(0))
