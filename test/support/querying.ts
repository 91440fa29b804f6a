import { randomUUID } from 'node:crypto'
import { type NewScope, removeScope, setScope } from '../../src/access/administration-scopes.ts'
import { administrationMeans } from '../../src/cli/administration-means.ts'
import type { Ground } from '../../src/ground.ts'
import type { BankAnswer, BankCall, BankClient } from '../../src/sandbox/bank-client.ts'
import { sampleCase } from '../../src/sandbox/sample-case.ts'
import { OPERATOR, SAMPLE_BANK } from './enrolment.ts'

/** An owner of the sample's first flat, as the sandbox's register has him. */
export const OWNER = { name: '柯𠮷明', idType: 'resident-id', idNumber: '42022219030512001X' } as const
export const CO_OWNER = { name: '古丽娜·艾山江', idType: 'resident-id', idNumber: '420222190408230027' } as const
export const FLAT = {
  certificateNumber: '鄂(2019)阳新县不动产权第0003112号',
  unitNumber: '420222001003GB00057F00120031',
  location: '阳新县示例镇示例路8号示例花园12幢1单元1201室',
} as const

type ScopeGiven = Partial<Omit<NewScope, 'bank' | 'account' | 'operator'>>

const WHOLE: Required<ScopeGiven> = {
  levels: ['flags', 'detail'],
  purposes: ['mortgage-registration'],
  areas: ['420222'],
  zones: ['internet', 'egov'],
  fields: ['name=show', 'idNumber=mask', 'address=show', 'phone=hide'],
  authorizationRequired: true,
  dailyQuota: 10_000,
  validFrom: '2026-01-01',
  validTo: '2099-12-31',
}

/** Sets the scope of an account, or with `operator` that of one of its operators. */
export async function grant(
  ground: Ground,
  given: ScopeGiven & { bank?: string; account?: string; operator?: string } = {},
): Promise<void> {
  await setScope({ ...WHOLE, bank: SAMPLE_BANK.code, account: 'core', ...given }, administrationMeans(ground))
}

/** The same scope for account and operator. */
export async function grantBoth(
  ground: Ground,
  given: ScopeGiven & { bank?: string; account?: string; operator?: string } = {},
): Promise<void> {
  const { operator = OPERATOR, ...ofAccount } = given
  await grant(ground, ofAccount)
  await grant(ground, { ...ofAccount, operator })
}

export async function takeAway(ground: Ground, operator?: string): Promise<void> {
  await removeScope(
    { bank: SAMPLE_BANK.code, account: 'core', ...(operator === undefined ? {} : { operator }) },
    administrationMeans(ground),
  )
}

type More = Partial<BankCall>

export function post(bank: BankClient, path: string, body: unknown, more: More = {}): Promise<BankAnswer> {
  return bank.call({
    method: 'POST',
    path,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    idempotencyKey: randomUUID(),
    ...more,
  })
}

export const get = (bank: BankClient, path: string, more: More = {}): Promise<BankAnswer> =>
  bank.call({ method: 'GET', path, ...more })

/** Uploads the letter and registers the authorization; gives its id. */
export async function authorize(bank: BankClient, given: Record<string, unknown> = {}): Promise<string> {
  const answer = await post(bank, '/v1/authorizations', await letter(bank, given))
  if (answer.status !== 201) throw new Error(`no authorization: ${answer.status} ${answer.body.toString()}`)
  return String(answer.json()['id'])
}

export async function letter(bank: BankClient, given: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const [scan] = sampleCase().materials
  if (scan === undefined) throw new Error('the sample has no material')
  const uploaded = await bank.uploadMaterial(scan)
  const dayFromNow = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  return {
    authorizer: OWNER,
    certificateNumber: FLAT.certificateNumber,
    purpose: 'mortgage-registration',
    level: 'detail',
    validFrom: dayFromNow(-30),
    validTo: dayFromNow(30),
    evidence: { materialId: String(uploaded.json()['id']), kind: 'paper-scan', signedAt: '2026-01-01T09:00:00+08:00' },
    ...given,
  }
}

export const question = (authorizationId: string | null, given: Record<string, unknown> = {}) => ({
  level: 'flags',
  certificateNumber: FLAT.certificateNumber,
  holder: OWNER,
  purpose: 'mortgage-registration',
  ...(authorizationId === null ? {} : { authorizationId }),
  ...given,
})
