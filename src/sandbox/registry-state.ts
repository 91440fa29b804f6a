import type { JsonObject } from '../base/json.ts'
import { type FeeRule, type FeeState, feeState } from './registry-answers.ts'
import { certificatesOf, type RegistryCase, steps, type Withdrawal } from './registry-case.ts'
import { openRound } from './registry-correction.ts'
import type { Property } from './registry-property.ts'
import type { DecidedCall, HeldMaterial, RegistryStore } from './registry-store.ts'

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
    /** The rounds of correction in their order. */
    corrections: { round: number; items: number; isAnswered: boolean }[]
    withdrawals: Withdrawal['decision'][]
    /**
     * Its MATERIAL, SUBMIT, CORRECT and WITHDRAW calls in the order in which they were decided, whatever was lost of the
     * answers: more than one `0000` of a kind, round or name means that a message was sent once more.
     */
    received: Pick<DecidedCall, 'type' | 'bizMsgId' | 'about' | 'code'>[]
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
  /** QUERY calls that were decided; what was asked for is not kept. */
  queries: { bizMsgId: string; authorization: string; code: string }[]
  register: Property[]
  /** Calls by kind, and faults by `fault kind`. */
  calls: Record<string, number>
  faults: Record<string, number>
}

export function registryState(store: RegistryStore, rule: FeeRule): JsonObject {
  const byNumber = new Map<string, RegistryCase[]>()
  const callsOf = new Map<string, DecidedCall[]>()
  const push = <Item>(map: Map<string, Item[]>, key: string, item: Item): void => {
    const known = map.get(key)
    if (known === undefined) map.set(key, [item])
    else known.push(item)
  }
  for (const filed of store.cases) push(byNumber, filed.businessNumber, filed)
  for (const call of store.calls) push(callsOf, call.type === 'QUERY' ? 'QUERY' : call.businessNumber, call)
  const state: Omit<RegistryState, 'calls' | 'faults'> = {
    submitsTaken: store.submits.length,
    cases: [...byNumber].map(([businessNumber, filed]) => {
      const first = filed[0] as RegistryCase
      return {
        businessNumber,
        effects: filed.length,
        slbh: filed.map((one) => one.slbh),
        state: stateOf(first),
        fee: feeState(first, rule),
        corrections: first.corrections.map(({ round, items, answeredAt }) => ({
          round,
          items: items.length,
          isAnswered: answeredAt !== undefined,
        })),
        withdrawals: first.withdrawals.map(({ decision }) => decision),
        received: (callsOf.get(businessNumber) ?? []).map(({ type, bizMsgId, about, code }) => ({
          type,
          bizMsgId,
          about,
          code,
        })),
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
    materials: [...store.materials.values()],
    queries: (callsOf.get('QUERY') ?? []).map(({ bizMsgId, about, code }) => ({
      bizMsgId,
      authorization: about,
      code,
    })),
    register: [...store.properties.values()],
  }
  return state as unknown as JsonObject
}

function stateOf(filed: RegistryCase): string {
  if (filed.ended !== undefined) return filed.ended.how
  if (openRound(filed) !== undefined) return 'correction-requested'
  return steps.findLast((step) => filed.reached[step] !== undefined) ?? 'received'
}
