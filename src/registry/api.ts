import { counterparties } from '../http/openapi/counterparties.ts'
import type { ApiCall } from '../http/openapi/description.ts'

export const postResults: ApiCall = {
  id: 'postResults',
  tag: counterparties.registry.tag,
  summary: { zh: '登记系统通知有新结果', en: 'The registry hints that something happened' },
  description: {
    zh: '只读取报文中的 YWLSH、SLBH，至多 50 个；其余一概不采信，由网关自行向登记系统查询。',
    en: 'Only the numbers YWLSH and SLBH are read, 50 at most; nothing is believed, the gateway asks the registry itself.',
  },
  signed: false,
  caller: 'registry',
  body: { mediaTypes: ['*/*'] },
  answers: { 202: { about: { zh: '将查询的办件数', en: 'How many cases are asked about.' }, schema: 'hint-taken' } },
  problems: [],
}
