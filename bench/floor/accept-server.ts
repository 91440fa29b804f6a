import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { type Filed, makeTables, writeFiled } from './accept-tables.ts'
import { digestOf, type KeysGiven, readKeys, signedAnswer, verified } from './http-signature.ts'
import { validator } from './schema.ts'
import { seal } from './seal.ts'
import { SharedCommit } from './shared-commit.ts'
import { traceRow } from './trace-row.ts'

// The floor of POST /v1/applications: the work that nobody is spared who takes a signed application once and durably,
// with its trace, and answers under his signature. No access, no rules, no materials, no numbers, no second algorithm.
const given = JSON.parse(process.argv[2] as string) as { databaseUrl: string; schemasDir: string; keys: KeysGiven }
const keys = readKeys(given.keys)
const isValid = validator(given.schemasDir, 'application')
const client = new pg.Client({ connectionString: given.databaseUrl, pipeline: true })
await client.connect()
await makeTables(client)
const commit = new SharedCommit<Filed, boolean>(client, writeFiled)
let url = ''

async function take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
  const method = request.method ?? ''
  const targetUri = url + (request.url ?? '')
  const [signed, body] = await Promise.all([verified(request, targetUri, keys), bodyOf(request)])
  if (digestOf(body) !== signed.contentDigest) throw new Error('the digest is wrong')
  const application = JSON.parse(body.toString()) as { bankReference: string }
  if (!isValid(application)) throw new Error('the application is not valid')

  const caseId = randomUUID()
  const requestId = randomUUID()
  const eventId = randomUUID()
  const at = new Date()
  const { bankReference } = application
  const messages = [
    { id: randomUUID(), endpoint: 'platform', kind: '10', number: caseId.replaceAll('-', '') },
    { id: randomUUID(), endpoint: 'registry', kind: 'SUBMIT', number: caseId.slice(0, 18) },
  ]
  const trace = [
    traceRow('access-decided', caseId, { route: 'POST/v1/applications', keyid: keys.bankKeyid, requestId }),
    traceRow('application-received', caseId, { businessType: 'mortgage-first' }),
    traceRow('message-queued', caseId, { first: messages[0]?.id ?? '', second: messages[1]?.id ?? '' }),
  ]
  const text = JSON.stringify({ id: caseId, bankReference, state: 'received', receivedAt: at.toISOString() })
  const event = { id: eventId, caseId, bankReference, type: 'received', occurredAt: at.toISOString() }
  const filed: Filed = {
    requestId,
    nonce: createHash('sha256').update(`${keys.bankKeyid}\n${signed.nonce}`).digest().subarray(0, 16),
    key: request.headers['idempotency-key'] as string,
    digest: createHash('sha256').update(body).digest(),
    answer: seal(Buffer.from(text), `idempotency/answer/${requestId}`),
    caseId,
    reference: bankReference,
    sealed: seal(body, `cases/sealed/${caseId}`),
    at,
    eventId,
    event: seal(Buffer.from(JSON.stringify(event)), `event/sealed/${eventId}`),
    messages,
    trace,
  }
  if (!(await commit.submit(filed))) throw new Error('it was filed before')
  const receipt = `sm3=:${(trace[1]?.leafHash ?? Buffer.alloc(0)).toString('base64')}:`
  const headers = await signedAnswer(202, text, receipt, { method, targetUri, verified: signed }, keys)
  reply.writeHead(202, { ...headers, location: `/v1/applications/${caseId}` }).end(text)
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
