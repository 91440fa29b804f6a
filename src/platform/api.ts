import { counterparties } from '../http/openapi/counterparties.ts'
import type { ApiCall } from '../http/openapi/description.ts'

export const postCallback: ApiCall = {
  id: 'postCallback',
  tag: counterparties.platform.tag,
  summary: { zh: '平台回调', en: 'What the platform says by itself' },
  description: {
    zh: '报文为 UTF-8 的 JSON，由 Case 包裹，类型为 22、25、26、99。落盘之后才答复；同一 unid 的同一报文再来，答复相同。',
    en: 'JSON in UTF-8 within `Case`, of type 22, 25, 26 or 99. Answered once it is durable; the same message under its unid again gets the same answer.',
  },
  signed: true,
  caller: 'platform',
  parameters: [
    {
      name: 'platform',
      in: 'path',
      about: { zh: '平台编号（PLATFORM_ID）', en: 'Id of the platform (PLATFORM_ID).' },
      schema: { type: 'string' },
      example: 'yx',
    },
  ],
  body: {},
  answers: { 200: { about: { zh: '已收妥：平台格式的 99 报文', en: "Received: a 99 in the platform's format." } } },
  problems: ['platform-unknown', 'callback-type-refused', 'callback-differs', 'message-invalid', 'message-unwritable'],
}
