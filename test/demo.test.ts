import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { nodeArguments } from './support/node-arguments.ts'
import { until } from './support/until.ts'

const main = fileURLToPath(new URL(`../src/main${extname(import.meta.url)}`, import.meta.url))
const LONG = { timeout: 120_000 }

interface Account {
  uid: number
  gid: number
}

interface Demo {
  child: ChildProcess
  /** What it has written so far. */
  said: { stdout: string; stderr: string }
  /** Where it makes its folder. */
  temporary: string
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

/** A demo with an empty home and nothing of our environment, in a process group as a terminal makes one. */
async function startDemo(
  t: Test,
  args: string[],
  options: { account?: Account; env?: NodeJS.ProcessEnv } = {},
): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'bdc demo test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const [home, temporary] = [join(folder, 'home'), join(folder, 'tmp')]
  for (const path of [home, temporary]) {
    await mkdir(path)
    if (options.account !== undefined) await chown(path, options.account.uid, options.account.gid)
  }
  const environment = { PATH: process.env['PATH'], HOME: home, TMPDIR: temporary, ...options.env }
  // By env, since a test runner adds to the environment of whatever is spawned under it.
  const pairs = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const child = spawn('env', ['-i', ...pairs, process.execPath, ...nodeArguments, main, 'demo', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.account,
  })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => (said[stream] += text))
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL')
  })
  return { child, said, temporary, ended }
}

/** As Ctrl-C at the terminal: the whole group hears it. */
function interrupt({ child }: Demo): void {
  process.kill(-(child.pid as number), 'SIGINT')
}

async function nothingIsLeft(t: Test, { temporary, child }: Demo): Promise<void> {
  t.strictSame(
    (await readdir(temporary)).filter((name) => name.startsWith('bdc-gateway')),
    [],
    'its folder is gone',
  )
  if (process.platform !== 'linux') return
  t.strictSame(
    processes().filter(({ command, group }) => command.includes(temporary) || group === child.pid),
    [],
    'no process of it is left',
  )
}

function processes(): { pid: number; parent: number; group: number; command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state === 'Z') return []
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return [{ pid: Number(name), parent: Number(parent), group: Number(group), command }]
    } catch {
      return []
    }
  })
}

await t.test('with --json one object is printed, of the documented shape, and nothing else', LONG, async (t) => {
  // Settings of a gateway that works there are not the demo's business.
  const demo = await startDemo(t, ['--json'], {
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', REGISTRY_URL: 'http://127.0.0.1:1/', AREA_CODE: 'x' },
  })
  t.equal(await demo.ended, 0)
  t.equal(demo.said.stderr, '')
  t.match(demo.said.stdout, /^\{.*\}\n$/, 'one line')
  if (demo.child.exitCode !== 0) t.comment(demo.said.stdout)
  const report = JSON.parse(demo.said.stdout) as { steps: { name: string; ms: number }[]; totalMs: number }
  const { steps, totalMs, ...rest } = report
  const { trace, query, events, ...measured } = rest as unknown as {
    trace: { records: number; verified: boolean }
    query: { fields: string[]; refusedCode: string; notHolderCode: string }
    events: { feed: number; webhook: number; equal: boolean }
  }
  t.strictSame(measured, {
    ok: true,
    case: { completed: true, registryEffects: 1, platformCases: 1 },
    materials: { sent: 10, identical: 10 },
    certificate: { digestMatches: true },
  })
  t.strictSame(Object.keys(query), ['fields', 'refusedCode', 'notHolderCode'])
  t.ok(query.fields.includes('holders.idNumber:masked') && query.fields.includes('flags.mortgaged'))
  t.match(query, { refusedCode: 'query-level-not-granted', notHolderCode: 'no-match' })
  t.ok(events.feed > 10 && events.webhook === events.feed)
  t.equal(events.equal, true)
  t.strictSame(Object.keys(trace), ['records', 'verified'])
  t.equal(trace.verified, true)
  t.ok(trace.records > 30, 'the acts of a case are in the trace')
  t.ok(steps.length > 10 && steps.every((step) => Object.keys(step).join() === 'name,ms' && Number.isInteger(step.ms)))
  t.equal(new Set(steps.map(({ name }) => name)).size, steps.length, 'each step has a name of its own')
  t.ok(totalMs >= steps.reduce((sum, { ms }) => sum + ms, 0) - steps.length, 'the total is that of all steps')
  await nothingIsLeft(t, demo)
})

const account = ordinaryAccount()
await t.test(
  'with --once it runs for an ordinary user with an empty home, tells each step and exits',
  { ...LONG, skip: account === null ? 'this checkout is out of reach of the user nobody' : false },
  async (t) => {
    const demo = await startDemo(t, ['--once'], account === 'self' || account === null ? {} : { account })
    t.equal(await demo.ended, 0)
    t.equal(demo.said.stderr, '')
    const { stdout } = demo.said
    if (demo.child.exitCode !== 0) t.comment(stdout)
    t.match(stdout, /^ +\d+ ms  申请提交并落盘，取得回执 +application submitted$/m)
    t.match(stdout, /^ +\d+ ms  登记系统受理 +accepted$/m)
    t.match(stdout, /^ok {2}总用时 \d+\.\d s/m)
    t.match(stdout, /10\/10/)
    t.notMatch(stdout, /失败|FAILED|undefined|NaN/)
    await nothingIsLeft(t, demo)
  },
)

await t.test('it stays up with addresses that answer until Ctrl-C, which ends all of it', LONG, async (t) => {
  const demo = await startDemo(t, [])
  await until(() => demo.said.stdout.includes('Ctrl-C') || demo.child.exitCode !== null, 60_000)
  const urls = [...demo.said.stdout.matchAll(/http:\S+/g)].map(([url]) => url)
  t.equal(urls.length, 3)
  for (const url of urls) t.equal((await fetch(url)).status, 200, url)
  const folder = /data folder +(\S.*)$/m.exec(demo.said.stdout)?.[1] ?? ''
  if (!folder.startsWith(demo.temporary)) return t.fail('it names its data folder')
  const verify = spawnSync(process.execPath, [...nodeArguments, main, 'trace', 'verify'], {
    env: { PATH: process.env['PATH'], DATA_DIR: folder },
    encoding: 'utf8',
  })
  t.equal(verify.status, 0, `the command that it names works: ${verify.stderr}`)
  t.equal(demo.child.exitCode, null, 'and leaves it running')
  interrupt(demo)
  t.equal(await demo.ended, 0)
  t.equal(demo.said.stderr, '')
  await nothingIsLeft(t, demo)
})

await t.test('Ctrl-C while it starts ends all of it too', LONG, async (t) => {
  const demo = await startDemo(t, [])
  await until(() => demo.said.stdout.includes('sandbox counterparties') || demo.child.exitCode !== null, 30_000)
  interrupt(demo)
  t.equal(await demo.ended, 130)
  t.match(demo.said.stdout, /interrupted\n$/)
  t.equal(demo.said.stderr, '')
  await nothingIsLeft(t, demo)
})

await t.test(
  'without its registry it fails with a sentence and a code',
  { ...LONG, skip: process.platform === 'linux' ? false : 'processes are found in /proc' },
  async (t) => {
    const demo = await startDemo(t, ['--json'])
    const registry = (): number | undefined =>
      processes().find(({ parent, command }) => parent === demo.child.pid && command.includes('registry-process'))?.pid
    await until(() => registry() !== undefined, 30_000)
    process.kill(registry() as number, 'SIGKILL')
    t.equal(await demo.ended, 1)
    const report = JSON.parse(demo.said.stdout) as { ok: boolean; failures: string[] }
    t.equal(report.ok, false)
    t.match(report.failures, [/the sandbox's registry/])
    t.equal(demo.said.stderr, '')
    await nothingIsLeft(t, demo)
  },
)

await t.test('usage is told in both languages; an unknown option is refused', async (t) => {
  const help = await startDemo(t, ['--help'])
  t.equal(await help.ended, 0)
  t.match(help.said.stdout, /--once .*完成后退出.*exit when done/)
  t.match(help.said.stdout, /--json/)
  const wrong = await startDemo(t, ['--twice'])
  t.equal(await wrong.ended, 2)
  t.equal(wrong.said.stdout, '')
  t.match(wrong.said.stderr, /没有选项 --twice .*there is no option --twice/)
  await nothingIsLeft(t, wrong)
})

/** Whom the demo runs as: `self`, or nobody when we are root; null when nobody cannot read this checkout. */
function ordinaryAccount(): Account | 'self' | null {
  if (process.getuid?.() !== 0) return 'self'
  const idOf = (what: string): number => Number(execFileSync('id', [what, 'nobody'], { encoding: 'utf8' }))
  const nobody = { uid: idOf('-u'), gid: idOf('-g') }
  const reach = spawnSync(process.execPath, ['-e', 'require("node:fs").readFileSync(process.argv[1])', main], nobody)
  return reach.status === 0 ? nobody : null
}
