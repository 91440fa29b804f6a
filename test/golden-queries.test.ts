import t from 'tap'
import type { Query, QueryAnswer } from '../src/base/canonical.ts'
import type { Json } from '../src/base/json.ts'
import { openValidator } from '../src/http/validator.ts'
import { MappingError } from '../src/mapping/faults.ts'
import { encodeGb18030 } from '../src/mapping/gb18030.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts, goldenTree, onTheWire, type Tree, treeOf } from './support/golden-exchange.ts'

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const validator = openValidator('schemas')

/** The golden flags query: a certificate, by an authorization of one of its holders. */
const flags: Query = {
  level: 'flags',
  certificateNumber: '鄂(2019)阳新县不动产权第0003112号',
  holder: { name: '柯𠮷明', idType: 'resident-id', idNumber: '42022219030512001X' },
  purpose: '办理抵押登记',
  authorization: { id: '01a1bdbb-bd80-7a82-aa9f-515ed3d7a146', from: '2026-11-09', to: '2026-12-08' },
  bank: { name: '示例银行股份有限公司阳新支行', code: '91420222000000019R' },
  operatorName: '经办员甲',
}

const { certificateNumber: _, ...byProof } = flags
/** The golden detail query: a mortgage's proof. */
const detail: Query = {
  ...byProof,
  level: 'detail',
  proofNumber: '鄂(2022)阳新县不动产证明第0002930号',
  holder: { name: '阳新县示例食品有限公司', idType: 'business-licence', idNumber: '91420222MA00000316' },
  authorization: { id: '01a1c815-46c0-70eb-a1ed-6d53a07bfe9e', from: '2026-11-09', to: '2026-12-08' },
}

const flagsContexts = goldenContexts({ number: '420222261109000001', createdAt: '2026-11-09T08:41:00' })

function rendered(query: Query, contexts = flagsContexts): Tree {
  const bytes = mappings.outward('yx-registry/query').render(query as unknown as Json, contexts)
  return treeOf(new TextDecoder('gb18030', { fatal: true }).decode(bytes))
}

function conditionsOf(query: Query): Record<string, string> {
  const data = rendered(query).children.find((child) => child.name === 'Data')
  return Object.fromEntries(data?.children[0]?.attributes ?? [])
}

function read(bytes: Buffer): QueryAnswer {
  const contexts = goldenContexts({ createdAt: '2026-11-12T00:00:00' })
  return mappings.inward('yx-registry/query').read(bytes, contexts) as unknown as QueryAnswer
}

/** An answer of the registry with these rows; `head` is what stands before them. */
function answer(rows: string, head = '<SuccessFlag>1</SuccessFlag><ResponseCode>0000</ResponseCode>'): QueryAnswer {
  const text = `<respond><BizMsgID>420222261109000001</BizMsgID>${head}<Data>${rows}</Data></respond>`
  return read(encodeGb18030(`<?xml version="1.0" encoding="GB18030"?>${text}`, '2005'))
}

await t.test('the golden queries give the golden QUERY, element by element', (t) => {
  t.strictSame(rendered(flags), goldenTree('registry-query.xml'))
  const contexts = goldenContexts({ number: '420222261111000001', createdAt: '2026-11-11T09:02:00' })
  t.strictSame(rendered(detail, contexts), goldenTree('registry-query-detail.xml'))
  t.strictSame(validator('query')(flags), [])
  t.strictSame(validator('query')(detail), [])
  t.end()
})

await t.test('a query names one number, always with a holder', (t) => {
  t.not(validator('query')({ ...flags, proofNumber: '鄂(2022)阳新县不动产证明第0002930号' }).length, 0)
  t.not(validator('query')(byProof).length, 0)
  t.throws(() => rendered(byProof), MappingError, 'none')
  const both = conditionsOf({ ...flags, proofNumber: '鄂(2022)阳新县不动产证明第0002930号' })
  t.equal(both['BDCQZH'], '鄂(2019)阳新县不动产权第0003112号')
  t.notOk('BDCDJZMH' in both, 'one of two')
  const { holder: __, ...nobody } = flags
  t.throws(() => rendered(nobody as Query), MappingError)
  t.end()
})

await t.test('full-width brackets go out half-width; without an authorization none is stated', (t) => {
  const { authorization: __, ...without } = flags
  const row = conditionsOf({ ...without, certificateNumber: '鄂（2019）阳新县不动产权第0003112号' })
  t.equal(row['BDCQZH'], '鄂(2019)阳新县不动产权第0003112号')
  t.equal(row['CXSQCL'], '5')
  for (const name of ['SQSBH', 'SQQSSJ', 'SQJSSJ']) t.notOk(name in row, name)
  t.end()
})

await t.test('the golden flags answer gives flags and the holders, and nothing of rights', (t) => {
  const found = read(onTheWire('registry-query-answer-flags.xml'))
  const holder = {
    idType: 'resident-id',
    kind: 'person',
    coOwnership: 'in-shares',
    certificateNumber: '鄂(2019)阳新县不动产权第0003112号',
    registryNumber: '201903120045',
    rightKind: '4',
  }
  t.strictSame(found, {
    messageId: '420222261109000001',
    success: true,
    code: '0000',
    text: '查询成功',
    faults: [],
    matched: true,
    checkedAt: '2026-11-09T08:41:01+08:00',
    property: {
      certificateNumber: '鄂(2019)阳新县不动产权第0003112号',
      unitNumber: '420222001003GB00057F00120031',
      location: '阳新县示例镇示例路8号示例花园12幢1单元1201室',
      area: '118.36',
      useCode: '11',
    },
    flags: { mortgaged: false, seized: false, objected: false, noticed: false, coOwned: true },
    holders: [
      { ...holder, name: '柯𠮷明', idNumber: '42022219030512001X', share: '60%' },
      { ...holder, name: '古丽娜·艾山江', idNumber: '420222190408230027', share: '40%' },
    ],
    mortgages: [],
  })
  t.strictSame(validator('query-answer')(found), [])
  t.end()
})

await t.test('the golden detail answer tells the holder of the property from the holder of the mortgage', (t) => {
  const found = read(onTheWire('registry-query-answer-detail.xml'))
  const unitNumber = '420222002001GB00014F00010203'
  t.strictSame(found, {
    messageId: '420222261111000001',
    success: true,
    code: '0000',
    text: '查询成功',
    faults: [],
    matched: true,
    checkedAt: '2026-11-11T09:02:01+08:00',
    property: {
      certificateNumber: '鄂(2017)阳新县不动产权第0000884号',
      unitNumber,
      location: '阳新县示例镇工业路3号1幢203室',
      area: '640.00',
      useCode: '21',
    },
    flags: { mortgaged: true, seized: false, objected: false, noticed: false, coOwned: false },
    holders: [
      {
        name: '阳新县示例食品有限公司',
        idType: 'business-licence',
        idNumber: '91420222MA00000316',
        kind: 'company',
        coOwnership: 'sole',
        certificateNumber: '鄂(2017)阳新县不动产权第0000884号',
        registryNumber: '201705160007',
        rightKind: '4',
      },
    ],
    ownership: {
      registryNumber: '201705160007',
      unitNumber,
      certificateNumber: '鄂(2017)阳新县不动产权第0000884号',
      rightKind: '4',
      reason: '新建房屋',
      location: '阳新县示例镇工业路3号1幢203室',
      landUser: '阳新县示例食品有限公司',
      useCode: '21',
      structure: '3',
      floor: '2',
      totalFloors: '4',
      area: '640.00',
      authority: '阳新县不动产登记中心',
      registeredBy: '登簿员二',
      registeredAt: '2017-05-18T10:00:00+08:00',
      rightStatus: 'current',
    },
    mortgages: [
      {
        registryNumber: '202206200018',
        unitNumber,
        proofNumber: '鄂(2022)阳新县不动产证明第0002930号',
        kind: 'ordinary',
        securedAmount: '2400000.00',
        currency: 'CNY',
        term: { from: '2022-06-16', to: '2025-06-15' },
        scope: '主债权本金、利息、罚息、违约金及追偿费用',
        mortgagorNames: ['阳新县示例食品有限公司'],
        mortgagees: [
          { name: '示例银行股份有限公司阳新支行', idType: 'business-licence', idNumber: '91420222000000019R' },
        ],
        registeredAt: '2022-06-21T15:10:00+08:00',
        registeredBy: '登簿员一',
        authority: '阳新县不动产登记中心',
        rightStatus: 'current',
        previousBusinessNumber: '201705160007',
        rank: 1,
        transferRestricted: false,
        area: '640.00',
        areaUnit: 'square-metre',
        reason: '抵押',
      },
    ],
  })
  t.strictSame(validator('query-answer')(found), [])
  t.end()
})

await t.test('an answer without a match has its reason and nothing else, whatever came with it', (t) => {
  for (const [code, reason] of Object.entries({
    0: 'not-found',
    1: 'not-registered',
    2: 'not-held-here',
    3: 'none-in-area',
    4: 'none-current',
  })) {
    const rows = `<JH_HYJG XH="1" HYZT="0" HYSJ="2026-11-09T08:41:01" CXJG="${code}"/>`
    const found = answer(rows)
    t.strictSame(found, {
      messageId: '420222261109000001',
      success: true,
      code: '0000',
      faults: [],
      matched: false,
      reason,
      checkedAt: '2026-11-09T08:41:01+08:00',
      holders: [],
      mortgages: [],
    })
    t.strictSame(validator('query-answer')(found), [])
  }
  const odd = answer(
    '<JH_HYJG HYZT="0" BDCDYH="u" FWZL="a" SFDY="1"/><ZTT_GY_QLR BDCDYH="u" QLRMC="a" YWH="1"/><QLF_QL_DYAQ BDCDYH="u" YWH="1"/>',
  )
  t.notOk('property' in odd)
  t.notOk('flags' in odd)
  t.strictSame([odd.holders, odd.mortgages], [[], []])
  t.end()
})

await t.test('a refusal is no answer about a property', (t) => {
  const refused = answer(
    '<JH_CW XH="1" DM="3002" WZ="Data/JH_CXTJ[1]/@SQSBH" NR="超出授权范围"/>',
    '<SuccessFlag>2</SuccessFlag><ResponseCode>3002</ResponseCode><ResponseInfo>超出授权范围</ResponseInfo>',
  )
  t.strictSame(refused, {
    messageId: '420222261109000001',
    success: false,
    code: '3002',
    text: '超出授权范围',
    retry: 'never',
    faults: [{ number: 1, code: '3002', place: 'Data/JH_CXTJ[1]/@SQSBH', text: '超出授权范围' }],
    matched: false,
    holders: [],
    mortgages: [],
  })
  const busy = '<SuccessFlag>2</SuccessFlag><ResponseCode>9001</ResponseCode>'
  t.equal(answer('', busy).retry, 'same')
  t.equal(answer('', busy.replace('9001', '7777')).retry, 'unknown')
  t.end()
})

await t.test('an answer that decides nothing, or about several properties, is not read as one', (t) => {
  t.throws(() => answer(''), MappingError, 'no result')
  const result = '<JH_HYJG XH="1" HYZT="1" BDCDYH="u"/>'
  t.throws(() => answer(result + result), MappingError, 'two results')
  t.throws(() => answer('<JH_HYJG XH="1" HYZT="2"/>'), MappingError, 'a state that is not in the table')
  t.throws(() => answer('<JH_HYJG XH="1" HYZT="1"/>'), MappingError, 'a match that names no unit')
  t.end()
})

await t.test('who only holds a mortgage, a former right or another unit is no holder', (t) => {
  const result = '<JH_HYJG HYZT="1" BDCDYH="u"/>'
  const holder = (name: string, more: string): string => `<ZTT_GY_QLR QLRMC="${name}" BDCDYH="u" ${more}/>`
  const names = (rows: string): string[] => answer(result + rows).holders.map(({ name }) => name)
  t.strictSame(names(holder('a', 'YWH="1" QLLX="4" QSZT="1"') + holder('b', 'YWH="1"')), ['a', 'b'])
  t.strictSame(names(holder('a', 'YWH="1" QLLX="4" QSZT="2"')), [], 'a former right')
  t.strictSame(names(holder('a', 'YWH="1" QLLX="37" QSZT="1"')), [], 'a mortgage whose row is kept back')
  t.strictSame(names(holder('a', 'YWH="1" QLLX="24" QSZT="1"')), [], 'the code of another list')
  t.strictSame(names(`<ZTT_GY_QLR QLRMC="a" BDCDYH="v" YWH="1"/>`), [], 'another unit')
  t.strictSame(names(holder('a', 'YWH="1"') + '<QLF_QL_DYAQ BDCDYH="u" YWH="1"/>'), [], 'joined to a mortgage')
  const owned = '<QLT_FW_FDCQ_YZ BDCDYH="u" YWH="1"/>'
  t.strictSame(names(owned + holder('a', 'YWH="1"') + holder('b', 'YWH="2"')), ['a'], 'joined to the ownership')
  t.end()
})

await t.test("another's mortgage may keep back whatever it likes", (t) => {
  const found = answer(
    '<JH_HYJG HYZT="1" BDCDYH="u"/><QLF_QL_DYAQ BDCDYH="u" YWH="1"/><QLF_QL_DYAQ BDCDYH="v" YWH="2" DYFS="1"/>',
  )
  t.strictSame(found.mortgages, [{ registryNumber: '1', unitNumber: 'u', mortgagorNames: [], mortgagees: [] }])
  const maximum = answer(
    '<JH_HYJG HYZT="1" BDCDYH="u"/><QLF_QL_DYAQ BDCDYH="u" DYFS="2" ZGZQSE="128.654321" ZWLXQSSJ="2026-11-06T00:00:00" ZWLXJSSJ="2029-11-05T00:00:00"/>',
  )
  t.match(maximum.mortgages, [
    { kind: 'maximum', maximumAmount: '1286543.21', determinationPeriod: { from: '2026-11-06', to: '2029-11-05' } },
  ])
  t.end()
})
