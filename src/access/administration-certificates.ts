import { hash } from 'node:crypto'
import { Problem, type ProblemCode } from '../base/problem.ts'
import { insertSet } from '../db/row-set.ts'
import { isSafeText } from '../trace/clear-facts.ts'
import { type AdministrationMeans, changeAccess } from './administration.ts'
import { closed, duplicate, notFound } from './administration-checks.ts'

/** An account, by its bank's code and its name there. */
export interface AccountName {
  bank: string
  name: string
}

/** What is kept of a certificate. */
export interface ReadCertificate {
  der: Buffer
  validFrom: Date
  validUntil: Date
}

/** The trust store's word on a certificate at a time. */
export type Judge = (
  der: Buffer,
  at: Date,
) => Promise<
  | { ok: true; certificate: ReadCertificate; bankCode: string; rule: string }
  | { ok: false; code: ProblemCode; detail: { zh: string; en: string } }
>

const certificateRows = insertSet<{
  fingerprint: string
  account_id: string
  der: Buffer
  not_before: Date
  not_after: Date
  state: string
}>('account_certificate', 33, {
  fingerprint: 'text',
  account_id: 'uuid',
  der: 'bytea',
  not_before: 'timestamptz',
  not_after: 'timestamptz',
  state: 'text',
})

/**
 * Registers a certificate that the trust store finds good now and that names the account's bank or one of its branches.
 * @param at by the clock that signatures are judged by.
 * @throws {Problem} the trust store's code; certificate-bank-mismatch; administration-duplicate, -not-found, -closed.
 */
export async function addCertificate(
  given: { account: AccountName; der: Buffer; at: Date },
  judge: Judge,
  means: AdministrationMeans,
): Promise<{ fingerprint: string }> {
  const judgement = await judge(given.der, given.at)
  if (!judgement.ok) throw new Problem(judgement.code, judgement.detail, { rule: 'certificate.good' })
  // A rule is known by its file; where that lies is nobody's business.
  const ruleFile = judgement.rule.split(/[\\/]/).at(-1) ?? ''
  return register(given.account, judgement.certificate, means, {
    bankCode: judgement.bankCode,
    rule: isSafeText(ruleFile) ? ruleFile : 'certificate.good',
  })
}

/**
 * Registers a certificate without asking anybody about it: for tests, which show that a certificate gone bad is refused
 * at each call. What requests are signed with is judged anew every time, so this opens no way in.
 */
export async function registerCertificate(
  account: AccountName,
  certificate: ReadCertificate,
  means: AdministrationMeans,
): Promise<{ fingerprint: string }> {
  return register(account, certificate, means, null)
}

async function register(
  account: AccountName,
  { der, validFrom, validUntil }: ReadCertificate,
  means: AdministrationMeans,
  judged: { bankCode: string; rule: string } | null,
): Promise<{ fingerprint: string }> {
  const fingerprint = hash('sha256', der, 'hex')
  const reads = {
    accounts: {
      text: `select a.id, a.state, b.id as bank_id, b.state as bank_state
               from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2`,
      values: [account.bank, account.name],
    },
    codes: {
      text: `select code from bank where code = $1
             union all select r.code from branch r join bank b on b.id = r.bank_id where b.code = $1`,
      values: [account.bank],
    },
    same: { text: 'select account_id from account_certificate where fingerprint = $1', values: [fingerprint] },
  }
  return changeAccess(reads, means, ({ accounts, codes, same }, rows) => {
    const held = accounts[0]
    if (held === undefined) {
      throw notFound(
        `银行 ${account.bank} 没有名为“${account.name}”的账号`,
        `the bank ${account.bank} has no account "${account.name}"`,
      )
    }
    if (held['state'] === 'closed' || held['bank_state'] === 'closed')
      throw closed('账号或其银行已注销', 'the account or its bank is closed')
    if (judged !== null && !codes.some(({ code }) => code === judged.bankCode)) {
      throw new Problem(
        'certificate-bank-mismatch',
        {
          zh: `证书标明的机构 ${judged.bankCode} 不是账号所属银行或其服务点`,
          en: `the certificate names ${judged.bankCode}, which is neither the account's bank nor one of its branches`,
        },
        { rule: 'certificate.of-bank' },
      )
    }
    if (same.length > 0) {
      const isHere = same[0]?.['account_id'] === held['id']
      throw duplicate(
        isHere ? '该证书已登记到本账号' : '该证书已登记到其他账号',
        isHere
          ? 'the certificate is registered for this account already'
          : 'the certificate is registered for another account',
      )
    }
    const accountId = String(held['id'])
    rows.add(certificateRows, {
      fingerprint,
      account_id: accountId,
      der,
      not_before: validFrom,
      not_after: validUntil,
      state: 'active',
    })
    const facts = {
      bankId: String(held['bank_id']),
      accountId,
      fingerprint,
      notAfter: validUntil,
      judged: judged !== null,
    }
    return {
      result: { fingerprint },
      told: { what: 'certificate-added', facts, ...(judged === null ? {} : { rule: judged.rule }) },
    }
  })
}
