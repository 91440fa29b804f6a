import { join, resolve } from 'node:path'
import { Problem } from '../base/problem.ts'
import { type Config, loadConfig } from '../config.ts'
import { openCertificateAuthority, writeIdentity } from '../sandbox/certificate-authority.ts'
import { startPlatform, startRegistry } from '../sandbox/processes.ts'
import { flag, type Given, requiredText, text } from './arguments.ts'
import { commandOfActs, type Run } from './command.ts'

const HELP = `
bdc-gateway sandbox [start] [--registry-port PORT] [--platform-port PORT] [--json]
bdc-gateway sandbox issue --uscc CODE --organization NAME [--algorithm sm2 | p256 | rsa] [--name FILE]

  start   沙箱对端：开发用 CA（P-256、RSA、SM2）、登记系统和一事联办平台，各为独立进程；打印地址，按 Ctrl-C 结束
  issue   用沙箱 CA 为银行签发证书，写出 FILE.cert.pem 与 FILE.key.pem（数据目录的 sandbox/identities 下）
  start   counterparties for tests: a development CA (P-256, RSA, SM2), a registry and a platform, each a process of its
          own; prints their addresses, Ctrl-C ends them
  issue   a bank's certificate from that CA, as FILE.cert.pem and FILE.key.pem in sandbox/identities of the data folder

  例 / example:
    bdc-gateway sandbox --registry-port 18081 --platform-port 18082
    bdc-gateway sandbox issue --uscc 91420000000000001R --organization 示例银行股份有限公司 --name demo-bank
`

const ALGORITHMS = ['sm2', 'p256', 'rsa'] as const

const acts = commandOfActs('sandbox', HELP, {
  start: { options: { 'registry-port': text, 'platform-port': text, json: flag }, run: start },
  issue: {
    options: { uscc: requiredText, organization: requiredText, algorithm: text, name: text },
    run: issue,
  },
})

/** `bdc-gateway sandbox`: see HELP. Without a word it starts. */
export const run: Run = (args, env) => {
  const [word] = args
  const isBare = word === undefined || (word.startsWith('-') && word !== '--help' && word !== '-h')
  return acts(isBare ? ['start', ...args] : args, env)
}

async function start(given: Given, env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig(env)
  const folder = sandboxFolder(config)
  const ports = { registry: portOf(given, 'registry-port'), platform: portOf(given, 'platform-port') }
  const signing = config.signingDir ?? join(config.dataDir, 'signing')
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const registry = await startRegistry({ dir: join(folder, 'registry'), port: ports.registry })
  try {
    const platform = await startPlatform({
      dir: join(folder, 'platform'),
      port: ports.platform,
      config: { gatewayCertificate: resolve(signing, 'p256.cert.pem') },
    })
    const { certificateFile } = await platform.state()
    const settings = {
      REGISTRY_URL: `${registry.url}/`,
      PLATFORM_URL: platform.url,
      PLATFORM_CERTIFICATES: resolve(certificateFile),
      TRUST_DIR: resolve(ca.trustFolder),
    }
    if (given.flag('json')) console.log(JSON.stringify(settings))
    else {
      const lines = Object.entries(settings).map(([name, value]) => `  ${name}=${value}`)
      console.log(`沙箱已启动，网关请用以下配置 / the sandbox runs; start the gateway with\n${lines.join('\n')}`)
      console.log(`  控制与状态 control and state: ${registry.url}/_control/state  ${platform.url}/_control/state`)
    }
    await untilStopped()
    await platform.stop()
  } finally {
    await registry.stop()
  }
  return 0
}

async function issue(given: Given, env: NodeJS.ProcessEnv): Promise<number> {
  const folder = sandboxFolder(loadConfig(env))
  const asked = given.optional('algorithm') ?? 'sm2'
  const algorithm = ALGORITHMS.find((one) => one === asked)
  const name = given.optional('name') ?? given.text('uscc')
  if (algorithm === undefined || !/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw new Problem('request-malformed', {
      zh: `--algorithm 应为 ${ALGORITHMS.join('、')}；--name 只含字母、数字和 . _ -`,
      en: `--algorithm must be ${ALGORITHMS.join(', ')}; --name letters, digits and . _ -`,
    })
  }
  const organization = given.text('organization')
  const ca = await openCertificateAuthority(join(folder, 'ca'))
  const identity = await ca.issue({ algorithm, organization, commonName: organization, uscc: given.text('uscc') })
  const identities = join(folder, 'identities')
  await writeIdentity(identities, name, identity)
  console.log(
    `keyid ${identity.fingerprint}\n${join(identities, `${name}.cert.pem`)}\n${join(identities, `${name}.key.pem`)}`,
  )
  return 0
}

function sandboxFolder(config: Config): string {
  return join(config.dataDir, 'sandbox')
}

function portOf(given: Given, option: string): number {
  const port = Number(given.optional(option) ?? 0)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new Problem('request-malformed', { zh: `--${option} 应为端口号`, en: `--${option} must be a port` })
}

function untilStopped(): Promise<void> {
  return new Promise((done) => {
    process.once('SIGINT', () => done())
    process.once('SIGTERM', () => done())
  })
}
