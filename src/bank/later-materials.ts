import type { Caller } from '../access/decide.ts'
import { operatorDetails } from '../access/operator-details.ts'
import type { FiledMaterial, NormalisedMaterial } from '../cases/application.ts'
import { storedMaterial } from '../cases/normalise.ts'
import { readMaterials } from '../materials/store.ts'
import type { BankMeans } from './means.ts'

/** Files that come after the filing: with a correction or a withdrawal. */
export interface LaterMaterials {
  isMaterial(id: string): boolean
  /** As it is kept and sent, under its place in the order of the case's files; the rules have allowed it. */
  stored(material: FiledMaterial, sequence: number): NormalisedMaterial
}

export async function laterMaterials(
  ids: readonly string[],
  { account }: Caller,
  means: BankMeans,
): Promise<LaterMaterials> {
  const known = await readMaterials(means.pool, account.bank.id, ids, means.sealer)
  const snapshot = means.directory.current()
  const sources = {
    file: (id: string) => {
      const material = known.get(id)
      if (material === undefined) return null
      const { mediaType, sizeBytes, sm3 } = material
      return { mediaType, sizeBytes, digest: { algorithm: 'sm3', value: sm3 } }
    },
    operatorName: (code: string) => {
      const checker = snapshot.operator(account.bank.id, code)
      return checker === undefined ? null : operatorDetails(checker, means.sealer).name
    },
  }
  return {
    isMaterial: (id) => known.has(id),
    stored: (material, sequence) => storedMaterial(material, sequence, false, sources),
  }
}
