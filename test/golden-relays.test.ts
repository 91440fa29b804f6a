import { readFileSync } from 'node:fs'
import t from 'tap'
import type { CorrectionAsked, FeeNotice, Pause, Resumption } from '../src/base/canonical.ts'
import type { Json } from '../src/base/json.ts'
import { openValidator } from '../src/http/validator.ts'
import { MappingError } from '../src/mapping/faults.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts } from './support/golden-exchange.ts'
import { goldenCorrected, goldenWithdrawal, withdrawContexts } from './support/golden-requests.ts'

interface Message {
  Case: { Router: { [member: string]: Json }; Body: { [member: string]: Json } }
}

type Forms = { [form: string]: { properties: object } }
type Contexts = ReturnType<typeof goldenContexts>

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const validator = openValidator('schemas')

function rendered(name: string, source: unknown, contexts: Contexts): Message {
  const bytes = mappings.outward(`yx-platform/${name}`).render(source as Json, contexts)
  return JSON.parse(bytes.toString('utf8')) as Message
}

function golden(file: string): Message {
  return JSON.parse(readFileSync(`test/messages/platform-${file}.json`, 'utf8')) as Message
}

const answerContexts = goldenContexts({ id: '01a1bee9-4100-7a56-b8ea-cf42fa697743', createdAt: '2026-11-09T14:05:20' })

const asked: CorrectionAsked = {
  fact: 'correction-requested',
  round: 1,
  occurredAt: '2026-11-09T10:40:00+08:00',
  answerBy: '2026-11-16T18:00:00+08:00',
  items: [
    {
      number: 1,
      requirement: '委托书未写明委托期限，请重新签署后上传',
      material: { id: '01a1bddb-c8a0-77c6-a48d-fab132ac95bc', name: '授权委托书（古丽娜·艾山江）', sequence: 6 },
    },
    {
      number: 2,
      requirement: '第二个单元的面积与权属证书不一致，请核对更正',
      label: '建筑面积（平方米）',
      field: 'DJXX_JZAREA',
      formId: 'f3',
    },
  ],
}

await t.test("the golden correction gives the bank's golden answer to the platform", (t) => {
  t.strictSame(rendered('22', goldenCorrected(), answerContexts), golden('22-answer'))
  t.end()
})

await t.test('an answer may hold a file, fields, both, or words alone', (t) => {
  const message = rendered(
    '22',
    goldenCorrected(({ items }) => {
      const [first, second] = items
      if (first === undefined || second === undefined) throw new Error('not golden')
      first.changes = second.changes
      second.changes = [
        { path: '/mortgage/rank', label: '抵押顺位', value: '2', field: 'DYQDJ_DYQSW', formId: 'f1' },
        { path: '/parties/1/name', label: '姓名', value: '柯𠮷明', field: 'XM', formId: 'f4' },
        { path: '/mortgage/currency', label: '币种', value: 'USD' },
      ]
      items.push({ part: 1, number: 3, answer: '已核对无误', changes: [] })
      if (first.material !== undefined) {
        delete first.material.replaces
        delete first.material.replacedName
      }
    }),
    answerContexts,
  )
  t.match(message.Case.Body['Attrs'], [
    { Mode: 'upload', SeqNo: '1', Name: '授权委托书（古丽娜·艾山江）补', OriginalMaterialID: '' },
    { Mode: 'form', SeqNo: '1', Code: 'T_BDCDY', Field: 'DJXX_JZAREA', Value: '96.46' },
    { Mode: 'form', SeqNo: '2', Code: 'T_DYQ_SC', Field: 'DYQDJ_DYQSW', FormUNID: 'f1' },
    { Mode: 'form', SeqNo: '2', Code: 'T_DSR', Field: 'XM', FormUNID: 'f4', Value: '柯𠮷明' },
    { Mode: 'form', SeqNo: '2', Code: '', Name: '币种', Value: 'USD' },
    { Mode: 'noneed', SeqNo: '3', Answer: '已核对无误', UNID: '' },
  ])
  t.end()
})

await t.test("the bank's request gives the golden withdrawal in the other direction", (t) => {
  const contexts = withdrawContexts({ id: '01a1cd3d-7780-758b-8085-1066a3f9df58', createdAt: '2026-11-12T08:52:00' })
  const expected = golden('withdraw')
  const { FromAreaCode, FromAreaName, ToAreaCode, ToAreaName } = expected.Case.Router
  Object.assign(expected.Case.Router, {
    FromAreaCode: ToAreaCode,
    FromAreaName: ToAreaName,
    ToAreaCode: FromAreaCode,
    ToAreaName: FromAreaName,
  })
  t.strictSame(rendered('26', { ...goldenWithdrawal, materials: [] }, contexts), expected)
  t.match(rendered('26', goldenWithdrawal, contexts).Case.Body, {
    Withdrawal: { Attrs: [{ UNID: '01a1cd3c000070008000000000000001', Mode: 'upload', Name: '撤回登记申请书' }] },
  })
  t.end()
})

await t.test('what the platform sends and what it is sent are one form', (t) => {
  const read = (type: string, message: Message): { [member: string]: Json } =>
    mappings
      .inward(`yx-platform/callback-${type}`)
      .read(Buffer.from(JSON.stringify(message)), answerContexts) as unknown as { [member: string]: Json }
  const answered = read('22', rendered('22', goldenCorrected(), answerContexts))
  t.match(answered['correction'], { round: 1, items: [{ mode: 'upload' }, { mode: 'form', value: '96.46' }] })
  const contexts = withdrawContexts({ createdAt: '2026-11-12T08:52:00' })
  t.match(read('26', rendered('26', goldenWithdrawal, contexts))['withdrawal'], {
    reason: goldenWithdrawal.reason,
    requestedAt: goldenWithdrawal.requestedAt,
    materials: [{ name: '撤回登记申请书' }],
  })
  t.end()
})

await t.test("the registry's correction gives the golden pause, request and resumption", (t) => {
  t.strictSame(validator('correction-asked')(asked), [])
  const request = goldenContexts({ id: '01a1be32-c628-7ccc-96c9-3d39fc0fc0ac', createdAt: '2026-11-09T10:46:01' })
  t.strictSame(rendered('22-asked', asked, request), golden('22'))

  const pause: Pause = {
    of: 'correction',
    number: 1,
    part: 1,
    occurredAt: '2026-11-09T10:40:00+08:00',
    by: '受理员一',
    items: 2,
  }
  t.strictSame(validator('pause')(pause), [])
  const paused = goldenContexts({ id: '01a1be32-c240-741f-ab1e-d8aeaf9a6569', createdAt: '2026-11-09T10:46:00' })
  t.strictSame(rendered('21', pause, paused), golden('21'))

  const end: Resumption = { of: 'correction', number: 1, occurredAt: '2026-11-09T14:30:00+08:00', by: '受理员一' }
  t.strictSame(validator('resumption')(end), [])
  const resumed = goldenContexts({ id: '01a1bf00-c488-7cf1-af35-c77598844a47', createdAt: '2026-11-09T14:31:01' })
  t.strictSame(rendered('23', end, resumed), golden('23'))
  t.end()
})

await t.test('a special procedure pauses and resumes under its own name', (t) => {
  const procedure = { of: 'procedure', number: 2, occurredAt: '2026-11-10T09:00:00+08:00', procedure: '公告' }
  t.match(rendered('21', procedure, answerContexts).Case.Body, {
    Node: { NodeGuid: 'ts-1-2', Code: '3', Name: '特殊环节开始', SName: '公告', SType: '2', Reason: '公告' },
  })
  t.match(rendered('23', procedure, answerContexts).Case.Body, {
    Node: { NodeGuid: 'ts-1-2', Code: '5', Name: '特殊环节结束', SName: '公告', SType: '2' },
  })
  t.end()
})

await t.test("the registry's fee gives the golden notice", (t) => {
  const { cases } = JSON.parse(readFileSync('test/messages/canonical-events.json', 'utf8')) as {
    cases: { events: ({ fact: string } & Partial<FeeNotice>)[] }[]
  }
  const due = cases[0]?.events.find(({ fact }) => fact === 'fee-due')
  t.strictSame(validator('fee-notice')(due), [])
  const contexts = goldenContexts({ id: '01a1c34f-f680-788a-bb9e-df693eaae073', createdAt: '2026-11-10T10:36:00' })
  t.strictSame(rendered('24', due, contexts), golden('24'))
  t.end()
})

await t.test('nothing is told to a platform that has given the case no number', (t) => {
  const contexts = { ...answerContexts, case: { ...(answerContexts['case'] as object), platformNumber: null } }
  for (const [name, source] of [
    ['22', goldenCorrected()],
    ['22-asked', asked],
    ['26', goldenWithdrawal],
  ] as const) {
    t.throws(() => rendered(name, source, contexts), MappingError, name)
  }
  t.end()
})

await t.test('every field of the platform belongs to the form that the case was pushed with', (t) => {
  const schema = JSON.parse(readFileSync('schemas/yx-platform/10.schema.json', 'utf8')) as {
    properties: { Case: { properties: { Body: { properties: { FormInfos: { 'x-items': Forms } } } } } }
  }
  const forms = schema.properties.Case.properties.Body.properties.FormInfos['x-items']
  const places = Object.entries(forms).flatMap(([form, { properties }]) =>
    Object.keys(properties).map((field) => ({ form, field })),
  )
  t.ok(places.length > 30)
  for (const { form, field } of places) {
    const changes = [{ path: '/reason', label: 'a', value: 'a', field }]
    const document = goldenCorrected(
      ({ items }) => void items.splice(0, 2, { part: 1, number: 1, answer: 'a', changes }),
    )
    t.match(rendered('22', document, answerContexts).Case.Body['Attrs'], [{ Code: form }], field)
    const items = [{ number: 1, requirement: 'a', field }]
    t.match(rendered('22-asked', { ...asked, items }, answerContexts).Case.Body['Attrs'], [{ Code: form }], field)
  }
  t.end()
})
