import type { FactName } from '../../cases/facts.ts'
import type { Request } from '../../cases/request.ts'
import type { Words } from '../../http/openapi/description.ts'

type QueryEventName = 'query-answered' | 'query-failed'

/** What each event of the feed tells the bank. */
export const eventTypes: Record<FactName | 'completed' | Request['type'] | QueryEventName, Words> = {
  received: { zh: '网关已收到申请', en: 'The gateway received the application' },
  'platform-acknowledged': { zh: '一事联办平台已接收', en: 'The platform took the case' },
  submitted: { zh: '登记系统已接收', en: 'The registry took the submission' },
  'correction-requested': { zh: '要求补正', en: 'Corrections are asked for' },
  'correction-answered': { zh: '已答复补正', en: 'The corrections are answered' },
  accepted: { zh: '已受理', en: 'Accepted' },
  'review-step': { zh: '审核环节', en: 'A step of the review' },
  'procedure-started': { zh: '特殊环节开始，期限暂停', en: 'A special procedure began: the term pauses' },
  'procedure-ended': { zh: '特殊环节结束', en: 'The special procedure ended' },
  recorded: { zh: '已登簿', en: 'Recorded in the register' },
  'not-accepted': { zh: '不予受理', en: 'Not accepted' },
  rejected: { zh: '不予登记', en: 'Registration refused' },
  'withdrawal-requested': { zh: '已申请撤回', en: 'The filing is asked back' },
  withdrawn: { zh: '已撤回', en: 'Withdrawn' },
  'withdrawal-refused': { zh: '撤回未获同意', en: 'The withdrawal was refused' },
  'register-entry': { zh: '登记簿记载', en: 'The entry of the register' },
  'fee-exempt': { zh: '免收费用', en: 'No fee is due' },
  'fee-due': { zh: '应缴费用', en: 'A fee is due' },
  'fee-partly-paid': { zh: '部分缴费', en: 'The fee is partly paid' },
  'fee-paid': { zh: '已缴费', en: 'The fee is paid' },
  'fee-refunding': { zh: '退费中', en: 'The fee is being refunded' },
  'fee-refunded': { zh: '已退费', en: 'The fee is refunded' },
  'certificate-made': { zh: '已缮证', en: 'A certificate was made' },
  'certificate-released': { zh: '电子证照可下载', en: 'The electronic certificate may be had' },
  completed: { zh: '全部办结', en: 'Nothing more is to come' },
  'query-answered': { zh: '查询已有答复', en: 'A query is answered' },
  'query-failed': { zh: '查询未得答复', en: 'A query brought no answer' },
}
