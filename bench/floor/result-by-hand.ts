import { SaxesParser } from 'saxes'

// RESULT as someone reads it who reads only this one: the same object as the mapping's, for the facts that it knows.
const decoder = new TextDecoder('gb18030', { fatal: true })

type Row = Record<string, string | undefined>
type Data = Record<string, Row[] | undefined>

const ID_TYPE = meanings({
  '1': 'resident-id',
  '2': 'hk-macao-taiwan-id',
  '3': 'passport',
  '4': 'household-register',
  '5': 'military-id',
  '6': 'organisation-code',
  '7': 'business-licence',
  '99': 'other',
})
const OUTCOME = meanings({ '1': 'agreed', '2': 'sent-back', '3': 'returned-to-applicant', '4': 'handed-over' })
const RIGHT = meanings({ '0': 'provisional', '1': 'current', '2': 'historical', '3': 'ended' })
const MORTGAGE = meanings({ '1': 'ordinary', '2': 'maximum' })
const CURRENCY = meanings({ '156': 'CNY', '840': 'USD', '344': 'HKD', '978': 'EUR' })
const AREA_UNIT = meanings({ '1': 'square-metre', '2': 'mu', '3': 'hectare' })
const NOT_ACCEPTED = meanings({ '0': 'incomplete', '1': 'outside-area', '2': 'form-not-legal', '3': 'other-by-law' })
const REJECTED = meanings({ '0': 'against-law', '1': 'title-dispute', '2': 'term-exceeded', '3': 'other-by-law' })

/** The words of the answer's head, and its rows by name. */
function read(xml: string): { head: Record<string, string | undefined>; data: Data } {
  const head: Record<string, string | undefined> = {}
  const data: Data = {}
  const parser = new SaxesParser()
  let depth = 0
  let open = ''
  let inData = false
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1
    open = name
    if (depth === 2) inData = name === 'Data'
    else if (depth === 3 && inData) (data[name] ??= []).push(attributes)
  })
  parser.on('text', (text) => {
    if (depth === 2 && !inData) head[open] = text
  })
  parser.on('closetag', () => {
    depth -= 1
  })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(xml).close()
  return { head, data }
}

export function resultByHand(bytes: Uint8Array): Record<string, unknown> {
  const { head: respond, data } = read(decoder.decode(bytes))
  const messageId = respond['BizMsgID']
  const success = respond['SuccessFlag'] === '1'
  const code = respond['ResponseCode']
  const rows = (name: string): Row[] => data[name] ?? []
  const partOf = new Map(rows('JH_BJ').map((row) => [row['YWH'], number(row['BFXH'])]))
  const events: Record<string, unknown>[] = []
  const add = (row: Row, fact: string, at: string | undefined, more: Record<string, unknown>): void => {
    const part = partOf.get(row['YWH'])
    events.push(
      present({
        part,
        fact,
        round: 1,
        occurredAt: instant(at),
        saidBy: 'registry',
        reportedIn: 'result',
        messageId,
        registryNumber: row['YWH'],
        ...more,
      }),
    )
  }
  for (const row of rows('JH_BZTZ')) {
    const items = rows('JH_BZSX').filter((item) => item['YWH'] === row['YWH'] && item['BZLC'] === row['BZLC'])
    add(row, 'correction-requested', row['TZSJ'], {
      round: number(row['BZLC']),
      by: row['CZRMC'],
      answerBy: instant(row['BZQX']),
      items: items.map((item) =>
        present({
          number: number(item['XH']),
          materialName: item['SJMC'],
          unitNumber: item['BDCDYH'],
          field: item['ZDMC'],
          requirement: item['BZNR'],
        }),
      ),
    })
  }
  for (const row of rows('DJT_DJ_SL')) if (row['SLSJ']) add(row, 'accepted', row['SLSJ'], { by: row['SLRY'] })
  for (const row of rows('DJF_DJ_SH')) {
    if (!row['SHJSSJ']) continue
    add(row, 'review-step', row['SHJSSJ'], {
      subject: row['SXH'],
      node: row['JDMC'],
      by: row['SHRYXM'],
      startedAt: instant(row['SHKSSJ']),
      opinion: row['SHYJ'],
      outcome: OUTCOME(row['CZJG']),
    })
  }
  for (const row of rows('DJF_DJ_DB')) {
    if (row['CZJG'] === '1' && row['DBSJ'])
      add(row, 'recorded', row['DBSJ'], { by: row['DBRYXM'], opinion: row['DBYJ'] })
  }
  for (const row of rows('JH_TSHJ')) {
    const more = { subject: row['MC'], procedure: row['MC'] }
    if (row['QSSJ']) add(row, 'procedure-started', row['QSSJ'], more)
  }
  for (const row of rows('JH_TSHJ')) {
    const more = { subject: row['MC'], procedure: row['MC'] }
    if (row['JSSJ']) add(row, 'procedure-ended', row['JSSJ'], more)
  }
  for (const row of rows('JH_BYTZ')) {
    const more = { by: row['CZRMC'], reason: row['YY'], documentNumber: row['WSBH'] }
    if (row['BSLYYJ']) add(row, 'not-accepted', row['TZSJ'], { ...more, ground: NOT_ACCEPTED(row['BSLYYJ']) })
    if (row['BYDJYJ']) add(row, 'rejected', row['TZSJ'], { ...more, ground: REJECTED(row['BYDJYJ']) })
  }
  for (const row of rows('DJT_DJ_SL')) if (row['AJZT'] === '5') add(row, 'withdrawn', row['JSSJ'], {})
  for (const row of rows('QLF_QL_DYAQ')) {
    if (!row['DJSJ']) continue
    const holders = rows('ZTT_GY_QLR').filter(
      (holder) => holder['YWH'] === row['YWH'] && holder['BDCDYH'] === row['BDCDYH'],
    )
    const isMaximum = row['DYFS'] === '2'
    const term = { from: day(row['ZWLXQSSJ']), to: day(row['ZWLXJSSJ']) }
    add(row, 'register-entry', row['DJSJ'], {
      subject: row['BDCDYH'],
      entry: present({
        unitNumber: row['BDCDYH'],
        proofNumber: row['BDCDJZMH'],
        rightStatus: RIGHT(row['QSZT']),
        registeredAt: instant(row['DJSJ']),
        registeredBy: row['DBR'],
        authority: row['DJJG'],
        previousBusinessNumber: row['SSYWH'],
        mortgagees: holders.map((holder) =>
          present({ name: holder['QLRMC'], idType: ID_TYPE(holder['ZJZL']), idNumber: holder['ZJH'] }),
        ),
        mortgagorNames: row['DYR']?.split('、'),
        kind: MORTGAGE(row['DYFS']),
        securedAmount: yuan(row['BDBZZQSE']),
        maximumAmount: yuan(row['ZGZQSE']),
        currency: CURRENCY(row['BZ']),
        ...(isMaximum ? { determinationPeriod: term } : { term }),
        determinationFacts: row['ZGZQQDSS'],
        scope: row['DBFW'],
        transferRestricted: row['SFCZJZHXZ'] === undefined ? undefined : row['SFCZJZHXZ'] === '1',
        rank: number(row['DYQSW']),
        area: row['DYMJ'],
        areaUnit: AREA_UNIT(row['MJDW']),
        reason: row['DJYY'],
        remarks: row['FJ'],
      }),
    })
  }
  return {
    messageId,
    success,
    code,
    text: respond['ResponseInfo'],
    ...(success ? {} : { retry: retryOf(code) }),
    cases: rows('JH_BJ').map((row) =>
      present({
        businessNumber: row['YWLSH'],
        part: number(row['BFXH']),
        filingNumber: row['SLBH'],
        registryNumber: row['YWH'],
        stored: row['SFCZ'] === undefined ? undefined : row['SFCZ'] === '1',
        receivedAt: instant(row['JSRQ']),
      }),
    ),
    faults: rows('JH_CW').map((row) =>
      present({ number: number(row['XH']), code: row['DM'], place: row['WZ'], text: row['NR'] }),
    ),
    events,
  }
}

function meanings(table: Record<string, string>): (code: string | undefined) => string | undefined {
  const map = new Map(Object.entries(table))
  return (code) => {
    if (code === undefined || code === '') return undefined
    const word = map.get(code)
    if (word === undefined) throw new Error('a code without a meaning')
    return word
  }
}

/** Members that are there. */
function present(members: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(members)) if (members[name] === undefined) delete members[name]
  return members
}

function number(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/

/** Local time of Shanghai as an instant. */
function instant(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (!INSTANT.test(text) || Number.isNaN(Date.parse(`${text}+08:00`))) throw new Error('no instant')
  return `${text}+08:00`
}

function day(text: string | undefined): string | undefined {
  return text?.slice(0, 10)
}

/** 万元 as yuan, without a number's rounding. */
function yuan(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const [whole = '0', rest = ''] = text.split('.')
  const digits = rest.padEnd(6, '0')
  return `${`${whole}${digits.slice(0, 4)}`.replace(/^0+(?=\d)/, '')}.${digits.slice(4, 6)}`
}

function retryOf(code: string | undefined): string {
  if (['1005', '9001', '9002'].includes(code ?? '')) return 'same'
  if (['1004', '2001', '9999'].includes(code ?? '')) return 'look-up'
  return ['1001', '1002', '1003', '2002', '3001', '3002'].includes(code ?? '') ? 'never' : 'unknown'
}
