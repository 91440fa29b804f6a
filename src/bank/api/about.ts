import type { ApiAbout, ApiWebhook } from '../../http/openapi/description.ts'
import { operationTag } from '../../http/openapi/operation.ts'
import { eventTypes } from './event-types.ts'

/** Tags of the bank API's calls. */
export const tag = {
  materials: '材料 Materials',
  applications: '申请 Applications',
  events: '事件 Events',
  certificates: '证照 Certificates',
  queries: '查询 Queries',
  codes: '代码 Codes',
} as const

/** Types of which the example of a page holds one. */
const shown: readonly string[] = ['accepted', 'query-answered']

const webhooks: ApiWebhook[] = [
  ...Object.entries(eventTypes).map(([type, summary]) => ({
    name: type,
    summary,
    description: {
      zh: `${summary.zh}。推送的是事件流的一页，至多 50 个事件，其中也可能有其他类型；按事件流的次序，可能重复，请以事件的 id 去重。`,
      en: `${summary.en}. What is pushed is a page of the feed, at most 50 events, others among them; in the order of the feed, perhaps more than once: tell repeats by the id of each event.`,
    },
    schema: 'event-page',
    narrowed: { properties: { events: { contains: { properties: { type: { const: type } }, required: ['type'] } } } },
    ...(shown.includes(type) ? { example: 'event-page' } : {}),
  })),
  {
    name: 'test',
    summary: { zh: '测试推送', en: 'A test of the webhook' },
    description: {
      zh: '由 POST /v1/webhook/test 引起：一页只有一个 test 事件，不涉及任何办件，不在事件流中，只发一次。',
      en: 'Caused by POST /v1/webhook/test: a page with one event of type `test`, which concerns no case, is not in the feed, and is sent once.',
    },
    schema: 'test-page',
    example: 'test-page',
  },
]

export const about: ApiAbout = {
  title: '不动产登记网关 银行接口 / bdc-gateway bank API',
  version: '1',
  description: {
    zh: '互联网+不动产抵押登记：银行经此提交申请、答复补正、申请撤回，查询进度与登记簿，取得结果与电子证照。UTF-8 的 JSON；金额为十进制字符串（元）；日期 yyyy-MM-dd，时间带时区。2xx 表示已落盘；超时后请用同一幂等键重新签名再发。返回内容今后可能增加成员，请忽略不认识的成员。登记簿与申请不一致的，以登记簿为准。/v1 之下的地址不支持的方法，以 405 `method-not-allowed` 答复，Allow 给出所支持的。平台与登记系统的调用也在其中，银行无须理会。',
    en: 'Mortgage registration online: banks file applications, answer corrections, ask filings back, follow them, query the register, and fetch results and electronic certificates. JSON in UTF-8; amounts are decimal strings in yuan; dates yyyy-MM-dd, instants with offset. 2xx means durable; after a time-out send again, signed anew, with the same key. Answers may gain members: ignore those that you do not know. Where the register differs from the application, the register prevails. An address of /v1 answers a method that it does not take with 405 `method-not-allowed` and Allow. What the platform and the registry call is here too, and of no concern to banks.',
  },
  signing: {
    zh: '每次调用按 RFC 9421 签名，报文体按 RFC 9530 给出 Content-Digest（sha-256 或 sm3）。签名须覆盖 "@method"、"@target-uri"（或 "@authority"、"@path"、"@query"），有报文体时覆盖 "content-digest" 与 "content-type"，带幂等键时覆盖 "idempotency-key"，带 X-Operator 时覆盖 "x-operator"。参数 created（与网关时间相差不超过 300 秒）、keyid（证书 DER 的 SHA-256，十六进制）、alg、nonce（16 至 64 个字符，不得重复）。alg：ecdsa-p256-sha256（r‖s）、rsa-v1_5-sha256、rsa-pss-sha512、sm2-sm3（DER 或 r‖s，用户标识 1234567812345678）。签名经验证的调用，其答复由网关同样签名并与请求绑定；推送由网关同样签名。请先验签再采信。',
    en: 'Each call is signed by RFC 9421, with Content-Digest (RFC 9530; sha-256 or sm3) for a body. Cover "@method", "@target-uri" (or "@authority", "@path" and "@query"), with a body "content-digest" and "content-type", "idempotency-key" where there is one, "x-operator" whenever it is sent. Parameters: created (within 300 s of the gateway\'s clock), keyid (hex SHA-256 of the certificate\'s DER), alg, nonce (16 to 64 characters, never used before). alg: ecdsa-p256-sha256 (r‖s), rsa-v1_5-sha256, rsa-pss-sha512, sm2-sm3 (DER or r‖s, user id 1234567812345678). Answers to calls whose signature verified are signed by the gateway in the same way and bound to the request, and so are its pushes: verify before you believe.',
  },
  tags: [
    {
      name: tag.materials,
      about: { zh: '先上传材料，再在申请中引用', en: 'Upload materials first; applications name them' },
    },
    {
      name: tag.applications,
      about: {
        zh: '提交申请，查询办件，答复补正，申请撤回',
        en: 'File applications, read cases, answer corrections, ask filings back',
      },
    },
    {
      name: tag.events,
      about: { zh: '本行的事件流，以及向本行的推送', en: 'The feed of the bank, and pushing it to the bank' },
    },
    {
      name: tag.certificates,
      about: { zh: '电子证照，与登记系统出具的一致', en: 'Electronic certificates, as the registry made them' },
    },
    {
      name: tag.queries,
      about: { zh: '凭授权书、在查询范围内查询登记簿', en: 'Querying the register, under authorization and scope' },
    },
    { name: tag.codes, about: { zh: '报文中的词与代码', en: 'Words and codes of messages' } },
    { name: operationTag, about: { zh: '运行状态', en: 'Whether the gateway works' } },
  ],
  webhooks,
}
