import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flag, type Given } from './arguments.ts'
import { commandOf } from './command.ts'
import { askRegister } from './demo-queries.ts'
import { type DemoReport, Interrupted, narrator, shortfalls, summary } from './demo-report.ts'
import { compareEvents, followCase, submitSample, verifyTraceOf } from './demo-steps.ts'
import { type DemoFrame, type DemoWorld, openDemoWorld } from './demo-world.ts'
import { failure } from './failure.ts'

const HELP = `
bdc-gateway demo [--once] [--json]

  演示一个完整办件：银行以 SM2 签名，凭授权书查询，提交抵押权首次登记，经网关、一事联办平台、登记系统，补正一轮，取回
  电子证明；结果经事件流与推送到达银行。
  在临时目录中用内嵌数据库和沙箱对端运行，不读取网关的配置，结束时删除。
  A whole mortgage case, signed with SM2, from an authorized query over one round of correction to the certificate, with
  its events by feed and webhook: on an embedded database and sandbox counterparties in a temporary folder. It reads none of the gateway's settings and removes the folder at its end.

  --once   完成后退出；任何一步失败则退出码非零 / exit when done, non-zero if any step failed
  --json   只输出一个 JSON 对象（同时隐含 --once） / print one JSON object and nothing else; implies --once

  环境变量 / environment: GATEWAY_PORT (默认任意空闲端口 / any free port), LOG_LEVEL (默认 / default silent)

  例 / example:
    bdc-gateway demo --once
`

/** `bdc-gateway demo`: see HELP. What it measures, it measures at the counterparties and at the bank. */
export const run = commandOf('demo', HELP, { options: { once: flag, json: flag }, run: demo })

/** By convention 128 and the number of SIGINT. */
const INTERRUPTED = 130

async function demo(given: Given, env: NodeJS.ProcessEnv): Promise<number> {
  const isJson = given.flag('json')
  const stop = new AbortController()
  const onSignal = (): void => {
    // A second Ctrl-C does not wait.
    if (stop.signal.aborted) process.exit(INTERRUPTED)
    stop.abort(new Interrupted('interrupted'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const closers: (() => Promise<void>)[] = []
  const folder = await mkdtemp(join(tmpdir(), 'bdc-gateway-demo-'))
  const frame: DemoFrame = {
    folder,
    env,
    tell: narrator(isJson ? () => undefined : (line) => console.log(line), stop.signal),
    onClose: (close) => void closers.unshift(close),
    onLost: (reason) => stop.abort(reason),
  }
  try {
    const { report, world } = await runThrough(frame)
    if (isJson) console.log(JSON.stringify(report))
    else frame.tell.say(stop.signal.reason instanceof Interrupted ? '\n已中断 interrupted' : summary(report))
    if (stop.signal.reason instanceof Interrupted) return INTERRUPTED
    if (world === null || !report.ok) return 1
    if (isJson || given.flag('once')) return 0
    frame.tell.say(addresses(world, folder))
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }))
    if (stop.signal.reason instanceof Interrupted) return 0
    throw stop.signal.reason
  } finally {
    for (const close of closers) await close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** The whole case; what fails is told in the report. */
async function runThrough(frame: DemoFrame): Promise<{ report: DemoReport; world: DemoWorld | null }> {
  const { tell } = frame
  const began = performance.now()
  const report: DemoReport = {
    ok: false,
    totalMs: 0,
    steps: tell.steps,
    case: { completed: false, registryEffects: 0, platformCases: 0 },
    materials: { sent: 0, identical: 0 },
    certificate: { digestMatches: false },
    query: { fields: [], refusedCode: null, notHolderCode: null },
    events: { feed: 0, webhook: 0, equal: false },
    trace: { records: 0, verified: false },
  }
  let world: DemoWorld | null = null
  let failures: string[]
  try {
    tell.say('bdc-gateway demo')
    tell.say('银行 → 网关 → 一事联办平台 → 登记系统 → 电子证明，数据均为虚构')
    tell.say('bank → gateway → platform → registry → certificate; all data is made up')
    tell.say('\n准备 / setting up')
    world = await openDemoWorld(frame)
    tell.say('\n查询 / the register, under the owner’s authorization')
    const { query, authorizationId } = await askRegister(world, tell)
    report.query = query
    tell.say('\n办件 / the case, as the bank sees it')
    const submitted = await submitSample(world, authorizationId, tell)
    Object.assign(report, await followCase(world, submitted, tell))
    report.events = await compareEvents(world, tell)
    report.trace = await verifyTraceOf(world, submitted.caseId, tell)
    failures = shortfalls(report)
  } catch (error) {
    failures = failure(error).lines
  }
  report.ok = failures.length === 0
  report.totalMs = Math.round(performance.now() - began)
  if (!report.ok) report.failures = failures
  return { report, world }
}

function addresses({ gateway, platform, registry }: DemoWorld, folder: string): string {
  return [
    '',
    '继续运行，可查看 / it stays up, to be looked at',
    `  网关就绪 gateway          ${gateway.url}/readyz`,
    `  平台所存 platform holds   ${platform.url}/_control/state`,
    `  登记所存 registry holds   ${registry.url}/_control/state`,
    `  数据目录 data folder      ${folder}`,
    `  命令 commands             DATA_DIR=${folder} node dist/src/main.js trace verify`,
    '',
    'Ctrl-C 结束并删除数据目录 / Ctrl-C ends it and removes the folder',
  ].join('\n')
}
