/**
 * Members of a part, and the contact of the case, that a correction may change, by their path with `*` for a place in a list, and what they are called
 * in Chinese. What identifies the filing is not among them: units, roles, kinds; that is another application.
 */
const labels: { [path: string]: string } = {
  reason: '登记原因',
  remarks: '附记',
  'properties/*/certificateNumber': '不动产权证书号',
  'properties/*/location': '坐落',
  'properties/*/area': '建筑面积（平方米）',
  'properties/*/areaUnit': '面积单位',
  'properties/*/useCode': '用途',
  'properties/*/previousBusinessNumber': '上手业务号',
  'properties/*/assessedValue': '评估价值（元）',
  'parties/*/name': '姓名或名称',
  'parties/*/idType': '证件种类',
  'parties/*/idNumber': '证件号码',
  'parties/*/phone': '联系电话',
  'parties/*/address': '通讯地址',
  'parties/*/postcode': '邮政编码',
  'parties/*/coOwnership': '共有方式',
  'parties/*/share': '份额',
  'parties/*/legalRepresentative/name': '法定代表人姓名',
  'parties/*/legalRepresentative/phone': '法定代表人电话',
  'parties/*/agent/name': '代理人姓名',
  'parties/*/agent/organisation': '代理机构',
  'parties/*/agent/idType': '代理人证件种类',
  'parties/*/agent/idNumber': '代理人证件号码',
  'parties/*/agent/phone': '代理人电话',
  'mortgage/securedAmount': '被担保主债权数额（元）',
  'mortgage/maximumAmount': '最高债权额（元）',
  'mortgage/currency': '币种',
  'mortgage/term/from': '债务履行期限起',
  'mortgage/term/to': '债务履行期限止',
  'mortgage/determinationPeriod/from': '债权确定期间起',
  'mortgage/determinationPeriod/to': '债权确定期间止',
  'mortgage/determinationFacts': '最高债权确定事实',
  'mortgage/scope': '担保范围',
  'mortgage/transferRestricted': '是否存在禁止或者限制转让的约定',
  'mortgage/rank': '抵押顺位',
  'mortgage/contractNumber': '抵押合同号',
  'mortgage/principalContractNumbers/*': '主债权合同号',
  'mortgage/signedOn': '抵押合同签订日期',
  'contact/name': '通知人姓名',
  'contact/phone': '通知人电话',
  'contact/mobile': '通知人移动电话',
  'contact/email': '通知人电子邮件',
  'contact/notifyBy': '通知方式',
}

/** A member of one part, as a JSON pointer into the application names it. */
export interface MemberPath {
  /** Of the part, from 1. */
  part: number
  /** Names and places from the part down. */
  steps: string[]
  /** The same with `*` for places. */
  pattern: string
  label: string
}

/**
 * Reads a pointer: `/properties/1/area`, or `/parts/0/properties/1/area` where there are several parts (and where not).
 * @param part the part that a pointer without one means. Null when no correction may change such a member.
 */
export function memberPath(pointer: string, part: number): MemberPath | null {
  const within = /^\/parts\/(0|[1-9]\d{0,2})(\/.+)$/.exec(pointer)
  const rest = within?.[2] ?? pointer
  if (!rest.startsWith('/')) return null
  const steps = rest.slice(1).split('/')
  const pattern = steps.map((step) => (/^(0|[1-9]\d{0,3})$/.test(step) ? '*' : step)).join('/')
  const label = Object.hasOwn(labels, pattern) ? labels[pattern] : undefined
  if (label === undefined) return null
  return { part: within === null ? part : Number(within[1]) + 1, steps, pattern, label }
}

/** The pointer of a member; flat where the case has one part, as the bank wrote it or could have. */
export function pointerOf(part: number, steps: readonly string[], partCount: number): string {
  const within = steps.map((step) => `/${step}`).join('')
  return partCount === 1 || steps[0] === 'contact' ? within : `/parts/${part - 1}${within}`
}
