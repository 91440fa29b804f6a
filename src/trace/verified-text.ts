import type { Verified } from './verify.ts'

/** What a verification found, for a terminal: one line a finding, then the sum; Chinese or English. */
export function verifiedText(verified: Verified, language: 'zh' | 'en'): string {
  const { ok, records, covered, unanchored, checkpoints, findings, findingsOmitted } = verified
  const lines = findings.map((finding) => `✗ [${finding.kind}] ${finding[language]}`)
  if (language === 'zh') {
    if (findingsOmitted > 0) lines.push(`✗ 另有 ${findingsOmitted} 处未列出`)
    lines.push(
      `${ok ? '✓ 痕迹完整' : '✗ 痕迹与检查点不符'}：记录 ${records} 条，检查点 ${checkpoints} 个，覆盖 ${covered} 条，尚未锚定 ${unanchored} 条`,
    )
  } else {
    if (findingsOmitted > 0) lines.push(`✗ ${findingsOmitted} more are not listed`)
    lines.push(
      `${ok ? '✓ the trace is whole' : '✗ the trace is not what was signed'}: ${records} records, ${checkpoints} checkpoints covering ${covered}, ${unanchored} not yet anchored`,
    )
  }
  return `${lines.join('\n')}\n`
}
