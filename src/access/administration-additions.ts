import { shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { insertSet } from '../db/row-set.ts'
import { type AdministrationMeans, changeAccess, type Statement } from './administration.ts'
import { closed, duplicate, GivenFaults, notFound } from './administration-checks.ts'
import { type OperatorDetails, sealOperator } from './operator-details.ts'

export interface NewBank {
  /** 统一社会信用代码. */
  code: string
  name: string
  /** Days `yyyy-MM-dd`, both included. */
  agreementFrom: string
  agreementTo: string
}

export interface NewBranch {
  /** The bank's 统一社会信用代码. */
  bank: string
  /** The branch's own. */
  code: string
  name: string
}

export interface NewAccount {
  bank: string
  /** Unique within the bank. */
  name: string
  /** With what the gateway signs its answers: `p256` or `sm2`. */
  answerAlgorithm: string
  businessTypes: readonly string[]
  /** Six-digit division codes. */
  areas: readonly string[]
  validFrom: string
  validTo: string
}

export interface NewOperator extends OperatorDetails {
  bank: string
  /** What x-operator will say. */
  code: string
}

const bankRows = insertSet<{
  id: string
  code: string
  name: string
  state: string
  agreement_from: string
  agreement_to: string
}>('bank', 30, { id: 'uuid', code: 'text', name: 'text', state: 'text', agreement_from: 'date', agreement_to: 'date' })

const branchRows = insertSet<{ id: string; bank_id: string; code: string; name: string; state: string }>('branch', 31, {
  id: 'uuid',
  bank_id: 'uuid',
  code: 'text',
  name: 'text',
  state: 'text',
})

const accountRows = insertSet<{
  id: string
  bank_id: string
  name: string
  state: string
  answer_algorithm: string
  business_types: string
  areas: string
  valid_from: string
  valid_to: string
}>('account', 32, {
  id: 'uuid',
  bank_id: 'uuid',
  name: 'text',
  state: 'text',
  answer_algorithm: 'text',
  business_types: 'text[]',
  areas: 'text[]',
  valid_from: 'date',
  valid_to: 'date',
})

const operatorRows = insertSet<{ id: string; bank_id: string; code: string; sealed: Buffer; state: string }>(
  'operator',
  34,
  {
    id: 'uuid',
    bank_id: 'uuid',
    code: 'text',
    sealed: 'bytea',
    state: 'text',
  },
)

/** @throws {Problem} administration-invalid, -duplicate. */
export async function addBank(given: NewBank, means: AdministrationMeans): Promise<{ id: string }> {
  const { code, name, agreementFrom, agreementTo } = given
  const faults = new GivenFaults()
  faults.creditCode('code', code, means.isCreditCode)
  faults.name('name', name)
  faults.period('agreementFrom', agreementFrom, 'agreementTo', agreementTo)
  faults.refuse()
  const id = newId()
  return changeAccess({ holders: holdersOf(code) }, means, ({ holders }, rows) => {
    refuseHeld(code, holders)
    rows.add(bankRows, { id, code, name, state: 'active', agreement_from: agreementFrom, agreement_to: agreementTo })
    return {
      result: { id },
      told: { what: 'bank-added', facts: { bankId: id, agreementFrom, agreementTo }, given: { code, name } },
    }
  })
}

/** @throws {Problem} administration-invalid, -duplicate, -not-found, -closed. */
export async function addBranch(given: NewBranch, means: AdministrationMeans): Promise<{ id: string }> {
  const { bank, code, name } = given
  const faults = new GivenFaults()
  faults.creditCode('code', code, means.isCreditCode)
  faults.name('name', name)
  faults.refuse()
  const id = newId()
  return changeAccess({ banks: bankOf(bank), holders: holdersOf(code) }, means, ({ banks, holders }, rows) => {
    const bankId = openBank(bank, banks)
    refuseHeld(code, holders)
    rows.add(branchRows, { id, bank_id: bankId, code, name, state: 'active' })
    return { result: { id }, told: { what: 'branch-added', facts: { bankId, branchId: id }, given: { code, name } } }
  })
}

/** @throws {Problem} administration-invalid, -duplicate, -not-found, -closed. */
export async function addAccount(given: NewAccount, means: AdministrationMeans): Promise<{ id: string }> {
  const { bank, name, answerAlgorithm, validFrom, validTo } = given
  const types = [...new Set(given.businessTypes)]
  const areas = [...new Set(given.areas)]
  const faults = new GivenFaults()
  faults.name('name', name)
  faults.answerAlgorithm('answerAlgorithm', answerAlgorithm)
  faults.businessTypes('businessTypes', types)
  faults.areas('areas', areas)
  faults.period('validFrom', validFrom, 'validTo', validTo)
  faults.refuse()
  const id = newId()
  const same = {
    text: 'select from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2',
    values: [bank, name],
  }
  return changeAccess({ banks: bankOf(bank), same }, means, ({ banks, same: held }, rows) => {
    const bankId = openBank(bank, banks)
    if (held.length > 0) throw duplicate(`该银行已有名为“${name}”的账号`, `the bank has an account "${name}" already`)
    rows.add(accountRows, {
      id,
      bank_id: bankId,
      name,
      state: 'active',
      answer_algorithm: answerAlgorithm,
      // Words and digits only, as checked: nothing in them needs quotes.
      business_types: `{${types.join(',')}}`,
      areas: `{${areas.join(',')}}`,
      valid_from: validFrom,
      valid_to: validTo,
    })
    const facts = { bankId, accountId: id, answerAlgorithm, businessTypes: types, areas, validFrom, validTo }
    return { result: { id }, told: { what: 'account-added', facts, given: { name } } }
  })
}

/**
 * The operator's details are sealed before they leave this function.
 * @throws {Problem} administration-invalid, -duplicate, -not-found, -closed.
 */
export async function addOperator(given: NewOperator, means: AdministrationMeans): Promise<{ id: string }> {
  const { bank, code, name, phone, idType, idNumber } = given
  const faults = new GivenFaults()
  faults.operatorCode('code', code)
  faults.name('name', name)
  if (phone !== undefined) faults.phone('phone', phone)
  if ((idType === undefined) !== (idNumber === undefined)) {
    const missing = idType === undefined ? 'idType' : 'idNumber'
    faults.add(missing, 'id-incomplete', '证件种类与证件号须同时给出', 'kind and number of the id document go together')
  } else if (idType !== undefined && idNumber !== undefined) {
    if (!means.isIdNumber(idType, idNumber, shanghaiDay(means.clock.now()))) {
      faults.add('idNumber', 'id-number-invalid', '与证件种类不符或校验有误', 'is not well-formed for its kind')
    }
  }
  faults.refuse()
  const id = newId()
  const details: OperatorDetails = {
    name,
    ...(phone === undefined ? {} : { phone }),
    ...(idType === undefined || idNumber === undefined ? {} : { idType, idNumber }),
  }
  const sealed = sealOperator(id, details, means.sealer)
  const same = {
    text: 'select from operator o join bank b on b.id = o.bank_id where b.code = $1 and o.code = $2',
    values: [bank, code],
  }
  return changeAccess({ banks: bankOf(bank), same }, means, ({ banks, same: held }, rows) => {
    const bankId = openBank(bank, banks)
    if (held.length > 0)
      throw duplicate(`该银行已有编号为 ${code} 的业务办理人员`, `the bank has an operator ${code} already`)
    rows.add(operatorRows, { id, bank_id: bankId, code, sealed, state: 'active' })
    const facts = { bankId, operatorId: id }
    return {
      result: { id },
      told: { what: 'operator-added', facts, given: { code, ...details }, subjects: [idNumber] },
    }
  })
}

/** A code names one organisation: it cannot be a bank here and a branch there. */
function holdersOf(code: string): Statement {
  return {
    text: `select 'bank' as kind from bank where code = $1 union all select 'branch' from branch where code = $1`,
    values: [code],
  }
}

function refuseHeld(code: string, holders: readonly { readonly [column: string]: unknown }[]): void {
  if (holders.length === 0) return
  const isBank = holders[0]?.['kind'] === 'bank'
  throw duplicate(
    `${code} 已登记为${isBank ? '银行' : '服务点'}`,
    `${code} is registered as a ${isBank ? 'bank' : 'branch'} already`,
  )
}

function bankOf(code: string): Statement {
  return { text: 'select id, state from bank where code = $1', values: [code] }
}

function openBank(code: string, banks: readonly { readonly [column: string]: unknown }[]): string {
  const bank = banks[0]
  if (bank === undefined) throw notFound(`没有代码为 ${code} 的银行`, `there is no bank with the code ${code}`)
  if (bank['state'] === 'closed') throw closed(`银行 ${code} 已注销`, `the bank ${code} is closed`)
  return String(bank['id'])
}
