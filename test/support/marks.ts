import { type FieldRule, type FieldRules, fieldRules, type ScopedField, scopedFields } from '../../src/access/scope.ts'
import { decodeGb18030, encodeGb18030 } from '../../src/sandbox/gb18030.ts'
import type { GivenProperty } from '../../src/sandbox/registry-property.ts'
import type { AnsweringProxy, Exchange } from './answering-proxy.ts'
import type { Secret } from './needles.ts'
import { SAMPLE_BANK } from './world.ts'

/** A resident's number of another province whose last digit is an X, so that no id of ours holds its end by chance. */
function residentId(birthday: string): string {
  for (let serial = 0; serial < 1000; serial += 1) {
    const first = `511722${birthday}${String(serial).padStart(3, '0')}`
    const sum = Array.from(first).reduce((total, digit, at) => total + Number(digit) * (2 ** (17 - at) % 11), 0)
    if (sum % 11 === 2) return `${first}X`
  }
  throw new Error('no such number')
}

/** Two owners; every value is found nowhere else, nor is any part of it. */
const FIRST = {
  name: '龘𠮷标甲',
  idNumber: residentId('19031112'),
  phone: '13987617391',
  address: '齉镇隐巷七号院东厢二号',
}
const SECOND = {
  name: '靐记乙公',
  idNumber: residentId('19040823'),
  phone: '13987628264',
  address: '爨镇暗街五组九幢西一室',
}
const LOCATION = '厵镇匿路三十一栋四单元五号'

const VALUES: { readonly [Field in ScopedField]: readonly string[] } = {
  name: [FIRST.name, SECOND.name],
  idNumber: [FIRST.idNumber, SECOND.idNumber],
  phone: [FIRST.phone, SECOND.phone],
  address: [FIRST.address, SECOND.address, LOCATION],
}

export const MARKED_OWNER = { name: FIRST.name, idType: 'resident-id', idNumber: FIRST.idNumber } as const
export const MARKED_CERTIFICATE = '鄂(2015)阳新县不动产权第0000777号'
export const MARKED_UNIT = '420222002001GB00099F00990909'

/** Of the bank's own mortgage; told at level detail only. */
const OWN = { amount: '3141592.65', proof: '鄂(2022)阳新县不动产证明第0052718号' }
/** Of another bank's mortgage; never told. */
const OTHER = {
  amount: '5637281.94',
  proof: '鄂(2021)阳新县不动产证明第0066284号',
  registryNumber: '202101056284',
  name: '麤标记银行股份有限公司',
  code: '91511722MA0007766K',
  phone: '13987669956',
}
const OFFICER = '登簿员一'
const SCOPE_WORDS = '麤主债权与标记费用'

/** What a registry says that tells more than it was asked. */
export const WORDS =
  `${FIRST.name}（${FIRST.idNumber}，${FIRST.phone}，${FIRST.address}）与 ${SECOND.name}（${SECOND.idNumber}）在 ${LOCATION}，` +
  `抵押权人 ${OTHER.name}，${OTHER.proof}，${OTHER.amount}`

/** Not one of these in any log line, clear part of a record or header. */
export const SECRETS: readonly Secret[] = [
  ...VALUES.name.map((value) => ({ kind: 'name' as const, value })),
  ...VALUES.idNumber.map((value) => ({ kind: 'id number' as const, value })),
  ...VALUES.phone.map((value) => ({ kind: 'phone' as const, value })),
  ...VALUES.address.map((value) => ({ kind: 'address' as const, value })),
  ...[...Object.values(OTHER), SCOPE_WORDS, '563.728194', OWN.amount, OWN.proof].map((value) => ({
    kind: 'contract number' as const,
    value,
  })),
]

const holder = (one: typeof FIRST) => ({ ...one, idType: '1', kind: '1', share: '50%' })
const mortgage = { kind: '2' as const, from: '2021-01-05', to: '2031-01-04', transferRestricted: true }

export const markedProperty: GivenProperty = {
  certificateNumber: MARKED_CERTIFICATE,
  unitNumber: MARKED_UNIT,
  location: LOCATION,
  coOwnership: '2',
  holders: [holder(FIRST), holder(SECOND)],
  // Nothing keeps an officer from writing a name into the reason.
  reason: `继承自${FIRST.name}`,
  mortgages: [
    {
      ...mortgage,
      registryNumber: '202201010011',
      proofNumber: OWN.proof,
      amount: '314.159265',
      mortgagee: { name: SAMPLE_BANK.name, idType: '7', idNumber: SAMPLE_BANK.code, kind: '2' },
      registeredAt: '2022-01-06T11:00:00',
      rank: '2',
      scope: SCOPE_WORDS,
    },
    {
      ...mortgage,
      registryNumber: OTHER.registryNumber,
      proofNumber: OTHER.proof,
      amount: '563.728194',
      mortgagee: { name: OTHER.name, idType: '7', idNumber: OTHER.code, kind: '2' },
      registeredAt: '2021-01-06T11:00:00',
      rank: '1',
      scope: SCOPE_WORDS,
    },
  ],
}

const isQuery = ({ asked }: Exchange): boolean => asked.includes('<ExchangeType>QUERY</ExchangeType>')

/** A registry that keeps nothing back: another bank's amount, its row and its proof number stand in every answer. */
export const talkative: AnsweringProxy['answer'] = (exchange) => {
  if (!isQuery(exchange)) return null
  const text = decodeGb18030(exchange.answer)
  if (!text.includes(MARKED_UNIT)) return null
  const row =
    `<ZTT_GY_QLR YSDM="6003000000" BDCDYH="${MARKED_UNIT}" SXH="1" QLRMC="${OTHER.name}" BDCQZH="${OTHER.proof}" ` +
    `ZJZL="7" ZJH="${OTHER.code}" DH="${OTHER.phone}" DZ="${SCOPE_WORDS}" QLRLX="2" GYFS="0" QXDM="420222" ` +
    `YWH="${OTHER.registryNumber}" QLLX="37" QSZT="1"/>`
  const more = text
    .replace(/<JH_HYJG ([^>]*?)\/>/, `<JH_HYJG $1 BDCDJZMH="${OTHER.proof}"/>`)
    .replace(
      new RegExp(`<QLF_QL_DYAQ ([^>]*BDCDJZMH="${OTHER.proof.replace(/[()]/g, '\\$&')}"[^>]*?)/>`),
      '<QLF_QL_DYAQ $1 ZGZQSE="563.728194" BZ="156"/>',
    )
    .replace('</Data>', `${row}</Data>`)
  if (!more.includes(OTHER.code)) throw new Error('the answer was not made to tell more')
  return { body: encodeGb18030(more) }
}

/** A refusal with this code, in words that hold everything. */
export const refusing =
  (code: string): AnsweringProxy['answer'] =>
  (exchange) => {
    if (!isQuery(exchange)) return null
    const number = /<BizMsgID>(\d+)</.exec(exchange.answer.toString('latin1'))?.[1] ?? ''
    return {
      body: encodeGb18030(
        `<?xml version="1.0" encoding="GB18030"?><respond><BizMsgID>${number}</BizMsgID><SuccessFlag>2</SuccessFlag>` +
          `<ResponseCode>${code}</ResponseCode><ResponseInfo>${WORDS}</ResponseInfo><CertID/><QRCode/><AdditionalData/>` +
          `<AdditionalData2/><Data><JH_CW XH="1" DM="${code}" WZ="Data/${FIRST.name}" NR="${WORDS}"/></Data></respond>`,
      ),
    }
  }

/** What cannot be read, each in another way. */
export const unreadable: { readonly [how: string]: AnsweringProxy['answer'] } = {
  'no document': () => ({ body: encodeGb18030(`<?xml version="1.0" encoding="GB18030"?><respond><${WORDS}`) }),
  'not even a status': () => ({ status: 500, body: encodeGb18030(WORDS) }),
  'a name for a flag': (exchange) => ({
    body: encodeGb18030(decodeGb18030(exchange.answer).replace(/SFDY="."/, `SFDY="${FIRST.name}"`)),
  }),
  'an address in place of the unit': (exchange) => ({
    body: encodeGb18030(decodeGb18030(exchange.answer).replace(/ BDCDYH="[^"]*"/, ` BDCDYH="${WORDS}"`)),
  }),
}

/** Every way to rule the four fields. */
export const combinations: readonly FieldRules[] = fieldRules.flatMap((name) =>
  fieldRules.flatMap((idNumber) =>
    fieldRules.flatMap((phone) => fieldRules.map((address) => ({ name, idNumber, phone, address }))),
  ),
)

export const ruleWords = (rules: FieldRules): string[] => scopedFields.map((field) => `${field}=${rules[field]}`)

/** Of a value what its mask shows, and what nothing but showing it shows. */
function parts(field: ScopedField, value: string): { shown: string[]; covered: string[] } {
  const characters = Array.from(value)
  const cut = (from: number, to?: number): string => characters.slice(from, to).join('')
  switch (field) {
    case 'name':
      return { shown: [cut(0, 1)], covered: [cut(1)] }
    case 'idNumber':
      return { shown: [cut(0, 6), cut(-4)], covered: [cut(6, -4)] }
    case 'phone':
      return { shown: [cut(-4)], covered: [cut(0, -4)] }
    case 'address': {
      const half = Math.min(6, Math.floor(characters.length / 2))
      return { shown: [cut(0, half)], covered: [cut(half)] }
    }
    default:
      return field satisfies never
  }
}

/** Ids and times of ours hold digits of every kind. */
const withoutOurs = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+08:00)/g, '')

/** What is in a text that may not be, and what should be in it and is not; null for the rules of what tells nothing. */
export function wrongWith(text: string, rules: FieldRules | null, level: 'flags' | 'detail' = 'flags'): string[] {
  const told = withoutOurs(text)
  const wrong: string[] = []
  for (const field of scopedFields) {
    const rule: FieldRule = rules?.[field] ?? 'hide'
    for (const value of VALUES[field]) {
      const { shown, covered } = parts(field, value)
      const may = rule === 'show' ? [value] : rule === 'mask' ? shown : []
      for (const part of rule === 'show' ? [] : rule === 'mask' ? [value, ...covered] : [value, ...shown, ...covered])
        if (told.includes(part)) wrong.push(`${part} of a ${field} that is to ${rule}`)
      for (const part of may) if (!told.includes(part)) wrong.push(`no ${part} of a ${field} that is to ${rule}`)
    }
  }
  for (const value of [...Object.values(OTHER), SCOPE_WORDS, '麤', '563.728194', '563.7', OFFICER])
    if (told.includes(value)) wrong.push(`${value} of another's mortgage`)
  const isOwnTold = rules !== null && level === 'detail'
  for (const value of [OWN.amount, OWN.proof])
    if (told.includes(value) !== isOwnTold) wrong.push(`${value} of the own mortgage`)
  return wrong
}

/** The members of an answer that hold something, each with whether it is masked: read off the answer alone. */
export function leavesOf(answer: Record<string, unknown>): string[] {
  const found = new Set<string>()
  const masks = new Set(['name', 'idNumber', 'phone', 'address', 'location', 'mortgagorNames'])
  const visit = (value: unknown, path: string[]): void => {
    if (value === null) return
    if (Array.isArray(value)) for (const one of value) visit(one, path)
    else if (typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name])
    } else {
      const isMasked = masks.has(path.at(-1) ?? '') && String(value).includes('*')
      found.add(path.join('.') + (isMasked ? ':masked' : ''))
    }
  }
  const { id: _id, state: _state, level: _level, answeredAt: _answeredAt, ...page } = answer
  visit(page, [])
  return [...found].sort()
}
