import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { SaxesParser } from 'saxes'
import { Agent, request as call } from 'undici'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'
import { digestOf, type KeysGiven, readKeys, signedAnswer, verified } from './http-signature.ts'
import { validator } from './schema.ts'
import { SharedCommit } from './shared-commit.ts'
import { insertTrace, TRACE_TABLE, type TraceRow, traceRow } from './trace-row.ts'

// The floor of POST /v1/queries: a signed question is traced, put to the registry and answered under a signature, and
// that is traced before it leaves. No access, no quota, no authorization, no masking, no answer kept for a repeat.
const given = JSON.parse(process.argv[2] as string) as {
  databaseUrl: string
  schemasDir: string
  registryUrl: string
  keys: KeysGiven
}
const keys = readKeys(given.keys)
const isValid = validator(given.schemasDir, 'query-request')
const client = new pg.Client({ connectionString: given.databaseUrl, pipeline: true })
await client.connect()
await client.query(TRACE_TABLE)
const commit = new SharedCommit<TraceRow, void>(client, async (own, rows) => {
  await own.query(insertTrace(rows))
  return rows.map(() => undefined)
})
const registry = new Agent({ connections: 32 })
const decoder = new TextDecoder('gb18030', { fatal: true })
let url = ''
let asked = 0

interface Question {
  certificateNumber: string
  holder: { name: string; idNumber: string }
}

async function take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
  const method = request.method ?? ''
  const targetUri = url + (request.url ?? '')
  const [signed, body] = await Promise.all([verified(request, targetUri, keys), bodyOf(request)])
  if (digestOf(body) !== signed.contentDigest) throw new Error('the digest is wrong')
  const question = JSON.parse(body.toString()) as Question
  if (!isValid(question)) throw new Error('the question is not valid')
  const id = randomUUID()
  const question1 = traceRow('query-asked', id, { keyid: keys.bankKeyid, nonce: signed.nonce })
  await commit.submit(question1)
  const facts = await ask(question)
  const disclosed = traceRow('disclosure', id, { fields: Object.keys(facts).join('+') })
  await commit.submit(disclosed)
  const text = JSON.stringify({ id, ...facts, answeredAt: new Date().toISOString() })
  const receipt = `sm3=:${disclosed.leafHash.toString('base64')}:`
  const headers = await signedAnswer(200, text, receipt, { method, targetUri, verified: signed }, keys)
  reply.writeHead(200, headers).end(text)
}

async function ask({ certificateNumber, holder }: Question): Promise<Record<string, unknown>> {
  asked += 1
  const number = `420222261109${String(700_000 + (asked % 300_000)).padStart(6, '0')}`
  const bytes = encodeGb18030(
    `<?xml version="1.0" encoding="GB18030"?><Message><Head><BizMsgID>${number}</BizMsgID><ASID>AS100</ASID>` +
      '<AreaCode>420222</AreaCode><ExchangeType>QUERY</ExchangeType></Head><Data>' +
      `<JH_CXTJ XH="1" CXJB="1" BDCQZH="${certificateNumber}" QLRMC="${holder.name}" ZJZL="1" ZJH="${holder.idNumber}" CXMD="办理抵押登记"/>` +
      '</Data></Message>',
    '2005',
  )
  const answer = await call(given.registryUrl, { method: 'POST', body: bytes, dispatcher: registry })
  const xml = decoder.decode(await answer.body.arrayBuffer())
  const { BizMsgID, ResponseCode, row } = read(xml)
  if (BizMsgID !== number || ResponseCode !== '0000') throw new Error('the registry says something else')
  return {
    matched: row['HYZT'] === '1',
    checkedAt: `${row['HYSJ']}+08:00`,
    certificateNumber: row['BDCQZH'],
    unitNumber: row['BDCDYH'],
    mortgaged: row['SFDY'] === '1',
    seized: row['SFCZCF'] === '1',
    objected: row['SFYYDJ'] === '1',
    provisional: row['SFYGDJ'] === '1',
    shared: row['SFGY'] === '1',
    location: row['FWZL'],
    area: row['SCJZMJ'],
  }
}

/** The two words of the answer's head, and the row's attributes. */
function read(xml: string): { BizMsgID?: string; ResponseCode?: string; row: Record<string, string> } {
  const found: { BizMsgID?: string; ResponseCode?: string; row: Record<string, string> } = { row: {} }
  const parser = new SaxesParser()
  let open = ''
  parser.on('opentag', ({ name, attributes }) => {
    open = name
    if (name === 'JH_HYJG') found.row = attributes
  })
  parser.on('text', (text) => {
    if (open === 'BizMsgID' || open === 'ResponseCode') found[open] = text
    open = ''
  })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(xml).close()
  return found
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}

const server = createServer((request, reply) => {
  take(request, reply).catch((error: unknown) => {
    const text = String(error)
    reply.writeHead(400, { 'content-length': Buffer.byteLength(text) }).end(text)
  })
})
server.listen(0, '127.0.0.1', () => {
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  process.send?.({ url })
})
process.once('SIGTERM', () => process.exit(0))
