import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../config.ts'
import { type Gateway, openGateway } from '../gateway.ts'
import { openLogger } from '../logger.ts'
import { openCertificateAuthority } from '../sandbox/certificate-authority.ts'
import type { PlatformState } from '../sandbox/platform.ts'
import { type RunningCounterparty, startPlatform, startRegistry } from '../sandbox/processes.ts'
import type { RegistryState } from '../sandbox/registry-state.ts'
import { type DemoBank, openDemoBank } from './demo-bank.ts'
import type { Narrator } from './demo-report.ts'
import { registerSampleBank } from './sample-bank.ts'

/** Everything that the demo runs: the gateway, its counterparties, and a bank with an SM2 certificate. */
export interface DemoWorld {
  gateway: Gateway
  registry: RunningCounterparty<RegistryState>
  platform: RunningCounterparty<PlatformState>
  bank: DemoBank
}

/** The demo around its world. */
export interface DemoFrame {
  /** Where everything lies. */
  folder: string
  env: NodeJS.ProcessEnv
  tell: Narrator
  /** To be called at the end, the last one first; told at once of whatever was started. */
  onClose(close: () => Promise<void>): void
  /** Something that the demo needs is gone. */
  onLost(reason: Error): void
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

/** Starts everything in order. */
export async function openDemoWorld({ folder, env, tell, onClose, onLost }: DemoFrame): Promise<DemoWorld> {
  const signingDir = join(folder, 'signing')
  const keep = async <State>(
    name: string,
    starting: Promise<RunningCounterparty<State>>,
  ): Promise<RunningCounterparty<State>> => {
    const counterparty = await starting
    onClose(() => counterparty.stop())
    void counterparty.ended.then(() => onLost(new Error(`the sandbox's ${name} has ended`)))
    return counterparty
  }
  const ca = await tell.step('sandbox CA', '沙箱证书机构', () =>
    openCertificateAuthority(join(folder, 'sandbox', 'ca')),
  )
  const [registry, platform] = await tell.step(
    'sandbox counterparties',
    '沙箱登记系统与平台，各为独立进程',
    async () => {
      const starting = [
        keep('registry', startRegistry({ dir: join(folder, 'sandbox', 'registry') })),
        keep(
          'platform',
          startPlatform({
            dir: join(folder, 'sandbox', 'platform'),
            config: { gatewayCertificate: join(signingDir, 'p256.cert.pem') },
          }),
        ),
      ] as const
      // Of both it is known what is to be closed, also when one has failed.
      await Promise.allSettled(starting)
      return Promise.all(starting)
    },
  )
  const gateway = await tell.step('gateway, with a new embedded database', '网关，新建内嵌数据库', async () => {
    // Of the environment these two only: a demo must never come upon the database of a gateway that works.
    const { GATEWAY_PORT = '0', LOG_LEVEL = 'silent' } = env
    const platformState = await platform.state()
    const config = loadConfig(
      { GATEWAY_PORT, LOG_LEVEL },
      {
        ...QUICK,
        dataDir: folder,
        trustDir: ca.trustFolder,
        platformUrl: platform.url,
        registryUrl: `${registry.url}/`,
        registryHintSecret: HINT_SECRET,
        platformCertificates: platformState.certificateFile,
        // The bank's webhook is on this machine.
        webhookAllowCidr: ['127.0.0.0/8'],
      },
    )
    const opened = await openGateway(config, openLogger(config.logLevel, 2), { onLockLost: onLost })
    onClose(() => opened.close())
    await registry.control({
      config: {
        hintUrl: `${opened.url}/registry/v1/results`,
        hintHeaders: { authorization: `Bearer ${HINT_SECRET}` },
      },
    })
    return opened
  })
  const bank = await tell.step('bank enrolled', '登记银行、账号、证书、人员、查询范围与推送地址', async () => {
    const identity = await registerSampleBank(gateway.ground, ca, 'sm2')
    const [p256, sm2] = await Promise.all(
      (['p256', 'sm2'] as const).map((name) => readFile(join(signingDir, `${name}.cert.pem`), 'utf8')),
    )
    return openDemoBank(gateway, identity, { p256: p256 ?? '', sm2: sm2 ?? '' })
  })
  onClose(() => bank.close())
  return { gateway, registry, platform, bank }
}
