import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Answer, CorrectedPart } from '../src/base/canonical.ts'
import type { Json } from '../src/base/json.ts'
import { openValidator } from '../src/http/validator.ts'
import { MappingError } from '../src/mapping/faults.ts'
import { encodeGb18030 } from '../src/mapping/gb18030.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts, goldenTree, onTheWire, type Tree, treeOf } from './support/golden-exchange.ts'
import {
  goldenCorrected,
  goldenCorrection,
  goldenRegistryNumber,
  goldenWithdrawal,
  withdrawContexts,
} from './support/golden-requests.ts'

type Document = { [member: string]: Json }
type Contexts = ReturnType<typeof goldenContexts>

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const validator = openValidator('schemas')

function bodyOfGolden(): Document {
  return goldenCorrection() as unknown as Document
}

const correctContexts = goldenContexts({ number: '420222261109000015', createdAt: '2026-11-09T14:06:00' })

function rendered(name: string, source: unknown, contexts: Contexts): Tree {
  const bytes = mappings.outward(`yx-registry/${name}`).render(source as Json, contexts)
  return treeOf(new TextDecoder('gb18030', { fatal: true }).decode(bytes))
}

/** Rows of a rendered message, as records of their attributes. */
function rowsOf(tree: Tree, name: string): Record<string, string>[] {
  const data = tree.children.find((child) => child.name === 'Data')
  return (data?.children ?? [])
    .filter((child) => child.name === name)
    .map((child) => Object.fromEntries(child.attributes))
}

function headOf(tree: Tree): Record<string, string> {
  const head = tree.children.find((child) => child.name === 'Head')
  return Object.fromEntries((head?.children ?? []).map(({ name, text }) => [name, text]))
}

function read(mapping: string, bytes: Buffer): Answer {
  const contexts = goldenContexts({ createdAt: '2026-11-12T09:30:00' })
  return mappings.inward(`yx-registry/${mapping}`).read(bytes, contexts) as unknown as Answer
}

function answer(rows: string, head = '<SuccessFlag>1</SuccessFlag><ResponseCode>0000</ResponseCode>'): Buffer {
  const text = `<respond><BizMsgID>420222261112000003</BizMsgID>${head}<Data>${rows}</Data></respond>`
  return encodeGb18030(`<?xml version="1.0" encoding="GB18030"?>${text}`, '2005')
}

await t.test('the golden correction is a valid body, and gives a valid document to map from', (t) => {
  t.strictSame(validator('correction')(bodyOfGolden()), [])
  t.strictSame(validator('corrected')(goldenCorrected()), [])
  t.strictSame(validator('withdrawal')(goldenWithdrawal), [])
  t.end()
})

await t.test('each kind of wrong value in a correction is found where it is', (t) => {
  const item = (index: number): string => `/items/${index}`
  const cases: [string, string, (body: Document, items: Document[]) => void][] = [
    ['/round', 'field-missing', (body) => void delete body['round']],
    ['/round', 'out-of-range', (body) => void (body['round'] = 0)],
    ['/operator', 'field-missing', (body) => void delete body['operator']],
    ['/appliedAt', 'format-wrong', (body) => void (body['appliedAt'] = '2026-11-09')],
    ['/items', 'length-wrong', (body) => void (body['items'] = [])],
    ['/surprise', 'field-unknown', (body) => void (body['surprise'] = 1)],
    [`${item(0)}/answer`, 'field-missing', (_, [first]) => void delete first?.['answer']],
    [`${item(0)}/number`, 'type-wrong', (_, [first]) => void Object.assign(first ?? {}, { number: '1' })],
    [`${item(0)}/material`, 'field-missing', (_, [first]) => void delete first?.['material']],
    [`${item(0)}/replaces`, 'format-wrong', (_, [first]) => void Object.assign(first ?? {}, { replaces: 'x' })],
    [
      `${item(0)}/material/parts`,
      'field-not-allowed',
      (_, [first]) => void Object.assign(first?.['material'] ?? {}, { parts: [1] }),
    ],
    [
      `${item(0)}/material/checkedAt`,
      'field-missing',
      (_, [first]) => void delete (first?.['material'] as Document | undefined)?.['checkedAt'],
    ],
    [`${item(1)}/changes`, 'length-wrong', (_, [, second]) => void Object.assign(second ?? {}, { changes: [] })],
    ...(
      [
        '/bankReference',
        '/businessType',
        '/operator/name',
        '/materials/0/name',
        '/fee/payer',
        '/parts/0/part',
        '/properties/-/area',
        '/properties/01/area',
        'properties/1/area',
        '/properties/1/area/',
        '/contact',
        '/parts/0/contact/name',
        '/__proto__',
      ] as const
    ).map((path): (typeof cases)[number] => [
      `${item(1)}/changes/0/path`,
      'format-wrong',
      (_, [, second]) => void Object.assign(second ?? {}, { changes: [{ path, value: 'a' }] }),
    ]),
    ...([null, {}, [], 1.5] as const).map((value): (typeof cases)[number] => [
      `${item(1)}/changes/0/value`,
      'type-wrong',
      (_, [, second]) => void Object.assign(second ?? {}, { changes: [{ path: '/reason', value }] }),
    ]),
  ]
  for (const [pointer, code, change] of cases) {
    const wrong = bodyOfGolden()
    change(wrong, wrong['items'] as Document[])
    const faults = validator('correction')(wrong)
    t.ok(
      faults.some((fault) => fault.pointer === pointer && fault.code === code),
      `${pointer} ${code}: ${JSON.stringify(faults.map((fault) => [fault.pointer, fault.code]))}`,
    )
  }
  for (const path of [
    '/reason',
    '/remarks',
    '/contact/mobile',
    '/mortgage/scope',
    '/mortgage/term/from',
    '/mortgage/principalContractNumbers/0',
    '/parties/2/agent/phone',
    '/parts/1/properties/0/unitNumber',
  ]) {
    const right = bodyOfGolden()
    Object.assign((right['items'] as Document[])[1] ?? {}, { changes: [{ path, value: true }] })
    t.strictSame(validator('correction')(right), [], path)
  }
  t.end()
})

await t.test('the golden correction gives the golden CORRECT, element by element', (t) => {
  t.strictSame(rendered('correct', goldenCorrected(), correctContexts), goldenTree('registry-correct.xml'))
  t.end()
})

await t.test('a round of materials only names no unit and writes no row of rights', (t) => {
  const tree = rendered(
    'correct',
    goldenCorrected(({ parts }) => {
      for (const part of parts) part.properties = []
    }),
    correctContexts,
  )
  t.match(headOf(tree), { ParcelID: '/', EstateNum: '/', PreCertID: '/' })
  t.strictSame(rowsOf(tree, 'QLF_QL_DYAQ'), [])
  t.equal(rowsOf(tree, 'DJF_DJ_SJ').length, 1)
  t.end()
})

await t.test('people and the contact are written only where they were corrected', (t) => {
  const names = ['ZTT_GY_QLR', 'DJF_DJ_SQ', 'JH_DSQLR', 'DJT_DJ_SL']
  const counts = (changed: NonNullable<CorrectedPart['changed']>): number[] => {
    const document = goldenCorrected((document) => {
      document.appliedAt = '2026-11-09T09:18:00+08:00'
      document.contact = { name: '经办员乙', mobile: '13000000002', notifyBy: 'mobile' }
      for (const part of document.parts) part.changed = changed
    })
    t.strictSame(validator('corrected')(document), [])
    const tree = rendered('correct', document, correctContexts)
    return names.map((name) => rowsOf(tree, name).length)
  }
  t.strictSame(counts({}), [0, 0, 0, 0])
  t.strictSame(counts({ mortgagees: true }), [1, 0, 0, 0], 'per unit that was corrected')
  t.strictSame(counts({ applicants: true }), [0, 2, 0, 0], 'per mortgagor')
  t.strictSame(counts({ debtors: true }), [0, 0, 1, 0])
  t.strictSame(counts({ contact: true }), [0, 0, 0, 1])
  t.end()
})

await t.test("whatever was corrected, no name goes out that is the registry's to state", (t) => {
  const everything = goldenCorrected((document) => {
    document.appliedAt = '2026-11-09T09:18:00+08:00'
    document.contact = { name: '经办员乙', notifyBy: 'phone' }
    for (const part of document.parts) {
      part.changed = { mortgagees: true, applicants: true, debtors: true, contact: true }
    }
  })
  const contexts = withdrawContexts({ number: '420222261112000003', createdAt: '2026-11-12T08:55:00' })
  const trees = [rendered('correct', everything, correctContexts), rendered('withdraw', goldenWithdrawal, contexts)]
  const rows = trees.flatMap((tree) => tree.children.find(({ name }) => name === 'Data')?.children ?? [])
  const { elements, attributes } = mappings.profile('yx-registry').settings.forbidden
  t.ok(rows.length > 8 && elements.length > 5 && attributes.length > 10)
  for (const { name, attributes: written } of rows) {
    t.notOk(elements.includes(name), name)
    for (const [attribute] of written) {
      t.notOk(attributes.includes(attribute) || attributes.includes(`${name}.${attribute}`), `${name}/@${attribute}`)
    }
  }
  t.end()
})

await t.test('a receipt answers a CORRECT', (t) => {
  const receipt = read('receipt', onTheWire('registry-receipt.xml'))
  t.match(receipt, { success: true, cases: [{ stored: true, registryNumber: goldenRegistryNumber }] })
  t.end()
})

await t.test('the golden request gives the golden WITHDRAW, element by element', (t) => {
  const contexts = withdrawContexts({ number: '420222261112000003', createdAt: '2026-11-12T08:55:00' })
  t.strictSame(rendered('withdraw', goldenWithdrawal, contexts), goldenTree('registry-withdraw.xml'))
  t.end()
})

await t.test('a first mortgage is asked back as one, before the registry has given a number', (t) => {
  const contexts = goldenContexts({ number: '420222261112000003', createdAt: '2026-11-12T08:55:00' })
  const { registryNumber: _, ...numbers } = contexts['case'] as Document
  const { unitNumber: __, ...request } = goldenWithdrawal
  const plain = { ...request, parts: [{ number: 1 }] }
  t.strictSame(validator('withdrawal')(plain), [])
  const tree = rendered('withdraw', plain, { ...contexts, case: numbers })
  t.match(headOf(tree), { RecType: '1003701', RightType: '37', RegType: '100', EstateNum: '/' })
  t.match(rowsOf(tree, 'DJF_DJ_SJ'), [{ YWH: '42022226110900000201' }])
  t.notOk('SLBH' in (rowsOf(tree, 'JH_CH')[0] ?? {}))
  const bare = rendered('withdraw', { ...plain, materials: [] }, { ...contexts, case: numbers })
  t.strictSame(rowsOf(bare, 'DJF_DJ_SJ'), [], 'without a file')
  t.end()
})

await t.test('the golden decision gives the golden facts', (t) => {
  const { cases } = JSON.parse(readFileSync('test/messages/canonical-events.json', 'utf8')) as {
    cases: { events: Answer['events'] }[]
  }
  const found = read('withdraw', onTheWire('registry-withdraw-answer.xml'))
  t.strictSame(found.events, cases[2]?.events)
  t.match(found, { success: true, code: '0000', text: '同意撤回', faults: [] })
  t.strictSame(validator('answer')(found), [])
  t.end()
})

await t.test('a receipt decides nothing of a withdrawal, and only 2002 refuses it', (t) => {
  const row = '<JH_BJ YWLSH="420222261111000009" BFXH="1" YWH="1" SFCZ="1"/>'
  t.strictSame(read('withdraw', answer(row)).events, [])
  t.strictSame(read('withdraw', answer(`${row}<DJT_DJ_SL YWH="1" AJZT="1"/>`)).events, [], 'still in work')
  t.match(read('withdraw', answer(`${row}<DJT_DJ_SL YWH="1" AJZT="5"/>`)).events, [
    { fact: 'withdrawn', part: 1, occurredAt: '2026-11-12T09:30:00+08:00' },
  ])
  const refusal = (code: string): Buffer =>
    answer('', `<SuccessFlag>2</SuccessFlag><ResponseCode>${code}</ResponseCode><ResponseInfo>已登簿</ResponseInfo>`)
  const refused = read('withdraw', refusal('2002'))
  t.match(refused, { success: false, code: '2002', retry: 'never' })
  t.strictSame(refused.events, [
    {
      fact: 'withdrawal-refused',
      round: 1,
      occurredAt: '2026-11-12T09:30:00+08:00',
      saidBy: 'registry',
      reportedIn: 'withdraw',
      messageId: '420222261112000003',
      reason: '已登簿',
    },
  ])
  t.strictSame(validator('answer')(refused), [])
  for (const code of ['1002', '2001', '9001', '7777']) t.strictSame(read('withdraw', refusal(code)).events, [], code)
  t.end()
})

await t.test('a correction or withdrawal that says too little is refused', (t) => {
  const none = goldenCorrected((document) => void (document.items = []))
  t.throws(() => rendered('correct', none, correctContexts), MappingError)
  const applicants = goldenCorrected(({ parts }) => {
    for (const part of parts) part.changed = { applicants: true }
  })
  t.throws(() => rendered('correct', applicants, correctContexts), MappingError, 'an application without its time')
  const { reason: _, ...silent } = goldenWithdrawal
  t.throws(() => rendered('withdraw', silent, correctContexts), MappingError)
  t.end()
})
