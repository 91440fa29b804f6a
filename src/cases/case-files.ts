import type { NormalisedCase, NormalisedMaterial } from './application.ts'

/** The files of a case in the order in which they are sent, each once, whatever number of parts it serves. */
export function caseFiles(document: NormalisedCase): NormalisedMaterial[] {
  return document.parts
    .flatMap((part) => part.materials)
    .filter((material) => material.repeated !== true)
    .sort((a, b) => a.sequence - b.sequence)
}

/** What a message of files names when they are not all of the case's: those of a correction or a withdrawal. */
export interface FilesSource {
  materials: NormalisedMaterial[]
}

/** The files of a MATERIALS message: those that it names, or all of the case's. */
export function messageFiles(message: { source: Buffer | null }, document: NormalisedCase): NormalisedMaterial[] {
  if (message.source === null) return caseFiles(document)
  return (JSON.parse(message.source.toString()) as FilesSource).materials
}
