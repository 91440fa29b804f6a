import { writeFileSync } from 'node:fs'
import { cpus, platform, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { accept } from './accept.ts'
import { mapping } from './mapping.ts'
import type { Comparison } from './pairs.ts'
import { openPlace } from './place.ts'
import { redisServer } from '../test/torture/redis-server.ts'
import { pushes } from './pushes.ts'
import { query } from './query.ts'
import { tell } from './report.ts'

const HELP = `
npm run bench [-- --short] [-- --json] [-- --only accept,query] [-- --to FILE] [-- --pairs N]

  Measures the gateway against floors that do the same unavoidable work and nothing else. Never a gate.
`

const SECTIONS = ['accept', 'query', 'pushes', 'mapping'] as const

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

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP)
    return
  }
  const wanted = new Set(values.only.split(','))
  const pairs = Number(values.pairs ?? (values.short ? 5 : 7))
  const nodeArguments =
    values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`, '--cpu-prof-interval=500']
  const comparisons: Comparison[] = []
  const report: Record<string, unknown> = {
    at: new Date().toISOString(),
    machine: { cpus: cpus().map(({ model }) => model), memoryMb: totalmem() / 1024 / 1024, platform: platform(), release: release() },
    node: process.version,
    comparisons,
  }
  const say = (line: string): void => (values.json ? console.error(line) : console.log(line))
  const place = await openPlace()
  try {
    if (wanted.has('accept')) {
      const { comparison, activity } = await accept(place, { pairs, requests: values.short ? 500 : 3000 }, nodeArguments)
      comparisons.push(comparison)
      report['acceptActivity'] = activity
      tell(comparison, say)
      say(JSON.stringify(activity))
    }
    if (wanted.has('query')) {
      const comparison = await query(place, { pairs, requests: values.short ? 400 : 2000 }, nodeArguments)
      comparisons.push(comparison)
      tell(comparison, say)
    }
    if (wanted.has('pushes')) {
      const scale = { pairs, requests: values.short ? 200 : 1500 }
      const comparison = await pushes(place, { ...scale, promised: 4 }, null, nodeArguments)
      comparisons.push(comparison)
      tell(comparison, say)
      const redis = await redisServer()
      if (redis === null) say('pushes on Redis: SKIPPED, redis-server is not installed')
      else {
        place.onClose(() => redis.close())
        const onRedis = await pushes(place, { ...scale, promised: 1.2 }, redis.url, nodeArguments)
        comparisons.push(onRedis)
        tell(onRedis, say)
      }
    }
    if (wanted.has('mapping')) {
      for (const comparison of await mapping(pairs, values.short ? 250 : 1500)) {
        comparisons.push(comparison)
        tell(comparison, say)
      }
    }
  } finally {
    await place.close()
  }
  writeFileSync(values.to, `${JSON.stringify(report, null, 2)}\n`)
  if (values.json) console.log(JSON.stringify(report))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
await main()
