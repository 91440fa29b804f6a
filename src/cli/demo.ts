import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type DemoReport, narrator } from './demo-report.ts'
import { followCase, submitSample, verifyTraceOf } from './demo-steps.ts'
import { type DemoWorld, openDemoWorld } from './demo-world.ts'

const USAGE = `bdc-gateway demo [--once] [--json]

  一个真实签名的抵押首次登记办件，从银行到电子证明：内嵌数据库、沙箱平台与沙箱登记系统。
  A real signed mortgage case from bank to certificate: embedded database, sandbox platform and registry.

  --once   结束后退出，任何一步失败则退出码非零 / exit when done, non-zero if any step failed
  --json   只输出一个 JSON 对象（隐含 --once）/ print one JSON object only (implies --once)
`

/** `bdc-gateway demo`: see USAGE. What it measures, it measures at the counterparties and at the bank. */
export async function run(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { once: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
    strict: true,
  })
  if (values.help === true) {
    console.log(USAGE)
    return 0
  }
  const isJson = values.json === true
  const tell = narrator(isJson ? () => undefined : (line) => console.log(line))
  const began = performance.now()
  const report: DemoReport = {
    ok: false,
    totalMs: 0,
    steps: tell.steps,
    case: { completed: false, registryEffects: 0, platformCases: 0 },
    materials: { sent: 0, identical: 0 },
    certificate: { digestMatches: false },
    trace: { records: 0, verified: false },
  }
  // A folder of its own that the database's user can reach, wherever the checkout lies.
  const folder = env['DATA_DIR'] ?? (await mkdtemp(join(tmpdir(), 'bdc-gateway-demo-')))
  let world: DemoWorld | null = null
  const failures: string[] = []
  try {
    tell.say('bdc-gateway demo: 银行 → 网关 → 一事联办平台 → 登记系统 → 电子证明\n')
    world = await openDemoWorld(folder, env, tell)
    const submitted = await submitSample(world, tell)
    const outcome = await followCase(world, submitted, tell)
    report.case = outcome.case
    report.materials = outcome.materials
    report.certificate = outcome.certificate
    report.trace = await verifyTraceOf(world, submitted.caseId, tell)
    failures.push(...shortfalls(report))
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
  }
  report.ok = failures.length === 0
  report.totalMs = Math.round(performance.now() - began)
  if (!report.ok) report.failures = failures

  if (isJson) console.log(JSON.stringify(report))
  else tell.say(summary(report, world))
  if (!isJson && values.once !== true && world !== null && report.ok) {
    tell.say(addresses(world))
    await untilStopped()
  }
  await world?.close()
  if (env['DATA_DIR'] === undefined) await rm(folder, { recursive: true, force: true })
  return report.ok ? 0 : 1
}

/** What is not as it must be, one sentence each. */
function shortfalls(report: DemoReport): string[] {
  const faults: string[] = []
  if (!report.case.completed) faults.push('the case did not complete')
  if (report.case.registryEffects !== 1) faults.push(`the registry has ${report.case.registryEffects} cases, not one`)
  if (report.case.platformCases !== 1) faults.push(`the platform has ${report.case.platformCases} cases, not one`)
  if (report.materials.sent === 0 || report.materials.identical !== report.materials.sent) {
    faults.push(`${report.materials.identical} of ${report.materials.sent} materials arrived byte for byte`)
  }
  if (!report.certificate.digestMatches) faults.push('a certificate is not the one that the registry issued')
  if (!report.trace.verified) faults.push('the trace does not verify up to a checkpoint that covers the case')
  return faults
}

function summary(report: DemoReport, world: DemoWorld | null): string {
  const lines = [
    '',
    report.ok ? `ok  总用时 ${report.totalMs} ms` : '失败 / FAILED',
    ...(report.failures ?? []).map((failure) => `  - ${failure}`),
  ]
  if (world !== null && report.ok) {
    lines.push(
      `  登记系统中的办件 cases at the registry: ${report.case.registryEffects}；平台中的办件 at the platform: ${report.case.platformCases}`,
      `  材料 materials: ${report.materials.identical}/${report.materials.sent} 逐字节一致 byte for byte at both`,
      `  痕迹 trace: ${report.trace.records} 条记录 records, 已核验 verified`,
    )
  }
  return lines.join('\n')
}

function addresses(world: DemoWorld): string {
  return [
    '',
    `  网关 gateway    ${world.gateway.url}/v1   健康 health ${world.gateway.url}/readyz`,
    `  平台 platform   ${world.platform.url}/_control/state`,
    `  登记 registry   ${world.registry.url}/_control/state`,
    '',
    '  按 Ctrl-C 结束 / Ctrl-C ends it',
  ].join('\n')
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
