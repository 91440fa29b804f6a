import { certificateState } from './facets/certificate.ts'
import { type CaseState, caseStateName, type PartState, type PartStateName } from './state.ts'

/** What may stand in the clear: no names, no numbers of units or certificates. */
export interface CaseSummary {
  state: PartStateName
  completed: boolean
  request: CaseState['request']
  parts: {
    part: number
    businessType: string
    state: PartStateName
    clock: PartState['clock']['state']
    fee: PartState['fee']['state']
    certificate: 'none' | 'made' | 'released'
    paper: PartState['paper']
  }[]
}

export function summary(state: CaseState): CaseSummary {
  return {
    state: caseStateName(state),
    completed: state.completed,
    request: state.request,
    parts: state.parts.map((part) => ({
      part: part.part,
      businessType: part.businessType,
      state: part.state,
      clock: part.clock.state,
      fee: part.fee.state,
      certificate: certificateState(part),
      paper: part.paper,
    })),
  }
}
