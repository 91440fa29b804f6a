import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { caseId } from './applications.ts'

export const postCorrection: ApiCall = {
  id: 'postCorrection',
  tag: tag.applications,
  summary: { zh: '答复补正', en: 'Answer a correction' },
  description: {
    zh: '一次答复本轮全部事项，事项见办件的 corrections；新材料先上传。更正后的申请按申请的规范检查，错误一次列全。',
    en: 'Answers every item of the open round (`corrections` of the case) in one call; new files are uploaded first. The corrected case is checked as an application is; all faults are told at once.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  parameters: [caseId],
  body: { schema: 'correction', example: 'correction' },
  answers: {
    202: {
      about: { zh: '已收到并落盘', en: 'Received and durable.' },
      schema: 'correction-taken',
      example: 'correction-taken',
      headers: { Location: { zh: '办件的地址', en: 'Address of the case.' } },
    },
  },
  problems: [
    'message-invalid',
    'correction-invalid',
    'business-rule-violated',
    'business-type-not-granted',
    'area-not-granted',
    'case-not-found',
    'case-ended',
    'correction-not-open',
    'correction-round-wrong',
    'numbers-exhausted',
  ],
}
