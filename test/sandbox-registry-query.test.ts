import t from 'tap'
import { startRegistry } from '../src/sandbox/processes.ts'
import { propertiesOf } from '../src/sandbox/registry-property.ts'
import { sampleCase } from '../src/sandbox/sample-case.ts'
import { golden, type Registry, send, startBench } from './support/registry-bench.ts'

const flags = golden('registry-query')
const detail = golden('registry-query-detail')
const OTHER_BANKS = '鄂(2018)阳新县不动产权第0001456号'

/** The rows of a golden answer in the order of the document, but for the time of the answer. */
function rowsOf(document: string): string[] {
  const rows = [...document.matchAll(/<((?:JH|ZTT|QL)[A-Z]*_\w+) ([^>]*)\/>/g)]
  return rows.map(([, name, attributes]) => {
    const pairs = [...(attributes as string).matchAll(/(\w+)="([^"]*)"/g)].filter(([, key]) => key !== 'HYSJ')
    return `${name} ${pairs
      .map(([pair]) => pair)
      .sort()
      .join(' ')}`
  })
}

const asking = (text: string, change: Record<string, string | undefined>): string =>
  Object.entries(change).reduce((changed, [name, value]) => {
    const found = new RegExp(` ${name}="[^"]*"`)
    if (value === undefined) return changed.replace(found, '')
    return found.test(changed)
      ? changed.replace(found, ` ${name}="${value}"`)
      : changed.replace(' CXJB', ` ${name}="${value}" CXJB`)
  }, text)

await t.test('the golden questions get the golden answers, row by row', async (t) => {
  const registry = await startBench(t)
  t.same(rowsOf((await send(registry, flags)).text), rowsOf(golden('registry-query-answer-flags')))
  t.same(rowsOf((await send(registry, detail)).text), rowsOf(golden('registry-query-answer-detail')))
})

await t.test('number, name and id document must all be right, and whichever is not: the same answer', async (t) => {
  const registry = await startBench(t)
  const table: [string, Record<string, string | undefined>][] = [
    ['another number', { BDCQZH: '鄂(2019)阳新县不动产权第0003119号' }],
    ["another property's number", { BDCQZH: OTHER_BANKS }],
    ['a name that is only like it', { QLRMC: '柯吉明' }],
    ['another id number', { ZJH: '420222190101160036' }],
    ['another kind of document', { ZJZL: '3' }],
    ["the co-owner's number under this name", { ZJH: '420222190408230027' }],
    ['a certificate asked for as a proof', { BDCQZH: undefined, BDCDJZMH: '鄂(2019)阳新县不动产权第0003112号' }],
  ]
  for (const [name, change] of table) {
    const answer = await send(registry, asking(flags, change))
    t.match(answer, { flag: '1', code: '0000' }, name)
    t.same(rowsOf(answer.text), ['JH_HYJG CXJG="0" HYZT="0" XH="1"'], `${name}: no other row`)
  }
  const coOwner = asking(flags, { QLRMC: '古丽娜·艾山江', ZJH: '420222190408230027' })
  t.equal((await send(registry, coOwner)).rows('ZTT_GY_QLR').length, 2, 'either owner may be named, both are told')
})

await t.test("another bank's mortgage is told without amount and mortgagee", async (t) => {
  const registry = await startBench(t)
  const factory = {
    BDCDJZMH: undefined,
    BDCQZH: OTHER_BANKS,
    QLRMC: '阳新县䶮新农产品有限公司',
    ZJH: '91420222MA0000015G',
  }
  const answer = await send(registry, asking(detail, factory))
  t.match(answer.rows('JH_HYJG'), [{ SFDY: '1' }])
  const [mortgage] = answer.rows('QLF_QL_DYAQ')
  t.match(mortgage, { DYFS: '2', DYR: '阳新县䶮新农产品有限公司' })
  for (const secret of ['BDBZZQSE', 'ZGZQSE', '示例农村商业银行', '560.000000'])
    t.notOk(answer.text.includes(secret), secret)
  const own = await send(registry, asking(detail, { ...factory, CXDWZJH: '91420222000000035F' }))
  t.match(own.rows('QLF_QL_DYAQ'), [{ ZGZQSE: '560.000000' }], 'the mortgagee itself is told all')
  t.match(own.rows('ZTT_GY_QLR')[1], { QLRMC: '示例农村商业银行股份有限公司', QLLX: '37' })
})

await t.test('the register holds a seized flat and a jointly held one, and can be extended for good', async (t) => {
  const dir = t.testdir()
  const registry = await startRegistry({ dir })
  t.teardown(() => registry.stop())
  const ask = async (of: Registry, number: string) => {
    const property = (await of.state()).register.find(({ certificateNumber }) => certificateNumber === number)
    const [holder] = property?.holders ?? []
    const change = { BDCQZH: number, QLRMC: holder?.name, ZJZL: holder?.idType, ZJH: holder?.idNumber }
    return send(of, asking(flags, change))
  }
  t.match((await ask(registry, '鄂(2016)阳新县不动产权第0000207号')).rows('JH_HYJG'), [{ SFCZCF: '1', SFGY: '0' }])
  const joint = await ask(registry, '鄂(2020)阳新县不动产权第0004031号')
  t.match(joint.rows('JH_HYJG'), [{ SFGY: '1' }])
  t.match(joint.rows('ZTT_GY_QLR'), [
    { GYFS: '1', DH: '13000000021' },
    { GYFS: '1', DH: '13000000022' },
  ])

  const [first, second] = propertiesOf(sampleCase({ vary: true }).application)
  if (first === undefined || second === undefined) throw new Error('the sample has two properties')
  await registry.control([{ addProperty: first }, { addProperty: { ...second, objected: true, noticed: true } }])
  t.match((await ask(registry, first.certificateNumber)).rows('ZTT_GY_QLR'), [{ QLBL: '60%' }, { QLBL: '40%' }])
  t.match((await ask(registry, second.certificateNumber)).rows('JH_HYJG'), [{ SFYYDJ: '1', SFYGDJ: '1' }])
  await t.rejects(registry.control({ addProperty: { ...first, holders: [] } }), /no such property/)
  await registry.kill()
  const again = await startRegistry({ dir })
  t.teardown(() => again.stop())
  t.equal((await ask(again, first.certificateNumber)).rows('JH_HYJG')[0]?.BDCDYH, first.unitNumber)
})

await t.test('a question that is not as agreed is refused and counted, without what it asked', async (t) => {
  const registry = await startBench(t)
  const table: [string, string, string, string][] = [
    ['no number', asking(flags, { BDCQZH: undefined }), '1002', 'JH_CXTJ'],
    ['both numbers', asking(flags, { BDCDJZMH: '鄂(2022)阳新县不动产证明第0002930号' }), '1002', 'JH_CXTJ'],
    ['a name alone', asking(flags, { ZJZL: undefined, ZJH: undefined }), '1002', '@ZJH'],
    ['no purpose', asking(flags, { CXMD: undefined }), '1002', '@CXMD'],
    ['half an authorization', asking(flags, { SQJSSJ: undefined }), '1002', '@SQJSSJ'],
    ['full-width brackets', asking(flags, { BDCQZH: '鄂（2019）阳新县不动产权第0003112号' }), '1002', '@BDCQZH'],
    ['an unknown level', asking(flags, { CXJB: '3' }), '1003', '@CXJB'],
    ['two properties', flags.replace(/( {4}<JH_CXTJ .*\n)/, '$1$1'), '1002', 'JH_CXTJ'],
  ]
  for (const [name, text, code, place] of table) {
    const answer = await send(registry, text)
    t.match(answer, { flag: '2', code }, name)
    t.ok(
      answer.rows('JH_CW').some((row) => row.WZ?.includes(place)),
      `${name}: names the place`,
    )
  }
  const late = asking(flags, { SQQSSJ: '2026-09-01T00:00:00', SQJSSJ: '2026-10-01T23:59:59' })
  t.match(await send(registry, late), { flag: '2', code: '3002' }, 'beyond the authorization')
  const unauthorized = asking(flags, { SQSBH: undefined, SQQSSJ: undefined, SQJSSJ: undefined, CXSQCL: '5' })
  t.match(await send(registry, unauthorized), { flag: '1' }, 'where none is needed, none is told')
  const { queries, calls } = await registry.state()
  t.equal(queries.length, table.length + 2)
  t.equal(calls.QUERY, table.length + 2)
  t.match(queries.at(-2), { code: '3002', authorization: '01a1bdbb-bd80-7a82-aa9f-515ed3d7a146' })
  t.notMatch(JSON.stringify(queries), /柯|4202221903/)
})

await t.test('faults strike a QUERY like any other call', async (t) => {
  const registry = await startBench(t)
  await registry.control([
    { fault: 'busy', on: 'QUERY', times: 1 },
    { fault: 'drop-after-effect', on: 'QUERY', times: 1 },
  ])
  t.match(await send(registry, flags), { flag: '2', code: '9001' })
  await t.rejects(send(registry, flags))
  t.match(await send(registry, flags), { flag: '1' })
  t.equal((await registry.state()).queries.length, 2, 'a dropped answer was decided')
})
