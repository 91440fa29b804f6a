import type { Fault } from '../../base/problem.ts'
import type { Application, FiledMaterial, NormalisedCase } from '../application.ts'
import type { PlacedPart } from '../normalise.ts'
import { ruleFault } from './faults.ts'
import { isSameName } from './names.ts'
import type { RuleCheck } from './rule-context.ts'
import { timeFaults } from './times.ts'

const kindNames: { [kind: string]: { zh: string; en: string } } = {
  'application-form': { zh: '不动产登记申请书', en: 'application-form' },
  'title-certificate': { zh: '该不动产的不动产权证书', en: 'title-certificate of this property' },
  identity: { zh: '该人的身份证明', en: 'identity of this person' },
  'letter-of-authority': { zh: '授权委托书', en: 'letter-of-authority' },
  'mortgage-contract': { zh: '抵押合同', en: 'mortgage-contract' },
  'principal-contract': { zh: '主债权合同', en: 'principal-contract' },
}

/** Faults of the materials: each by itself, and what each part lacks. */
export function materialFaults(application: Application, parts: readonly PlacedPart[], check: RuleCheck): Fault[] {
  const { materials } = application
  return [
    ...materials.flatMap((material, index) => [
      ...checkingFaults(`/materials/${index}`, material, check),
      ...referenceFaults(`/materials/${index}`, material, parts),
    ]),
    ...repetitionFaults(materials, parts),
    ...parts.flatMap((placed) => missingFaults(placed, materialsOf(placed, materials))),
  ]
}

/** Faults of files that come after the filing, each with the pointer to where it stands in the body. */
export function laterMaterialFaults(
  files: readonly { pointer: string; material: FiledMaterial; replaces?: string }[],
  document: NormalisedCase,
  check: RuleCheck,
): Fault[] {
  const known = document.parts.flatMap((part) => part.materials)
  return files.flatMap(({ pointer, material, replaces }, index) => {
    const earlier = files.slice(0, index).map((file) => file.material)
    const faults = checkingFaults(pointer, material, check)
    if ([...known, ...earlier].some(({ id }) => id === material.id)) {
      faults.push(ruleFault(`${pointer}/id`, 'material-repeated'))
    } else if ([...known.filter(({ id }) => id !== replaces), ...earlier].some(({ name }) => name === material.name)) {
      faults.push(ruleFault(`${pointer}/name`, 'material-name-repeated'))
    }
    return faults
  })
}

function checkingFaults(pointer: string, material: FiledMaterial, check: RuleCheck): Fault[] {
  const { id, checkedBy, checkedAt } = material
  const faults: Fault[] = []
  if (!check.isMaterial(id)) faults.push(ruleFault(`${pointer}/id`, 'material-unknown'))
  if (checkedBy === undefined) faults.push(ruleFault(pointer, 'checker-missing'))
  else if (!check.isOperator(checkedBy)) faults.push(ruleFault(`${pointer}/checkedBy`, 'checker-unknown'))
  if (checkedAt === undefined) faults.push(ruleFault(pointer, 'checked-at-missing'))
  else faults.push(...timeFaults(`${pointer}/checkedAt`, checkedAt, check))
  return faults
}

function referenceFaults(pointer: string, material: FiledMaterial, parts: readonly PlacedPart[]): Fault[] {
  const faults: Fault[] = []
  material.parts?.forEach((number, index) => {
    if (!parts.some(({ part }) => part.part === number)) {
      faults.push(ruleFault(`${pointer}/parts/${index}`, 'material-part-unknown'))
    }
  })
  const about = parts.filter((placed) => belongsTo(placed, material))
  const { property, person } = material
  const units = about.flatMap(({ part }) => part.properties.map(({ unitNumber }) => unitNumber))
  if (property !== undefined && !units.includes(property)) {
    faults.push(ruleFault(`${pointer}/property`, 'material-property-unknown'))
  }
  const names = about.flatMap(({ part }) => part.parties.flatMap(({ name, agent }) => [name, agent?.name ?? name]))
  if (person !== undefined && !names.some((name) => isSameName(name, person))) {
    faults.push(ruleFault(`${pointer}/person`, 'material-person-unknown'))
  }
  return faults
}

/** The name of a material links its row and its file at the registry, so it must be one of a kind within a part. */
function repetitionFaults(materials: readonly FiledMaterial[], parts: readonly PlacedPart[]): Fault[] {
  return materials.flatMap((material, index) => {
    const earlier = materials.slice(0, index)
    if (earlier.some(({ id }) => id === material.id)) {
      return [ruleFault(`/materials/${index}/id`, 'material-repeated')]
    }
    const isTaken = parts.some(
      (placed) =>
        belongsTo(placed, material) &&
        earlier.some((other) => other.name === material.name && belongsTo(placed, other)),
    )
    return isTaken ? [ruleFault(`/materials/${index}/name`, 'material-name-repeated')] : []
  })
}

/** What the part lacks, pointing at whom or what the material would be about; all of it at once. */
function missingFaults({ pointer, part }: PlacedPart, materials: readonly FiledMaterial[]): Fault[] {
  const missing = (at: string, kind: string): Fault => ruleFault(at, 'material-missing', kindNames[kind])
  const has = (kind: string, suits: (material: FiledMaterial) => boolean = () => true): boolean =>
    materials.some((material) => material.kind === kind && suits(material))
  const faults: Fault[] = []
  for (const kind of ['application-form', 'mortgage-contract', 'principal-contract']) {
    if (!has(kind)) faults.push(missing('/materials', kind))
  }
  part.properties.forEach(({ unitNumber }, index) => {
    const isCovered = has(
      'title-certificate',
      ({ property }) => property === unitNumber || (property === undefined && part.properties.length === 1),
    )
    if (!isCovered) faults.push(missing(`${pointer}/properties/${index}`, 'title-certificate'))
  })
  part.parties.forEach(({ role, kind, name, agent }, index) => {
    const hasIdentity = (of: string): boolean =>
      has('identity', ({ person }) => person !== undefined && isSameName(person, of))
    const at = `${pointer}/parties/${index}`
    if (role === 'mortgagor' && kind === 'person' && !hasIdentity(name)) faults.push(missing(at, 'identity'))
    if (agent === undefined) return
    if (!hasIdentity(agent.name)) faults.push(missing(`${at}/agent`, 'identity'))
    if (!has('letter-of-authority')) faults.push(missing(`${at}/agent`, 'letter-of-authority'))
  })
  return faults
}

function materialsOf(placed: PlacedPart, materials: readonly FiledMaterial[]): FiledMaterial[] {
  return materials.filter((material) => belongsTo(placed, material))
}

function belongsTo(placed: PlacedPart, material: FiledMaterial): boolean {
  return material.parts?.includes(placed.part.part) ?? true
}
