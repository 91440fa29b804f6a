import { type ProblemCode, problems } from '../../base/problem-catalogue.ts'
import { type Counterparty, counterparties } from './counterparties.ts'
import type { ApiCall, Words } from './description.ts'
import type { Node } from './schemas.ts'

/** Codes that calls of a kind have whatever they do. */
const EDGE: ProblemCode[] = [
  'request-malformed',
  'request-too-slow',
  'overloaded',
  'shutting-down',
  'database-unavailable',
  'internal',
]
const ALL = Object.keys(problems) as ProblemCode[]
/** Of every signed call, whoever signs. */
const SIGNED = ALL.filter((code) => /^(signature|digest)-/.test(code)).concat([
  'header-repeated',
  'nonce-repeated',
  // A body on a call that takes none is not ignored.
  'body-too-large',
  'media-type-unsupported',
  'outcome-unknown',
])
const OF_BANKS = ALL.filter((code) => code.startsWith('certificate-') && code !== 'certificate-not-found').concat([
  'account-suspended',
  'account-not-valid',
  'bank-suspended',
  'agreement-not-in-force',
  // An operator that is named must be good, also where none need be.
  'operator-unknown',
  'operator-suspended',
])
const KEYED: ProblemCode[] = [
  'idempotency-key-missing',
  'idempotency-key-invalid',
  'idempotency-conflict',
  'request-in-progress',
]

/** Every code with which the call may be refused, in the order of the catalogue. */
export function problemCodes(call: ApiCall): ProblemCode[] {
  const codes = new Set([
    ...call.problems,
    ...EDGE,
    ...(call.signed ? SIGNED : []),
    ...(counterpartyOf(call)?.problems ?? (call.signed ? OF_BANKS : [])),
    ...(call.operator === 'required' ? (['operator-missing'] as const) : []),
    ...(call.keyed === true ? KEYED : []),
  ])
  return ALL.filter((code) => codes.has(code))
}

/** Whose call it is; undefined for the banks' and for what anybody may ask. */
export function counterpartyOf({ caller }: ApiCall): Counterparty | undefined {
  return caller === undefined ? undefined : counterparties[caller]
}

export function both({ zh, en }: Words): string {
  return `${zh}\n\n${en}`
}

export function bothInLine({ zh, en }: Words): string {
  return `${zh} / ${en}`
}

const header = (about: Words, schema: Node = { type: 'string' }): Node => ({ description: both(about), schema })

/** Headers of answers; `$ref`s by name. */
export const answerHeaders: Record<string, Node> = {
  'Trace-Receipt': header({
    zh: '痕迹回执：本次行为的痕迹记录的摘要，请妥善保存',
    en: 'Receipt of the record of this act in the transparency log: keep it.',
  }),
  'Content-Digest': header({ zh: '报文体摘要（RFC 9530）', en: 'Digest of the body (RFC 9530).' }),
  'Signature-Input': header({
    zh: '网关签名的内容与参数（RFC 9421），与请求绑定',
    en: "What the gateway's signature covers, and its parameters (RFC 9421); bound to the request.",
  }),
  Signature: header({ zh: '网关的签名（RFC 9421）', en: "The gateway's signature (RFC 9421)." }),
  'Retry-After': header(
    { zh: '多少秒后重试', en: 'Seconds after which to try again.' },
    { type: 'integer', minimum: 0 },
  ),
}

const parameter = (name: string, required: boolean, about: Words, schema: Node, example: string): Node => ({
  name,
  in: 'header',
  required,
  description: both(about),
  schema,
  example,
})
const text: Node = { type: 'string' }

/** Headers of requests; `$ref`s by key. */
export const requestHeaders: Record<string, Node> = {
  SignatureInput: parameter(
    'Signature-Input',
    true,
    { zh: '签名所覆盖的内容与参数（RFC 9421）', en: 'What the signature covers, and its parameters (RFC 9421).' },
    text,
    'sig1=("@method" "@target-uri" "content-digest" "content-type" "idempotency-key" "x-operator");created=1794182400;keyid="5f0c1b3d9a7e24866b1f0d2c4e8a9b7365f0c1b3d9a7e24866b1f0d2c4e8a9b7";alg="ecdsa-p256-sha256";nonce="Zm9vYmFyYmF6cXV4MTIzNA"',
  ),
  Signature: parameter(
    'Signature',
    true,
    { zh: '请求的签名（RFC 9421）', en: 'The signature of the request (RFC 9421).' },
    text,
    'sig1=:MEUCIQDGSbVn0PxGcmFrb3Q2Z3U1d2pLhWZ0c0d3a2xqYXNkZgIgb2Q=:',
  ),
  ContentDigest: parameter(
    'Content-Digest',
    true,
    { zh: '报文体摘要：sha-256 或 sm3（RFC 9530）', en: 'Digest of the body: sha-256 or sm3 (RFC 9530).' },
    text,
    'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
  ),
  IdempotencyKey: parameter(
    'Idempotency-Key',
    true,
    {
      zh: '幂等键，账号与接口内唯一；重试须重新签名并使用同一键',
      en: 'Unique per account and route; a retry is signed anew and keeps its key.',
    },
    { type: 'string', minLength: 8, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' },
    '7f0c1c1e-6a53-4a1f-9d5a-2f8a4f1f3c55',
  ),
  Operator: parameter(
    'X-Operator',
    true,
    { zh: '业务办理人员编号，须已登记', en: 'Code of the registered operator on whose behalf the bank calls.' },
    text,
    'yx-sub-0031',
  ),
  OperatorOptional: parameter(
    'X-Operator',
    false,
    { zh: '业务办理人员编号，可不填', en: 'Code of the operator; may be left out.' },
    text,
    'yx-sub-0031',
  ),
  TraceReceipt: parameter(
    'Trace-Receipt',
    true,
    {
      zh: '痕迹回执：本次推送所披露内容的痕迹记录的摘要',
      en: 'Receipt of the record of what this push discloses.',
    },
    text,
    'sm3=:nBGFpcXp/FRhKAiXfuj1SLIljTH/QsHSw0T1oLYcPU4=:',
  ),
  Traceparent: parameter(
    'traceparent',
    false,
    {
      zh: 'W3C 分布式追踪上下文；格式有误则忽略',
      en: 'W3C trace context, carried on to every system; ignored when malformed.',
    },
    { type: 'string', pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}' },
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ),
}
