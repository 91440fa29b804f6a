import type { Fact } from '../facts.ts'
import type { RequestState } from '../state.ts'

/**
 * What the bank has asked and the registry has not answered: none → withdrawal-pending | correction-sent → none.
 *
 * @param moved the fact moved the state of its part.
 * @param allEnded every part has ended, so that nothing can be pending.
 */
export function requestFacet(request: RequestState, fact: Fact, moved: boolean, allEnded: boolean): RequestState {
  if (allEnded) return 'none'
  if (request === 'withdrawal-pending') {
    return fact.fact === 'withdrawal-refused' ? 'none' : request
  }
  if (request === 'correction-sent') return moved ? 'none' : request
  return request
}
