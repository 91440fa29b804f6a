import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'

const TOOLS = ['redis-server', 'openssl', 'curl', 'iconv', 'pdftotext']

/** What CI prints last and how it ends, where `npm` does what is given for its commands. */
function run(t: Test, npm: { check?: string; test: string }) {
  const folder = t.testdir({})
  for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name))
  copyFileSync('.ci/run', join(folder, '.ci', 'run'))
  const does = `case "$*" in 'run check') ${npm.check ?? ':'} ;; test*) ${npm.test} ;; *bench*) echo figures ;; esac`
  // All of its tools are there, so that it installs nothing.
  for (const name of ['npm', ...TOOLS]) {
    const file = join(folder, 'bin', name)
    writeFileSync(file, `#!/bin/sh\n${name === 'npm' ? does : ''}\n`)
    chmodSync(file, 0o755)
  }
  const env = { PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
  const { status, stdout } = spawnSync('bash', [join(folder, '.ci', 'run')], { env, encoding: 'utf8' })
  return { status, last: stdout.trimEnd().split('\n').at(-1) }
}

await t.test('the last line of CI counts, however it ended', (t) => {
  const counted = (more: string) => `echo '# { total: 12, pass: 9${more} }'`
  t.strictSame(run(t, { test: counted(', skip: 3') }), { status: 0, last: '9 passed, 0 failed, 3 skipped' })
  t.strictSame(run(t, { test: `${counted(', fail: 3')}; exit 1` }), { status: 1, last: '9 passed, 3 failed' })
  t.strictSame(run(t, { test: 'echo ok 1; exit 137' }), { status: 137, last: '0 passed, 1 failed' }, 'no summary')
  t.strictSame(run(t, { test: 'echo ok 1' }), { status: 1, last: '0 passed, 1 failed' }, 'nor a word of it')
  t.strictSame(run(t, { check: 'exit 3', test: ':' }), { status: 3, last: '0 passed, 1 failed' }, 'no test was run')
  t.end()
})
