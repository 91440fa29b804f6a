import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../config.ts'
import { type Gateway, openGateway } from '../gateway.ts'
import { openLogger } from '../logger.ts'
import { type BankClient, bankClient } from '../sandbox/bank-client.ts'
import { openCertificateAuthority } from '../sandbox/certificate-authority.ts'
import type { PlatformState } from '../sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../sandbox/processes.ts'
import type { RegistryState } from '../sandbox/registry-state.ts'
import type { Narrator } from './demo-report.ts'
import { registerSampleBank, SAMPLE_OPERATOR } from './sample-bank.ts'

/** Everything that the demo runs: the gateway, its counterparties, and a bank with an SM2 certificate. */
export interface DemoWorld {
  gateway: Gateway
  registry: RunningCounterparty<RegistryState>
  platform: RunningCounterparty<PlatformState>
  bank: BankClient
  folder: string
  close(): Promise<void>
}

const HINT_SECRET = 'demo'

/** Short times: the sandbox decides in milliseconds what takes a registry a day. */
const QUICK = {
  pollFirstMs: 100,
  pollCapMs: 500,
  reconcileMs: 200,
  backoffMs: 200,
  backoffCapMs: 2000,
  registryTimeoutMs: 10_000,
  registryMaximumMs: 10_000,
  platformTimeoutMs: 10_000,
  leaseMarginMs: 2000,
  sealMs: 200,
  checkpointMs: 1000,
} as const

/** Starts everything in order; closes what was started when a step fails. */
export async function openDemoWorld(folder: string, env: NodeJS.ProcessEnv, tell: Narrator): Promise<DemoWorld> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    while (closers.length > 0) await closers.shift()?.()
  }
  try {
    const ca = await tell.step('sandbox CA', '沙箱证书机构', () =>
      openCertificateAuthority(join(folder, 'sandbox', 'ca')),
    )
    const signingDir = join(folder, 'signing')
    const [registry, platform] = await tell.step('sandbox counterparties', '沙箱平台与登记系统', () =>
      Promise.all([
        startRegistry({ dir: join(folder, 'sandbox', 'registry') }),
        startPlatform({
          dir: join(folder, 'sandbox', 'platform'),
          config: { gatewayCertificate: join(signingDir, 'p256.cert.pem') },
        }),
      ]),
    )
    closers.unshift(
      () => registry.stop(),
      () => platform.stop(),
    )

    const gateway = await tell.step('gateway on the embedded database', '网关（内嵌数据库）', () => {
      const config = loadConfig(env, {
        ...QUICK,
        dataDir: folder,
        port: Number(env['GATEWAY_PORT'] ?? 0),
        trustDir: ca.trustFolder,
        platformUrl: platform.url,
        registryUrl: `${registry.url}/`,
        registryHintSecret: HINT_SECRET,
        ...(env['LOG_LEVEL'] === undefined ? { logLevel: 'silent' as const } : {}),
      })
      return openGateway(config, openLogger(config.logLevel, 2))
    })
    closers.unshift(() => gateway.close())
    await registry.control({
      config: {
        hintUrl: `${gateway.url}/registry/v1/results`,
        hintHeaders: { authorization: `Bearer ${HINT_SECRET}` },
      },
    })

    const identity = await tell.step('bank enrolled', '银行、账号、证书、业务办理人员登记', () =>
      registerSampleBank(gateway.ground, ca, 'sm2'),
    )
    const bank = bankClient({
      baseUrl: gateway.url,
      identity,
      gatewayCertificates: await Promise.all(
        ['p256', 'sm2'].map((name) => readFile(join(signingDir, `${name}.cert.pem`), 'utf8')),
      ),
      operator: SAMPLE_OPERATOR,
    })
    closers.unshift(() => bank.close())
    return { gateway, registry, platform, bank, folder, close }
  } catch (error) {
    await close()
    throw error
  }
}
