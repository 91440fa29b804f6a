import type { NormalisedCase, NormalisedMaterial } from './application.ts'

/** The files of a case in the order in which they are sent, each once, whatever number of parts it serves. */
export function caseFiles(document: NormalisedCase): NormalisedMaterial[] {
  return document.parts
    .flatMap((part) => part.materials)
    .filter((material) => material.repeated !== true)
    .sort((a, b) => a.sequence - b.sequence)
}
