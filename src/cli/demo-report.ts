import { displayWidth } from './table.ts'

/** The one object of `--json`. */
export interface DemoReport {
  ok: boolean
  totalMs: number
  steps: { name: string; ms: number }[]
  case: { completed: boolean; registryEffects: number; platformCases: number }
  materials: { sent: number; identical: number }
  certificate: { digestMatches: boolean }
  /** What left of the register, as the trace lists it; the code of a refused query; what came for one who is no holder. */
  query: { fields: string[]; refusedCode: string | null; notHolderCode: string | null }
  /** Events of the bank by GET /v1/events and by its webhook. */
  events: { feed: number; webhook: number; equal: boolean }
  trace: { records: number; verified: boolean }
  /** Why it is not ok, one sentence each. */
  failures?: string[]
}

/** A signal told the demo to stop. */
export class Interrupted extends Error {}

export interface Narrator {
  /**
   * Runs a step and tells its time when it is done; a step that throws is told as failed and thrown on.
   * @throws the reason why the demo is to stop, once that is so.
   */
  step<T>(name: string, zh: string, work: () => Promise<T>): Promise<T>
  say(line: string): void
  /** For whoever waits within a step. @throws the reason why the demo is to stop, once that is so. */
  checkStopped(): void
  readonly steps: { name: string; ms: number }[]
}

const CHINESE_COLUMNS = 40

/** @param print takes whole lines. @param stop its reason is an error. */
export function narrator(print: (line: string) => void, stop: AbortSignal): Narrator {
  const steps: { name: string; ms: number }[] = []
  const checkStopped = (): void => stop.throwIfAborted()
  return {
    steps,
    say: print,
    checkStopped,
    step: async (name, zh, work) => {
      const began = performance.now()
      const tell = (words: string): number => {
        const ms = Math.round(performance.now() - began)
        const gap = ' '.repeat(Math.max(1, CHINESE_COLUMNS - displayWidth(words)))
        print(`${String(ms).padStart(7)} ms  ${words}${gap}${name}`)
        return ms
      }
      try {
        checkStopped()
        const result = await work()
        checkStopped()
        steps.push({ name, ms: tell(zh) })
        return result
      } catch (error) {
        tell(error instanceof Interrupted ? `中断：${zh}` : `失败：${zh}`)
        throw error
      }
    },
  }
}

/** What is not as it must be, one sentence each. */
export function shortfalls(report: DemoReport): string[] {
  const faults: string[] = []
  if (!report.case.completed) faults.push('the case did not complete')
  if (report.case.registryEffects !== 1) faults.push(`the registry has ${report.case.registryEffects} cases, not one`)
  if (report.case.platformCases !== 1) faults.push(`the platform has ${report.case.platformCases} cases, not one`)
  if (report.materials.sent === 0 || report.materials.identical !== report.materials.sent) {
    faults.push(`${report.materials.identical} of ${report.materials.sent} materials arrived byte for byte`)
  }
  if (!report.certificate.digestMatches) faults.push('a certificate is not the one that the registry issued')
  if (report.query.fields.length === 0) faults.push('the query brought nothing')
  if (report.query.refusedCode !== 'query-level-not-granted') faults.push('a query beyond the scope was not refused')
  if (report.query.notHolderCode !== 'no-match') faults.push('an authorizer who is no holder was told something')
  if (!report.events.equal || report.events.feed === 0) {
    faults.push(`the feed has ${report.events.feed} events, the webhook got ${report.events.webhook}, not the same`)
  }
  if (!report.trace.verified) faults.push('the trace does not verify up to a checkpoint that covers the case')
  return faults
}

/** What was measured, and where. */
export function summary(report: DemoReport): string {
  if (!report.ok) return ['', '失败 FAILED', ...(report.failures ?? []).map((sentence) => `  - ${sentence}`)].join('\n')
  const { registryEffects, platformCases } = report.case
  const { sent, identical } = report.materials
  return [
    '',
    `ok  总用时 ${(report.totalMs / 1000).toFixed(1)} s in all`,
    '',
    '对端测得 / measured at the counterparties, not taken from the gateway',
    `  登记系统 registry   办件 ${registryEffects} 件（该系统不去重：重复报送会多出办件） one case; it does not deduplicate`,
    `  平台 platform       办件 ${platformCases} 件 one case`,
    `  材料 materials      ${identical}/${sent} 份在平台和登记系统均逐字节一致 the same bytes at both (SHA-256)`,
    '  电子证明 certificate  银行下载的文件与登记系统签发的一致 what the bank downloads is what the registry issued',
    `  查询 query          披露 ${report.query.fields.length} 个字段；越权被拒 ${report.query.refusedCode}；授权人非权利人 ${report.query.notHolderCode}`,
    `  事件 events         事件流 ${report.events.feed} 条，推送 ${report.events.webhook} 条，逐条一致 the feed and the webhook agree`,
    '网关测得 / measured in the gateway',
    `  痕迹 trace          ${report.trace.records} 条记录核验无误，签名检查点覆盖本办件 verified up to a signed checkpoint`,
  ].join('\n')
}
