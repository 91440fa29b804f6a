import { type CasePart, type RegistryCase, type Step, steps } from './registry-case.ts'
import { askCorrection, openRound } from './registry-correction.ts'

/** The next station of a case that is neither at an end nor waiting for a correction. */
export function nextStep(filed: RegistryCase): Step | undefined {
  if (filed.ended !== undefined || openRound(filed) !== undefined) return undefined
  return steps.find((step) => filed.reached[step] === undefined)
}

/** Takes one step; `nextSequence` gives proof numbers. What the script says otherwise (a refusal, a correction) happens here. */
export function takeStep(filed: RegistryCase, step: Step, now: Date, nextSequence: () => number): void {
  const [round, ...later] = filed.rounds
  if (step === 'accepted' && round !== undefined) {
    filed.rounds = later
    askCorrection(filed, round, now)
    return
  }
  if (step === 'accepted' && filed.outcome === 'not-accept') {
    filed.ended = { how: 'not-accepted', at: now }
    return
  }
  filed.reached[step] = now
  if (step === 'review-2' && filed.outcome === 'reject') filed.ended = { how: 'rejected', at: now }
  if (step === 'recorded') {
    for (const part of filed.parts) {
      for (const unitNumber of unitsOf(part))
        filed.proofs.push({ part: part.number, unitNumber, sequence: nextSequence() })
    }
  }
}

/** The units of the rights that a part asks for; none for a cancellation. */
function unitsOf(part: CasePart): string[] {
  const holders = part.rows.filter((row) => row.name === 'ZTT_GY_QLR')
  return [...new Set(holders.map((row) => row.attributes.BDCDYH as string))]
}
