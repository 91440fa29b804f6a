import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Callback } from '../src/base/canonical.ts'
import type { Json } from '../src/base/json.ts'
import { openValidator } from '../src/http/validator.ts'
import { MappingError } from '../src/mapping/faults.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts } from './support/golden-exchange.ts'

type Document = { [member: string]: Json }

const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
const validate = openValidator('schemas')('callback')

/** A golden message of the platform; `change` alters its Case before it is read. */
function read(file: string, type: Callback['type'], change: (message: Document) => void = () => undefined): Callback {
  const message = JSON.parse(readFileSync(`test/messages/platform-${file}.json`, 'utf8')) as { Case: Document }
  change(message.Case)
  const contexts = goldenContexts({ createdAt: '2026-11-12T09:00:00' })
  const bytes = Buffer.from(JSON.stringify(message))
  return mappings.inward(`yx-platform/callback-${type}`).read(bytes, contexts) as unknown as Callback
}

function body(message: Document): { [member: string]: Document } {
  return message['Body'] as { [member: string]: Document }
}

function attrs(message: Document): Document[] {
  return body(message)['Attrs'] as unknown as Document[]
}

await t.test('the golden acknowledgement', (t) => {
  const found = read('99', '99')
  t.strictSame(found, {
    messageId: '01a1bde49a707996ab02e96c655598b5',
    type: '99',
    platformNumber: 'hsbdc02226110900011',
    sentAt: '2026-11-09T09:20:38+08:00',
    acknowledgement: {
      ofType: '10',
      ofMessageId: '01a1bde406007e50b935929817a71ef1',
      accepted: true,
      code: '0000',
      text: '已接收',
      at: '2026-11-09T09:20:38+08:00',
    },
  })
  t.strictSame(validate(found), [])
  const refused = read('99', '99', (message) => {
    body(message)['ApasInfo'] = { SN: '' }
    Object.assign(body(message)['Feedback'] ?? {}, { Result: 'N', Code: '1002' })
  })
  t.match(refused.acknowledgement, { accepted: false, code: '1002' })
  t.notOk('platformNumber' in refused, 'what was not taken has no number')
  t.end()
})

await t.test('the golden answer to a correction: a file that replaces another, and a field', (t) => {
  const found = read('22-answer', '22')
  t.strictSame(found, {
    messageId: '01a1bee941007a56b8eacf42fa697743',
    type: '22',
    platformNumber: 'hsbdc02226110900011',
    sentAt: '2026-11-09T14:05:20+08:00',
    correction: {
      round: 1,
      items: [
        {
          number: 1,
          mode: 'upload',
          materialId: '01a1bee28a407053a15df05b47270a58',
          replaces: '01a1bddbc8a077c6a48dfab132ac95bc',
          name: '授权委托书（古丽娜·艾山江）',
          fileName: '授权委托书（古丽娜·艾山江）补.pdf',
          answer: '已重新签署并写明委托期限',
        },
        {
          number: 2,
          mode: 'form',
          name: '建筑面积（平方米）',
          answer: '已按权属证书更正',
          form: 'T_BDCDY',
          field: 'DJXX_JZAREA',
          formId: 'f3',
          value: '96.46',
        },
      ],
    },
  })
  t.strictSame(validate(found), [])
  t.end()
})

await t.test('the golden payment', (t) => {
  const found = read('25', '25')
  t.strictSame(found, {
    messageId: '01a1c44d1b307269a1f694ba18b91dc1',
    type: '25',
    platformNumber: 'hsbdc02226110900011',
    sentAt: '2026-11-10T15:12:30+08:00',
    payment: {
      name: '不动产登记费（住宅）',
      amount: '80.00',
      currency: 'CNY',
      state: 'fee-paid',
      paidAt: '2026-11-10T15:12:08+08:00',
      orderNumber: 'FS20261110000319',
      bank: '示例银行股份有限公司阳新支行',
      remark: '缴款码 42022226111000000319',
    },
  })
  t.strictSame(validate(found), [])
  for (const [code, state] of Object.entries({
    0: 'fee-exempt',
    1: 'fee-due',
    3: 'fee-partly-paid',
    5: 'fee-refunded',
  }))
    t.equal(
      read('25', '25', (message) => void Object.assign(body(message)['Node'] ?? {}, { PaymentState: code })).payment
        ?.state,
      state,
    )
  t.end()
})

await t.test('the golden withdrawal, with a material of its own or without', (t) => {
  const found = read('withdraw', '26')
  t.strictSame(found, {
    messageId: '01a1cd3d7780758b80851066a3f9df58',
    type: '26',
    platformNumber: 'hsbdc02226111100023',
    sentAt: '2026-11-12T08:52:00+08:00',
    withdrawal: {
      reason: '买受人拟更换房号，双方同意撤回全部申请',
      requestedAt: '2026-11-12T08:50:00+08:00',
      operatorName: '经办员甲',
    },
  })
  t.strictSame(validate(found), [])
  const material = { UNID: '01a1cd3d7780758b80851066a3f9df59', Mode: 'upload', Name: '撤回登记申请书', FileName: '' }
  const more = read(
    'withdraw',
    '26',
    (message) => void Object.assign(body(message)['Withdrawal'] ?? {}, { Attrs: [material] }),
  )
  t.strictSame(more.withdrawal?.materials, [{ materialId: material.UNID, name: material.Name }])
  t.strictSame(validate(more), [])
  t.end()
})

await t.test('what does not say enough is refused, with its place', (t) => {
  const cases: [string, Callback['type'], string, (message: Document) => void][] = [
    ['99', '99', 'Case.Body.Feedback.OfUnid', (message) => void delete body(message)['Feedback']?.['OfUnid']],
    [
      '99',
      '99',
      'acknowledgement.accepted',
      (message) => void Object.assign(body(message)['Feedback'] ?? {}, { Result: 'X' }),
    ],
    ['22-answer', '22', 'Case.Body.ApasInfo.SN', (message) => void delete body(message)['ApasInfo']?.['SN']],
    ['22-answer', '22', 'Case.Body.Round', (message) => void delete body(message)['Round']],
    [
      '22-answer',
      '22',
      'correction.items[0].materialId',
      (message) => void Object.assign(attrs(message)[0] ?? {}, { UNID: '' }),
    ],
    ['22-answer', '22', 'correction.items[1].value', (message) => void delete attrs(message)[1]?.['Value']],
    [
      '22-answer',
      '22',
      'correction.items[1].mode',
      (message) => void Object.assign(attrs(message)[1] ?? {}, { Mode: 'paper' }),
    ],
    ['25', '25', 'Case.Body.Node.PaymentState', (message) => void delete body(message)['Node']?.['PaymentState']],
    ['25', '25', 'payment.state', (message) => void Object.assign(body(message)['Node'] ?? {}, { PaymentState: '77' })],
    [
      '25',
      '25',
      'payment.amount',
      (message) => void Object.assign(body(message)['Node'] ?? {}, { PaymentAmount: '80.005' }),
    ],
    ['withdraw', '26', 'Case.Body.Withdrawal.Reason', (message) => void delete body(message)['Withdrawal']?.['Reason']],
    ['25', '26', 'Case.Body.Withdrawal', () => undefined],
  ]
  for (const [file, type, place, change] of cases) {
    try {
      read(file, type, change)
      t.fail(`${file}: ${place}`)
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      t.ok(
        error.places.some(({ path }) => path === place),
        `${place}: ${error.places.map(({ path }) => path).join(', ')}`,
      )
    }
  }
  t.end()
})
