import type { ProblemCode } from '../../base/problem.ts'
import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'

/** Why a query, or its answer, is outside what is granted now. */
const outsideScope: readonly ProblemCode[] = [
  'scope-missing',
  'scope-not-valid',
  'network-not-granted',
  'query-level-not-granted',
  'purpose-not-granted',
  'area-not-granted',
  'field-not-granted',
  'authorization-required',
  'authorization-revoked',
]

const headers = { Location: { zh: '查询的地址', en: 'Address of the query.' } }

export const postQuery: ApiCall = {
  id: 'postQuery',
  tag: tag.queries,
  summary: { zh: '查询登记簿', en: 'Query the register' },
  description: {
    zh: '按证号与权利人精确查询，恰好写一个证号。查询范围、次数与授权书决定能否查询、给出哪些字段；给出之前按当时的权限再决定一次。未查到、权利人不符、授权人不是权利人，答复一律为 no-match。登记系统迟缓时答 202，随后有事件 query-answered 或 query-failed。登记系统不可用时不计次数，幂等键仍可使用。',
    en: 'Exact: one number and its holder. Scope, quota and authorization decide whether it is asked and which fields are told; that is decided once more before anything leaves. Nothing found, another holder, an authorizer who holds nothing: all are `no-match`. While the registry is slow, 202, and later an event `query-answered` or `query-failed`. If the registry cannot be asked nothing is used up and the key stays free.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  body: { schema: 'query-request', example: 'query-request' },
  answers: {
    200: { about: { zh: '答复', en: 'The answer.' }, schema: 'query-result', example: 'query-result', headers },
    202: {
      about: { zh: '正在查询', en: 'Still being asked.' },
      schema: 'query-pending',
      example: 'query-pending',
      headers,
    },
  },
  problems: [
    'message-invalid',
    'business-rule-violated',
    'business-type-not-granted',
    ...outsideScope,
    'authorization-not-found',
    'authorization-expired',
    'authorization-used-up',
    'authorization-purpose-differs',
    'authorization-exceeded',
    'quota-spent',
    'registry-unavailable',
    'registry-refused',
  ],
}

export const getQuery: ApiCall = {
  id: 'getQuery',
  tag: tag.queries,
  summary: { zh: '读取查询', en: 'Read a query' },
  description: {
    zh: 'state：asking 正在查询，answered 已有答复，failed 未得答复（code 说明原因）。答复按读取时的权限给出，不多于查询时许可的字段。',
    en: '`state`: `asking`, `answered`, or `failed` (`code` tells why). An answer is told under what is granted at this moment, and never more than when it was asked.',
  },
  signed: true,
  operator: 'required',
  parameters: [
    {
      name: 'id',
      in: 'path',
      about: { zh: '查询编号', en: 'Id of the query.' },
      schema: { type: 'string', format: 'uuid' },
      example: '019aa1c2-6d20-7b52-8c66-3a9b5a2a4d66',
    },
  ],
  answers: { 200: { about: { zh: '查询', en: 'The query.' }, schema: 'query-status', example: 'query-result' } },
  problems: ['query-not-found', ...outsideScope],
}
