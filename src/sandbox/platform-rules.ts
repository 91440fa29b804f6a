import type { Json, JsonObject } from '../base/json.ts'

/** A case message as the platform understands it. */
export interface CaseMessage {
  type: string
  unid: string
  body: JsonObject
  /** The platform's number that it names; empty in a type 10. */
  sn: string
  /** UNIDs of the files that it names. */
  fileUnids: string[]
}

/** Per type the paths under Body that must hold a value. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  10: [
    'ApasInfo.ServiceCode ApasInfo.ServiceName ApasInfo.AreaCode ApasInfo.ProjectName ApasInfo.DeclareTime',
    'Proposer.ApplyType Proposer.Unit.UnitName Proposer.Unit.UnitCode Operator.Name Operator.CertificateNumber',
    'FormInfos.0 Attrs.0',
  ],
  20: ['ApasInfo.SN Node.Code Node.Name Node.ProcessedTime'],
  21: ['ApasInfo.SN Node.Code Node.Name Node.BeginTime'],
  22: ['ApasInfo.SN Round Attrs.0'],
  23: ['ApasInfo.SN Node.Code Node.Name Node.ActualTime'],
  24: ['ApasInfo.SN Node.ChargeName Node.Charge'],
  25: ['ApasInfo.SN Node.PaymentAmount Node.PaymentState Node.PaymentTime'],
  26: ['ApasInfo.SN Withdrawal.Reason Withdrawal.ApplyTime'],
  30: ['ApasInfo.SN ApasInfo.Result ApasInfo.ProcessedTime'],
  31: ['ApasInfo.SN ResultAttrs.0'],
}
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/
/** Names that hold a date and time wherever they occur; XkdecideTime is a date. */
const TIME_NAMES = new Set([
  'Time',
  'DeclareTime',
  'ProcessedTime',
  'BeginTime',
  'ActualTime',
  'PaymentTime',
  'ApplyTime',
])

/** Reads a message, or says (in Chinese) what is wrong with it. */
export function readCaseMessage(document: Json): CaseMessage | string {
  const message = member(document, 'Case')
  if (!isObject(message)) return '缺少 Case'
  const { type, unid, xsd, applyFrom } = message
  if (typeof type !== 'string' || REQUIRED[type] === undefined) return '报文类型不在代码表中'
  if (typeof unid !== 'string' || !/^[0-9a-f]{32}$/.test(unid)) return 'unid 应为 32 位小写十六进制'
  if (xsd !== '1.0' || applyFrom !== '21') return 'xsd 或 applyFrom 不符'
  const body = member(message, 'Body')
  if (!isObject(body)) return '缺少 Body'
  for (const name of ['FromAreaCode', 'FromAreaName', 'ToAreaCode', 'ToAreaName', 'Time']) {
    if (!filled(message, `Router.${name}`)) return `缺少 Router.${name}`
  }
  for (const path of REQUIRED[type].join(' ').split(' ')) if (!filled(body, path)) return `缺少 Body.${path}`
  const odd = oddValue(message, 'Case')
  if (odd !== undefined) return odd
  const sn = member(member(body, 'ApasInfo'), 'SN')
  if (type === '10' && sn !== '') return '类型 10 的 SN 应为空'
  const named = ['Attrs', 'ResultAttrs'].flatMap((list) => (member(body, list) ?? []) as readonly Json[])
  const fileUnids = named.map((item) => member(item, 'UNID')).filter((id) => typeof id === 'string' && id !== '')
  return { type, unid, body, sn: typeof sn === 'string' ? sn : '', fileUnids: fileUnids as string[] }
}

/** The bank's own number in a type 10: Item YHYWBH of any form. */
export function bankReferenceOf(body: JsonObject): string | undefined {
  for (const form of (body.FormInfos ?? []) as readonly Json[]) {
    for (const item of (member(form, 'Items') ?? []) as readonly Json[]) {
      const value = member(item, 'field') === 'YHYWBH' ? member(item, 'value') : undefined
      if (typeof value === 'string') return value
    }
  }
  return undefined
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function member(value: Json | undefined, name: string): Json | undefined {
  if (Array.isArray(value)) return (value as readonly Json[])[Number(name)]
  return isObject(value) ? value[name] : undefined
}

function filled(value: Json, path: string): boolean {
  let found: Json | undefined = value
  for (const name of path.split('.')) found = member(found, name)
  return found !== undefined && found !== null && found !== ''
}

/** All values are strings, and times have the platform's form. */
function oddValue(value: Json, path: string): string | undefined {
  if (typeof value === 'string') {
    const name = path.slice(path.lastIndexOf('.') + 1)
    return TIME_NAMES.has(name) && value !== '' && !TIME.test(value) ? `${path} 的时间格式不符` : undefined
  }
  if (typeof value !== 'object' || value === null) return `${path} 的值应为字符串`
  for (const [name, inner] of Object.entries<Json>(value)) {
    const odd = oddValue(inner, `${path}.${name}`)
    if (odd !== undefined) return odd
  }
  return undefined
}
