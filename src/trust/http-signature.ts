import { Problem } from '../base/problem.ts'
import { type ContentDigest, parseContentDigest } from './content-digest.ts'
import {
  type AnswerMessage,
  headerValue,
  type Message,
  type RequestMessage,
  refuseRepeatedHeaders,
} from './http-message.ts'
import type { PublicKey } from './public-key.ts'
import { ComponentError, componentIdentifiers, signatureBase } from './signature-base.ts'
import type { Sm2Pool } from './sm2-pool.ts'
import { type BareItem, type InnerList, parseDictionary, StructuredFieldError } from './structured-fields.ts'
import { keyKinds, type SignatureAlgorithm, signatureAlgorithms, verifyBytes } from './verify-bytes.ts'

/** A message's signature (RFC 9421), read and complete, its cryptography not yet checked. */
export interface ReadSignature {
  label: string
  /** Lower-case hex SHA-256 of the signer's certificate. */
  keyid: string
  algorithm: SignatureAlgorithm
  createdAt: Date
  expiresAt: Date | null
  nonce: string
  /** The covered components as identifiers: `"@method"`, `"signature";req;key="sig1"`. */
  components: readonly string[]
  /** The bytes that were signed. */
  base: Buffer
  signature: Buffer
  /** The covered digest that the body must have; null without a body. */
  contentDigest: ContentDigest | null
}

export interface ReadRules {
  now: Date
  /** How far `created` may lie from `now`, either way. Default 300. */
  skewSeconds?: number
  /** Whether the message has a body, and so a digest and a type to cover. */
  hasBody: boolean
  /** Whether a POST must carry and cover an Idempotency-Key. Default true. */
  idempotencyKeyOnPost?: boolean
}

const defaultSkewSeconds = 300
const targetAlternative = ['"@authority"', '"@path"', '"@query"']
/** Headers that, once sent, must be covered: unsigned, they would be an attacker's to choose. */
const coveredIfSent = ['idempotency-key', 'x-operator', 'trace-receipt']

/**
 * Reads the one signature of a request and checks all but the cryptography: form, window, and that it covers the
 * method, the target, content-digest and content-type of a body, idempotency-key on POST, and x-operator.
 * @throws {Problem} header-repeated, signature-missing, -malformed, -parameter-missing, -algorithm-unsupported,
 * -component-missing, -component-absent, -created-outside-window, -expired, digest-missing, -malformed,
 * -algorithm-unsupported.
 */
export function readSignature(request: RequestMessage, rules: ReadRules): ReadSignature {
  return read(request, rules, (covered) => {
    const missing = covered.has('"@method"') ? [] : ['"@method"']
    if (!covered.has('"@target-uri"') && !targetAlternative.every((component) => covered.has(component))) {
      missing.push('"@target-uri"')
    }
    const isPost = request.method === 'POST' && (rules.idempotencyKeyOnPost ?? true)
    if (isPost && !covered.has('"idempotency-key"')) missing.push('"idempotency-key"')
    return missing
  })
}

/**
 * Reads the signature of an answer; the same rules, with the status and what binds the answer to its request: method,
 * target, digest and the request's signature.
 * @throws {Problem} as `readSignature`.
 */
export function readAnswerSignature(answer: AnswerMessage, rules: ReadRules): ReadSignature {
  return read(answer, rules, (covered) => {
    const required = ['"@status"', '"@method";req', '"@target-uri";req']
    const sent = answer.request.rawHeaders
    if (headerValue(sent, 'content-digest') !== undefined) required.push('"content-digest";req')
    const label = /^([a-z*][a-z0-9_\-.*]*)=/.exec(headerValue(sent, 'signature') ?? '')?.[1]
    if (label !== undefined) required.push(`"signature";req;key="${label}"`)
    return required.filter((component) => !covered.has(component))
  })
}

/**
 * Checks the cryptography, off the main thread.
 * @throws {Problem} signature-algorithm-unfit, signature-invalid.
 */
export async function verifySignature(read: ReadSignature, publicKey: PublicKey, sm2: Sm2Pool): Promise<void> {
  if (keyKinds[read.algorithm] !== publicKey.kind) {
    throw new Problem('signature-algorithm-unfit', {
      zh: `签名算法 ${read.algorithm} 与证书的 ${publicKey.kind} 密钥不符`,
      en: `The algorithm ${read.algorithm} does not fit the ${publicKey.kind} key of the certificate`,
    })
  }
  if (await verifyBytes(read.algorithm, publicKey, read.base, read.signature, sm2)) return
  throw new Problem('signature-invalid', {
    zh: '签名与报文或证书不符；请核对签名基串（signature base）',
    en: 'The signature is not that of the message and the certificate; compare the signature base',
  })
}

function read(
  message: Message,
  rules: ReadRules,
  missingOf: (covered: ReadonlySet<string>) => string[],
): ReadSignature {
  const { rawHeaders } = message
  refuseRepeatedHeaders(rawHeaders)
  const { label, params, signature } = readFields(rawHeaders)
  const { keyid, algorithm, createdAt, expiresAt, nonce } = readParameters(params)
  const contentDigest = rules.hasBody ? readDigest(rawHeaders) : null
  const components = componentIdentifiers(params)
  const covered = new Set(components)
  const missing = missingOf(covered)
  const needed = rules.hasBody ? ['content-digest', 'content-type'] : []
  for (const name of coveredIfSent) if (headerValue(rawHeaders, name) !== undefined) needed.push(name)
  for (const name of needed) if (!covered.has(`"${name}"`)) missing.push(`"${name}"`)
  if (missing.length > 0) throw componentsMissing([...new Set(missing)])
  checkWindow(createdAt, expiresAt, rules)
  const base = baseOf(message, params)
  return { label, keyid, algorithm, createdAt, expiresAt, nonce, components, base, signature, contentDigest }
}

function readFields(rawHeaders: readonly string[]): { label: string; params: InnerList; signature: Buffer } {
  const inputText = headerValue(rawHeaders, 'signature-input')
  const signatureText = headerValue(rawHeaders, 'signature')
  if (inputText === undefined || signatureText === undefined) {
    const name = inputText === undefined ? 'Signature-Input' : 'Signature'
    throw new Problem('signature-missing', { zh: `缺少请求头 ${name}`, en: `The header ${name} is missing` })
  }
  const inputs = parseField('Signature-Input', inputText)
  const signatures = parseField('Signature', signatureText)
  const [label] = inputs.keys()
  if (label === undefined || inputs.size !== 1 || signatures.size !== 1) {
    throw malformed('只能有一个签名', 'there must be exactly one signature')
  }
  const params = inputs.get(label)
  const signature = signatures.get(label)
  if (params?.kind !== 'inner-list') throw malformed('Signature-Input 不是列表', 'Signature-Input is not an inner list')
  if (signature?.kind !== 'item' || signature.value.type !== 'bytes') {
    throw malformed(`Signature 中没有 ${label} 的签名值`, `Signature has no byte sequence for the label ${label}`)
  }
  return { label, params, signature: signature.value.value }
}

function parseField(name: string, text: string): ReturnType<typeof parseDictionary> {
  try {
    return parseDictionary(text, { unique: true })
  } catch (error) {
    if (error instanceof StructuredFieldError) throw malformed(`${name}：${error.message}`, `${name}: ${error.message}`)
    throw error
  }
}

function readParameters(
  params: InnerList,
): Pick<ReadSignature, 'keyid' | 'algorithm' | 'createdAt' | 'expiresAt' | 'nonce'> {
  const missing = ['created', 'keyid', 'alg', 'nonce'].filter((name) => !params.parameters.has(name))
  if (missing.length > 0) {
    const names = missing.join(', ')
    throw new Problem('signature-parameter-missing', {
      zh: `签名参数缺少 ${names}`,
      en: `The signature parameters lack ${names}`,
    })
  }
  const keyid = stringParameter(params, 'keyid')
  if (!/^[0-9a-f]{64}$/.test(keyid)) {
    throw malformed(
      'keyid 应为证书 DER 的 SHA-256，小写十六进制',
      'keyid must be the lower-case hex SHA-256 of the certificate in DER',
    )
  }
  const nonce = stringParameter(params, 'nonce')
  if (nonce.length < 16 || nonce.length > 64)
    throw malformed('nonce 须为 16 至 64 个字符', 'nonce must have 16 to 64 characters')
  const createdAt = timeParameter(params, 'created')
  const expiresAt = params.parameters.has('expires') ? timeParameter(params, 'expires') : null
  const alg = stringParameter(params, 'alg')
  const algorithm = signatureAlgorithms.find((known) => known === alg)
  if (algorithm === undefined) {
    const known = signatureAlgorithms.join(', ')
    throw new Problem('signature-algorithm-unsupported', {
      zh: `不支持的签名算法；可用：${known}`,
      en: `The algorithm is none of: ${known}`,
    })
  }
  return { keyid, algorithm, createdAt, expiresAt, nonce }
}

function parameterOf<Type extends BareItem['type']>(
  params: InnerList,
  name: string,
  type: Type,
): Extract<BareItem, { type: Type }> {
  const value = params.parameters.get(name)
  if (value?.type !== type) throw malformed(`参数 ${name} 类型错误`, `the parameter ${name} is not of type ${type}`)
  return value as Extract<BareItem, { type: Type }>
}

function stringParameter(params: InnerList, name: string): string {
  return parameterOf(params, name, 'string').value
}

function timeParameter(params: InnerList, name: string): Date {
  const at = new Date(parameterOf(params, name, 'integer').value * 1000)
  if (Number.isNaN(at.getTime())) throw malformed(`参数 ${name} 不是时间`, `the parameter ${name} is not a time`)
  return at
}

function readDigest(rawHeaders: readonly string[]): ContentDigest {
  const text = headerValue(rawHeaders, 'content-digest')
  if (text !== undefined) return parseContentDigest(text)
  throw new Problem('digest-missing', {
    zh: '有报文体的请求须带 Content-Digest',
    en: 'A message with a body must carry Content-Digest',
  })
}

function checkWindow(
  createdAt: Date,
  expiresAt: Date | null,
  { now, skewSeconds = defaultSkewSeconds }: ReadRules,
): void {
  const offsetSeconds = Math.round((createdAt.getTime() - now.getTime()) / 1000)
  if (Math.abs(createdAt.getTime() - now.getTime()) > skewSeconds * 1000) {
    throw new Problem('signature-created-outside-window', {
      zh: `签名时间与服务器时间相差 ${offsetSeconds} 秒，允许 ±${skewSeconds} 秒；服务器时间 ${now.toISOString()}`,
      en: `created is ${offsetSeconds} s from our clock, ±${skewSeconds} s are allowed; our time is ${now.toISOString()}`,
    })
  }
  if (expiresAt !== null && expiresAt.getTime() <= now.getTime()) {
    throw new Problem('signature-expired', {
      zh: `签名已于 ${expiresAt.toISOString()} 过期；服务器时间 ${now.toISOString()}`,
      en: `The signature expired at ${expiresAt.toISOString()}; our time is ${now.toISOString()}`,
    })
  }
}

function baseOf(message: Message, params: InnerList): Buffer {
  try {
    return signatureBase(message, params)
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error
    if (error.reason === 'absent') {
      throw new Problem('signature-component-absent', {
        zh: `签名覆盖了 ${error.component}，但报文中没有`,
        en: `The signature covers ${error.component}, which the message does not have`,
      })
    }
    throw malformed(
      `不支持或重复的签名组件 ${error.component}`,
      `the component ${error.component} is not supported here or occurs twice`,
    )
  }
}

function componentsMissing(missing: readonly string[]): Problem {
  const names = missing.join(' ')
  return new Problem('signature-component-missing', {
    zh: `签名须覆盖 ${names}`,
    en: `The signature must cover ${names}`,
  })
}

function malformed(zh: string, en: string): Problem {
  return new Problem('signature-malformed', { zh: `签名头格式错误：${zh}`, en: `The signature is malformed: ${en}` })
}
