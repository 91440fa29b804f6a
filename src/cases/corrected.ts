import type { NormalisedMaterial, NormalisedPart } from './application.ts'

/** One changed member, by its pointer into the application as the registry's items name it. */
export interface CorrectedChange {
  path: string
  /** What the field is called, in Chinese. */
  label: string
  value: unknown
  /** The registry's field, where the item named it. */
  field?: string
}

export interface CorrectedItem {
  part: number
  number: number
  answer: string
  material?: Pick<NormalisedMaterial, 'id' | 'name' | 'fileName' | 'sequence'> & {
    replaces?: string
    replacedName?: string
  }
  changes: CorrectedChange[]
}

/** What the registry and the platform are told of a correction: `canonical/corrected`. */
export interface CorrectedSource {
  round: number
  answeredAt: string
  /** Only the properties that changed and the files that are new. */
  parts: NormalisedPart[]
  items: CorrectedItem[]
}
