import { shanghaiDay } from '../../base/clock.ts'
import type { Fault } from '../../base/problem.ts'
import type { Application } from '../application.ts'
import { filedParts, type PlacedPart } from '../normalise.ts'
import { ruleFault } from './faults.ts'
import { materialFaults } from './material-rules.ts'
import { mortgageFaults } from './mortgage-rules.ts'
import { partyFaults } from './party-rules.ts'
import { propertyFaults } from './property-rules.ts'
import type { RuleCheck, RuleContext } from './rule-context.ts'
import { timeFaults } from './times.ts'

/**
 * Every fault of an application for the first registration of mortgages (抵押权首次登记), with pointers into the body
 * as it was sent; empty when the rules are kept. Shape and lengths have been checked by the schema.
 */
export function checkMortgageFirst(application: Application, context: RuleContext): Fault[] {
  const check: RuleCheck = { ...context, today: shanghaiDay(context.now) }
  const parts = filedParts(application)
  return [
    ...headFaults(application, check),
    ...partNumberFaults(parts),
    ...parts.flatMap((placed) => [
      ...partyFaults(placed, application, check),
      ...propertyFaults(placed, check),
      ...mortgageFaults(placed, check),
    ]),
    ...areaFaults(parts),
    ...materialFaults(application, parts, check),
  ]
}

function headFaults(application: Application, check: RuleCheck): Fault[] {
  const faults = timeFaults('/appliedAt', application.appliedAt, check)
  if (application.operator.id !== check.operatorId) faults.push(ruleFault('/operator/id', 'operator-differs'))
  if (application.declarations?.signedVoluntarily === false) {
    faults.push(ruleFault('/declarations/signedVoluntarily', 'not-voluntary'))
  }
  return faults
}

function partNumberFaults(parts: readonly PlacedPart[]): Fault[] {
  return parts
    .filter(({ part }, index) => part.part !== index + 1)
    .map(({ pointer }) => ruleFault(`${pointer}/part`, 'part-number-invalid'))
}

// One filing goes to one registry, which is that of a county.
function areaFaults(parts: readonly PlacedPart[]): Fault[] {
  const units = parts.flatMap(({ pointer, part }) =>
    part.properties.map((property, index) => ({
      pointer: `${pointer}/properties/${index}/unitNumber`,
      area: property.unitNumber.slice(0, 6),
    })),
  )
  return units
    .filter((unit) => unit.area !== units[0]?.area)
    .map((unit) => ruleFault(unit.pointer, 'units-in-several-areas'))
}
