import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UsageError } from './arguments.ts'
import type { Run } from './command.ts'
import { failure } from './failure.ts'

/** A command loads only what it needs. */
const commands: Readonly<Record<string, { about: string; load: () => Promise<{ run: Run }> }>> = {
  serve: { about: '运行网关 / run the gateway', load: () => import('./serve.ts') },
  demo: { about: '演示一个完整办件 / a whole case, shown', load: () => import('./demo.ts') },
  sandbox: {
    about: '沙箱登记系统、平台与 CA / registry, platform and CA for tests',
    load: () => import('./sandbox.ts'),
  },
  config: { about: '显示生效的配置 / print the effective configuration', load: () => import('./config.ts') },
  bank: { about: '银行与协议 / banks and their agreements', load: () => import('./bank.ts') },
  branch: { about: '银行服务点 / branches of banks', load: () => import('./branch.ts') },
  account: { about: '接口账号 / accounts', load: () => import('./account.ts') },
  operator: { about: '业务办理人员 / operators of banks', load: () => import('./operator.ts') },
  cert: { about: '账号的证书 / certificates of accounts', load: () => import('./cert.ts') },
  queue: { about: '发送队列与转人工报文 / queues and dead letters', load: () => import('./queue.ts') },
  concern: { about: '待人工处理的事项 / what a person must look at', load: () => import('./concern.ts') },
  webhook: { about: '银行的推送地址 / webhooks of banks', load: () => import('./webhook.ts') },
  query: { about: '登记系统未答复的查询 / queries without an answer', load: () => import('./query.ts') },
  trace: {
    about: '痕迹核验、检查点、证明 / verify the trace, checkpoints, proofs',
    load: () => import('./trace.ts'),
  },
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
  return `bdc-gateway COMMAND [...]

  不动产登记网关：银行、一事联办平台与登记系统之间
  Gateway between banks, the platform 一事联办 and the real-estate registry

${lines.join('\n')}

  bdc-gateway COMMAND --help    用法与示例 / usage and an example
  bdc-gateway --version`
}

function version(): string {
  const here = import.meta.url
  const file = new URL(here.includes('/dist/src/') ? '../../../package.json' : '../../package.json', here)
  return (JSON.parse(readFileSync(fileURLToPath(file), 'utf8')) as { version: string }).version
}

/**
 * Runs the command that the first argument names; says what went wrong on standard error.
 * @returns the exit code: 0 done, 1 refused or failed, 2 wrong usage.
 */
export async function dispatch(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    return await runCommand(args, env)
  } catch (error) {
    const { lines, code } = failure(error)
    for (const line of lines) console.error(line)
    return code
  }
}

async function runCommand([name, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (name === '--version') {
    console.log(version())
    return 0
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(usage())
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    throw new UsageError('', [{ zh: `没有命令 ${name}`, en: `there is no command ${name}` }])
  }
  const { run } = await command.load()
  return run(args, env)
}
