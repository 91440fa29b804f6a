import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openEmbedded } from '../src/db/embedded.ts'
import { StartRefused } from '../src/db/start-refused.ts'
import {
  ask,
  closed,
  isAlive,
  killed,
  postmasterPid,
  readyFolder,
  startOwner,
  temporaryFolder,
  until,
} from './support/embedded.ts'
import { silentLog as log } from './support/silent-log.ts'

await t.test('a new folder with blanks and Chinese in its name serves a database and leaves no process', async (t) => {
  const dataDir = join(await temporaryFolder(t), '不动产 网关')
  const embedded = await openEmbedded({ dataDir, log })
  t.equal(embedded.adopted, false)
  const [facts] = await ask<Record<string, string | boolean>>(
    embedded.url,
    `select current_setting('server_encoding') as encoding, current_setting('data_checksums') as checksums,
            current_setting('fsync') as fsync, current_setting('listen_addresses') as addresses,
            (select datcollate from pg_database where datname = current_database()) as collate,
            (select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user) as mighty`,
  )
  t.strictSame(facts, {
    encoding: 'UTF8',
    checksums: 'on',
    fsync: 'on',
    addresses: '127.0.0.1',
    collate: 'C',
    mighty: false,
  })
  await t.rejects(ask(embedded.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'select 1'), { code: '28P01' })
  const pid = await postmasterPid(dataDir)
  await embedded.close()
  await embedded.close()
  t.ok(pid !== null && !isAlive(pid), 'the server is gone')
})

await t.test(
  'a server that a killed process left behind is adopted with its data, and stopped by its adopter',
  async (t) => {
    const folder = await readyFolder(t)
    const owner = await startOwner(t, folder)
    t.equal(owner.told.adopted, false)
    await ask(owner.told.url, 'create table kept (n int)', 'insert into kept values (7)')
    const pid = await postmasterPid(folder)
    await killed(owner.child)
    const embedded = await openEmbedded({ dataDir: folder, log })
    t.equal(embedded.adopted, true)
    t.equal(await postmasterPid(folder), pid)
    t.strictSame(await ask(embedded.url, 'select n from kept'), [{ n: 7 }])
    await embedded.close()
    t.notOk(isAlive(pid as number))
  },
)

await t.test('a command that ends does not stop the server under a gateway, and the last one out does', async (t) => {
  const folder = await readyFolder(t)
  const command = await openEmbedded({ dataDir: folder, log })
  const gateway = await startOwner(t, folder)
  t.equal(gateway.told.adopted, true)
  await command.close()
  t.strictSame(await ask(gateway.told.url, 'select 1 as n'), [{ n: 1 }])
  await closed(gateway.child)
  t.equal(await postmasterPid(folder), null)
})

await t.test('processes that start at once on a new folder share one server', async (t) => {
  const folder = await temporaryFolder(t)
  const [first, second] = await Promise.all([startOwner(t, folder), startOwner(t, folder)])
  t.equal(first.told.error, undefined)
  t.equal(first.told.url, second.told.url)
  t.strictSame(
    [first.told.adopted, second.told.adopted].sort((a, b) => Number(a) - Number(b)),
    [false, true],
  )
  await Promise.all([closed(first.child), closed(second.child)])
  t.equal(await postmasterPid(folder), null)
})

await t.test('after a crash of the server its data are recovered at the next start', async (t) => {
  const folder = await readyFolder(t)
  const owner = await startOwner(t, folder)
  await ask(owner.told.url, 'create table kept (n int)', 'insert into kept select generate_series(1, 1000)')
  const pid = (await postmasterPid(folder)) as number
  await killed(owner.child)
  process.kill(pid, 'SIGKILL')
  const embedded = await openEmbedded({ dataDir: folder, log })
  t.equal(embedded.adopted, false)
  t.strictSame(await ask(embedded.url, 'select count(*)::int as n from kept'), [{ n: 1000 }])
  await embedded.close()
})

await t.test('a server that dies in use comes back at the same address', async (t) => {
  const folder = await readyFolder(t)
  const embedded = await openEmbedded({ dataDir: folder, log })
  const pid = (await postmasterPid(folder)) as number
  process.kill(pid, 'SIGKILL')
  await until(async () => {
    const rows = await ask<{ n: number }>(embedded.url, 'select 1 as n').catch(() => [])
    return rows.length === 1 && (await postmasterPid(folder)) !== pid
  })
  await embedded.close()
  t.equal(await postmasterPid(folder), null)
})

await t.test('a pid file whose number now belongs to another process does not hinder a start', async (t) => {
  const folder = await readyFolder(t)
  const first = await openEmbedded({ dataDir: folder, log })
  await first.close()
  const stale = [process.pid, join(folder, 'postgres'), 1_700_000_000, 5432, '', '127.0.0.1', '  1  1', 'ready', '']
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), stale.join('\n'))
  const second = await openEmbedded({ dataDir: folder, log })
  t.equal(second.adopted, false)
  t.equal(second.url, first.url)
  await second.close()
})

await t.test('a port that another program took meanwhile is given up for a free one', async (t) => {
  const folder = await readyFolder(t)
  const first = await openEmbedded({ dataDir: folder, log })
  await first.close()
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(Number(new URL(first.url).port), '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => squatter.close(() => resolve())))
  const second = await openEmbedded({ dataDir: folder, log })
  t.not(new URL(second.url).port, new URL(first.url).port)
  t.strictSame(await ask(second.url, 'select 1 as n'), [{ n: 1 }])
  await second.close()
})

await t.test('a value in a failing statement does not come into the log of the server', async (t) => {
  const folder = await readyFolder(t)
  const embedded = await openEmbedded({ dataDir: folder, log })
  for (const statement of [
    `select '张三丰'::uuid`,
    `do $$ begin raise warning '张三丰'; end $$`,
    `set log_statement = 'all'`,
    `set log_min_messages = 'debug1'`,
    `load 'auto_explain'`,
    `create table t (n text primary key); insert into t values ('张三丰'), ('张三丰')`,
  ]) {
    await ask(embedded.url, statement).catch((error: { code?: string }) => t.match(error.code, /^\w{5}$/))
  }
  await embedded.close()
  const text = await readFile(join(folder, 'postgres', 'server.log'), 'utf8')
  t.match(text, /ready to accept connections/)
  t.notMatch(text, '张三丰')
})

await t.test('data of another major version are refused unchanged, in both languages', async (t) => {
  const folder = await readyFolder(t)
  const first = await openEmbedded({ dataDir: folder, log })
  await first.close()
  const file = join(folder, 'postgres', 'PG_VERSION')
  await writeFile(file, '17\n')
  const error = await openEmbedded({ dataDir: folder, log }).catch((refusal: unknown) => refusal)
  t.ok(error instanceof StartRefused)
  t.match(error, { code: 'database-version', detail: { zh: /PostgreSQL 17.*PostgreSQL 18/, en: /PostgreSQL 17.*18/ } })
  t.equal(await readFile(file, 'utf8'), '17\n')
})

await t.test('a lost or foreign password file is named', async (t) => {
  const folder = await readyFolder(t)
  const embedded = await openEmbedded({ dataDir: folder, log })
  const file = join(folder, 'postgres.password')
  const right = await readFile(file, 'utf8')
  await writeFile(file, 'another\n')
  await t.rejects(openEmbedded({ dataDir: folder, log }), { code: 'database-password-wrong', message: file })
  await writeFile(file, right)
  await embedded.close()
  const other = join(folder, 'other')
  await mkdir(join(other, 'postgres'), { recursive: true })
  const refused = await openEmbedded({ dataDir: other, log }).catch((error: unknown) => error)
  t.ok(refused instanceof StartRefused)
})

await t.test('a folder whose name a shell would change is refused before anything is made', async (t) => {
  const folder = await temporaryFolder(t)
  await t.rejects(openEmbedded({ dataDir: join(folder, '$(id)'), log }), { code: 'data-folder-name' })
})
