import { readFileSync } from 'node:fs'
import type { Application, NormalisedCase } from '../../src/cases/application.ts'
import type { Fact } from '../../src/cases/facts.ts'
import { normalise } from '../../src/cases/normalise.ts'
import type { CaseRules } from '../../src/cases/state.ts'

/** The bodies and events of the golden exchange, and a case made of them. */
export function goldenApplication(name: 'canonical-mortgage-first' | 'canonical-combined'): Application {
  return JSON.parse(readFileSync(`test/messages/${name}.json`, 'utf8')) as Application
}

/** The events of the golden story's case 1 (recorded), 2 (rejected) or 3 (withdrawn, two parts). */
export function goldenFacts(story: 1 | 2 | 3): Fact[] {
  const file = JSON.parse(readFileSync('test/messages/canonical-events.json', 'utf8')) as {
    cases: { events: Fact[] }[]
  }
  return (file.cases[story - 1] as { events: Fact[] }).events
}

export const goldenNumber = '420222261109000002'

export function goldenCase(
  name: 'canonical-mortgage-first' | 'canonical-combined' = 'canonical-mortgage-first',
): NormalisedCase {
  return normalise(goldenApplication(name), goldenNumber, {
    file: (id) => ({ mediaType: 'application/pdf', sizeBytes: 1000, digest: { algorithm: 'sm3', value: id } }),
    operatorName: () => '经办员甲',
  })
}

export const defaultRules: CaseRules = {
  platformIsSource: false,
  certificateLockedUntilPaid: false,
  relayTypes: ['20', '30'],
}
