import { refusal } from './refusal.ts'
import type { AccessSnapshot, Account, Bank, Operator, RegisteredCertificate } from './snapshot.ts'

/** Who a request is made by and for. */
export interface Caller {
  account: Account
  /** Null only on calls that touch no case and no person's data. */
  operator: Operator | null
  /** The rule that let the caller in, for the trace. */
  rule: string
}

/**
 * Default deny: the caller passes only if certificate, account, bank, agreement and operator are all in force on `day`
 * (`yyyy-MM-dd`, Asia/Shanghai).
 * @param operatorCode what x-operator says; undefined when the header is absent.
 * @throws {Problem} naming the first rule that refuses.
 */
export function admit(
  snapshot: AccessSnapshot,
  registered: RegisteredCertificate,
  operatorCode: string | undefined,
  needsOperator: boolean,
  day: string,
): Caller {
  const { account } = registered
  const { bank } = account
  if (registered.state !== 'active')
    throw refusal('certificate-suspended', 'certificate.active', '该证书已停用', 'this certificate is suspended')
  if (account.state !== 'active')
    throw refusal('account-suspended', 'account.active', '该账号已停用', 'this account is suspended or closed')
  if (bank.state !== 'active')
    throw refusal('bank-suspended', 'bank.active', '该银行已停用', 'this bank is suspended or closed')
  if (day < bank.agreementFrom || day > bank.agreementTo) {
    throw refusal(
      'agreement-not-in-force',
      'agreement.in-force',
      '与登记中心的协议不在有效期内',
      "the bank's agreement with the centre is not in force today",
    )
  }
  if (day < account.validFrom || day > account.validTo) {
    throw refusal('account-not-valid', 'account.valid', '账号不在有效期内', 'the account is not valid today')
  }
  if (operatorCode === undefined) {
    if (needsOperator)
      throw refusal(
        'operator-missing',
        'operator.named',
        '请在 x-operator 中指明业务办理人员',
        'name the operator in x-operator',
      )
    return { account, operator: null, rule: 'account.active' }
  }
  const operator = snapshot.operator(bank.id, operatorCode)
  if (operator === undefined)
    throw refusal(
      'operator-unknown',
      'operator.of-bank',
      '该业务办理人员未在本行登记',
      'the operator is not registered for this bank',
    )
  if (operator.state !== 'active')
    throw refusal('operator-suspended', 'operator.active', '该业务办理人员已停用', 'the operator is suspended')
  return { account, operator, rule: 'operator.active' }
}

/** Codes under which a bank may act now: its own and those of its branches that are in force. */
export function codesInForce(bank: Bank): ReadonlySet<string> {
  const branches = [...bank.branches].filter(([, { state }]) => state === 'active').map(([code]) => code)
  return new Set([bank.code, ...branches])
}

/**
 * Whether the account may file this business type for these areas (six-digit division codes).
 * @returns the rule that allowed it. @throws {Problem} naming the rule that refused.
 */
export function permitFiling(account: Account, businessType: string, areas: readonly string[]): string {
  if (!account.businessTypes.has(businessType)) {
    throw refusal(
      'business-type-not-granted',
      'business-type.granted',
      '账号未开通该业务类型',
      'this business type is not granted to the account',
    )
  }
  const foreign = areas.filter((area) => !account.areas.has(area))
  if (foreign.length > 0) {
    throw refusal(
      'area-not-granted',
      'area.granted',
      `账号未开通地区 ${foreign.join('、')}`,
      `areas not granted to the account: ${foreign.join(', ')}`,
    )
  }
  return `filing.${businessType}`
}
