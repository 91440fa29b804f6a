import type {
  Application,
  FiledMaterial,
  FiledPart,
  NormalisedCase,
  NormalisedMaterial,
  NormalisedPart,
  StoredFile,
} from './application.ts'

/** A part and where it stands in the body as sent: `` when the body is flat, else `/parts/0` and so on. */
export interface PlacedPart {
  pointer: string
  part: FiledPart
}

/** The parts of an application, each with the JSON pointer that its members hang under. */
export function filedParts(application: Application): PlacedPart[] {
  if (application.parts !== undefined) {
    return application.parts.map((part, index) => ({ pointer: `/parts/${index}`, part }))
  }
  const { businessType, reason, remarks, parties, properties, mortgage, notice } = application
  const part: FiledPart = {
    part: 1,
    businessType,
    ...(reason === undefined ? {} : { reason }),
    ...(remarks === undefined ? {} : { remarks }),
    parties: parties ?? [],
    properties: properties ?? [],
    ...(mortgage === undefined ? {} : { mortgage }),
    ...(notice === undefined ? {} : { notice }),
  }
  return [{ pointer: '', part }]
}

/** Division codes (6 digits) of the units applied for, each once, in the order sent. */
export function areaCodes(application: Application): string[] {
  const units = filedParts(application).flatMap(({ part }) => part.properties)
  return [...new Set(units.map((property) => property.unitNumber.slice(0, 6)))]
}

/** The number of a part that goes outward until the registry has given its own: exactly 20 characters. */
export function provisionalNumber(businessNumber: string, part: number): string {
  return `${businessNumber}${String(part).padStart(2, '0')}`
}

/** What the document needs from beside the application. */
export interface NormaliseSources {
  /** Null when no such file is stored; the rules have refused that before. */
  file(materialId: string): StoredFile | null
  /** Name of an operator of the bank, null when there is none of that id. */
  operatorName(operatorId: string): string | null
}

const extensions: { [mediaType: string]: string } = {
  'application/pdf': '.pdf',
  'application/ofd': '.ofd',
  'image/jpeg': '.jpg',
  'image/png': '.png',
}

/**
 * The document that is kept and mapped from: always `parts[]`, under each the materials that belong to it. What the
 * bank wrote is not touched.
 * @throws {Error} for a material or operator that is not there.
 */
export function normalise(application: Application, businessNumber: string, sources: NormaliseSources): NormalisedCase {
  const seen = new Map<string, number>()
  const parts = filedParts(application).map(({ part: { part: number, businessType, ...content } }): NormalisedPart => {
    const materials = application.materials.filter((material) => material.parts?.includes(number) ?? true)
    return {
      number,
      ...(businessType === application.businessType ? {} : { businessType }),
      registryNumber: provisionalNumber(businessNumber, number),
      ...content,
      materials: materials.map((material) => normaliseMaterial(material, seen, sources)),
    }
  })
  const { bankReference, businessType, appliedAt, operator } = application
  const { contact, authorizationIds, declarations, delivery, fee } = application
  return {
    bankReference,
    businessType,
    appliedAt,
    operator,
    ...(contact === undefined ? {} : { contact }),
    ...(authorizationIds === undefined ? {} : { authorizationIds }),
    ...(declarations === undefined ? {} : { declarations }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(fee === undefined ? {} : { fee }),
    parts,
  }
}

function normaliseMaterial(
  filed: FiledMaterial,
  seen: Map<string, number>,
  sources: NormaliseSources,
): NormalisedMaterial {
  const earlier = seen.get(filed.id)
  const sequence = earlier ?? seen.size + 1
  seen.set(filed.id, sequence)
  return storedMaterial(filed, sequence, earlier !== undefined, sources)
}

/**
 * A material as it is kept and sent, under its place in the order of the case's files.
 * @throws {Error} for a file or a checker that is not there.
 */
export function storedMaterial(
  filed: FiledMaterial,
  sequence: number,
  isRepeated: boolean,
  sources: NormaliseSources,
): NormalisedMaterial {
  const { parts: _, ...material } = filed
  const file = sources.file(material.id)
  const checkedByName = material.checkedBy === undefined ? undefined : sources.operatorName(material.checkedBy)
  if (file === null) throw new Error('a material of the application is not stored')
  if (checkedByName === null) throw new Error('the checker of a material is no operator')
  return {
    sequence,
    ...(isRepeated ? { repeated: true as const } : {}),
    ...material,
    ...(checkedByName === undefined ? {} : { checkedByName }),
    fileName: `${material.name}${extensions[file.mediaType] ?? ''}`,
    mediaType: file.mediaType,
    sizeBytes: file.sizeBytes,
    digest: file.digest,
  }
}
