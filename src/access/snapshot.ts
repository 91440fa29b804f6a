import type { Queryable } from '../db/pool.ts'
import type { FieldRules, Scope } from './scope.ts'

export type Standing = 'active' | 'suspended' | 'closed'

export interface Bank {
  id: string
  /** 统一社会信用代码. */
  code: string
  name: string
  state: Standing
  /** Days `yyyy-MM-dd`, both included. */
  agreementFrom: string
  agreementTo: string
  /** Code to branch (服务点); a branch may be the mortgagee. */
  branches: ReadonlyMap<string, { name: string; state: Standing }>
}

export interface Account {
  id: string
  bank: Bank
  name: string
  state: Standing
  answerAlgorithm: 'p256' | 'sm2'
  businessTypes: ReadonlySet<string>
  /** Six-digit division codes. */
  areas: ReadonlySet<string>
  validFrom: string
  validTo: string
}

export interface RegisteredCertificate {
  fingerprint: string
  account: Account
  der: Buffer
  state: 'active' | 'suspended'
}

export interface Operator {
  id: string
  code: string
  state: Standing
  /** Name, phone and id document; sealed under `operator/sealed/<id>`. */
  sealed: Buffer
}

/** All that is administered about callers, as of one revision. Few rows: held whole in memory. */
export interface AccessSnapshot {
  revision: number
  certificates: ReadonlyMap<string, RegisteredCertificate>
  operator(bankId: string, code: string): Operator | undefined
  /** By the bank's code and the account's name. */
  account(bankCode: string, name: string): Account | undefined
  /** What the account may query; with an operator's id, what that operator may for it. */
  scope(accountId: string, operatorId?: string): Scope | undefined
}

/** Reads everything in one statement's view, so that rows and revision belong together. */
export async function loadSnapshot(db: Queryable): Promise<AccessSnapshot> {
  const { rows } = await db.query<{ all: Stored }>(
    `select json_build_object(
       'revision', (select number from revision),
       'banks', (select coalesce(json_agg(b), '[]') from bank b),
       'branches', (select coalesce(json_agg(b), '[]') from branch b),
       'accounts', (select coalesce(json_agg(a), '[]') from account a),
       'certificates', (select coalesce(json_agg(json_build_object('fingerprint', fingerprint, 'account_id', account_id,
          'der', encode(der, 'base64'), 'state', state)), '[]') from account_certificate),
       'operators', (select coalesce(json_agg(json_build_object('id', id, 'bank_id', bank_id, 'code', code, 'state', state,
          'sealed', encode(sealed, 'base64'))), '[]') from operator),
       'scopes', (select coalesce(json_agg(s), '[]') from query_scope s)) as all`,
  )
  const stored = (rows[0] as { all: Stored }).all
  const banks = new Map<string, Bank & { branches: Map<string, { name: string; state: Standing }> }>()
  for (const row of stored.banks) {
    banks.set(row.id, {
      id: row.id,
      code: row.code,
      name: row.name,
      state: row.state,
      agreementFrom: row.agreement_from,
      agreementTo: row.agreement_to,
      branches: new Map(),
    })
  }
  for (const row of stored.branches)
    banks.get(row.bank_id)?.branches.set(row.code, { name: row.name, state: row.state })
  const accounts = new Map<string, Account>()
  for (const row of stored.accounts) {
    accounts.set(row.id, {
      id: row.id,
      bank: banks.get(row.bank_id) as Bank,
      name: row.name,
      state: row.state,
      answerAlgorithm: row.answer_algorithm,
      businessTypes: new Set(row.business_types),
      areas: new Set(row.areas),
      validFrom: row.valid_from,
      validTo: row.valid_to,
    })
  }
  const certificates = new Map<string, RegisteredCertificate>()
  for (const row of stored.certificates) {
    certificates.set(row.fingerprint, {
      fingerprint: row.fingerprint,
      account: accounts.get(row.account_id) as Account,
      der: Buffer.from(row.der, 'base64'),
      state: row.state,
    })
  }
  const operators = new Map<string, Operator>()
  for (const row of stored.operators) {
    operators.set(`${row.bank_id}/${row.code}`, {
      id: row.id,
      code: row.code,
      state: row.state,
      sealed: Buffer.from(row.sealed, 'base64'),
    })
  }
  const byName = new Map([...accounts.values()].map((account) => [`${account.bank.code}/${account.name}`, account]))
  const scopes = new Map<string, Scope>()
  for (const row of stored.scopes) {
    scopes.set(`${row.account_id}/${row.operator_id ?? ''}`, {
      levels: new Set(row.levels),
      purposes: new Set(row.purposes),
      areas: new Set(row.areas),
      zones: new Set(row.zones),
      fields: row.fields,
      authorizationRequired: row.authorization_required,
      dailyQuota: row.daily_quota,
      validFrom: row.valid_from,
      validTo: row.valid_to,
    })
  }
  return {
    revision: stored.revision,
    certificates,
    operator: (bankId, code) => operators.get(`${bankId}/${code}`),
    account: (bankCode, name) => byName.get(`${bankCode}/${name}`),
    scope: (accountId, operatorId) => scopes.get(`${accountId}/${operatorId ?? ''}`),
  }
}

interface Stored {
  revision: number
  banks: { id: string; code: string; name: string; state: Standing; agreement_from: string; agreement_to: string }[]
  branches: { bank_id: string; code: string; name: string; state: Standing }[]
  accounts: {
    id: string
    bank_id: string
    name: string
    state: Standing
    answer_algorithm: 'p256' | 'sm2'
    business_types: string[]
    areas: string[]
    valid_from: string
    valid_to: string
  }[]
  certificates: { fingerprint: string; account_id: string; der: string; state: 'active' | 'suspended' }[]
  operators: { id: string; bank_id: string; code: string; state: Standing; sealed: string }[]
  scopes: {
    account_id: string
    operator_id: string | null
    levels: string[]
    purposes: string[]
    areas: string[]
    zones: string[]
    fields: FieldRules
    authorization_required: boolean
    daily_quota: number
    valid_from: string
    valid_to: string
  }[]
}
