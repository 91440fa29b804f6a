import { ACCEPTED_POSITION, type ClockFacet, hasEnded, type PartState } from '../state.ts'

/**
 * not-started → running ⇄ paused → stopped. It runs from acceptance and pauses only for a named special procedure;
 * a correction comes before acceptance and so before the clock. Computed from what is known, so that the order of
 * arrival does not matter.
 */
export function clockFacet(part: PartState, acceptedAt: string | null): ClockFacet {
  const startedAt = acceptedAt ?? part.clock.startedAt
  if (hasEnded(part)) return { state: 'stopped', startedAt, reason: null }
  if (part.position < ACCEPTED_POSITION) return { state: 'not-started', startedAt: null, reason: null }
  const open = Object.values(part.procedures)
    .filter((procedure) => procedure.endedAt === null)
    .sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))[0]
  return open === undefined
    ? { state: 'running', startedAt, reason: null }
    : { state: 'paused', startedAt, reason: open.name }
}
