import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Answer, Corrected, Withdrawal } from '../src/base/canonical.ts'
import type { Json } from '../src/base/json.ts'
import { openValidator } from '../src/http/validator.ts'
import { MappingError } from '../src/mapping/faults.ts'
import { encodeGb18030 } from '../src/mapping/gb18030.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts, goldenDocument, goldenTree, onTheWire, type Tree, treeOf } from './support/golden-exchange.ts'

type Document = { [member: string]: Json }
type Contexts = ReturnType<typeof goldenContexts>

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const validator = openValidator('schemas')
const registryNumber = '202611090037'

function goldenCorrection(): Document {
  return JSON.parse(readFileSync('test/messages/canonical-correction.json', 'utf8')) as Document
}

/** The golden application as the golden correction left it: the second unit's area, one letter of authority more. */
function corrected(change: (document: Corrected) => void = () => undefined): Corrected {
  const [part] = goldenDocument().parts
  const property = part?.properties[1]
  const replaced = part?.materials[5]
  if (part?.mortgage === undefined || property === undefined || replaced === undefined) throw new Error('not golden')
  const { round, appliedAt, items } = goldenCorrection() as unknown as {
    round: number
    appliedAt: string
    items: { number: number; answer: string; replaces?: string; material?: { id: string; name: string } }[]
  }
  const [first, second] = items
  if (first?.material === undefined || second === undefined) throw new Error('not golden')
  const fileName = `${first.material.name}.pdf`
  const document = {
    round,
    answeredAt: appliedAt,
    parts: [
      {
        ...part,
        registryNumber,
        properties: [{ ...property, number: 2, area: '96.46' }],
        materials: [{ ...replaced, ...first.material, checkedByName: '经办员甲', fileName, sequence: 10 }],
      },
    ],
    items: [
      {
        part: 1,
        registryNumber,
        number: first.number,
        answer: first.answer,
        material: {
          id: first.material.id,
          name: first.material.name,
          fileName,
          sequence: replaced.sequence,
          replaces: first.replaces,
          replacedName: replaced.name,
        },
        changes: [],
      },
      {
        part: 1,
        registryNumber,
        number: second.number,
        answer: second.answer,
        changes: [
          {
            path: '/properties/1/area',
            label: '建筑面积（平方米）',
            value: '96.46',
            field: 'DJXX_JZAREA',
            form: 'T_BDCDY',
            formId: 'f3',
          },
        ],
      },
    ],
  } as unknown as Corrected
  change(document)
  return document
}

/** The golden request of story C: both parts of a filing of notices are asked back. */
const withdrawal: Withdrawal = {
  number: 1,
  reason: '买受人拟更换房号，双方同意撤回全部申请',
  requestedAt: '2026-11-12T08:50:00+08:00',
  operatorName: '经办员甲',
  unitNumber: '420222001003GB00061F00050017',
  parts: [
    { number: 1, registryNumber: '20261111005201', businessType: 'presale-notice' },
    { number: 2, registryNumber: '20261111005202', businessType: 'mortgage-notice' },
  ],
  materials: [
    {
      sequence: 8,
      id: '01a1cd3c-0000-7000-8000-000000000001',
      kind: 'withdrawal-request',
      name: '撤回登记申请书',
      form: 'original',
      copies: 1,
      pages: 1,
      checkedBy: 'yx-sub-0031',
      checkedByName: '经办员甲',
      checkedAt: '2026-11-12T08:48:00+08:00',
      fileName: '撤回登记申请书.pdf',
      mediaType: 'application/pdf',
      sizeBytes: 26,
      digest: { algorithm: 'sm3', value: '4b322bbc2d5ca1f47dfd382a2838aa1c56920b185d760d34bd6b77e6b810b15d' },
    },
  ],
}

const correctContexts = goldenContexts({ number: '420222261109000015', createdAt: '2026-11-09T14:06:00' })

/** Contexts of story C's case. */
function withdrawContexts(message: Parameters<typeof goldenContexts>[0]): Contexts {
  const contexts = goldenContexts(message)
  const numbers = { businessNumber: '420222261111000009', platformNumber: 'hsbdc02226111100023' }
  return { ...contexts, case: { ...(contexts['case'] as Document), ...numbers, registryNumber: '202611110052' } }
}

function bytesOf(name: string, source: unknown, contexts: Contexts): Buffer {
  return mappings.outward(name).render(source as Json, contexts)
}

function rendered(name: string, source: unknown, contexts: Contexts): Tree {
  const bytes = bytesOf(`yx-registry/${name}`, source, contexts)
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
  t.strictSame(validator('correction')(goldenCorrection()), [])
  t.strictSame(validator('corrected')(corrected()), [])
  t.strictSame(validator('withdrawal')(withdrawal), [])
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
    const wrong = goldenCorrection()
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
    const right = goldenCorrection()
    Object.assign((right['items'] as Document[])[1] ?? {}, { changes: [{ path, value: true }] })
    t.strictSame(validator('correction')(right), [], path)
  }
  t.end()
})

await t.test('the golden correction gives the golden CORRECT, element by element', (t) => {
  t.strictSame(rendered('correct', corrected(), correctContexts), goldenTree('registry-correct.xml'))
  t.end()
})

await t.test('a round of materials only names no unit and writes no row of rights', (t) => {
  const tree = rendered(
    'correct',
    corrected(({ parts }) => {
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
  const counts = (changed: NonNullable<Corrected['parts'][number]['changed']>): number[] => {
    const document = corrected((document) => {
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

await t.test('a receipt answers a CORRECT', (t) => {
  const receipt = read('receipt', onTheWire('registry-receipt.xml'))
  t.match(receipt, { success: true, cases: [{ stored: true, registryNumber }] })
  t.end()
})

await t.test('the golden request gives the golden WITHDRAW, element by element', (t) => {
  const contexts = withdrawContexts({ number: '420222261112000003', createdAt: '2026-11-12T08:55:00' })
  t.strictSame(rendered('withdraw', withdrawal, contexts), goldenTree('registry-withdraw.xml'))
  t.end()
})

await t.test('a first mortgage is asked back as one, before the registry has given a number', (t) => {
  const contexts = goldenContexts({ number: '420222261112000003', createdAt: '2026-11-12T08:55:00' })
  const { registryNumber: _, ...numbers } = contexts['case'] as Document
  const { unitNumber: __, ...request } = withdrawal
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
  const none = corrected((document) => void (document.items = []))
  t.throws(() => rendered('correct', none, correctContexts), MappingError)
  const applicants = corrected(({ parts }) => {
    for (const part of parts) part.changed = { applicants: true }
  })
  t.throws(() => rendered('correct', applicants, correctContexts), MappingError, 'an application without its time')
  const { reason: _, ...silent } = withdrawal
  t.throws(() => rendered('withdraw', silent, correctContexts), MappingError)
  t.end()
})
