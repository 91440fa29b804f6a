import type { Json } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { MappingError } from './faults.ts'
import type { Contexts, OutwardMapping } from './mapping-set.ts'

/**
 * The bytes of a message and the mapping that made them, name and version.
 * @throws {Problem} `message-unwritable`: the document cannot be written in the peer's form, now or later.
 */
export function renderMessage(
  mapping: OutwardMapping,
  source: unknown,
  contexts: Contexts,
): { bytes: Buffer; mapping: string } {
  try {
    return { bytes: mapping.render(source as Json, contexts), mapping: `${mapping.name}@${mapping.version}` }
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    // Places and kinds of fault only: values never leave the document.
    const faults = error.places.map(({ path, code, detail, detailEn }) => ({ pointer: path, code, detail, detailEn }))
    throw new Problem(
      'message-unwritable',
      {
        zh: `报文无法生成：${faults[0]?.detail ?? ''}`,
        en: `the message cannot be written: ${faults[0]?.detailEn ?? ''}`,
      },
      { faults, cause: error },
    )
  }
}
