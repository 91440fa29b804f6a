import { updateSet } from '../db/row-set.ts'
import { type AdministrationMeans, changeAccess } from './administration.ts'
import { closed, GivenFaults, notFound } from './administration-checks.ts'

/** What of an account is to be changed; what is left out stays. */
export interface NewGrants {
  /** The bank's 统一社会信用代码. */
  bank: string
  /** The account's name. */
  name: string
  businessTypes?: readonly string[]
  /** Six-digit division codes. */
  areas?: readonly string[]
  validFrom?: string
  validTo?: string
}

const grantRows = updateSet<{
  id: string
  business_types: string
  areas: string
  valid_from: string
  valid_to: string
}>(
  'account',
  42,
  'id',
  { id: 'uuid', business_types: 'text[]', areas: 'text[]', valid_from: 'date', valid_to: 'date' },
  'account grants',
)

/**
 * Changes what an account may do and until when; holds for the next request on every node.
 * @throws {Problem} administration-invalid, -not-found, -closed.
 */
export async function changeGrants(given: NewGrants, means: AdministrationMeans): Promise<{ changed: boolean }> {
  const faults = new GivenFaults()
  if (given.businessTypes !== undefined) faults.businessTypes('businessTypes', given.businessTypes)
  if (given.areas !== undefined) faults.areas('areas', given.areas)
  const [from, to] = [given.validFrom, given.validTo]
  if (from !== undefined || to !== undefined)
    faults.period('validFrom', from ?? '0001-01-01', 'validTo', to ?? '9999-12-31')
  faults.refuse()
  const found = {
    text: `select a.id, a.state, a.business_types, a.areas, a.valid_from::text, a.valid_to::text
             from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2`,
    values: [given.bank, given.name],
  }
  return changeAccess<'accounts', { changed: boolean }>({ accounts: found }, means, ({ accounts }, rows) => {
    const account = accounts[0]
    if (account === undefined) {
      throw notFound(`该银行没有名为“${given.name}”的账号`, `the bank has no account "${given.name}"`)
    }
    if (account['state'] === 'closed') throw closed('该账号已注销', 'the account is closed')
    const before = {
      businessTypes: account['business_types'] as string[],
      areas: account['areas'] as string[],
      validFrom: String(account['valid_from']),
      validTo: String(account['valid_to']),
    }
    const after = {
      businessTypes: [...new Set(given.businessTypes ?? before.businessTypes)],
      areas: [...new Set(given.areas ?? before.areas)],
      validFrom: from ?? before.validFrom,
      validTo: to ?? before.validTo,
    }
    refuseReversed(after)
    if (JSON.stringify(after) === JSON.stringify(before)) return { result: { changed: false }, told: null }
    const id = String(account['id'])
    rows.add(grantRows, {
      id,
      // Words and digits only, as checked: nothing in them needs quotes.
      business_types: `{${after.businessTypes.join(',')}}`,
      areas: `{${after.areas.join(',')}}`,
      valid_from: after.validFrom,
      valid_to: after.validTo,
    })
    return { result: { changed: true }, told: { what: 'account-changed', facts: { accountId: id, ...after } } }
  })
}

function refuseReversed({ validFrom, validTo }: { validFrom: string; validTo: string }): void {
  const faults = new GivenFaults()
  faults.period('validFrom', validFrom, 'validTo', validTo)
  faults.refuse()
}
