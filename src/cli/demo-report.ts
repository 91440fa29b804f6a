/** What the demo says as it goes, and the one object of `--json`. */
export interface DemoReport {
  ok: boolean
  totalMs: number
  steps: { name: string; ms: number }[]
  case: { completed: boolean; registryEffects: number; platformCases: number }
  materials: { sent: number; identical: number }
  certificate: { digestMatches: boolean }
  trace: { records: number; verified: boolean }
  /** Why it is not ok. */
  failures?: string[]
}

export interface Narrator {
  /** Runs a step and tells its time when it is done; a step that throws is told as failed and thrown on. */
  step<T>(name: string, zh: string, work: () => Promise<T>): Promise<T>
  say(line: string): void
  readonly steps: { name: string; ms: number }[]
}

/** @param print takes whole lines; nothing is printed with `--json`. */
export function narrator(print: (line: string) => void): Narrator {
  const steps: { name: string; ms: number }[] = []
  return {
    steps,
    say: print,
    step: async (name, zh, work) => {
      const began = performance.now()
      const took = (): number => Math.round(performance.now() - began)
      try {
        const result = await work()
        steps.push({ name, ms: took() })
        print(`  ${String(took()).padStart(7)} ms  ${zh}  (${name})`)
        return result
      } catch (error) {
        print(`  ${String(took()).padStart(7)} ms  失败 FAILED: ${zh}  (${name})`)
        throw error
      }
    },
  }
}
