import type { Logger } from 'pino'
import { type Config, loadConfig } from '../config.ts'
import { openGateway } from '../gateway.ts'
import { openLogger } from '../logger.ts'
import { text } from './arguments.ts'
import { commandOf } from './command.ts'

const HELP = `
bdc-gateway serve [--role all|api|worker]

  运行网关，直到收到 SIGTERM 或 SIGINT：先由 /readyz 告知负载均衡（SHUTDOWN_NOTICE_MS，SIGINT 时不等），
  再不接收新请求，完成或交还在途工作，然后关闭；第二个信号立即结束。--role 优先于 GATEWAY_ROLE。
  请用 node dist/src/main.js serve 运行：npx 与 npm 不转发信号。配置见 bdc-gateway config。
  Runs the gateway until SIGTERM or SIGINT: tells load balancers by /readyz (SHUTDOWN_NOTICE_MS, not after SIGINT), then
  takes nothing new, finishes or hands back what is in flight, closes; a second signal ends at once. --role wins over
  GATEWAY_ROLE. Run it by node dist/src/main.js serve: npx and npm pass no signals on. Settings: bdc-gateway config.

  例 / example:
    DATA_DIR=/var/lib/bdc-gateway GATEWAY_PORT=8080 node dist/src/main.js serve
`

/** What closing may take beyond the grace for what is in flight, before the process ends without it. */
const CLOSING_MS = 10_000

/** `bdc-gateway serve`: see HELP. */
export const run = commandOf('serve', HELP, {
  options: { role: text },
  run: async (given, env) => {
    const role = given.optional('role')
    return serve(loadConfig(role === undefined ? env : { ...env, GATEWAY_ROLE: role }))
  },
})

async function serve(config: Config): Promise<number> {
  const log = openLogger(config.logLevel)
  let lost: Error | null = null
  const stop = new AbortController()
  const hurry = new AbortController()
  // Before anything is opened: a stop during the start closes what has been opened, the embedded database too.
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'stopping')
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
    // A person at the keyboard waits for it; nothing else does.
    if (signal === 'SIGINT') hurry.abort()
    endLate(config, log)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  try {
    const gateway = await openGateway(config, log, {
      onLockLost: (error) => {
        lost = error
        stop.abort()
        hurry.abort()
        endLate(config, log)
      },
    })
    if (!stop.signal.aborted) {
      await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }))
      await gateway.announceStop(hurry.signal)
    }
    await gateway.close()
  } finally {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
  if (lost === null) return 0
  throw lost
}

/** A database that does not answer would keep a stop waiting for ever; the store is made to survive this end too. */
function endLate({ shutdownNoticeMs, shutdownGraceMs }: Config, log: Logger): void {
  const afterMs = shutdownNoticeMs + shutdownGraceMs + CLOSING_MS
  const timer = setTimeout(() => {
    log.error({ afterMs }, 'closing takes too long; ending without it')
    process.exit(1)
  }, afterMs)
  timer.unref()
}
