import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Json } from '../src/base/json.ts'
import { MappingError, MappingFaults } from '../src/mapping/faults.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import {
  firstFile,
  goldenContexts,
  goldenDocument,
  goldenTree,
  onTheWire,
  type Tree,
  treeOf,
} from './support/golden-exchange.ts'

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const document = goldenDocument()
const submitContexts = goldenContexts({ number: '420222261109000002', createdAt: '2026-11-09T09:21:00' })

function render(name: string, source: unknown, contexts = submitContexts): Buffer {
  return mappings.outward(name).render(source as Json, contexts)
}

function decoded(bytes: Buffer): string {
  return new TextDecoder('gb18030', { fatal: true }).decode(bytes)
}

function rendered(name: string, source: unknown, contexts = submitContexts): Tree {
  return treeOf(decoded(render(name, source, contexts)))
}

/** Rows of a rendered submission, as records of their attributes. */
function rowsOf(tree: Tree, name: string): Record<string, string>[] {
  const data = tree.children.find((child) => child.name === 'Data')
  return (data?.children ?? [])
    .filter((child) => child.name === name)
    .map((child) => Object.fromEntries(child.attributes))
}

await t.test('the golden case gives the golden submission, element by element', (t) => {
  const bytes = render('yx-registry/submit-mortgage-first', document)
  t.match(decoded(bytes), /^<\?xml version="1\.0" encoding="GB18030"\?>/)
  t.strictSame(treeOf(decoded(bytes)), goldenTree('registry-submit-mortgage-first.xml'))
  t.end()
})

await t.test('another program decodes the submission from GB18030', (t) => {
  const bytes = render('yx-registry/submit-mortgage-first', document)
  const programs: [string, string[]][] = [
    ['iconv', ['-f', 'GB18030', '-t', 'UTF-8']],
    [
      'python3',
      ['-c', "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode('gb18030').encode('utf-8'))"],
    ],
  ]
  let found = 0
  for (const [program, args] of programs) {
    const run = spawnSync(program, args, { input: bytes })
    if (run.error !== undefined) {
      t.comment(`no ${program} on this machine`)
      continue
    }
    found++
    t.equal(run.status, 0, run.stderr.toString())
    t.strictSame(treeOf(run.stdout.toString('utf8')), goldenTree('registry-submit-mortgage-first.xml'), program)
  }
  // Without any: the codes of the two characters that plain GBK lacks, as the standard has them.
  for (const hex of ['bfc29534b235c3f7', 'fe9f']) t.ok(bytes.includes(Buffer.from(hex, 'hex')), hex)
  t.comment(`${found} program(s)`)
  t.end()
})

await t.test('a material gives the golden MATERIAL once the sender has put its content in', (t) => {
  const marker = '{{content}}'
  const contexts = goldenContexts({
    number: '420222261109000003',
    createdAt: '2026-11-09T09:20:40',
    contentMarker: marker,
  })
  const text = decoded(render('yx-registry/material', document.parts[0]?.materials[0], contexts))
  t.equal(text.split(marker).length, 2)
  t.strictSame(treeOf(text.replace(marker, firstFile.toString('base64'))), goldenTree('registry-material.xml'))
  t.end()
})

await t.test('look-ups and questions differ in their ExchangeType only', (t) => {
  const cases = [{ businessNumber: '420222261109000002' }, { businessNumber: '420222261109000026' }]
  const contexts = goldenContexts({ number: '420222261109000009', createdAt: '2026-11-09T09:35:00' })
  const golden = readFileSync('test/messages/registry-lookup.xml', 'utf8')
  for (const name of ['lookup', 'progress', 'result', 'fee', 'certificate']) {
    const expected = golden.replace('LOOKUP', name.toUpperCase())
    t.strictSame(rendered(`yx-registry/${name}`, { cases }, contexts), treeOf(expected), name)
  }
  const foreign = rendered('yx-registry/progress', { cases: [{ registryNumber: '202611090037' }] }, contexts)
  t.strictSame(rowsOf(foreign, 'JH_CZ'), [{ XH: '1', SLBH: '202611090037' }])
  t.end()
})

await t.test('more than 50 cases in one question are refused', (t) => {
  const cases = Array.from({ length: 51 }, (_, n) => ({ businessNumber: `4202222611090${String(n).padStart(5, '0')}` }))
  const contexts = goldenContexts({ number: '420222261109000009', createdAt: '2026-11-09T09:35:00' })
  t.throws(() => render('yx-registry/lookup', { cases }, contexts), MappingError)
  t.doesNotThrow(() => render('yx-registry/lookup', { cases: cases.slice(1) }, contexts))
  t.end()
})

await t.test('the golden case and its facts give the golden platform messages', (t) => {
  const contexts = goldenContexts({ createdAt: '2026-11-09T09:20:05' })
  const golden = (type: string): Json => JSON.parse(readFileSync(`test/messages/platform-${type}.json`, 'utf8')) as Json
  const json = (bytes: Buffer): Json => JSON.parse(bytes.toString('utf8')) as Json
  t.strictSame(json(render('yx-platform/10', document, contexts)), golden('10'))

  const facts = goldenEvents(0)
  const accepted = facts.find(({ fact }) => fact === 'accepted')
  const step = goldenContexts({ id: '01a1bf00-c0a0-707e-9e69-78326021245d', createdAt: '2026-11-09T14:31:00' })
  t.strictSame(json(render('yx-platform/20', accepted, step)), golden('20'))

  const recorded = facts.find(({ fact }) => fact === 'recorded')
  const entries = facts.filter(({ fact }) => fact === 'register-entry').map(({ entry }) => entry)
  const result = goldenContexts({ id: '01a1c350-e0e0-7572-8d6e-caf55ae598c7', createdAt: '2026-11-10T10:37:00' })
  t.strictSame(json(render('yx-platform/30', { ...recorded, entries }, result)), golden('30'))
  t.end()
})

await t.test('a fact that is no step or no result is not relayed as one', (t) => {
  const entry = goldenEvents(0).find(({ fact }) => fact === 'register-entry')
  t.throws(() => render('yx-platform/20', entry), MappingError)
  t.throws(() => render('yx-platform/30', { ...entry, entries: [] }), MappingError)
  t.end()
})

await t.test('the golden answers give the golden events', (t) => {
  for (const [story, files] of [
    [0, ['receipt', 'progress', 'result', 'fee', 'certificate']],
    [1, ['result-rejected']],
  ] as const) {
    const known = new Set<string>()
    const heard = files
      .flatMap((file) => read(file).events)
      .filter((event) => {
        // A fact that is told again is known by its key and changes nothing.
        const key = [event.part, event.fact, event.round, event.subject].join('|')
        return known.size < known.add(key).size
      })
    const expected = goldenEvents(story).filter(({ saidBy }) => saidBy === 'registry')
    t.strictSame(heard, expected.map(withoutResolved))
  }
  t.end()
})

await t.test('a receipt, a refusal and a look-up say what they say and nothing more', (t) => {
  const receipt = read('receipt')
  t.match(receipt, { messageId: '420222261109000002', success: true, code: '0000', text: '已接收', faults: [] })
  t.notOk('retry' in receipt)
  t.strictSame(receipt.cases, [
    {
      businessNumber: '420222261109000002',
      part: 1,
      filingNumber: '202611090037',
      registryNumber: '202611090037',
      stored: true,
      receivedAt: '2026-11-09T09:21:02+08:00',
    },
  ])

  const material = read('material-receipt', 'receipt')
  t.strictSame(material.events, [], 'a kept file is no submission')
  t.match(material.cases, [{ stored: false }])

  t.strictSame(read('receipt-refused', 'receipt'), {
    messageId: '420222261109000026',
    success: false,
    code: '1002',
    text: '报文内容不符合要求',
    retry: 'never',
    cases: [],
    faults: [
      { number: 1, code: '1002', place: 'Data/QLF_QL_DYAQ[1]/@ZWLXJSSJ', text: '债务履行结束时间为空' },
      { number: 2, code: '1003', place: 'Data/DJF_DJ_SQ[1]/@YWRZJZL', text: '证件种类代码 10 不在代码表中' },
    ],
    events: [],
  })

  const lookup = read('lookup-answer', 'lookup')
  t.match(lookup.cases, [
    { businessNumber: '420222261109000002', stored: true },
    { businessNumber: '420222261109000026', stored: false },
  ])
  t.match(lookup.events, [{ fact: 'submitted', reportedIn: 'lookup', occurredAt: '2026-11-09T09:21:02+08:00' }])
  t.equal(lookup.events.length, 1)
  t.end()
})

await t.test(
  'what a refusal asks for is told by its code, and an unknown code is never a reason to send again',
  (t) => {
    const text = onTheWire('registry-receipt-refused.xml').toString('latin1')
    for (const [code, retry] of [
      ['1005', 'same'],
      ['9001', 'same'],
      ['9002', 'same'],
      ['1004', 'look-up'],
      ['2001', 'look-up'],
      ['9999', 'look-up'],
      ['1001', 'never'],
      ['3002', 'never'],
      ['7777', 'unknown'],
    ] as const) {
      const bytes = Buffer.from(text.replace('<ResponseCode>1002', `<ResponseCode>${code}`), 'latin1')
      t.equal(readBytes('receipt', bytes).retry, retry, code)
    }
    t.end()
  },
)

await t.test('facts beside the golden story are read too', (t) => {
  const own = 'YWLSH="420222261109000002" BFXH="1" SLBH="202611090037" YWH="202611090037" SFCZ="1"'
  const answer = (rows: string): Buffer => {
    const head = '<BizMsgID>420222261110000099</BizMsgID><SuccessFlag>1</SuccessFlag><ResponseCode>0000</ResponseCode>'
    const text = `<respond>${head}<Data><JH_BJ ${own}/>${rows}</Data></respond>`
    return Buffer.from(`<?xml version="1.0" encoding="GB18030"?>${text}`)
  }
  const facts = (mapping: string, rows: string): Event[] => readBytes(mapping, answer(rows)).events
  const row = (name: string, attributes: string): string => `<${name} YWH="202611090037" ${attributes}/>`
  const at = '2026-11-10T09:00:00'
  const asked = '2026-11-12T00:00:00+08:00'

  t.match(facts('progress', row('DJT_DJ_SL', `AJZT="5" JSSJ="${at}"`)), [
    { fact: 'withdrawn', part: 1, occurredAt: `${at}+08:00` },
  ])
  t.strictSame(facts('progress', row('DJT_DJ_SL', 'AJZT="2"')), [], 'a closed file is not a recording')
  t.strictSame(facts('progress', row('DJF_DJ_DB', `CZJG="2" DBSJ="${at}"`)), [], 'a recording that was sent back')
  t.strictSame(facts('progress', row('DJF_DJ_SH', 'SXH="1" JDMC="a"')), [], 'a review that has not ended')
  t.match(facts('progress', row('JH_BYTZ', `BSLYYJ="1" TZSJ="${at}"`)), [
    { fact: 'not-accepted', ground: 'outside-area' },
  ])
  t.match(facts('progress', row('JH_TSHJ', `MC="a" QSSJ="${at}" JSSJ="2026-11-11T09:00:00"`)), [
    { fact: 'procedure-started', subject: 'a', occurredAt: `${at}+08:00` },
    { fact: 'procedure-ended', subject: 'a', occurredAt: '2026-11-11T09:00:00+08:00' },
  ])
  for (const [code, fact] of Object.entries({
    0: 'fee-exempt',
    3: 'fee-partly-paid',
    5: 'fee-refunded',
    6: 'fee-refunding',
    7: 'fee-paid',
    8: 'fee-due',
  })) {
    t.match(facts('fee', row('JH_JF', `SFZT="${code}"`)), [{ fact, occurredAt: asked }], `SFZT ${code}`)
  }
  t.match(facts('fee', row('JH_JF', `SFZT="2" TZSJ="${at}"`) + row('DJF_DJ_SF', 'SFRQ="2026-11-10T15:12:08"')), [
    { fact: 'fee-paid', occurredAt: '2026-11-10T15:12:08+08:00' },
  ])
  t.throws(() => facts('fee', row('JH_JF', 'SFZT="9"')), MappingError, 'a state that is not in the table')
  const certificate = 'ZZBH="a" ZZBFRQ="2026-11-10" FJMC="a.pdf" ZYSF="SM3" ZYZ="AB"'
  const file = '<FJ_F_100 FJMC="a.pdf" FJNR="JVBERg=="/><FJ_F_100 FJMC="b.pdf" FJNR="AAAA"/>'
  t.match(facts('certificate', row('JH_DZZZ', `DZZZZT="1" ${certificate}`) + file), [
    { certificate: { file: { name: 'a.pdf', content: 'JVBERg==', digest: { algorithm: 'sm3', value: 'ab' } } } },
  ])
  t.strictSame(facts('certificate', row('JH_DZZZ', 'DZZZZT="0"')), [], 'none made yet')
  t.end()
})

await t.test("the platform's acknowledgement gives its number", (t) => {
  const bytes = readFileSync('test/messages/platform-99.json')
  const contexts = goldenContexts({ createdAt: '2026-11-09T09:20:05' })
  t.strictSame(mappings.inward('yx-platform/99').read(bytes, contexts), {
    messageId: '01a1bde49a707996ab02e96c655598b5',
    platformNumber: 'hsbdc02226110900011',
    ofType: '10',
    ofMessageId: '01a1bde406007e50b935929817a71ef1',
    accepted: true,
    code: '0000',
    text: '已接收',
    at: '2026-11-09T09:20:38+08:00',
  })
  t.end()
})

await t.test('an ordinary mortgage carries its debt and term, a maximum one its ceiling and period', (t) => {
  const ordinary = goldenDocument((application) => {
    application.mortgage = {
      kind: 'ordinary',
      securedAmount: '0.01',
      currency: 'CNY',
      term: { from: '1986-05-04', to: '2029-02-28' },
      scope: '本金',
      transferRestricted: false,
    }
    for (const party of application.parties ?? []) if (party.role === 'mortgagor') party.coOwnership = 'joint'
  })
  const tree = rendered('yx-registry/submit-mortgage-first', ordinary)
  const [row] = rowsOf(tree, 'QLF_QL_DYAQ')
  t.match(row, {
    DYFS: '1',
    BDBZZQSE: '0.000001',
    // The day on which summer time began: a date has no hours to lose.
    ZWLXQSSJ: '1986-05-04T00:00:00',
    ZWLXJSSJ: '2029-02-28T00:00:00',
    DYQX: '1986-05-04至2029-02-28',
    SFCZJZHXZ: '0',
  })
  t.notOk('ZGZQSE' in (row ?? {}))
  t.equal(rowsOf(tree, 'DJF_DJ_SQ')[0]?.['BZ'], '义务人共同共有')
  t.end()
})

await t.test('parts keep their own number, people and properties', (t) => {
  const two = goldenDocument((application) => {
    const { reason, remarks, parties = [], properties = [], mortgage, ...rest } = application
    const [mortgagee, first, second, debtor] = parties
    if (mortgagee === undefined || first === undefined || second === undefined || debtor === undefined)
      throw new Error()
    const content = { businessType: 'mortgage-first', ...(mortgage === undefined ? {} : { mortgage }) }
    for (const name of Object.keys(application)) delete (application as unknown as Record<string, unknown>)[name]
    Object.assign(application, rest, {
      parts: [
        { part: 1, ...content, reason, remarks, parties: [mortgagee, first], properties: properties.slice(0, 1) },
        { part: 2, ...content, parties: [mortgagee, second, debtor], properties: properties.slice(1) },
      ],
    })
  })
  const tree = rendered('yx-registry/submit-mortgage-first', two)
  const numbers = ['42022226110900000201', '42022226110900000202']
  t.strictSame(
    rowsOf(tree, 'DJT_DJ_SL').map((row) => row['YWH']),
    numbers,
  )
  t.strictSame(
    rowsOf(tree, 'QLF_QL_DYAQ').map((row) => [row['YWH'], row['DYR']]),
    [
      [numbers[0], '柯𠮷明'],
      [numbers[1], '古丽娜·艾山江'],
    ],
  )
  t.equal(rowsOf(tree, 'DJF_DJ_SJ').length, 18)
  t.strictSame(
    rowsOf(tree, 'JH_DSQLR').map((row) => row['YWH']),
    [numbers[1]],
  )
  const platform = JSON.parse(render('yx-platform/10', two).toString()) as { Case: { Body: { Attrs: unknown[] } } }
  t.equal(platform.Case.Body.Attrs.length, 9, 'a file that serves both parts is one file')
  t.end()
})

await t.test('a value that the registry cannot take is refused with all its places', (t) => {
  const bad = goldenDocument((application) => {
    const [first, second] = application.parties ?? []
    if (first !== undefined) first.name = '行'.repeat(101)
    if (second !== undefined) second.name = '柯\ud842明'
    if (application.mortgage !== undefined) application.mortgage.maximumAmount = '1286543.211'
  })
  t.throws(() => render('yx-registry/submit-mortgage-first', bad), MappingError)
  try {
    render('yx-registry/submit-mortgage-first', bad)
  } catch (error) {
    const codes = new Set((error as MappingError).places.map(({ code }) => code))
    t.ok(codes.has('digit-lost'))
    t.ok(codes.size > 1, [...codes].join(', '))
    t.notMatch((error as MappingError).message, '行行')
  }
  t.end()
})

/** One of each class: row elements, attributes anywhere, an attribute of one row only. */
const forbidden: { name: string; row: string; attribute: string }[] = [
  ...['DJF_DJ_SH', 'DJF_DJ_DB', 'DJF_DJ_FZ', 'DJF_DJ_GD', 'DJF_DJ_SZ', 'DJF_DJ_SF'].map((row) => ({
    name: row,
    row,
    attribute: 'YWH',
  })),
  ...['SLRY', 'SLSJ', 'AJZT', 'SFWTAJ', 'JSSJ'].map((name) => ({ name, row: 'DJT_DJ_SL', attribute: name })),
  ...['DBR', 'DJSJ', 'DJJG', 'QSZT', 'BDCDJZMH', 'ZXSJ', 'ZXDBR', 'ZXDYYWH'].map((name) => ({
    name,
    row: 'QLF_QL_DYAQ',
    attribute: name,
  })),
  ...['BDCQZH', 'QZYSXLH', 'FZJG'].map((name) => ({ name, row: 'ZTT_GY_QLR', attribute: name })),
]

await t.test('the checker refuses a mapping that writes a forbidden name outward, even a constant', (t) => {
  for (const { name, row, attribute } of forbidden) {
    const faults = faultsWith(row, attribute)
    t.ok(
      faults.some(({ detailEn }) => detailEn.includes(name) && detailEn.includes('must never be sent outward')),
      `${row}/@${attribute}: ${faults.map(({ detailEn }) => detailEn).join('; ')}`,
    )
  }
  t.strictSame(faultsWith('QLF_QL_DYAQ', 'ZJJZWZL'), [], 'another attribute of the standard may be written')
  t.strictSame(faultsWith('JH_CXTJ', 'BDCDJZMH'), [], "an existing right's proof may be asked about")
  t.end()
})

/** Faults of the mappings when the submission's schema knows `row/@attribute` and its mapping writes it. */
function faultsWith(row: string, attribute: string): readonly { detailEn: string }[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'forbidden-'))
  try {
    cpSync('mappings', path.join(folder, 'mappings'), { recursive: true })
    cpSync('schemas', path.join(folder, 'schemas'), { recursive: true })
    const schemaFile = path.join(folder, 'schemas/yx-registry/submit.schema.json')
    const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as {
      properties: { Data: { properties: Record<string, { items: { properties: Record<string, unknown> } }> } }
    }
    const rows = schema.properties.Data.properties
    const isNew = !(row in rows)
    if (isNew) Object.assign(rows, { [row]: { type: 'array', items: { type: 'object', properties: {} } } })
    Object.assign(rows[row]?.items.properties ?? {}, { [attribute]: { type: 'string' } })
    writeFileSync(schemaFile, JSON.stringify(schema))
    const mappingFile = path.join(folder, 'mappings/yx-registry/submit-mortgage-first.out.yaml')
    const lines = readFileSync(mappingFile, 'utf8').split('\n')
    if (isNew) {
      const at = lines.indexOf('ignore:')
      lines.splice(at, 0, `  Data.${row}[]:`, '    set:', `      ${attribute}: =x`, '')
    } else {
      const start = lines.indexOf(`  Data.${row}[]:`)
      const set = lines.findIndex((line, index) => index > start && line.trim() === 'set:')
      const indent = ' '.repeat((lines[set] ?? '').indexOf('set:') + 2)
      lines.splice(set + 1, 0, `${indent}${attribute}: =x`)
    }
    writeFileSync(mappingFile, lines.join('\n'))
    try {
      loadMappings({ mappingsDir: path.join(folder, 'mappings'), schemasDir: path.join(folder, 'schemas') })
      return []
    } catch (error) {
      if (error instanceof MappingFaults) return error.faults
      throw error
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Event {
  part?: number
  fact: string
  round: number
  subject?: string
  saidBy: string
  entry?: Json
  items?: { resolved?: unknown }[]
}

interface Answer {
  messageId: string
  success: boolean
  retry?: string
  cases: Json[]
  faults: Json[]
  events: Event[]
}

function read(file: string, mapping = file.replace('-rejected', '')): Answer {
  return readBytes(mapping, onTheWire(`registry-${file}.xml`))
}

function readBytes(mapping: string, bytes: Buffer): Answer {
  const contexts = goldenContexts({ createdAt: '2026-11-12T00:00:00' })
  return mappings.inward(`yx-registry/${mapping}`).read(bytes, contexts) as unknown as Answer
}

function goldenEvents(story: number): Event[] {
  const file = JSON.parse(readFileSync('test/messages/canonical-events.json', 'utf8')) as {
    cases: { events: Event[] }[]
  }
  return file.cases[story]?.events ?? []
}

/** `resolved` is found by the gateway after mapping. */
function withoutResolved(event: Event): Event {
  if (event.items === undefined) return event
  const items = event.items.map((item) => {
    const copy = { ...item }
    delete copy.resolved
    return copy
  })
  return { ...event, items }
}
