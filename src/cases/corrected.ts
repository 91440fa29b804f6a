import type { Application, NormalisedMaterial, NormalisedPart, Property } from './application.ts'

/** One changed member, by its pointer into the application, with its new value as text. */
export interface CorrectedChange {
  path: string
  /** What the member is called, in Chinese. */
  label: string
  value: string
  /** How the platform's forms call it, where they have it. */
  field?: string
  formId?: string
}

export interface CorrectedItem {
  part: number
  number: number
  answer: string
  /** `sequence` is the place that the platform codes it by: of a replacement, that of what it replaces. */
  material?: Pick<NormalisedMaterial, 'id' | 'name' | 'fileName' | 'sequence'> & {
    replaces?: string
    replacedName?: string
  }
  changes: CorrectedChange[]
}

export interface CorrectedPart extends Omit<NormalisedPart, 'businessType' | 'notice' | 'properties'> {
  /** Those that changed, whole; all where the right or its parties did. `number` is the place in the part, from 1. */
  properties: (Property & { number: number })[]
  /** What changed beside units and right. */
  changed?: { mortgagees?: true; applicants?: true; debtors?: true; contact?: true }
}

/** What the registry and the platform are told of a correction: `canonical/corrected`. */
export interface CorrectedSource {
  round: number
  answeredAt: string
  /** Of the application. */
  appliedAt: string
  contact?: Application['contact']
  /** With only the files that are new. */
  parts: CorrectedPart[]
  items: CorrectedItem[]
}
