import { randomBytes } from 'node:crypto'
import type { AnswerMessage, Message, RequestMessage } from './http-message.ts'
import type { ReadSignature } from './http-signature.ts'
import { signatureBase } from './signature-base.ts'
import type { Signer } from './signer.ts'
import type { BareItem, Dictionary, InnerList, Item, Parameters } from './structured-fields.ts'
import { dictionaryText } from './structured-fields-text.ts'

/** The two headers to add to the message. */
export interface SignatureHeaders {
  'signature-input': string
  signature: string
}

type Headers = Readonly<Record<string, string>>

export interface RequestToSign {
  method: string
  /** As the receiver sees it. */
  targetUri: string
  /** By lower-case name. Those that our own rules ask for are covered; so are those named in `cover`. */
  headers: Headers
  cover?: readonly string[]
}

export interface AnswerToSign {
  status: number
  /** By lower-case name. */
  headers: Headers
  /** What the answer is bound to. `contentDigest`: the request's header as received, null without one. */
  request: {
    method: string
    targetUri: string
    contentDigest: string | null
    /** The request's signature, null if it had none that could be read. */
    signature: Pick<ReadSignature, 'label' | 'signature'> | null
  }
}

const requestHeaders = ['content-digest', 'content-type', 'idempotency-key', 'x-operator', 'trace-receipt']
const answerHeaders = ['content-digest', 'content-type', 'trace-receipt']

/** Signs a request that we send, so that it passes the same reader as those sent to us. */
export function signRequest(request: RequestToSign, signer: Signer, now: Date): Promise<SignatureHeaders> {
  const { method, targetUri, headers } = request
  const fields = [...new Set([...requestHeaders, ...(request.cover ?? [])])].filter(
    (name) => headers[name] !== undefined,
  )
  const message: RequestMessage = { method, targetUri, rawHeaders: rawHeadersOf(headers) }
  return signMessage(message, ['@method', '@target-uri', ...fields].map(component), signer, now)
}

/** Signs an answer of ours and binds it to its request (RFC 9421, 2.4). */
export function signAnswer(answer: AnswerToSign, signer: Signer, now: Date): Promise<SignatureHeaders> {
  const { status, headers, request } = answer
  const components = ['@status', ...answerHeaders.filter((name) => headers[name] !== undefined)].map(component)
  components.push(requestComponent('@method'), requestComponent('@target-uri'))
  const sent: Record<string, string> = {}
  if (request.contentDigest !== null) {
    sent['content-digest'] = request.contentDigest
    components.push(requestComponent('content-digest'))
  }
  if (request.signature !== null) {
    const { label, signature } = request.signature
    sent['signature'] = dictionaryText(new Map([[label, item({ type: 'bytes', value: signature })]]))
    components.push(requestComponent('signature', [['key', { type: 'string', value: label }]]))
  }
  const message: AnswerMessage = {
    status,
    rawHeaders: rawHeadersOf(headers),
    request: { method: request.method, targetUri: request.targetUri, rawHeaders: rawHeadersOf(sent) },
  }
  return signMessage(message, components, signer, now)
}

async function signMessage(
  message: Message,
  items: readonly Item[],
  signer: Signer,
  now: Date,
): Promise<SignatureHeaders> {
  const parameters: Parameters = new Map<string, BareItem>([
    ['created', { type: 'integer', value: Math.floor(now.getTime() / 1000) }],
    ['keyid', { type: 'string', value: signer.keyid }],
    ['alg', { type: 'string', value: signer.algorithm }],
    ['nonce', { type: 'string', value: randomBytes(18).toString('base64url') }],
  ])
  const params: InnerList = { kind: 'inner-list', items, parameters }
  const signature = await signer.sign(signatureBase(message, params))
  const fields: Dictionary = new Map([[label, item({ type: 'bytes', value: signature })]])
  return { 'signature-input': dictionaryText(new Map([[label, params]])), signature: dictionaryText(fields) }
}

const label = 'sig1'

function rawHeadersOf(headers: Headers): string[] {
  return Object.entries(headers).flat()
}

function component(name: string): Item {
  return item({ type: 'string', value: name })
}

function requestComponent(name: string, more: readonly (readonly [string, BareItem])[] = []): Item {
  const parameters = new Map<string, BareItem>([['req', { type: 'boolean', value: true }], ...more])
  return { ...component(name), parameters }
}

function item(value: BareItem): Item {
  return { kind: 'item', value, parameters: new Map() }
}
