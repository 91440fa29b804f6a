import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'

export const putWebhook: ApiCall = {
  id: 'putWebhook',
  tag: tag.events,
  summary: { zh: '设置推送地址', en: 'Set the webhook' },
  description: {
    zh: '只接受 https，不含用户名、密码与片段，主机解析出的每个地址都须为公网地址。新地址须经登记中心批准后才推送；重复设置同一地址不改变其状态。推送为经网关签名的 POST，报文体为一页事件（event-page，至多 50 条），按事件流的次序一次一页；答 2xx 即视为收妥，否则原样重发，请以事件的 id 去重。',
    en: 'https only, without credentials or a fragment, and every address that its host resolves to must be public. A new address waits for the approval of the centre; the same one again keeps its state. A push is a POST signed by the gateway; its body is a page of events (`event-page`, at most 50), one page at a time in the order of the feed. 2xx means received; anything else is sent again with the same bytes: tell repeats by the `id` of each event.',
  },
  signed: true,
  operator: 'required',
  body: { schema: 'webhook-setting', example: 'webhook-setting' },
  answers: {
    200: { about: { zh: '地址未变', en: 'The address stays.' }, schema: 'webhook-set' },
    202: {
      about: { zh: '已记录，待批准', en: 'Set; it waits for approval.' },
      schema: 'webhook-set',
      example: 'webhook-set',
    },
  },
  problems: [
    'message-invalid',
    'webhook-address-invalid',
    'webhook-address-inner',
    'webhook-address-unresolved',
    'webhook-check-running',
  ],
}

export const getWebhook: ApiCall = {
  id: 'getWebhook',
  tag: tag.events,
  summary: { zh: '查询推送地址', en: 'Read the webhook' },
  description: {
    zh: '地址、状态、最后送达的事件，以及多少事件在等待、为何等待。',
    en: 'Address, state, the last event delivered, and how many events wait and why.',
  },
  signed: true,
  operator: 'required',
  answers: {
    200: { about: { zh: '推送地址', en: 'The webhook.' }, schema: 'webhook-status', example: 'webhook-status' },
  },
  problems: ['webhook-not-found'],
}

export const postWebhookTest: ApiCall = {
  id: 'testWebhook',
  tag: tag.events,
  summary: { zh: '测试推送地址', en: 'Test the webhook' },
  description: {
    zh: '向已批准的地址推送一个 test 事件，不涉及任何办件，只发一次，并告知结果。不需要请求体。',
    en: 'Pushes one event of type `test`, which concerns no case, to the approved address, once, and tells what came of it. Needs no body.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  answers: {
    200: {
      about: { zh: '测试结果', en: 'What came of it.' },
      schema: 'webhook-test-report',
      example: 'webhook-test-report',
    },
  },
  problems: ['webhook-not-found', 'webhook-not-approved', 'webhook-test-running'],
}
