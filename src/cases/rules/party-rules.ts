import type { Fault } from '../../base/problem.ts'
import type { Application, Party } from '../application.ts'
import type { PlacedPart } from '../normalise.ts'
import { ruleFault } from './faults.ts'
import { idNumberFault } from './identifiers.ts'
import type { RuleCheck } from './rule-context.ts'
import { isShare, sumsToOne } from './shares.ts'

interface PlacedParty {
  pointer: string
  party: Party
}

const roles = new Set(['mortgagee', 'mortgagor', 'debtor'])
const organisationIds = new Set(['organisation-code', 'business-licence', 'social-credit-code'])

/** Faults of the parties of one part: who they are, how they own, who acts for them. */
export function partyFaults(placed: PlacedPart, application: Application, check: RuleCheck): Fault[] {
  const parties = placed.part.parties.map((party, index) => ({ pointer: `${placed.pointer}/parties/${index}`, party }))
  const inRole = (role: string): PlacedParty[] => parties.filter(({ party }) => party.role === role)
  return [
    ...parties.flatMap((one) => identityFaults(one, check)),
    ...parties.flatMap((one) => agentFaults(one, application, placed.part.part, check)),
    ...repetitionFaults(parties),
    ...mortgageeFaults(placed, inRole('mortgagee'), check),
    ...ownershipFaults(placed, inRole('mortgagor')),
  ]
}

function identityFaults({ pointer, party }: PlacedParty, check: RuleCheck): Fault[] {
  const faults: Fault[] = []
  if (!roles.has(party.role)) faults.push(ruleFault(`${pointer}/role`, 'role-not-allowed'))
  const isPerson = party.kind === 'person'
  if (party.idType !== 'other' && isPerson === organisationIds.has(party.idType)) {
    faults.push(ruleFault(`${pointer}/idType`, 'id-type-unfit'))
  }
  const fault = idNumberFault(party.idType, party.idNumber, check.today)
  if (fault !== null) faults.push(ruleFault(`${pointer}/idNumber`, fault))
  return faults
}

function agentFaults(one: PlacedParty, application: Application, part: number, check: RuleCheck): Fault[] {
  const { agent } = one.party
  if (agent === undefined) return []
  const pointer = `${one.pointer}/agent`
  const faults: Fault[] = []
  const fault = idNumberFault(agent.idType, agent.idNumber, check.today)
  if (fault !== null) faults.push(ruleFault(`${pointer}/idNumber`, fault))
  const { authorizationMaterialId: letterId } = agent
  if (letterId === undefined) return [...faults, ruleFault(pointer, 'authorization-missing')]
  const letter = application.materials.find(({ id, parts }) => id === letterId && (parts?.includes(part) ?? true))
  if (letter === undefined) faults.push(ruleFault(`${pointer}/authorizationMaterialId`, 'authorization-unknown'))
  else if (letter.kind !== 'letter-of-authority') {
    faults.push(ruleFault(`${pointer}/authorizationMaterialId`, 'authorization-kind'))
  }
  return faults
}

function repetitionFaults(parties: readonly PlacedParty[]): Fault[] {
  const faults: Fault[] = []
  parties.forEach(({ pointer, party }, index) => {
    const earlier = (role: string): boolean =>
      parties.slice(0, index).some((other) => other.party.role === role && isSameParty(other.party, party))
    const anywhere = (role: string): boolean =>
      parties.some((other) => other.party.role === role && isSameParty(other.party, party))
    if (earlier(party.role)) faults.push(ruleFault(pointer, 'party-repeated'))
    if (party.role === 'debtor' && anywhere('mortgagor')) faults.push(ruleFault(pointer, 'debtor-repeats-mortgagor'))
    if (party.role === 'mortgagor' && anywhere('mortgagee')) faults.push(ruleFault(pointer, 'party-on-both-sides'))
  })
  return faults
}

function mortgageeFaults(placed: PlacedPart, mortgagees: readonly PlacedParty[], check: RuleCheck): Fault[] {
  const first = mortgagees[0]
  if (first === undefined) return [ruleFault(`${placed.pointer}/parties`, 'mortgagee-missing')]
  // A syndicate has several mortgagees; the bank that files must be one of them.
  return mortgagees.some(({ party }) => check.bankCodes.has(party.idNumber))
    ? []
    : [ruleFault(`${first.pointer}/idNumber`, 'mortgagee-not-caller')]
}

/** The mortgagors of a part own all its properties together. */
function ownershipFaults(placed: PlacedPart, mortgagors: readonly PlacedParty[]): Fault[] {
  const faults: Fault[] = []
  const first = mortgagors[0]
  if (first === undefined) return [ruleFault(`${placed.pointer}/parties`, 'mortgagor-missing')]
  const kind = first.party.coOwnership
  for (const { pointer, party } of mortgagors) {
    if (party.coOwnership === undefined && mortgagors.length > 1) {
      faults.push(ruleFault(pointer, 'co-ownership-missing'))
    } else if (party.coOwnership !== kind && kind !== undefined) {
      faults.push(ruleFault(`${pointer}/coOwnership`, 'co-ownership-mixed'))
    }
    faults.push(...shareFaults(pointer, party))
  }
  if (kind === 'sole' && mortgagors.length > 1) {
    faults.push(ruleFault(`${first.pointer}/coOwnership`, 'sole-with-others'))
  }
  if (kind === 'joint' && mortgagors.length === 1) faults.push(ruleFault(`${first.pointer}/coOwnership`, 'joint-alone'))
  const shares = mortgagors.map(({ party }) => party.share)
  const allShared = mortgagors.every(
    ({ party }) => party.coOwnership === 'in-shares' && party.share !== undefined && isShare(party.share),
  )
  if (allShared && !sumsToOne(shares as string[])) faults.push(ruleFault(`${first.pointer}/share`, 'shares-not-whole'))
  return faults
}

function shareFaults(pointer: string, party: Party): Fault[] {
  if (party.coOwnership !== 'in-shares') {
    return party.share === undefined ? [] : [ruleFault(`${pointer}/share`, 'share-unexpected')]
  }
  if (party.share === undefined) return [ruleFault(pointer, 'share-missing')]
  return isShare(party.share) ? [] : [ruleFault(`${pointer}/share`, 'share-invalid')]
}

function isSameParty(a: Party, b: Party): boolean {
  return a.idType === b.idType && a.idNumber === b.idNumber
}
