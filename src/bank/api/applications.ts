import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { limit } from './paging.ts'

/** `{id}` of a case. */
export const caseId = {
  name: 'id',
  in: 'path',
  about: { zh: '办件编号', en: 'Id of the case.' },
  schema: { type: 'string', format: 'uuid' },
  example: '019aa1c2-5b10-7c41-9a55-2f8a4f1f3c55',
} as const

export const postApplication: ApiCall = {
  id: 'postApplication',
  tag: tag.applications,
  summary: { zh: '提交申请', en: 'File an application' },
  description: {
    zh: '一份申请成为一个办件，只成为一次：幂等键之外，bankReference 在本行内永远唯一。错误一次列全。',
    en: 'An application becomes a case, once: besides the key, bankReference is unique per bank for ever. All faults are told at once.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  body: { schema: 'application', example: 'application' },
  answers: {
    202: {
      about: { zh: '已收到并落盘', en: 'Received and durable.' },
      schema: 'application-created',
      example: 'application-created',
      headers: { Location: { zh: '办件的地址', en: 'Address of the case.' } },
    },
  },
  problems: [
    'body-too-large',
    'media-type-unsupported',
    'message-invalid',
    'business-rule-violated',
    'business-type-not-granted',
    'business-type-not-offered',
    'area-not-granted',
    'bank-reference-used',
    'numbers-exhausted',
    'disk-full',
  ],
}

export const getCase: ApiCall = {
  id: 'getApplication',
  tag: tag.applications,
  summary: { zh: '查询办件', en: 'Read a case' },
  description: {
    zh: '状态、各登记事项、各方编号、要求补正的事项，以及正在等待什么。他行的办件如同不存在。',
    en: "State, parts, numbers, the corrections asked for, and what it waits for. Another bank's case is as little there as one that never was.",
  },
  signed: true,
  operator: 'required',
  parameters: [caseId],
  answers: { 200: { about: { zh: '办件', en: 'The case.' }, schema: 'case-status', example: 'case-status' } },
  problems: ['case-not-found'],
}

export const getCaseEvents: ApiCall = {
  id: 'getApplicationEvents',
  tag: tag.applications,
  summary: { zh: '查询办件的事件', en: 'Read the events of a case' },
  signed: true,
  operator: 'required',
  parameters: [
    caseId,
    {
      name: 'after',
      in: 'query',
      about: { zh: '上一页的 next；不填则从头开始', en: '`next` of the page before; left out: from the beginning.' },
      schema: { type: 'integer', minimum: 0, default: 0 },
    },
    limit(100, 500),
  ],
  answers: {
    200: { about: { zh: '一页事件', en: 'A page of events.' }, schema: 'case-event-page', example: 'case-event-page' },
  },
  problems: ['case-not-found'],
}
