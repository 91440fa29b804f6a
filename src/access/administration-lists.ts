import { canonicalJson } from '../base/canonical-json.ts'
import type { Queryable } from '../db/pool.ts'
import type { AdministrationMeans } from './administration.ts'
import { maskedIdNumber, maskedName, maskedPhone } from './masking.ts'
import { type OperatorDetails, operatorDetails } from './operator-details.ts'
import type { Standing } from './snapshot.ts'

export interface ListedBank {
  code: string
  name: string
  state: Standing
  agreementFrom: string
  agreementTo: string
  branches: number
  accounts: number
  operators: number
}

export interface ListedBranch {
  bank: string
  code: string
  name: string
  state: Standing
}

export interface ListedAccount {
  id: string
  bank: string
  bankName: string
  name: string
  state: Standing
  answerAlgorithm: string
  businessTypes: string[]
  areas: string[]
  validFrom: string
  validTo: string
  /** Certificates that are not suspended. */
  certificates: number
}

export interface ListedCertificate {
  fingerprint: string
  bank: string
  account: string
  state: 'active' | 'suspended'
  notBefore: Date
  notAfter: Date
  der: Buffer
}

export interface ListedOperator {
  id: string
  bank: string
  code: string
  state: Standing
  /** Masked, or in full when they were asked to be revealed. */
  details: OperatorDetails
}

export async function listBanks(db: Queryable): Promise<ListedBank[]> {
  const { rows } = await db.query<ListedBank>(
    `select code, name, state, agreement_from as "agreementFrom", agreement_to as "agreementTo",
            (select count(*)::int from branch where bank_id = b.id) as branches,
            (select count(*)::int from account where bank_id = b.id) as accounts,
            (select count(*)::int from operator where bank_id = b.id) as operators
       from bank b order by code`,
  )
  return rows
}

/** @param bank its code; null for all. So in each of these. */
export async function listBranches(db: Queryable, bank: string | null): Promise<ListedBranch[]> {
  const { rows } = await db.query<ListedBranch>(
    `select b.code as bank, r.code, r.name, r.state from branch r join bank b on b.id = r.bank_id
      where $1::text is null or b.code = $1 order by b.code, r.code`,
    [bank],
  )
  return rows
}

export async function listAccounts(db: Queryable, bank: string | null): Promise<ListedAccount[]> {
  const { rows } = await db.query<ListedAccount>(
    `select a.id, b.code as bank, b.name as "bankName", a.name, a.state, a.answer_algorithm as "answerAlgorithm",
            a.business_types as "businessTypes", a.areas, a.valid_from as "validFrom", a.valid_to as "validTo",
            (select count(*)::int from account_certificate where account_id = a.id and state = 'active') as certificates
       from account a join bank b on b.id = a.bank_id
      where $1::text is null or b.code = $1 order by b.code, a.name`,
    [bank],
  )
  return rows
}

/** Those that expire first come first. */
export async function listCertificates(db: Queryable, bank: string | null): Promise<ListedCertificate[]> {
  const { rows } = await db.query<ListedCertificate>(
    `select c.fingerprint, b.code as bank, a.name as account, c.state, c.not_before as "notBefore",
            c.not_after as "notAfter", c.der
       from account_certificate c join account a on a.id = c.account_id join bank b on b.id = a.bank_id
      where $1::text is null or b.code = $1 order by c.not_after, c.fingerprint`,
    [bank],
  )
  return rows
}

type OperatorRow = Omit<ListedOperator, 'details'> & { sealed: Buffer }

async function readOperators(db: Queryable, bank: string | null): Promise<OperatorRow[]> {
  const { rows } = await db.query<OperatorRow>(
    `select o.id, b.code as bank, o.code, o.state, o.sealed from operator o join bank b on b.id = o.bank_id
      where $1::text is null or b.code = $1 order by b.code, o.code`,
    [bank],
  )
  return rows
}

/** Their details masked: name by its first character, id number by its first six and last four. */
export async function listOperators(
  db: Queryable,
  bank: string | null,
  sealer: AdministrationMeans['sealer'],
): Promise<ListedOperator[]> {
  return (await readOperators(db, bank)).map(({ sealed, ...row }) => {
    const { name, phone, idType, idNumber } = operatorDetails({ ...row, sealed }, sealer)
    return {
      ...row,
      details: {
        name: maskedName(name),
        ...(phone === undefined ? {} : { phone: maskedPhone(phone) }),
        ...(idType === undefined ? {} : { idType }),
        ...(idNumber === undefined ? {} : { idNumber: maskedIdNumber(idNumber) }),
      },
    }
  })
}

/** Their details in full. Each is a disclosure, traced before it is given out. */
export async function revealOperators(
  db: Queryable,
  bank: string | null,
  means: AdministrationMeans,
): Promise<ListedOperator[]> {
  const operators = (await readOperators(db, bank)).map(({ sealed, ...row }) => ({
    ...row,
    details: operatorDetails({ ...row, sealed }, means.sealer),
  }))
  await means.batch.submit({
    asks: [],
    decide: (_held, rows) => {
      for (const { id, code, details } of operators) {
        means
          .record({
            type: 'disclosure',
            at: means.clock.now(),
            actors: { staff: means.staff },
            rule: means.rule,
            outcome: 'operator-revealed',
            facts: { operatorId: id, fields: Object.keys(details) },
            personal: { operator: canonicalJson({ code, ...details }) },
            subjects: [details.idNumber],
          })
          .addTo(rows)
      }
    },
  })
  return operators
}
