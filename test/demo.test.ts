import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const main = fileURLToPath(new URL(`../src/main${extname(import.meta.url)}`, import.meta.url))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

async function demo(
  args: string[],
  onOutput: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [...process.execArgv, main, 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onOutput(stdout, (signal) => child.kill(signal))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('bdc-gateway-demo-'))

await t.test('--json prints one object, measured at the counterparties, and nothing else', async (t) => {
  const before = folders()
  const { code, stdout, stderr } = await demo(['--json'])
  t.equal(stderr, '')
  t.equal(code, 0)
  t.equal(stdout.trim().split('\n').length, 1)
  const report = JSON.parse(stdout) as Record<string, unknown> & {
    steps: { name: string; ms: number }[]
    totalMs: number
  }
  t.strictSame(Object.keys(report), ['ok', 'totalMs', 'steps', 'case', 'materials', 'certificate', 'trace'])
  t.match(report, {
    ok: true,
    case: { completed: true, registryEffects: 1, platformCases: 1 },
    materials: { sent: 9, identical: 9 },
    certificate: { digestMatches: true },
    trace: { verified: true },
  })
  t.ok(report.steps.every(({ name, ms }) => name.length > 0 && Number.isInteger(ms)))
  t.strictSame(folders(), before, 'its folder is gone')
})

await t.test('without --once it stays up, prints addresses that answer, and Ctrl-C ends all of it', async (t) => {
  const answers: { asked?: Promise<number[]> } = {}
  const { code, stdout } = await demo([], (text, kill) => {
    if (answers.asked !== undefined || !text.includes('Ctrl-C')) return
    const addresses = [...text.matchAll(/http:\/\/127\.0\.0\.1:\d+\/\S+/g)]
      .map(([address]) => address)
      .filter((address) => !address.endsWith('/v1'))
    answers.asked = Promise.all(addresses.map(async (address) => (await fetch(address)).status)).finally(() =>
      kill('SIGINT'),
    )
  })
  t.strictSame(await answers.asked, [200, 200, 200], 'gateway, platform and registry answer')
  t.equal(code, 0)
  t.match(stdout, /ok {2}总用时/)
})

await t.test('help is told, and an option that is none is refused', async (t) => {
  t.match(await demo(['--help']), { code: 0, stdout: /--once/ })
  const wrong = await demo(['--fast'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /fast/)
})
