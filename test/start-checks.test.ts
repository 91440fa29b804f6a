import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { dispatch } from '../src/cli/dispatch.ts'
import { testDatabase } from './support/database.ts'

/** Runs a command here and keeps what it says. */
async function said(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const lines = { out: [] as string[], err: [] as string[] }
  const { log, error } = console
  console.log = (line: string) => void lines.out.push(line)
  console.error = (line: string) => void lines.err.push(line)
  try {
    const code = await dispatch(args, env)
    return { code, out: lines.out.join('\n'), err: lines.err.join('\n') }
  } finally {
    Object.assign(console, { log, error })
  }
}

await t.test('serve tells how it is used, and takes no words that it does not know', async (t) => {
  const folder = join(await mkdtemp(join(tmpdir(), 'start-')), 'data')
  t.teardown(() => rm(join(folder, '..'), { recursive: true, force: true }))
  const help = await said({ DATA_DIR: folder }, 'serve', '--help')
  t.equal(help.code, 0)
  t.match(help.out, /bdc-gateway serve/)
  t.equal((await said({ DATA_DIR: folder }, 'serve', '--nope')).code, 2)
  t.equal(existsSync(folder), false, 'nothing was made')
})

await t.test('a command on a folder that no gateway has used refuses and makes nothing there', async (t) => {
  const folder = join(await mkdtemp(join(tmpdir(), 'start-')), 'typo')
  t.teardown(() => rm(join(folder, '..'), { recursive: true, force: true }))
  for (const args of [
    ['trace', 'verify'],
    ['queue', 'ls'],
    ['bank', 'list'],
  ]) {
    const { code, err } = await said({ DATA_DIR: folder }, ...args)
    t.equal(code, 1, args.join(' '))
    t.match(err, /DATA_DIR/)
  }
  t.equal(existsSync(folder), false)
})

await t.test('what is wrong with a setting is said by its name', async (t) => {
  const database = await testDatabase(t)
  const env = { DATABASE_URL: database.url, MASTER_KEY: database.masterKey.toString('hex'), DATA_DIR: database.dataDir }
  const url = new URL(database.url)
  url.pathname = '/no_such_database'
  t.match(await said({ ...env, DATABASE_URL: url.href }, 'bank', 'list'), { code: 1, err: /DATABASE_URL.*3D000/ })
  for (const args of [['bank', 'list'], ['serve']])
    t.match(await said({ ...env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' }, ...args), {
      code: 1,
      err: /DATABASE_URL.*ECONNREFUSED/,
    })
  t.match(await said({ ...env, TRUST_DIR: join(database.dataDir, 'not-there') }, 'bank', 'list'), {
    code: 1,
    err: /TRUST_DIR/,
  })
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => void (await new Promise((resolve) => taken.close(resolve))))
  const { port } = taken.address() as AddressInfo
  t.match(await said({ ...env, GATEWAY_PORT: String(port), LOG_LEVEL: 'silent' }, 'serve'), {
    code: 1,
    err: /GATEWAY_PORT/,
  })
})
