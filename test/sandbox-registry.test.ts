import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { pdfDocument } from '../src/sandbox/pdf.ts'
import { startRegistry } from '../src/sandbox/processes.ts'
import {
  golden,
  material,
  NUMBER,
  question,
  read,
  send,
  sendMaterials,
  startBench,
  untilState,
} from './support/registry-bench.ts'

await t.test('a submission with its files goes through to certificates that fit their digests', async (t) => {
  const registry = await startBench(t)
  const submission = golden('registry-submit-mortgage-first')
  t.equal((await send(registry, question('LOOKUP'))).rows('JH_BJ')[0]?.SFCZ, '0', 'not there before')
  await sendMaterials(registry, submission)
  const receipt = await send(registry, submission)
  t.match(receipt.rows('JH_BJ'), [{ YWLSH: NUMBER, BFXH: '1', SFCZ: '1', SLBH: /^\d{12}$/ }])
  const filed = await untilState(registry, 'certified')
  t.equal((await send(registry, question('LOOKUP'))).rows('JH_BJ')[0]?.SLBH, filed.slbh[0])

  const progress = await send(registry, question('PROGRESS'))
  t.match(progress.rows('DJT_DJ_SL'), [{ SLRY: '受理员一', AJZT: '1', YWH: filed.slbh[0] }])
  t.equal(progress.rows('DJF_DJ_SH').length, 2)
  t.match(progress.rows('DJF_DJ_DB'), [{ CZJG: '1' }])
  const result = await send(registry, question('RESULT'))
  const proofs = result.rows('QLF_QL_DYAQ').map((row) => row.BDCDJZMH)
  t.match(proofs, [/^鄂\(20\d\d\)阳新县不动产证明第\d{7}号$/, /^鄂\(20\d\d\)阳新县不动产证明第\d{7}号$/])
  t.equal(result.rows('QLF_QL_DYAQ')[0]?.DYR, '柯𠮷明、古丽娜·艾山江')
  t.match((await send(registry, question('FEE'))).rows('JH_JF'), [{ SFZT: '0' }], 'small enterprises pay nothing')

  const certificates = await send(registry, question('CERTIFICATE'))
  t.same(
    certificates.rows('JH_DZZZ').map((row) => row.KZ_BDCQZH),
    proofs,
  )
  for (const [index, file] of certificates.rows('FJ_F_100').entries()) {
    const bytes = Buffer.from(await (await fetch(`${registry.url}/files/${file.FJNRURL}`)).arrayBuffer())
    const said = certificates.rows('JH_DZZZ')[index]
    t.equal(createHash('sm3').update(bytes).digest('hex'), said?.ZYZ)
    t.equal(String(bytes.length), said?.WJDX)
    t.equal(filed.certificates[index]?.sm3, said?.ZYZ)
  }
})

await t.test('the same submission twice makes two cases, and the look-up shows both', async (t) => {
  const registry = await startBench(t, { stepMs: null })
  const submission = golden('registry-submit-mortgage-first')
  await sendMaterials(registry, submission)
  await send(registry, submission)
  await send(registry, submission)
  const state = await registry.state()
  t.equal(state.submitsTaken, 2)
  t.match(state.cases, [{ businessNumber: NUMBER, effects: 2 }])
  t.equal((await send(registry, question('LOOKUP'))).rows('JH_BJ').length, 2)
})

await t.test('every golden submission of this generation is taken', async (t) => {
  for (const name of ['mortgage-first', 'mortgage-cancel', 'combined-notice']) {
    const registry = await startBench(t)
    const own = golden(`registry-submit-${name}`)
    const number = /<RecFlowID>(\d+)</.exec(own)?.[1] as string
    const submission = own.replaceAll(number, NUMBER)
    await sendMaterials(registry, submission)
    t.equal((await send(registry, submission)).code, '0000', name)
    t.equal((await untilState(registry, 'certified')).certificates.length, name === 'mortgage-cancel' ? 0 : 2, name)
  }
})

await t.test('a message that cannot be taken is refused with its place, and nothing is stored', async (t) => {
  const registry = await startBench(t)
  const submission = golden('registry-submit-mortgage-first')
  t.match(await send(registry, submission), { flag: '2', code: '1002' }, 'files come first')
  await sendMaterials(registry, submission)
  const table: [string, (text: string) => string, string, string][] = [
    [
      'a forbidden attribute',
      (s) => s.replace('<DJT_DJ_SL ', '<DJT_DJ_SL SLSJ="2026-11-09T09:00:00" '),
      '1002',
      'SLSJ',
    ],
    ['a forbidden element', (s) => s.replace('</Data>', '<DJF_DJ_DB CZJG="1"/></Data>'), '1002', 'DJF_DJ_DB'],
    ['the new proof number', (s) => s.replace('<QLF_QL_DYAQ ', '<QLF_QL_DYAQ BDCDJZMH="x" '), '1002', 'BDCDJZMH'],
    ['a holder with a proof', (s) => s.replace('<ZTT_GY_QLR ', '<ZTT_GY_QLR BDCQZH="x" '), '1002', 'BDCQZH'],
    ['a required column', (s) => s.replace(/ ZWLXJSSJ="[^"]*"/, ''), '1002', 'QLF_QL_DYAQ[1]/@ZWLXJSSJ'],
    ['an unknown code', (s) => s.replace('YWRZJZL="1"', 'YWRZJZL="10"'), '1003', 'YWRZJZL'],
    ['an amount in 元', (s) => s.replace('ZGZQSE="128.654321"', 'ZGZQSE="1286543.21"'), '1002', 'ZGZQSE'],
    ['an empty Head value', (s) => s.replace('<PreEstateNum>/', '<PreEstateNum>'), '1002', 'Head/PreEstateNum'],
    ['a Head out of order', (s) => s.replace(/(<ASID>.*)\s+(<AreaCode>.*)/, '$2$1'), '1002', 'Head/'],
    ['a name of the first generation', (s) => s.replace('SSYWH', 'SCYWH'), '1002', 'SCYWH'],
    ['a document received twice', (s) => s.replace(/( {4}<DJF_DJ_SJ .*\n)/, '$1$1'), '1002', 'SJMC'],
    ['an unknown purpose', (s) => s.replace('SUBMIT', 'SUBMITTED'), '1003', 'ExchangeType'],
  ]
  const isRegistrysOwn = new Set(['SLSJ', 'DJF_DJ_DB', 'BDCDJZMH', 'BDCQZH'])
  for (const [name, change, code, place] of table) {
    const changed = change(submission)
    t.not(changed, submission, `${name}: the test changes something`)
    const answer = await send(registry, changed)
    t.match(answer, { flag: '2', code }, name)
    const complaint = answer.rows('JH_CW').find((row) => row.WZ?.includes(place))
    t.ok(complaint, `${name}: names the place`)
    if (isRegistrysOwn.has(place)) t.match(complaint?.NR, /由登记机构填写/, `${name}: is the registry's to state`)
  }
  const state = await registry.state()
  t.equal(state.submitsTaken, 0)
  t.same(state.cases, [])
})

await t.test('bytes that are not the declared GB18030 are refused as unreadable', async (t) => {
  const registry = await startBench(t)
  const utf8 = await fetch(registry.url, { method: 'POST', body: golden('registry-lookup') })
  t.match(await read(utf8), { flag: '2', code: '1001' })
  const lying = golden('registry-submit-mortgage-first').replace('UTF-8', 'GB18030')
  t.match(await read(await fetch(registry.url, { method: 'POST', body: lying })), { flag: '2', code: '1001' })
  t.equal((await send(registry, golden('registry-lookup').replace('<Data>', '<Data><'))).code, '1001')
})

await t.test('a material is kept with its bytes, refused when they do not fit, replaced under its name', async (t) => {
  const registry = await startBench(t)
  const scan = pdfDocument('扫描件', [
    { lines: ['扫描'], scan: { width: 1500, height: 1200, pixels: Buffer.alloc(1_800_000, 7) } },
  ])
  const answer = await send(registry, material('抵押合同', 1, scan))
  t.match(answer.rows('JH_BJ'), [{ YWLSH: NUMBER, SFCZ: '0' }])
  t.match(await send(registry, material('抵押合同', 1).replace(/WJDX="\d+"/, 'WJDX="3"')), { flag: '2', code: '1005' })
  t.match(await send(registry, material('抵押合同', 1).replace(/ZYZ="../, 'ZYZ="zz')), { flag: '2', code: '1005' })
  const sha256 = createHash('sha256').update(scan).digest('hex')
  t.match((await registry.state()).materials, [{ name: '抵押合同', sizeBytes: scan.length, sha256 }])
  await send(registry, material('抵押合同', 1))
  t.equal((await registry.state()).materials.length, 1)
})

await t.test('filings end or wait as the script says', async (t) => {
  const submission = golden('registry-submit-mortgage-first')
  const rejecting = await startBench(t)
  await rejecting.control({ outcome: 'reject' })
  await sendMaterials(rejecting, submission)
  await send(rejecting, submission)
  await untilState(rejecting, 'rejected')
  t.match((await send(rejecting, question('RESULT'))).rows('JH_BYTZ'), [{ BYDJYJ: '1' }])

  const declining = await startBench(t)
  await declining.control({ outcome: 'not-accept' })
  await sendMaterials(declining, submission)
  await send(declining, submission)
  await untilState(declining, 'not-accepted')
  t.match((await send(declining, question('PROGRESS'))).rows('JH_BYTZ'), [{ BSLYYJ: '0' }])
})

await t.test('a correction round waits for its answer, and the answer is what gets recorded', async (t) => {
  const submission = golden('registry-submit-mortgage-first')
  const registry = await startBench(t)
  await registry.control({ outcome: 'correct' })
  await sendMaterials(registry, submission)
  await send(registry, submission)
  const filed = await untilState(registry, 'correction-requested')
  const items = (await send(registry, question('PROGRESS'))).rows('JH_BZSX')
  t.match(items, [{ SJMC: '授权委托书（古丽娜·艾山江）' }, { ZDMC: 'QLF_QL_DYAQ_DYWQD/@MJ' }])
  const answer = golden('registry-correct').replaceAll('202611090037', filed.slbh[0] as string)
  t.equal((await send(registry, answer)).code, '1002', 'its file is missing')
  await send(registry, material('授权委托书（古丽娜·艾山江）补', 10))
  t.equal((await send(registry, answer)).code, '0000')
  await untilState(registry, 'certified')
  const recorded = (await send(registry, question('RESULT'))).rows('QLF_QL_DYAQ_DYWQD')
  t.same(
    recorded.map((row) => row.MJ),
    ['118.36', '96.46'],
  )
})

await t.test('a fee that is due is paid by command', async (t) => {
  const submission = golden('registry-submit-mortgage-first').replace('QLRLX="98"', 'QLRLX="2"')
  const registry = await startBench(t)
  await sendMaterials(registry, submission)
  await send(registry, submission)
  await untilState(registry, 'certified')
  const due = await send(registry, question('FEE'))
  t.match(due.rows('JH_JF'), [{ SFZT: '1', JFJE: '80.00' }])
  t.match(due.rows('DJF_DJ_SF'), [{ YSJE: '80.00' }])
  await registry.control({ pay: NUMBER })
  t.match((await send(registry, question('FEE'))).rows('JH_JF'), [{ SFZT: '2' }])
})

await t.test('it calls with the number when something happened', async (t) => {
  const heard: string[] = []
  const listener = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      heard.push(`${String(request.headers['x-secret'])} ${Buffer.concat(chunks).toString('latin1')}`)
      response.end()
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.teardown(() => listener.close())
  const hintUrl = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hint`
  const registry = await startBench(t, { hintUrl, hintHeaders: { 'x-secret': 'known' } })
  const submission = golden('registry-submit-mortgage-first')
  await sendMaterials(registry, submission)
  await send(registry, submission)
  await untilState(registry, 'certified')
  while (heard.length < 5) await sleep(20)
  t.match(heard[0], new RegExp(`^known [^]*<JH_BJ YWLSH="${NUMBER}"`))
})

await t.test('a restart in the same folder finds cases, materials and certificates again', async (t) => {
  const dir = t.testdir()
  const first = await startRegistry({ dir, config: { stepMs: { accepted: 10, 'review-1': 60_000 } } })
  const submission = golden('registry-submit-mortgage-first')
  await sendMaterials(first, submission)
  await send(first, submission)
  await untilState(first, 'accepted')
  const before = await first.state()
  await first.kill()
  const second = await startRegistry({ dir, config: { stepMs: 10 } })
  t.teardown(() => second.stop())
  const filed = await untilState(second, 'certified')
  t.equal(filed.slbh[0], before.cases[0]?.slbh[0])
  t.same((await second.state()).materials, before.materials)
  await second.stop()
  const third = await startRegistry({ dir, config: {} })
  t.teardown(() => third.stop())
  t.same((await third.state()).cases[0]?.certificates, filed.certificates)
})
