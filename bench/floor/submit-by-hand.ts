import type { Application, NormalisedCase } from '../../src/cases/application.ts'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'

// SUBMIT of a first mortgage as someone writes it who writes only this one: the same bytes as the mapping's, with its
// code tables and required members, without its limits of lengths and its places of faults.
const ID_TYPE = codes({
  'resident-id': '1',
  'hk-macao-taiwan-id': '2',
  passport: '3',
  'household-register': '4',
  'military-id': '5',
  'organisation-code': '6',
  'business-licence': '7',
  'social-credit-code': '7',
  other: '99',
})
const HOLDER = codes({
  person: '1',
  company: '2',
  'public-institution': '3',
  'state-organ': '4',
  other: '99',
})
const PROPERTY = codes({
  land: '1',
  'land-and-building': '2',
  forest: '3',
  'land-and-construction': '4',
  sea: '5',
  'sea-and-structure': '6',
  other: '7',
})
const MORTGAGE = codes({ ordinary: '1', maximum: '2' })
const AREA_UNIT = codes({ 'square-metre': '1', mu: '2', hectare: '3' })
const CURRENCY = codes({ CNY: '156', USD: '840', HKD: '344', EUR: '978' })
const NOTIFY = codes({ phone: '1', mobile: '2', email: '3', letter: '4' })
const FORM = codes({
  original: '1',
  'copy-of-original': '2',
  duplicate: '3',
  'copy-of-duplicate': '4',
  manuscript: '5',
  other: '99',
})

export interface SubmitContext {
  case: { businessNumber: string }
  message: { createdAt: string }
  operator: { name: string; phone: string }
  site: { areaCode: string; registryOrgId: string }
}

export function submitByHand(document: NormalisedCase, context: SubmitContext): Buffer {
  const { site, operator } = context
  const { businessNumber } = context.case
  const first = required(document.parts[0]?.properties[0], 'property')
  const unit = first.unitNumber
  const contact: NonNullable<Application['contact']> = document.contact ?? {}
  let holders = ''
  let mortgages = ''
  let units = ''
  let applicants = ''
  let acceptances = ''
  let papers = ''
  let debtors = ''
  let unitCount = 0
  for (const part of document.parts) {
    const number = part.registryNumber
    const mortgage = required(part.mortgage, 'mortgage')
    const mortgagees = part.parties.filter(({ role }) => role === 'mortgagee')
    const mortgagors = part.parties.filter(({ role }) => role === 'mortgagor')
    const isMaximum = mortgage.kind === 'maximum'
    const term = required(isMaximum ? mortgage.determinationPeriod : mortgage.term, 'term')
    for (const property of part.properties) {
      let place = 0
      for (const mortgagee of mortgagees) {
        place += 1
        holders +=
          `<ZTT_GY_QLR YSDM="6003000000"${a('BDCDYH', property.unitNumber)} SXH="${place}"${a('QLRMC', mortgagee.name)}` +
          ` SFCZR="1"${a('ZJZL', ID_TYPE(mortgagee.idType))}${a('ZJH', mortgagee.idNumber)} GJ="156"` +
          `${a('DH', mortgagee.phone)}${a('DZ', mortgagee.address)}${a('YB', mortgagee.postcode)}` +
          `${a('QLRLX', HOLDER(mortgagee.kind))} GYFS="0"${a('QXDM', site.areaCode)}${a('YWH', number)} QLLX="37"/>`
      }
      mortgages +=
        `<QLF_QL_DYAQ YSDM="6002030100"${a('BDCDYH', property.unitNumber)}${a('YWH', number)}` +
        `${a('DYBDCLX', PROPERTY(property.kind))}${a('DYR', mortgagors.map(({ name }) => name).join('、'))} DJLX="100"` +
        a('DYFS', MORTGAGE(mortgage.kind)) +
        (isMaximum ? '' : a('BDBZZQSE', tenThousands(required(mortgage.securedAmount, 'securedAmount')))) +
        ` ZWLXQSSJ="${day(term.from)}T00:00:00" ZWLXJSSJ="${day(term.to)}T00:00:00"` +
        a('ZGZQQDSS', mortgage.determinationFacts) +
        (isMaximum ? a('ZGZQSE', tenThousands(required(mortgage.maximumAmount, 'maximumAmount'))) : '') +
        `${a('QXDM', site.areaCode)}${a('FJ', part.remarks)}${a('DJYY', part.reason)}` +
        `${a('SSYWH', property.previousBusinessNumber)}${a('DYRLX', HOLDER(mortgagors[0]?.kind))}` +
        `${a('DYQSW', mortgage.rank)} SFYGDJ="0"${a('DYMJ', property.area)}${a('MJDW', AREA_UNIT(property.areaUnit))}` +
        `${a('BZ', CURRENCY(mortgage.currency))} JEDW="万元"${a('DBFW', mortgage.scope)}` +
        a('DYQX', `${term.from}至${term.to}`) +
        `${a('SFCZJZHXZ', mortgage.transferRestricted === undefined ? undefined : mortgage.transferRestricted ? '1' : '0')}/>`
      unitCount += 1
      units +=
        `<QLF_QL_DYAQ_DYWQD${a('YWH', number)} XH="${unitCount}"${a('ZL', property.location)}${a('YT', property.useCode)}` +
        `${a('MJ', property.area)}${a('BDCDYH', property.unitNumber)}/>`
    }
    for (const mortgagor of mortgagors) {
      const { agent } = mortgagor
      for (const mortgagee of mortgagees) {
        applicants +=
          `<DJF_DJ_SQ${a('SQSJ', local(document.appliedAt))} YSDM="6004010000"${a('YWH', number)}` +
          `${a('QLRMC', mortgagee.name)}${a('QLRZJZL', ID_TYPE(mortgagee.idType))}${a('QLRZJH', mortgagee.idNumber)}` +
          `${a('QLRTXDZ', mortgagee.address)}${a('QLRYB', mortgagee.postcode)}` +
          `${a('QLRFRMC', mortgagee.legalRepresentative?.name)}${a('QLRFRDH', mortgagee.legalRepresentative?.phone)}` +
          `${a('QLRDLRMC', operator.name)}${a('QLRDLRDH', operator.phone)}${a('YWRMC', mortgagor.name)}` +
          `${a('YWRZJZL', ID_TYPE(mortgagor.idType))}${a('YWRZJH', mortgagor.idNumber)}` +
          `${a('YWRTXDZ', mortgagor.address)}${a('YWRYB', mortgagor.postcode)}` +
          `${a('YWRFRMC', mortgagor.legalRepresentative?.name)}${a('YWRFRDH', mortgagor.legalRepresentative?.phone)}` +
          a('YWRDLRMC', agent === undefined ? operator.name : agent.name) +
          a('YWRDLRDH', agent === undefined ? operator.phone : agent.phone) +
          a('YWRDLJG', agent === undefined ? mortgagee.name : agent.organisation) +
          `${a('BZ', ownership(mortgagor.coOwnership, mortgagor.share))}${a('QXDM', site.areaCode)}/>`
      }
    }
    acceptances +=
      `<DJT_DJ_SL DJLX="100" YSDM="6004020000"${a('YWH', number)} SQZSBS="0" SQFBCZ="0"` +
      `${a('ZL', part.properties[0]?.location)}${a('TZRXM', contact.name)}${a('TZFS', NOTIFY(contact.notifyBy))}` +
      `${a('TZRDH', contact.phone)}${a('TZRYDDH', contact.mobile)}${a('TZRDZYJ', contact.email)}${a('QXDM', site.areaCode)}/>`
    for (const paper of part.materials) {
      papers +=
        `<DJF_DJ_SJ${a('YWH', number)} YSDM="6004020100"` +
        a('SJSJ', paper.checkedAt === undefined ? undefined : local(paper.checkedAt)) +
        `${a('SJLX', FORM(paper.form))}${a('SJMC', paper.name)}${a('SJSL', paper.copies)}` +
        `${paper.checkedBy === undefined ? '' : ' SFSJSY="1"'} SFEWSJ="0" SFBCSJ="0"${a('YS', paper.pages)}` +
        `${a('BZ', paper.checkedByName === undefined ? undefined : `核对人 ${paper.checkedByName}`)}${a('QXDM', site.areaCode)}/>`
    }
    let place = 0
    for (const debtor of part.parties) {
      if (debtor.role !== 'debtor') continue
      place += 1
      debtors +=
        `<JH_DSQLR${a('YWH', number)} SXH="${place}" DSQLRLB="4"${a('DSQLRMC', debtor.name)}` +
        `${a('ZJZL', ID_TYPE(debtor.idType))}${a('ZJH', debtor.idNumber)}${a('DH', debtor.phone)}` +
        `${a('DZ', debtor.address)}${a('QLRLX', debtor.smallEnterprise === true ? '98' : HOLDER(debtor.kind))}/>`
    }
  }
  return encodeGb18030(
    `<?xml version="1.0" encoding="GB18030"?><Message><Head>${e('BizMsgID', businessNumber)}<ASID>AS100</ASID>` +
      `${e('AreaCode', unit.slice(0, 6))}<RecType>1003701</RecType><RightType>37</RightType><RegType>100</RegType>` +
      `${e('CreateDate', local(context.message.createdAt))}${e('RecFlowID', businessNumber)}` +
      `${e('RegOrgID', site.registryOrgId)}${e('ParcelID', unit.slice(0, 19))}${e('EstateNum', unit)}` +
      `<PreEstateNum>/</PreEstateNum>${e('PreCertID', half(first.certificateNumber))}<CertCount>0</CertCount>` +
      `<ProofCount>0</ProofCount><DigitalSign>/</DigitalSign><ExchangeType>SUBMIT</ExchangeType></Head><Data>` +
      `${holders}${mortgages}${units}${applicants}${acceptances}${papers}${debtors}</Data></Message>`,
    '2005',
  )
}

function codes(table: Record<string, string>): (word: string | undefined) => string | undefined {
  const map = new Map(Object.entries(table))
  return (word) => {
    if (word === undefined) return undefined
    const code = map.get(word)
    if (code === undefined) throw new Error('a word without a code')
    return code
  }
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`${name} is missing`)
  return value
}

const SPECIAL = /[&<>"]/g
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(value: string): string {
  return value.replace(SPECIAL, (sign) => ESCAPES[sign] as string)
}

function a(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : ` ${name}="${typeof value === 'string' ? escaped(value) : value}"`
}

function e(name: string, value: string | undefined): string {
  return `<${name}>${escaped(required(value, name))}</${name}>`
}

function half(text: string | undefined): string | undefined {
  return text?.replaceAll('（', '(').replaceAll('）', ')')
}

function day(date: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new Error('no date')
  return date
}

/** An instant as local time of Shanghai. */
function local(instant: string): string {
  return new Date(Date.parse(instant) + 8 * 3_600_000).toISOString().slice(0, 19)
}

/** Yuan as 万元, without a number's rounding. */
function tenThousands(yuan: string): string {
  const [whole = '0', cents = ''] = yuan.split('.')
  const digits = whole.padStart(5, '0')
  return `${digits.slice(0, -4)}.${digits.slice(-4)}${cents.padEnd(2, '0')}`
}

function ownership(kind: string | undefined, share: string | undefined): string | undefined {
  if (kind === 'in-shares') return `义务人按份共有 ${share}`
  if (kind === 'joint') return '义务人共同共有'
  return kind === 'other' ? '义务人其他共有' : undefined
}
