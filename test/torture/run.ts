import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FaultPoint } from '../../src/base/fault-point.ts'
import { loadConfig } from '../../src/config.ts'
import { openEmbedded } from '../../src/db/embedded.ts'
import { openGround } from '../../src/ground.ts'
import { openLogger } from '../../src/logger.ts'
import { openCertificateAuthority, writeIdentity } from '../../src/sandbox/certificate-authority.ts'
import { startPlatform, startRegistry } from '../../src/sandbox/processes.ts'
import { settings } from '../../src/settings.ts'
import { bankIdentity, QUICK } from '../support/enrolment.ts'
import { nodeArguments } from '../support/node-arguments.ts'
import { grantBoth } from '../support/querying.ts'
import { freePort, redisServer } from '../support/redis-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { silentLog } from '../support/silent-log.ts'
import { armedBuild, type Sabotage } from './armed-build.ts'
import type { Order } from './armed-fault-point.ts'
import { balancer } from './balancer.ts'
import type { BankOrders } from './bank-log.ts'
import { type Node, type Role, startNode } from './cluster.ts'
import { judge, toldTo, type Verdict } from './verdict.ts'

export interface TortureOptions {
  cases: number
  /** Faults in all; by default as many as make up `eachPoint`. */
  faults?: number
  /** How often each point is struck at least; default 0. */
  eachPoint?: number
  /** Of the choice of faults and their moments. */
  seed: number
  roles: readonly Role[]
  sabotage?: Sabotage
  say(line: string): void
}

export interface TortureReport extends Verdict {
  faults: number
  byPoint: Record<string, number>
  /** What kept it from coming to rest; it is judged all the same. */
  unfinished: string[]
}

const TIMES = { registryTimeoutMs: 1500, registryMaximumMs: 1600, platformTimeoutMs: 1500, leaseMarginMs: 300 }
const LEASE_MS = TIMES.registryTimeoutMs + TIMES.leaseMarginMs
const HINT_SECRET = 'torture'

/** Where a process stops itself, and how. */
const ORDERS: Record<FaultPoint, Order> = {
  'committed-not-woken': 'kill',
  'sent-not-recorded': 'kill',
  'answered-too-late': `hold ${LEASE_MS * 2}`,
  'file-not-committed': 'kill',
  'answer-not-traced': 'kill',
  'record-not-sealed': 'kill',
  'checkpoint-not-stored': 'kill',
}
/** Those, and what comes from outside. */
const POINTS = 14
/** Faults at once. */
const LANES = 3
/** What a fault takes, about. */
const PER_FAULT_MS = 700
const FILERS = 6
/** How long a process may take to come by a point. */
const ORDER_MS = 6000
/** What the last cases may take when nothing goes wrong any more. */
const restMs = (cases: number): number => 60_000 + 60 * cases

/** Runs a bank's cases and queries through processes that are stopped, cut off and lied to; then judges what came of it. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const closers: (() => Promise<unknown>)[] = []
  const t = { teardown: (close: () => Promise<unknown>) => void closers.unshift(close) }
  try {
    return await run(t, options)
  } finally {
    for (const close of closers) await close()
  }
}

async function run(
  t: { teardown(work: () => Promise<void>): unknown },
  { cases, faults = 0, eachPoint = 0, seed, roles, sabotage, say }: TortureOptions,
): Promise<TortureReport> {
  const random = seededRandom(seed)
  const wanted = Math.max(faults, eachPoint * POINTS)
  const folder = await mkdtemp(join(tmpdir(), 'bdc-torture-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  // PostgreSQL runs as another user where root starts it.
  await chmod(folder, 0o755)
  const at = (name: string): string => join(folder, name)
  const orders = at('orders')
  const dataDir = at('shared')
  for (const each of [orders, dataDir, at('bank'), at('postgres')]) await mkdir(each, { mode: 0o755 })

  const [database, redis, ca] = await Promise.all([
    openEmbedded({ dataDir: at('postgres'), log: silentLog }),
    redisServer(),
    openCertificateAuthority(at('ca')),
  ])
  // A torture that is stopped leaves no server behind.
  const atExit = (): void => stopServer(at('postgres'))
  process.once('exit', atExit)
  t.teardown(async () => {
    await database.close()
    process.off('exit', atExit)
  })
  if (redis === null) say('redis-server is not installed: the wake-ups go through PostgreSQL')
  else t.teardown(() => redis.close())

  const ports = await Promise.all(roles.map(() => freePort()))
  const front = await balancer(ports.filter((_, place) => roles[place] !== 'worker'))
  t.teardown(() => front.close())
  const registry = await startRegistry({
    dir: at('registry'),
    config: {
      stepMs: 20,
      fee: 'exempt',
      hintUrl: `${front.url}/registry/v1/results`,
      hintHeaders: { authorization: `Bearer ${HINT_SECRET}` },
    },
  })
  t.teardown(() => registry.stop())
  const platform = await startPlatform({
    dir: at('platform'),
    config: { gatewayCertificate: join(dataDir, 'signing', 'p256.cert.pem') },
  })
  t.teardown(() => platform.stop())

  await everyTenthCallFails(registry)

  const given = {
    ...QUICK,
    ...TIMES,
    logLevel: 'info' as const,
    dataDir,
    trustDir: ca.trustFolder,
    publicUrl: front.url,
    platformUrl: platform.url,
    platformCertificates: (await platform.state()).certificateFile,
    registryUrl: `${registry.url}/`,
    registryHintSecret: HINT_SECRET,
    registryConcurrency: 16,
    databaseConnections: 6,
    pollFirstMs: 200,
    pollCapMs: 800,
    ...(redis === null ? {} : { redisUrl: redis.url }),
  }
  const config = loadConfig({}, { ...given, databaseUrl: database.url })
  const ground = await openGround(config, openLogger('silent', 2), { serves: false })
  t.teardown(() => ground.close())

  // The bank is enrolled, and starts when the gateway is there.
  const identity = await bankIdentity(ground, ca, { businessTypes: ['query', 'mortgage-first'] })
  await grantBoth(ground, { dailyQuota: 100_000 })
  await writeIdentity(at('bank'), 'bank', identity)
  const gatewayCertificates = await Promise.all(
    ['p256', 'sm2'].map((name) => readFile(join(dataDir, 'signing', `${name}.cert.pem`), 'utf8')),
  )
  const bankOrders: BankOrders = {
    baseUrl: front.url,
    gatewayCertificates,
    cases,
    atOnce: FILERS,
    uploadEvery: 8,
    // Cases come as long as faults do.
    filePauseMs: Math.round((wanted * PER_FAULT_MS * FILERS) / cases),
    askPauseMs: 200,
    uploadPauseMs: 500,
  }
  await writeFile(at('bank/orders.json'), JSON.stringify(bankOrders))

  const main = armedBuild(sabotage)
  const environment = { ...environmentOf(given), TORTURE_ORDERS: orders, SHARED_STORAGE: 'true' }
  const nodes: Node[] = []
  for (const [place, role] of roles.entries()) {
    nodes.push(
      await startNode(t, {
        main,
        role,
        port: ports[place] as number,
        databaseUrl: database.url,
        environment,
        logFile: at(`node-${place}.log`),
      }),
    )
  }
  const bankFile = fileURLToPath(new URL(`./bank-process${extname(import.meta.url)}`, import.meta.url))
  const bank = spawn(process.execPath, [...nodeArguments, bankFile, at('bank')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const bankEnd = once(bank, 'exit')
  t.teardown(async () => {
    bank.kill('SIGKILL')
    await bankEnd
  })
  const told = (): ReturnType<typeof toldTo> => toldTo(at('bank'))
  const unfinished: string[] = []
  const untilTold = async (what: string, isSo: () => Promise<boolean> | boolean, ms: number): Promise<void> => {
    const end = performance.now() + ms
    while (!(await isSo())) {
      const gaveUp = existsSync(at('bank/failed'))
      if (gaveUp || performance.now() > end) {
        unfinished.push(gaveUp ? `${what}: the bank gave up: ${readFileSync(at('bank/failed'), 'utf8')}` : what)
        return
      }
      await sleep(200)
    }
  }
  await untilTold(
    'the bank never began',
    () => ['filed', 'disclosed'].every((kind) => told().some((line) => line.kind === kind)),
    60_000,
  )

  const byPoint: Record<string, number> = {}
  const strike = (point: string): void => {
    byPoint[point] = struck(point) + 1
  }
  const struck = (point: string): number => byPoint[point] ?? 0
  const aNodeOf = (some: readonly Node[]): Node => some[Math.floor(random() * some.length)] as Node
  // Whom the bank is answered by: what these take for committed it was told.
  const fronts = nodes.filter(({ role }) => role !== 'worker')
  const order = async (point: FaultPoint): Promise<void> => {
    writeFileSync(join(orders, `${point}.new`), ORDERS[point])
    const file = join(orders, point)
    await rename(`${file}.new`, file)
    for (const end = performance.now() + ORDER_MS; existsSync(file); ) {
      if (performance.now() > end) return rmSync(file, { force: true })
      await sleep(20)
    }
    strike(point)
  }
  const counterpartyFault = async (point: string, fault: 'drop-after-effect' | 'error-after-effect', on: string) => {
    await registry.control({ fault, on, times: 1 })
    strike(point)
  }
  const acts: Record<string, () => Promise<void>> = {
    ...Object.fromEntries((Object.keys(ORDERS) as FaultPoint[]).map((point) => [point, () => order(point)])),
    // While papers go slowly another process is at the message when the first one comes back to it.
    'answered-too-late': async () => {
      await registry.control({ fault: 'slow', on: 'MATERIAL', times: 12, delayMs: 900 })
      await order('answered-too-late')
    },
    'commit-cut-before': () => cut(aNodeOf(fronts), 'before'),
    'commit-cut-after': () => cut(aNodeOf(random() < 0.5 ? fronts : nodes), 'after'),
    'reply-dropped-after-effect': () => counterpartyFault('reply-dropped-after-effect', 'drop-after-effect', 'SUBMIT'),
    'error-after-effect': () => counterpartyFault('error-after-effect', 'error-after-effect', 'SUBMIT'),
    'process-killed': async () => {
      aNodeOf(nodes).kill()
      strike('process-killed')
    },
    'queue-emptied': async () => {
      await (redis === null ? emptyQueue(ground.pool) : redis.empty())
      strike('queue-emptied')
    },
    'callbacks-doubled': async () => {
      const { cases: held } = await platform.state()
      const one = held[Math.floor(random() * held.length)]
      if (one === undefined) return
      const url = `${front.url}/platform/${config.platformId}/v1/callbacks`
      await platform.control({ callback: { url, type: '99', sn: one.sn, times: 3, atOnce: true } })
      strike('callbacks-doubled')
    },
  }
  async function cut(node: Node, when: 'before' | 'after'): Promise<void> {
    const before = node.cuts
    node.cut(when)
    for (const end = performance.now() + ORDER_MS; node.cuts === before && performance.now() < end; ) await sleep(20)
    if (node.cuts > before) strike(`commit-cut-${when}`)
  }

  const points = Object.keys(acts)
  if (points.length !== POINTS) throw new Error(`there are ${points.length} points`)
  for (const point of points) byPoint[point] = 0
  const count = (): number => Object.values(byPoint).reduce((sum, times) => sum + times, 0)
  const busy = new Set<string>()
  // A point that nobody comes by in time is tried again, and not for ever.
  let tries = 10 * wanted
  const lane = async (): Promise<void> => {
    for (;;) {
      const least = Math.min(...Object.values(byPoint))
      if ((count() >= faults && least >= eachPoint) || tries-- <= 0) return
      // The one that struck least, so that each has its share; among equals by chance.
      const free = points.filter((name) => !busy.has(name))
      const floor = Math.min(...free.map(struck)) + (random() < 0.3 ? 1 : 0)
      const open = free.filter((name) => struck(name) <= floor)
      const point = open[Math.floor(random() * open.length)] as string
      busy.add(point)
      await (acts[point] as () => Promise<void>)().finally(() => busy.delete(point))
      await sleep(Math.round(random() * 300))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  writeFileSync(at('bank/enough'), '')
  say(`${count()} faults; waiting for the last case`)
  await untilTold('not all cases were taken', () => existsSync(at('bank/filed')), restMs(cases))
  const filed = told().filter(({ kind }) => kind === 'filed').length
  await untilTold(
    'not all cases completed',
    () => told().filter((line) => line.kind === 'event' && line.event.type === 'completed').length >= filed,
    restMs(cases),
  )
  const left = 'select endpoint, kind, state, why from message'
  await untilTold('messages are left over', async () => (await ground.pool.query(left)).rowCount === 0, 30_000)
  writeFileSync(at('bank/over'), '')
  await bankEnd
  const nobodyNeeded = `select 'concern' as table, kind::text as what from concern
    union all select 'endpoint_depth', endpoint from endpoint_depth where live <> 0 or dead <> 0`
  for (const query of [left, nobodyNeeded]) {
    for (const line of (await ground.pool.query(query)).rows) unfinished.push(JSON.stringify(line))
  }
  for (const node of nodes) if ((await node.stop()) !== 0) unfinished.push(`a ${node.role} did not stop in good order`)
  const verdict = await judge({ bank: at('bank'), registry: at('registry') }, await platform.state(), ground)
  return { ...verdict, faults: count(), byPoint, unfinished }
}

/** Every tenth call fails, in turn: 500 without effect, no answer after the effect, 500 after the effect. */
async function everyTenthCallFails(registry: {
  url: string
  control(command: { fault: 'error-before' | 'drop-after-effect' | 'error-after-effect'; every: number }): unknown
}): Promise<void> {
  for (const fault of ['error-before', 'drop-after-effect', 'error-after-effect'] as const) {
    await registry.control({ fault, every: 30 })
    // A rule counts from when it was made: these calls set the next one ten later.
    for (let call = 0; call < 10; call += 1) await (await fetch(`${registry.url}/files/none`)).arrayBuffer()
  }
}

function stopServer(folder: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT')
  } catch {
    // It is not there.
  }
  rmSync(folder, { recursive: true, force: true })
}

async function emptyQueue(pool: { query(text: string): Promise<{ rows: { name: string }[] }> }): Promise<void> {
  const { rows } = await pool.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'bdc_gateway_queue'`,
  )
  if (rows.length > 0) await pool.query(`truncate ${rows.map(({ name }) => name).join(', ')} cascade`)
}

function environmentOf(given: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [settings[name as keyof typeof settings].variable, String(value)]),
  )
}
