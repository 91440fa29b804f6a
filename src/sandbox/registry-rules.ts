import type { RegistryMessage, Row } from './registry-message.ts'
import {
  forbiddenAttributes,
  forbiddenElements,
  knownAttributes,
  knownCodes,
  list,
  recTypes,
} from './registry-vocabulary.ts'

/** One reason of a refusal, as a JH_CW row tells it. */
export interface Complaint {
  code: '1002' | '1003'
  place: string
  text: string
}

/** What the registry already holds, as far as a check needs it. */
export interface Held {
  /** The names (FJLX) of the material files kept under a business number. */
  materialNames(businessNumber: string): ReadonlySet<string>
}

const HEAD_ORDER =
  'BizMsgID ASID AreaCode RecType RightType RegType CreateDate RecFlowID RegOrgID ParcelID EstateNum PreEstateNum ' +
  'PreCertID CertCount ProofCount DigitalSign ExchangeType'
const ALWAYS_REQUIRED = ['BizMsgID', 'ASID', 'AreaCode', 'CreateDate', 'RegOrgID', 'ExchangeType']
const CASE_REQUIRED = ['RecType', 'RightType', 'RegType', 'RecFlowID']
const HEAD_FORMS: Readonly<Record<string, RegExp>> = {
  BizMsgID: /^\d{18}$/,
  ASID: /^AS100$/,
  AreaCode: /^\d{6}$/,
  CreateDate: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
  RecFlowID: /^\d{18}$/,
  ParcelID: /^[0-9A-Z]{19}$/,
  EstateNum: /^[0-9A-Z]{28}$/,
  CertCount: /^0$/,
  ProofCount: /^0$/,
}
/** Numbers of certificates are sent with half-width brackets, as they are registered. */
const HALF_WIDTH = /^[^（）]+$/
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/
const ATTRIBUTE_FORMS: Readonly<Record<string, RegExp>> = {
  BDCDYH: /^[0-9A-Z]{28}$/,
  BDBZZQSE: /^\d+\.\d{6}$/,
  ZGZQSE: /^\d+\.\d{6}$/,
  QDJG: /^\d+\.\d{6}$/,
  SQSJ: DATE_TIME,
  SJSJ: DATE_TIME,
  SQQSSJ: DATE_TIME,
  SQJSSJ: DATE_TIME,
  BDCQZH: HALF_WIDTH,
  BDCDJZMH: HALF_WIDTH,
  ZWLXQSSJ: DATE_TIME,
  ZWLXJSSJ: DATE_TIME,
  YWLSH: /^\d{18}$/,
}
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  ZTT_GY_QLR: list('BDCDYH YWH QLRMC ZJZL ZJH'),
  QLF_QL_DYAQ: list('BDCDYH YWH DYBDCLX DYR DJLX DYFS ZWLXQSSJ ZWLXJSSJ DBFW SFCZJZHXZ'),
  QLF_QL_DYAQ_DYWQD: list('YWH BDCDYH ZL'),
  QLF_QL_YGDJ: list('BDCDYH YWH YWR YGDJZL'),
  QLF_QL_ZXDJ: list('BDCDYH BDCQZH ZXYWH BZ'),
  DJF_DJ_SQ: list('YWH QLRMC YWRMC YWRZJZL YWRZJH'),
  DJT_DJ_SL: list('YWH DJLX'),
  DJF_DJ_SJ: list('YWH SJMC SJSJ'),
  JH_DSQLR: list('YWH DSQLRMC DSQLRLB'),
  FJ_F_100: list('FJMC FJLX FJNR'),
  JH_FJ: list('YWLSH SXH FJMC WJDX ZYSF ZYZ'),
  JH_CZ: list('XH'),
  JH_CXTJ: list('XH CXJB QLRMC ZJZL ZJH CXMD CXSQCL CXDW CXDWZJH CZRMC'),
  JH_CH: list('YWLSH CHYY SQSJ CZRMC'),
  JH_BZDF: list('YWLSH BFXH YWH BZLC XH DFNR'),
}
const SUBMIT_ROWS = list(
  'ZTT_GY_QLR QLF_QL_DYAQ QLF_QL_DYAQ_DYWQD QLF_QL_YGDJ QLF_QL_ZXDJ DJF_DJ_SQ DJT_DJ_SL DJF_DJ_SJ JH_DSQLR',
)
const ROWS_OF: Readonly<Record<string, readonly string[]>> = {
  SUBMIT: SUBMIT_ROWS,
  MATERIAL: ['FJ_F_100', 'JH_FJ'],
  CORRECT: [...SUBMIT_ROWS, 'JH_BZDF'],
  WITHDRAW: ['JH_CH', 'DJF_DJ_SJ'],
  LOOKUP: ['JH_CZ'],
  PROGRESS: ['JH_CZ'],
  RESULT: ['JH_CZ'],
  FEE: ['JH_CZ'],
  CERTIFICATE: ['JH_CZ'],
  QUERY: ['JH_CXTJ'],
}

/** Everything that is wrong with a message, in the order of the message; empty when it can be taken. */
export function complaintsAbout(message: RegistryMessage, held: Held): Complaint[] {
  const complaints = headComplaints(message)
  const type = message.head.get('ExchangeType') ?? ''
  const allowed = ROWS_OF[type]
  if (allowed === undefined) {
    complaints.push({ code: '1003', place: 'Head/ExchangeType', text: `报文用途代码 ${type} 不在代码表中` })
    return complaints
  }
  for (const row of numbered(message.rows)) complaints.push(...rowComplaints(row, allowed))
  if (message.rows.length === 0) complaints.push({ code: '1002', place: 'Data', text: 'Data 没有任何行' })
  if (type === 'SUBMIT') complaints.push(...submitComplaints(message))
  if (['SUBMIT', 'CORRECT', 'WITHDRAW'].includes(type)) complaints.push(...fileComplaints(message, held))
  if (type === 'QUERY') complaints.push(...countComplaints(message.rows, ['JH_CXTJ'], 'Data'))
  if (type === 'WITHDRAW') complaints.push(...countComplaints(message.rows, ['JH_CH'], 'Data'))
  if (type === 'MATERIAL') complaints.push(...countComplaints(message.rows, ['FJ_F_100', 'JH_FJ'], 'Data'))
  return complaints
}

/** A row with its place in the document: `Data/QLF_QL_DYAQ[2]`. */
type PlacedRow = Row & { place: string }

function numbered(rows: readonly Row[]): PlacedRow[] {
  const counts = new Map<string, number>()
  return rows.map((row) => {
    const count = (counts.get(row.name) ?? 0) + 1
    counts.set(row.name, count)
    return { ...row, place: `Data/${row.name}[${count}]` }
  })
}

function headComplaints(message: RegistryMessage): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (name: string, text: string): void => {
    complaints.push({ code: '1002', place: `Head/${name}`, text })
  }
  if (message.headOrder.join(' ') !== HEAD_ORDER) complain('*', 'Head 的字段缺失、重复或次序不符')
  const type = message.head.get('ExchangeType') ?? ''
  const required = new Set(ALWAYS_REQUIRED)
  if (['SUBMIT', 'CORRECT', 'WITHDRAW', 'MATERIAL'].includes(type)) for (const name of CASE_REQUIRED) required.add(name)
  if (type === 'SUBMIT') required.add('ParcelID').add('EstateNum')
  for (const [name, value] of message.head) {
    if (value === '') complain(name, '空值应写作 /')
    else if (value === '/' ? required.has(name) : HEAD_FORMS[name]?.test(value) === false)
      complain(name, '值缺失或格式不符')
  }
  const recType = message.head.get('RecType') ?? '/'
  if (recType !== '/' && !recTypes.has(recType)) {
    complaints.push({ code: '1003', place: 'Head/RecType', text: `业务类型代码 ${recType} 不在代码表中` })
  }
  return complaints
}

function rowComplaints(row: PlacedRow, allowed: readonly string[]): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (place: string, text: string, code: Complaint['code'] = '1002'): void => {
    complaints.push({ code, place, text })
  }
  if (forbiddenElements.has(row.name)) complain(row.place, '该行由登记机构填写，申请报文不得包含')
  else if (!allowed.includes(row.name)) complain(row.place, '该报文用途不包含此行')
  const known = knownAttributes[row.name] ?? []
  for (const [name, value] of Object.entries(row.attributes)) {
    const place = `${row.place}/@${name}`
    // BDCQZH of a holder row would be the number of the right applied for, which does not exist yet.
    // A question may name a proof; nothing else that is sent may.
    const isForbidden = forbiddenAttributes.has(name) && !(row.name === 'JH_CXTJ' && name === 'BDCDJZMH')
    if (isForbidden || (row.name === 'ZTT_GY_QLR' && name === 'BDCQZH')) {
      complain(place, '该字段由登记机构填写，申请报文不得包含')
    } else if (!known.includes(name)) complain(place, '没有此字段')
    else if (value === '') complain(place, '没有值的字段不应写出')
    else if (ATTRIBUTE_FORMS[name]?.test(value) === false) complain(place, '格式不符')
    else if (knownCodes[name]?.includes(value) === false) complain(place, `代码 ${value} 不在代码表中`, '1003')
  }
  for (const name of REQUIRED[row.name] ?? []) {
    if (row.attributes[name] === undefined) complain(`${row.place}/@${name}`, '必填字段缺失')
  }
  if (row.name === 'QLF_QL_DYAQ') {
    const amount = row.attributes.DYFS === '2' ? 'ZGZQSE' : 'BDBZZQSE'
    if (row.attributes[amount] === undefined) complain(`${row.place}/@${amount}`, '该抵押方式的数额缺失')
  }
  if (row.name === 'JH_CXTJ') complaints.push(...conditionComplaints(row))
  if (row.name === 'JH_CZ' && row.attributes.YWLSH === undefined && row.attributes.SLBH === undefined) {
    complain(row.place, '应给出 YWLSH 或 SLBH')
  }
  return complaints
}

/** A question is about one number, and its authorization is told whole or not at all. */
function conditionComplaints(row: PlacedRow): Complaint[] {
  const has = (name: string): boolean => row.attributes[name] !== undefined
  const complaints: Complaint[] = []
  if (has('BDCQZH') === has('BDCDJZMH')) {
    complaints.push({ code: '1002', place: row.place, text: 'BDCQZH 与 BDCDJZMH 应恰有其一' })
  }
  const authorization = list('SQSBH SQQSSJ SQJSSJ')
  const isNeeded = row.attributes.CXSQCL === '3' || authorization.some(has)
  for (const name of isNeeded ? authorization.filter((part) => !has(part)) : []) {
    complaints.push({ code: '1002', place: `${row.place}/@${name}`, text: '授权书的编号与起止时间应一并给出' })
  }
  return complaints
}

/** Rows that must be there, and there once. */
function countComplaints(rows: readonly Row[], names: readonly string[], place: string): Complaint[] {
  return names
    .filter((name) => rows.filter((row) => row.name === name).length !== 1)
    .map((name) => ({ code: '1002', place: `${place}/${name}`, text: '该行应恰有一行' }))
}

/** A file comes before the row that names it. */
function fileComplaints(message: RegistryMessage, held: Held): Complaint[] {
  const files = held.materialNames(message.head.get('RecFlowID') ?? '')
  return numbered(message.rows)
    .filter((row) => row.name === 'DJF_DJ_SJ' && row.attributes.SJMC !== undefined && !files.has(row.attributes.SJMC))
    .map((row) => ({ code: '1002', place: row.place, text: '未收到该材料的文件' }))
}

function submitComplaints(message: RegistryMessage): Complaint[] {
  const complaints: Complaint[] = []
  const businessNumber = message.head.get('RecFlowID') ?? ''
  const estate = message.head.get('EstateNum') ?? ''
  const complain = (place: string, text: string): void => {
    complaints.push({ code: '1002', place, text })
  }
  if (message.head.get('ParcelID') !== estate.slice(0, 19)) complain('Head/ParcelID', '与 EstateNum 不一致')
  if (!message.rows.some((row) => row.attributes.BDCDYH === estate))
    complain('Head/EstateNum', '不是申请中的不动产单元')
  const numbers = message.rows.filter((row) => row.name === 'DJT_DJ_SL').map((row) => row.attributes.YWH ?? '')
  for (const [index, number] of numbers.entries()) {
    const expected = `${businessNumber}${String(index + 1).padStart(2, '0')}`
    if (number !== expected) complain(`Data/DJT_DJ_SL[${index + 1}]/@YWH`, '应为业务流水号加两位部分序号')
  }
  for (const row of numbered(message.rows)) {
    const own = row.name === 'QLF_QL_ZXDJ' ? row.attributes.ZXYWH : row.attributes.YWH
    if (own !== undefined && !numbers.includes(own)) complain(`${row.place}/@YWH`, '不属于本申请的任何部分')
  }
  for (const number of numbers) complaints.push(...partComplaints(message, number))
  if (numbers.length === 0) complain('Data/DJT_DJ_SL', '缺少受理信息行')
  return complaints
}

function partComplaints(message: RegistryMessage, number: string): Complaint[] {
  const rows = message.rows.filter((row) => row.attributes.YWH === number || row.attributes.ZXYWH === number)
  const named = (name: string): Row[] => rows.filter((row) => row.name === name)
  const units = (name: string): string[] => named(name).map((row) => row.attributes.BDCDYH ?? '')
  const missing = (name: string): Complaint => ({
    code: '1002',
    place: `Data/${name}`,
    text: `部分 ${number} 缺少该行`,
  })
  const complaints = ['DJF_DJ_SQ', 'DJF_DJ_SJ'].filter((name) => named(name).length === 0).map(missing)
  const mortgaged = units('QLF_QL_DYAQ')
  const right = [...mortgaged, ...units('QLF_QL_YGDJ')]
  if (right.length === 0 && named('QLF_QL_ZXDJ').length === 0) complaints.push(missing('QLF_QL_DYAQ'))
  if (right.some((unit) => !units('ZTT_GY_QLR').includes(unit))) complaints.push(missing('ZTT_GY_QLR'))
  const listOptional = message.head.get('RecType') === '3003701'
  if (!listOptional && mortgaged.some((unit) => !units('QLF_QL_DYAQ_DYWQD').includes(unit))) {
    complaints.push(missing('QLF_QL_DYAQ_DYWQD'))
  }
  const names = named('DJF_DJ_SJ').map((row) => row.attributes.SJMC)
  if (new Set(names).size !== names.length) {
    complaints.push({ code: '1002', place: 'Data/DJF_DJ_SJ/@SJMC', text: `部分 ${number} 的收件名称重复` })
  }
  return complaints
}
