// One command for format, lint, types, dead code and the direction of imports. Runs all, then fails if any failed.
import { spawnSync } from 'node:child_process'

const steps = [
  ['format', 'biome', ['check', '.']],
  ['types', 'tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['lint', 'oxlint', ['--type-aware', 'src', 'test', 'bench', 'clients']],
  ['dead code', 'knip', []],
  ['imports', 'depcruise', ['src', 'bench', 'clients']],
]
let failed = 0
for (const [name, command, args] of steps) {
  const run = spawnSync('npx', ['--no-install', command, ...args], { encoding: 'utf8' })
  const output = `${run.stdout}${run.stderr}`.trim()
  // dependency-cruiser calls zero modules a success: no parser, no check.
  const sawModules = name !== 'imports' || /[1-9]\d* modules/.test(output)
  const ok = run.status === 0 && sawModules
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}`)
  if (!ok) {
    failed += 1
    console.log(output)
  }
}
process.exit(failed === 0 ? 0 : 1)
