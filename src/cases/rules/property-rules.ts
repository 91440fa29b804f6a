import { compareDecimal, isDecimal } from '../../base/money.ts'
import type { Fault } from '../../base/problem.ts'
import type { Property } from '../application.ts'
import type { PlacedPart } from '../normalise.ts'
import { ruleFault } from './faults.ts'
import { isUnitNumber, parseCertificateNumber } from './identifiers.ts'
import { amountFaults } from './mortgage-rules.ts'
import type { RuleCheck } from './rule-context.ts'

const firstUnifiedYear = 2015

/** Faults of the properties of one part: which kinds may be mortgaged here, under which certificates. */
export function propertyFaults(placed: PlacedPart, check: RuleCheck): Fault[] {
  const { properties } = placed.part
  if (properties.length === 0) return [ruleFault(`${placed.pointer}/properties`, 'property-missing')]
  const seen = new Set<string>()
  return properties.flatMap((property, index) => {
    const pointer = `${placed.pointer}/properties/${index}`
    const faults = [
      ...kindFaults(pointer, property),
      ...certificateFaults(pointer, property, check),
      ...amountFaults(`${pointer}/assessedValue`, property.assessedValue),
    ]
    if (seen.has(property.unitNumber)) faults.push(ruleFault(`${pointer}/unitNumber`, 'unit-repeated'))
    seen.add(property.unitNumber)
    const { area } = property
    if (area !== undefined && (!isDecimal(area) || compareDecimal(area, '0') <= 0)) {
      faults.push(ruleFault(`${pointer}/area`, 'area-invalid'))
    }
    return faults
  })
}

function kindFaults(pointer: string, { unitNumber, kind }: Property): Fault[] {
  if (!isUnitNumber(unitNumber)) return [ruleFault(`${pointer}/unitNumber`, 'unit-number-invalid')]
  // The 20th character tells what stands on the land: W nothing, F a building, L trees, Q something else.
  const fixture = unitNumber[19]
  if (kind === 'land-and-construction') return [ruleFault(`${pointer}/kind`, 'construction-refused')]
  if (kind === 'land') return [ruleFault(`${pointer}/kind`, 'land-only-refused')]
  if (fixture === 'W') return [ruleFault(`${pointer}/unitNumber`, 'land-only-refused')]
  if (kind !== 'land-and-building') return [ruleFault(`${pointer}/kind`, 'property-kind-refused')]
  return fixture === 'L' ? [ruleFault(`${pointer}/kind`, 'unit-kind-differs')] : []
}

function certificateFaults(pointer: string, property: Property, check: RuleCheck): Fault[] {
  if (property.certificateNumber === undefined) return [ruleFault(pointer, 'certificate-missing')]
  const at = `${pointer}/certificateNumber`
  const number = parseCertificateNumber(property.certificateNumber)
  if (number === null) return [ruleFault(at, 'certificate-not-unified')]
  if (number.kind === '不动产证明') return [ruleFault(at, 'certificate-not-title')]
  const thisYear = Number(check.today.slice(0, 4))
  return number.year < firstUnifiedYear || number.year > thisYear ? [ruleFault(at, 'certificate-year-invalid')] : []
}
