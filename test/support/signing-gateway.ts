import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseCertificate } from '../../src/trust/certificate.ts'
import { checkBodyDigest, contentDigestOf } from '../../src/trust/content-digest.ts'
import { type AnswerMessage, headerValue, type RequestMessage } from '../../src/trust/http-message.ts'
import { type ReadSignature, readSignature, verifySignature } from '../../src/trust/http-signature.ts'
import { type SignatureHeaders, signAnswer } from '../../src/trust/sign.ts'
import { signatureBase } from '../../src/trust/signature-base.ts'
import type { Signer } from '../../src/trust/signer.ts'
import type { Sm2Pool } from '../../src/trust/sm2-pool.ts'
import { parseDictionary } from '../../src/trust/structured-fields.ts'
import { innerListText, itemText } from '../../src/trust/structured-fields-text.ts'

/** A call that a bank made, its signature verified by the gateway's own code. */
interface SeenCall {
  method: string
  path: string
  operator: string | undefined
  key: string | undefined
  nonce: string
  body: unknown
}

export interface Reply {
  status: number
  /** As JSON; none for undefined. */
  body?: unknown
  headers?: Record<string, string>
  /** Such as a proxy in front would answer. */
  unsigned?: true
  /** Components, such as `"@status"`, that the signature does not cover, good as it is otherwise. */
  uncovered?: readonly string[]
  /** Nothing is ever answered. */
  silent?: true
}

/** Routes of the bank API by a script, with the signatures of the real one. */
export interface SigningGateway {
  url: string
  seen: SeenCall[]
  reply: (call: SeenCall) => Reply | Promise<Reply>
}

async function coveringLess(
  whole: SignatureHeaders,
  uncovered: readonly string[],
  message: AnswerMessage,
  signer: Signer,
): Promise<SignatureHeaders> {
  if (uncovered.length === 0) return whole
  const list = parseDictionary(whole['signature-input']).get('sig1')
  if (list?.kind !== 'inner-list') throw new Error('the gateway signed with another label')
  const less = { ...list, items: list.items.filter((item) => !uncovered.includes(itemText(item))) }
  if (less.items.length !== list.items.length - uncovered.length) throw new Error('it was never covered')
  const signature = await signer.sign(signatureBase(message, less))
  return { 'signature-input': `sig1=${innerListText(less)}`, signature: `sig1=:${signature.toString('base64')}:` }
}

export async function signingGateway(
  t: { teardown(work: () => Promise<void>): unknown },
  parties: { signer: Signer; bankCertificateDer: Buffer; sm2: Sm2Pool },
): Promise<SigningGateway> {
  const { publicKey } = parseCertificate(parties.bankCertificateDer)
  const gateway: SigningGateway = { url: '', seen: [], reply: () => ({ status: 200, body: {} }) }

  async function verified(message: RequestMessage, body: Buffer): Promise<ReadSignature> {
    const hasBody = body.length > 0
    const signature = readSignature(message, { now: new Date(), hasBody })
    await verifySignature(signature, publicKey, parties.sm2)
    if (signature.contentDigest !== null) checkBodyDigest(signature.contentDigest, body)
    return signature
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const { method = '', url: path = '', rawHeaders } = incoming
    const message = { method, targetUri: gateway.url + path, rawHeaders }
    const signature = await verified(message, bytes)
    const call: SeenCall = {
      method,
      path,
      operator: headerValue(rawHeaders, 'x-operator'),
      key: headerValue(rawHeaders, 'idempotency-key'),
      nonce: signature.nonce,
      body: bytes.length === 0 ? undefined : JSON.parse(bytes.toString()),
    }
    gateway.seen.push(call)
    const reply = await gateway.reply(call)
    if (reply.silent === true) return
    const body = reply.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(reply.body))
    const headers: Record<string, string> = { ...reply.headers }
    if (body.length > 0) headers['content-type'] ??= 'application/json; charset=utf-8'
    if (reply.unsigned !== true) {
      headers['trace-receipt'] = `sm3=:${Buffer.alloc(32, gateway.seen.length).toString('base64')}:`
      headers['content-digest'] = contentDigestOf(body)
      const contentDigest = headerValue(rawHeaders, 'content-digest') ?? null
      const request = { method, targetUri: message.targetUri, contentDigest, signature }
      const whole = await signAnswer({ status: reply.status, headers, request }, parties.signer, new Date())
      const told = { status: reply.status, rawHeaders: Object.entries(headers).flat(), request: message }
      Object.assign(headers, await coveringLess(whole, reply.uncovered ?? [], told, parties.signer))
    }
    outgoing.writeHead(reply.status, { ...headers, 'content-length': body.length }).end(body)
  }

  const server = createServer((incoming, outgoing) => {
    // A call that the gateway's code refuses is a fault of the client: told as such, it fails the test.
    answer(incoming, outgoing).catch((error: unknown) => {
      const body = JSON.stringify({ code: 'stub-refused', retry: 'never', detailEn: String(error), pointers: [] })
      outgoing.writeHead(400, { 'content-type': 'application/problem+json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gateway.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return gateway
}
