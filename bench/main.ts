import { writeFileSync } from 'node:fs'
import { cpus, platform, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { redisServer } from '../test/support/redis-server.ts'
import { accept } from './accept.ts'
import { checkFloor, type Limits, limitsOf } from './floor-check.ts'
import { mapping } from './mapping.ts'
import { nodeRedVersion } from './node-red.ts'
import type { Comparison } from './pairs.ts'
import { openPlace } from './place.ts'
import { pushes } from './pushes.ts'
import { query } from './query.ts'
import { tell, tellActivity, tellLimits } from './report.ts'
import { measureRequests } from './requests.ts'
import type { Activity } from './statements.ts'

const SECTIONS = ['accept', 'query', 'pushes', 'mapping'] as const

const HELP = `
npm run bench [-- --short] [-- --json] [-- --only ${SECTIONS.join(',')}] [-- --to FILE] [-- --pairs N] [-- --profile DIR]

  Measures the gateway against floors that do the same unavoidable work and nothing else: floor, gateway, floor, gateway,
  medians of the pairs with quartiles. Never a gate: it ends well whatever the figures are.
    --short    about a minute
    --json     the whole report on the last line
    --to       where the report is written; default bench.json
    --profile  CPU profiles of the gateway's processes go into this folder; the figures are then not worth telling
`

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: SECTIONS.join(',') },
    to: { type: 'string', default: 'bench.json' },
    pairs: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

interface Report {
  at: string
  machine: Record<string, unknown>
  isShort: boolean
  limits: Limits | null
  comparisons: Comparison[]
  /** What PostgreSQL did for one request, by section. */
  activity: Record<string, { ours: Activity; floor: Activity }>
  skipped: string[]
}

const say = (line: string): void => (values.json ? console.error(line) : console.log(line))

async function main(): Promise<void> {
  if (values.help) return console.log(HELP)
  const { short } = values
  const wanted = new Set(values.only.split(','))
  const pairs = Number(values.pairs ?? (short ? 5 : 9))
  const nodeArguments = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const report: Report = {
    at: new Date().toISOString(),
    machine: {
      cpus: cpus().map(({ model }) => model),
      memoryMb: Math.round(totalmem() / 1024 / 1024),
      system: `${platform()} ${release()}`,
      node: process.version,
    },
    isShort: short,
    limits: null,
    comparisons: [],
    activity: {},
    skipped: [],
  }
  const skip = (what: string): void => {
    report.skipped.push(what)
    say(`SKIPPED ${what}`)
  }
  const add = (comparison: Comparison): void => {
    report.comparisons.push(comparison)
    tell(comparison, say)
  }

  const place = await openPlace()
  try {
    if (wanted.has('accept') || wanted.has('query')) {
      const limits = await limitsOf(place, short ? 1000 : 3000)
      report.limits = limits
      tellLimits(limits, say)
      for (const contest of [accept, query]) {
        if (!wanted.has(contest.name)) continue
        const scale = { pairs, requests: short ? 300 : 4000 }
        const { comparison, activity } = await measureRequests(contest, place, scale, nodeArguments)
        checkFloor(comparison, limits)
        add(comparison)
        if (activity === null) continue
        report.activity[contest.name] = activity
        tellActivity(activity, say)
      }
      const nodeRed = nodeRedVersion()
      if (nodeRed === null) skip('accept against Node-RED: it is not installed')
      else skip(`accept against Node-RED ${nodeRed}: there is no flow for it yet`)
    }
    if (wanted.has('pushes')) {
      const scale = { pairs, requests: short ? 200 : 1500 }
      add(await pushes(place, { ...scale, promised: 4 }, null, nodeArguments))
      const redis = await redisServer()
      if (redis === null) skip('pushes on Redis: redis-server is not installed')
      else {
        place.onClose(() => redis.close())
        add(await pushes(place, { ...scale, promised: 1.2 }, redis.url, nodeArguments))
      }
    }
  } finally {
    await place.close()
  }
  if (wanted.has('mapping')) for (const comparison of await mapping(pairs, short ? 200 : 1500)) add(comparison)
  writeFileSync(values.to, `${JSON.stringify(report, null, 2)}\n`)
  if (values.json) console.log(JSON.stringify(report))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
await main()
