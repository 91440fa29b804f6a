import { type PersonId, sameNumber } from '../access/authorizations.ts'
import { maskedAddress, maskedIdNumber, maskedName, maskedPhone } from '../access/masking.ts'
import type { FieldRule, FieldRules, QueryLevel, ScopedField } from '../access/scope.ts'
import type { Findings } from './findings.ts'

/** What is disclosed of findings, and to whom. */
export interface DisclosureRule {
  level: QueryLevel
  fields: FieldRules
  /** Who must be among the holders; null where no authorization is needed. */
  authorizer: PersonId | null
  /** Whether a property in this area (six digits) may be told of. */
  isAreaGranted: (area: string) => boolean
  /** Codes of the bank and its branches: of a mortgage of theirs they see the amounts, of others' never. */
  bankCodes: ReadonlySet<string>
  /** The proof that was asked about, if one was: of no other is the number told with the property. */
  askedProof: string | null
}

/** One shape whether or not something was found: every member is always there. */
interface QueryPage {
  code: 'match' | 'no-match'
  property: {
    certificateNumber: string | null
    proofNumber: string | null
    unitNumber: string
    location: string | null
    area: string | null
    useCode: string | null
  } | null
  flags: { [Flag in 'mortgaged' | 'seized' | 'objected' | 'noticed' | 'coOwned']: boolean | null } | null
  holders: {
    name: string | null
    idType: string | null
    idNumber: string | null
    phone: string | null
    address: string | null
    share: string | null
    coOwnership: string | null
  }[]
  ownership: { registeredAt: string | null; reason: string | null; structure: string | null } | null
  mortgages: {
    proofNumber: string | null
    kind: string | null
    registeredAt: string | null
    rank: number | null
    transferRestricted: boolean | null
    own: boolean
    securedAmount: string | null
    maximumAmount: string | null
    mortgagees: { name: string; idNumber: string | null }[]
    mortgagorNames: string[]
  }[]
}

export interface Disclosure {
  page: QueryPage
  /** Why it is a match or none; for the trace only, the bank is told no more than `code`. */
  why: 'match' | 'nothing-found' | 'authorizer-not-holder' | 'area-not-granted'
  /** Every field that leaves, as `holders.name`, with `:masked` where it is. */
  fields: string[]
  /** Unit, certificate and id numbers that are told of, in full: for the trace's look-up. */
  subjects: string[]
}

const NOTHING: QueryPage = {
  code: 'no-match',
  property: null,
  flags: null,
  holders: [],
  ownership: null,
  mortgages: [],
}

/** What may leave of what the registry said. Pure. */
export function disclose(findings: Findings, rule: DisclosureRule): Disclosure {
  const none = (why: Disclosure['why']): Disclosure => ({ page: NOTHING, why, fields: ['code'], subjects: [] })
  const { property } = findings
  if (!findings.matched || property === undefined) return none('nothing-found')
  if (!rule.isAreaGranted(property.unitNumber.slice(0, 6))) return none('area-not-granted')
  const owners = findings.holders
  const { authorizer } = rule
  if (authorizer !== null && !owners.some((owner) => isSamePerson(owner, authorizer)))
    return none('authorizer-not-holder')

  const ruled = (field: ScopedField, value: string | undefined): string | null =>
    value === undefined ? null : byRule(field, rule.fields[field], value)
  const free = freeText(findings, rule.fields)
  const proofNumber =
    property.proofNumber !== undefined && rule.askedProof !== null && sameNumber(rule.askedProof, property.proofNumber)
      ? property.proofNumber
      : null
  const isDetail = rule.level === 'detail'
  const ownership = ownershipOf(findings, property.unitNumber)
  const page: QueryPage = {
    code: 'match',
    property: {
      certificateNumber: property.certificateNumber ?? null,
      proofNumber,
      unitNumber: property.unitNumber,
      location: ruled('address', property.location),
      area: property.area ?? null,
      useCode: property.useCode ?? null,
    },
    flags: flagsOf(findings),
    holders: owners
      .map((owner) => {
        const idNumber = ruled('idNumber', owner.idNumber)
        return {
          name: ruled('name', owner.name),
          idType: idNumber === null ? null : (owner.idType ?? null),
          idNumber,
          phone: ruled('phone', owner.phone),
          address: ruled('address', owner.address),
          share: free(owner.share),
          coOwnership: owner.coOwnership ?? null,
        }
      })
      // A holder of whom no field is granted is not told of at all.
      .filter(({ name, idNumber, phone, address }) => [name, idNumber, phone, address].some((value) => value !== null)),
    ownership:
      isDetail && ownership !== undefined
        ? {
            registeredAt: ownership.registeredAt ?? null,
            reason: free(ownership.reason),
            structure: ownership.structure ?? null,
          }
        : null,
    mortgages: isDetail
      ? findings.mortgages.filter(isCurrent).map((mortgage) => mortgageOf(mortgage, rule, ruled))
      : [],
  }
  const isNamed = page.holders.length > 0
  return {
    page,
    why: 'match',
    fields: fieldsOf(page, rule.fields),
    subjects: [
      property.unitNumber,
      ...[property.certificateNumber ?? null, proofNumber].filter((one) => one !== null),
      ...(isNamed ? owners.flatMap(({ idNumber }) => (idNumber === undefined ? [] : [idNumber])) : []),
    ],
  }
}

/** A right that was cancelled or passed on is no longer told of; where the registry says nothing, it stands. */
function isCurrent({ rightStatus }: { rightStatus?: string }): boolean {
  return rightStatus === undefined || rightStatus === 'current'
}

/** The ownership of this very unit, if it stands. */
function ownershipOf({ ownership }: Findings, unitNumber: string): Findings['ownership'] {
  if (ownership === undefined || !isCurrent(ownership)) return undefined
  return ownership.unitNumber === undefined || ownership.unitNumber === unitNumber ? ownership : undefined
}

function flagsOf({ flags }: Findings): QueryPage['flags'] {
  if (flags === undefined) return null
  const { mortgaged = null, seized = null, objected = null, noticed = null, coOwned = null } = flags
  return { mortgaged, seized, objected, noticed, coOwned }
}

/**
 * Of another's mortgage only that it is there: no amount, no mortgagee, no number by which it could be asked about. Of
 * several mortgagees a bank is told itself.
 */
function mortgageOf(
  mortgage: Findings['mortgages'][number],
  { bankCodes }: DisclosureRule,
  ruled: (field: ScopedField, value: string | undefined) => string | null,
): QueryPage['mortgages'][number] {
  const mortgagees = mortgage.mortgagees.filter(({ idNumber }) => idNumber !== undefined && bankCodes.has(idNumber))
  const own = mortgagees.length > 0
  return {
    proofNumber: own ? (mortgage.proofNumber ?? null) : null,
    kind: mortgage.kind ?? null,
    registeredAt: mortgage.registeredAt ?? null,
    rank: mortgage.rank ?? null,
    transferRestricted: mortgage.transferRestricted ?? null,
    own,
    securedAmount: own ? (mortgage.securedAmount ?? null) : null,
    maximumAmount: own ? (mortgage.maximumAmount ?? null) : null,
    mortgagees: mortgagees.map(({ name, idNumber }) => ({ name, idNumber: idNumber ?? null })),
    mortgagorNames: (mortgage.mortgagorNames ?? []).flatMap((name) => ruled('name', name) ?? []),
  }
}

/**
 * What officers write in words of their own may hold anything, `继承自某某` say: with a value in it that is not to be
 * shown as it is, none of it is told.
 */
function freeText(findings: Findings, rules: FieldRules): (text: string | undefined) => string | null {
  const { property, holders, ownership, mortgages } = findings
  const values: Record<ScopedField, (string | undefined)[]> = {
    name: [...holders.map(({ name }) => name), ...mortgages.flatMap(({ mortgagorNames }) => mortgagorNames ?? [])],
    idNumber: holders.map(({ idNumber }) => idNumber),
    phone: holders.map(({ phone }) => phone),
    address: [property?.location, ownership?.location, ...holders.map(({ address }) => address)],
  }
  const covered = Object.entries(values).flatMap(([field, all]) =>
    rules[field as ScopedField] === 'show' ? [] : all.filter((value) => value !== undefined),
  )
  return (text) => (text === undefined || covered.some((value) => text.includes(value)) ? null : text)
}

function byRule(field: ScopedField, rule: FieldRule, value: string): string | null {
  if (rule === 'hide') return null
  if (rule === 'show') return value
  switch (field) {
    case 'name':
      return maskedName(value)
    case 'idNumber':
      return maskedIdNumber(value)
    case 'phone':
      return maskedPhone(value)
    case 'address':
      return maskedAddress(value)
    default:
      return field satisfies never
  }
}

/** Name, kind and number must all agree; an X at the end of a number is written either way. */
function isSamePerson(owner: { name: string; idType?: string; idNumber?: string }, person: PersonId): boolean {
  return (
    owner.name === person.name &&
    owner.idType === person.idType &&
    owner.idNumber?.toUpperCase() === person.idNumber.toUpperCase()
  )
}

/** Which scoped field rules which members of a page. */
const RULED: { readonly [path: string]: ScopedField } = {
  'property.location': 'address',
  'holders.name': 'name',
  'holders.idNumber': 'idNumber',
  'holders.phone': 'phone',
  'holders.address': 'address',
  'mortgages.mortgagorNames': 'name',
}

function fieldsOf(page: QueryPage, rules: FieldRules): string[] {
  const found = new Set<string>()
  const walk = (value: unknown, path: string): void => {
    if (value === null || value === undefined) return
    if (Array.isArray(value)) for (const one of value) walk(one, path)
    else if (typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) walk(inner, path === '' ? name : `${path}.${name}`)
    } else {
      const field = RULED[path]
      found.add(field !== undefined && rules[field] === 'mask' ? `${path}:masked` : path)
    }
  }
  walk(page, '')
  return [...found].sort()
}

/** Whether the property that was found is the one that was asked about: an answer about another is none. */
export function isAskedProperty(
  findings: Findings,
  asked: { certificateNumber?: string; proofNumber?: string },
): boolean {
  const { property } = findings
  if (property === undefined) return true
  if (asked.certificateNumber !== undefined) return sameNumber(asked.certificateNumber, property.certificateNumber)
  const proof = asked.proofNumber
  if (proof === undefined) return false
  const told = [property.proofNumber, ...findings.mortgages.map(({ proofNumber }) => proofNumber)]
  const known = told.filter((number) => number !== undefined)
  // Flags alone may name no proof at all.
  return known.length === 0 || known.some((number) => sameNumber(proof, number))
}
