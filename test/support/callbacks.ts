import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BankAnswer, type BankCall, bankClient } from '../../src/sandbox/bank-client.ts'
import type { Identity } from '../../src/sandbox/certificate-authority.ts'
import { shanghaiTime } from '../../src/sandbox/registry-case.ts'
import type { World } from './world.ts'

/** The `unid` of a message. */
export const newUnid = (): string => randomUUID().replaceAll('-', '')

const platformTime = (at: Date): string => shanghaiTime(at).replace('T', ' ')

/** A message of the platform, its body as given. */
export function caseMessage(type: string, unid: string, body: object): object {
  const areas = { FromAreaCode: '420200', FromAreaName: '黄石市', ToAreaCode: '420222', ToAreaName: '阳新县' }
  const Router = { ...areas, Time: platformTime(new Date()) }
  return { Case: { applyFrom: '21', type, unid, xsd: '1.0', Router, Body: body } }
}

export function withdrawalMessage(sn: string, unid = newUnid(), reason = '双方同意撤回'): object {
  const Withdrawal = { Reason: reason, ApplyTime: platformTime(new Date()), Operator: '窗口甲', Attrs: [] }
  return caseMessage('26', unid, { ApasInfo: { SN: sn }, Withdrawal })
}

export function paymentMessage(sn: string, amount = '80.00', unid = newUnid()): object {
  const Node = {
    ChargeName: '不动产登记费（住宅）',
    OrderNumber: 'FS20261110000319',
    DeptAccount: '',
    PaymentAmount: amount,
    CurrencyType: '156',
    PaymentState: '2',
    PaymentTime: platformTime(new Date()),
    PaymentBank: '示例银行股份有限公司阳新支行',
    PaymentRemark: '缴款码 42022226111000000319',
  }
  return caseMessage('25', unid, { ApasInfo: { SN: sn }, Node })
}

export function acknowledgementMessage(
  sn: string,
  of: { type: string; unid: string },
  result: 'Y' | 'N' = 'Y',
  unid = newUnid(),
): object {
  const Time = platformTime(new Date())
  const Feedback = { OfType: of.type, OfUnid: of.unid, Result: result, Code: '0000', Message: '已接收', Time }
  return caseMessage('99', unid, { ApasInfo: { SN: sn }, Feedback })
}

/** Sends callbacks, signed as the platform or by whoever is given. */
export async function callbackSender(
  t: { teardown(work: () => Promise<void>): unknown },
  { gateway, platformIdentity }: World,
  identity: Identity = platformIdentity,
): Promise<(message: object | string, more?: Partial<BankCall>) => Promise<BankAnswer>> {
  const pem = await readFile(join(gateway.ground.folders.signing, 'p256.cert.pem'), 'utf8')
  const client = bankClient({ baseUrl: gateway.url, identity, gatewayCertificates: [pem], operator: '' })
  t.teardown(() => client.close())
  return (message, more = {}) =>
    client.call({
      method: 'POST',
      path: '/platform/yx/v1/callbacks',
      body: typeof message === 'string' ? message : JSON.stringify(message),
      operator: null,
      idempotencyKey: null,
      ...more,
    })
}

/** A correction as it was answered at the platform; `items` are its Attrs, but for what is the same in all. */
export function answerMessage(
  sn: string,
  round: number,
  items: readonly Record<string, string>[],
  unid = newUnid(),
): object {
  const empty = { UNID: '', Code: '', Name: '', FileName: '', OriginalMaterialID: '' }
  const Attrs = items.map((item) => ({ ...empty, Answer: '已更正', ...item }))
  return caseMessage('22', unid, { ApasInfo: { SN: sn, Type: '补齐补正' }, Round: String(round), Attrs, Documents: [] })
}
