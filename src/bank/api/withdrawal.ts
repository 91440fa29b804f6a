import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { caseId } from './applications.ts'

export const postWithdrawal: ApiCall = {
  id: 'postWithdrawal',
  tag: tag.applications,
  summary: { zh: '申请撤回', en: 'Ask a filing back' },
  description: {
    zh: '撤回整件申请。只有登记机构的答复才了结此请求：withdrawn，或 withdrawal-refused 而办件继续；被拒后可再次申请。',
    en: 'Asks the whole filing back. Only the word of the registry ends the request: `withdrawn`, or `withdrawal-refused` and the case goes on; then it may be asked again.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  parameters: [caseId],
  body: { schema: 'withdrawal-request', example: 'withdrawal-request' },
  answers: {
    202: {
      about: { zh: '已收到并落盘', en: 'Received and durable.' },
      schema: 'withdrawal-taken',
      example: 'withdrawal-taken',
      headers: { Location: { zh: '办件的地址', en: 'Address of the case.' } },
    },
  },
  problems: [
    'message-invalid',
    'business-rule-violated',
    'business-type-not-granted',
    'area-not-granted',
    'case-not-found',
    'case-ended',
    'withdrawal-pending',
    'numbers-exhausted',
  ],
}
