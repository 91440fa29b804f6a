import type { JsonObject } from '../base/json.ts'
import { type FeeRule, type FeeState, feeState } from './registry-answers.ts'
import { certificatesOf, type RegistryCase, steps } from './registry-case.ts'
import type { HeldMaterial } from './registry-store.ts'

/** What the registry tells of itself at `/_control/state`, for tests and demonstrations to measure. */
export interface RegistryState {
  /** SUBMITs that were taken; more than there are business numbers means that one was filed twice. */
  submitsTaken: number
  cases: {
    businessNumber: string
    /** How many cases there are under this number: anything but 1 is harm. */
    effects: number
    slbh: string[]
    /** Of the first case: the last station, or its end. */
    state: string
    fee: FeeState
    certificates: {
      number: string
      unitNumber: string
      path: string
      sizeBytes: number
      sm3: string
      sha256: string
    }[]
  }[]
  materials: HeldMaterial[]
  /** Calls by kind, and faults by `fault kind`. */
  calls: Record<string, number>
  faults: Record<string, number>
}

export function registryState(
  cases: readonly RegistryCase[],
  rule: FeeRule,
  materials: readonly HeldMaterial[],
  submitsTaken: number,
): JsonObject {
  const byNumber = new Map<string, RegistryCase[]>()
  for (const filed of cases) byNumber.set(filed.businessNumber, [...(byNumber.get(filed.businessNumber) ?? []), filed])
  const state: Omit<RegistryState, 'calls' | 'faults'> = {
    submitsTaken,
    cases: [...byNumber].map(([businessNumber, filed]) => {
      const first = filed[0] as RegistryCase
      return {
        businessNumber,
        effects: filed.length,
        slbh: filed.map((one) => one.slbh),
        state: stateOf(first),
        fee: feeState(first, rule),
        certificates: certificatesOf(first).map(({ number, unitNumber, path, bytes, sm3, sha256 }) => ({
          number,
          unitNumber,
          path,
          sizeBytes: bytes.length,
          sm3,
          sha256,
        })),
      }
    }),
    materials: [...materials],
  }
  return state as unknown as JsonObject
}

function stateOf(filed: RegistryCase): string {
  if (filed.ended !== undefined) return filed.ended.how
  if (filed.correction !== undefined && filed.correction.answeredAt === undefined) return 'correction-requested'
  return steps.findLast((step) => filed.reached[step] !== undefined) ?? 'received'
}
