import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { encodeGb18030 } from '../src/mapping/gb18030.ts'

// Answers every QUERY at once with the golden answer, under the number that was asked.
const golden = readFileSync('test/messages/registry-query-answer-flags.xml', 'utf8')
const [before = '', after = ''] = golden
  .replace('encoding="UTF-8"', 'encoding="GB18030"')
  .split('420222261109000001')
  .map((part) => part)
const head = encodeGb18030(before, '2005')
const tail = encodeGb18030(after, '2005')

const server = createServer((request, reply) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const number = /<BizMsgID>(\d+)</.exec(Buffer.concat(chunks).toString('latin1'))?.[1] ?? ''
    const body = Buffer.concat([head, Buffer.from(number, 'latin1'), tail])
    reply
      .writeHead(200, { 'content-type': 'application/xml; charset=GB18030', 'content-length': body.length })
      .end(body)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })
})
process.once('SIGTERM', () => process.exit(0))
