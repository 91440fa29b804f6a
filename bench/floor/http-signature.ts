import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A key that signs answers, and the one that requests are verified by: P-256, and nothing else is known here. */
export interface Keys {
  own: KeyObject
  ownKeyid: string
  bank: KeyObject
  bankKeyid: string
}

export interface KeysGiven {
  ownPem: string
  ownKeyid: string
  bankPem: string
  bankKeyid: string
}

export function readKeys({ ownPem, ownKeyid, bankPem, bankKeyid }: KeysGiven): Keys {
  return { own: createPrivateKey(ownPem), ownKeyid, bank: createPublicKey(bankPem), bankKeyid }
}

export interface Verified {
  nonce: string
  contentDigest: string
  signature: string
}

const COVERED = ['@method', '@target-uri', 'content-digest', 'content-type', 'idempotency-key', 'x-operator']

/** The request's signature over its headers, off the main thread. @throws {Error} what is wrong with it. */
export async function verified(request: IncomingMessage, targetUri: string, keys: Keys): Promise<Verified> {
  const { headers } = request
  const field = (name: string): string => {
    const value = headers[name]
    if (typeof value !== 'string') throw new Error(`no ${name}`)
    return value
  }
  const [, params = '', items = '', more = ''] = /^sig1=(\(([^)]*)\);(.*))$/.exec(field('signature-input')) ?? []
  const components = [...items.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string)
  for (const name of COVERED) if (!components.includes(name)) throw new Error(`${name} is not covered`)
  const parameters = new Map(
    more.split(';').map((part) => {
      const at = part.indexOf('=')
      return [part.slice(0, at), part.slice(at + 1).replaceAll('"', '')]
    }),
  )
  if (parameters.get('keyid') !== keys.bankKeyid) throw new Error('the key is not known')
  const created = Number(parameters.get('created'))
  if (!(Math.abs(Date.now() / 1000 - created) <= 300)) throw new Error('created lies outside the window')
  let base = ''
  for (const name of components) {
    const value = name === '@method' ? (request.method ?? '') : name === '@target-uri' ? targetUri : field(name)
    base += `"${name}": ${value}\n`
  }
  base += `"@signature-params": ${params}`
  const signature = field('signature').slice('sig1=:'.length, -1)
  const isRight = await new Promise<boolean>((resolve, reject) => {
    const key = { key: keys.bank, dsaEncoding: 'ieee-p1363' } as const
    verify('sha256', Buffer.from(base), key, Buffer.from(signature, 'base64'), (error, right) =>
      error === null ? resolve(right) : reject(error),
    )
  })
  if (!isRight) throw new Error('the signature is wrong')
  return { nonce: parameters.get('nonce') ?? '', contentDigest: field('content-digest'), signature }
}

export function digestOf(body: Buffer | string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}

/** Headers of an answer, signed and bound to its request. */
export async function signedAnswer(
  status: number,
  body: string,
  receipt: string,
  request: { method: string; targetUri: string; verified: Verified },
  keys: Keys,
): Promise<Record<string, string | number>> {
  const digest = digestOf(body)
  const type = 'application/json; charset=utf-8'
  const params =
    '("@status" "content-digest" "content-type" "trace-receipt" "@method";req "@target-uri";req "content-digest";req "signature";req;key="sig1")' +
    `;created=${Math.floor(Date.now() / 1000)};keyid="${keys.ownKeyid}";alg="ecdsa-p256-sha256";nonce="${randomBytes(18).toString('base64url')}"`
  const base =
    `"@status": ${status}\n"content-digest": ${digest}\n"content-type": ${type}\n"trace-receipt": ${receipt}\n` +
    `"@method";req: ${request.method}\n"@target-uri";req: ${request.targetUri}\n` +
    `"content-digest";req: ${request.verified.contentDigest}\n` +
    `"signature";req;key="sig1": :${request.verified.signature}:\n"@signature-params": ${params}`
  const signature = await new Promise<Buffer>((resolve, reject) => {
    sign('sha256', Buffer.from(base), { key: keys.own, dsaEncoding: 'ieee-p1363' }, (error, made) =>
      error === null ? resolve(made) : reject(error),
    )
  })
  return {
    'content-type': type,
    'content-digest': digest,
    'trace-receipt': receipt,
    'signature-input': `sig1=${params}`,
    signature: `sig1=:${signature.toString('base64')}:`,
    'content-length': Buffer.byteLength(body),
  }
}
