import { parseArgs } from 'node:util'
import { type Sabotage } from './armed-build.ts'
import type { Role } from './cluster.ts'
import { type TortureReport, torture } from './run.ts'
import { sabotages } from './sabotages.ts'

const HELP = `
npm run torture [-- --short] [-- --json] [-- --seed N] [-- --cases N] [-- --faults N] [-- --without WHAT] [-- --roles all]

  Two api and two worker processes take a bank's cases and queries while they are killed at named points, cut off from
  the database, and lied to. --short: each point at least 5 times. --without: the torture of a build that lacks one of
  its dealings with faults, which must fail: ${Object.keys(sabotages).join(', ')}.
`

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    seed: { type: 'string' },
    cases: { type: 'string' },
    faults: { type: 'string' },
    without: { type: 'string' },
    roles: { type: 'string', default: 'api,api,worker,worker' },
    help: { type: 'boolean', default: false },
  },
})

/** How they are counted, and what must be none. */
const COUNTED = ['lost', 'doubled', 'outOfOrder', 'disclosedWithoutRecord', 'missingFromLog'] as const

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  const say = (line: string): void => (values.json ? console.error(line) : console.log(line))
  let sabotage: Sabotage | undefined
  if (values.without !== undefined) {
    sabotage = sabotages[values.without]
    if (sabotage === undefined) throw new Error(`--without takes one of ${Object.keys(sabotages).join(', ')}`)
  }
  const cases = Number(values.cases ?? (values.short ? 60 : 2000))
  const faults = Number(values.faults ?? (values.short ? 0 : 200))
  say(`seed ${seed}: ${cases} cases, ${values.short ? 'each point five times' : `${faults} faults`}`)
  const report = await torture({
    cases,
    faults,
    eachPoint: values.short ? 5 : 0,
    seed,
    roles: values.roles.split(',') as Role[],
    say,
    ...(sabotage === undefined ? {} : { sabotage }),
  })
  if (values.json) console.log(JSON.stringify({ seed, ...countsOf(report) }))
  else tell(report)
  return [...COUNTED, 'unfinished' as const].every((name) => report[name].length === 0) ? 0 : 1
}

function countsOf(report: TortureReport): Record<string, unknown> {
  const counted = Object.fromEntries(COUNTED.map((name) => [name, report[name].length]))
  const { faults, cases, queries, receipts, events, byPoint, unfinished } = report
  return { faults, cases, ...counted, queries, receipts, events, byPoint, unfinished: unfinished.length }
}

function tell(report: TortureReport): void {
  for (const [point, times] of Object.entries(report.byPoint).sort(([one], [other]) => (one < other ? -1 : 1)))
    console.log(`${String(times).padStart(6)}  ${point}`)
  console.log(`${report.cases} cases, ${report.queries} queries, ${report.receipts} receipts, ${report.events} events`)
  for (const name of [...COUNTED, 'unfinished' as const]) {
    console.log(`${String(report[name].length).padStart(6)}  ${name}`)
    for (const line of report[name].slice(0, 5)) console.log(`        ${line}`)
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main()
