import { randomInt } from 'node:crypto'
import { newId } from '../base/id.ts'
import { type SampleMaterial, sampleMaterials } from './sample-materials.ts'
import { sampleMortgageFirst } from './sample-mortgage-first.ts'

type Mutable<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends readonly (infer Item)[]
        ? Mutable<Item>[]
        : { -readonly [Key in keyof T]: Mutable<T[Key]> }

/** The body of POST /v1/applications of the sample. */
export type SampleApplication = Omit<Mutable<typeof sampleMortgageFirst>, 'authorizationIds'> & {
  authorizationIds?: string[]
}

export interface SampleCase {
  application: SampleApplication
  /** In the order of `application.materials`. */
  materials: SampleMaterial[]
}

export interface SampleCaseOptions {
  /** Default: the date of today and a random number, in the form that the sample bank uses. */
  bankReference?: string
  /** Other units, certificates, amounts and contract numbers in every case, so that many may run side by side. */
  vary?: boolean
  /** The operator's id in place of the sample's. */
  operator?: string
  /** Authorizations that the gateway knows; the sample's own is none of them. */
  authorizationIds?: string[]
}

/** The sample application with a fresh reference and material ids, and its nine materials as generated PDFs. */
export function sampleCase(options: SampleCaseOptions = {}): SampleCase {
  const text = JSON.stringify(sampleMortgageFirst)
  const application = JSON.parse(options.vary === true ? varied(text) : text) as SampleApplication
  const [year, month, day] = new Date().toISOString().slice(0, 10).split('-')
  application.bankReference = options.bankReference ?? `ED-${year}-${month}${day}-${digits(8)}`
  delete application.authorizationIds
  if (options.authorizationIds !== undefined) application.authorizationIds = options.authorizationIds
  if (options.operator !== undefined) {
    application.operator.id = options.operator
    for (const material of application.materials) material.checkedBy = options.operator
  }
  const fresh = new Map(application.materials.map((material) => [material.name, newId()]))
  return {
    application: withMaterialIds(application, fresh),
    materials: sampleMaterials(application.materials),
  }
}

/**
 * The application with the ids that the gateway gave to its materials, by material name.
 * @throws {Error} when a material has none.
 */
export function withMaterialIds(application: SampleApplication, ids: ReadonlyMap<string, string>): SampleApplication {
  const copy = structuredClone(application)
  const renamed = new Map<string, string>()
  for (const material of copy.materials) {
    const id = ids.get(material.name)
    if (id === undefined) throw new Error('a material of the sample has no id')
    renamed.set(material.id, id)
    material.id = id
  }
  for (const party of copy.parties) {
    if (!('agent' in party)) continue
    const id = renamed.get(party.agent.authorizationMaterialId)
    if (id !== undefined) party.agent.authorizationMaterialId = id
  }
  return copy
}

/** Replaces numbers in the whole text at once, so that a certificate's number changes in its material's name too. */
function varied(text: string): string {
  const building = digits(4)
  const [first, second] = neighbours()
  const [oneProof, otherProof] = neighbours()
  const [oneCase, otherCase] = neighbours()
  const contract = digits(6)
  const replacements: [string, string][] = [
    ['F00120031', `F${building}${first}`],
    ['F00120032', `F${building}${second}`],
    ['0003112号', `0${oneProof}11号`],
    ['0003113号', `0${otherProof}11号`],
    ['201903120045', `20190312${oneCase}`],
    ['201903120046', `20190312${otherCase}`],
    ['2026-0317', `2026-${contract}`],
    ['1286543.21', `${randomInt(300_000, 9_000_000)}.${digits(2)}`],
  ]
  return replacements.reduce((changed, [from, to]) => changed.replaceAll(from, to), text)
}

const digits = (count: number): string => String(randomInt(10 ** count)).padStart(count, '0')

/** Two different numbers of four digits. */
function neighbours(): [string, string] {
  const number = randomInt(1, 9998)
  return [String(number).padStart(4, '0'), String(number + 1).padStart(4, '0')]
}
