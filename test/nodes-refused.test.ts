import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { newId } from '../src/base/id.ts'
import { loadConfig } from '../src/config.ts'
import { openGateway } from '../src/gateway.ts'
import { openLogger } from '../src/logger.ts'
import { within } from './support/command.ts'
import { testDatabase } from './support/database.ts'
import { QUICK } from './support/enrolment.ts'

const database = await testDatabase(t)
const dataDir = join(database.dataDir, 'one')
await mkdir(dataDir)
const masterKey = database.masterKey.toString('hex')
const external = {
  DATABASE_URL: database.url,
  MASTER_KEY: masterKey,
  DATA_DIR: dataDir,
  GATEWAY_PORT: '0',
  LOG_LEVEL: 'silent',
}
const shared = { ...external, SHARED_STORAGE: 'true' }

const logFile = join(database.dataDir, 'gateway.log')
const gateway = await openGateway(
  loadConfig(
    {},
    { ...QUICK, dataDir, databaseUrl: database.url, masterKey, port: 0, sharedStorage: true, role: 'api' },
  ),
  openLogger('warn', logFile),
)
t.teardown(() => gateway.close())

await t.test('the embedded database serves one process, whatever its role is called', async (t) => {
  const DATA_DIR = join(database.dataDir, 'embedded')
  for (const role of ['api', 'worker']) {
    const refused = await within({ DATA_DIR, SHARED_STORAGE: 'true' }, 'serve', '--role', role)
    t.match(refused, { code: 1, err: `GATEWAY_ROLE=${role}` })
    t.match(refused.err, /内嵌数据库.*DATABASE_URL/s)
    t.match(refused.err, /embedded database serves one process.*DATABASE_URL/s)
  }
  t.match(await within({ DATA_DIR, SHARED_STORAGE: 'true' }, 'serve'), { code: 1, err: /内嵌数据库.*SHARED_STORAGE/s })
  await t.rejects(readFile(join(DATA_DIR, 'master.key')), 'nothing was made there')
})

await t.test('roles need a storage that is said to be shared', async (t) => {
  const refused = await within({ ...external, GATEWAY_ROLE: 'worker' }, 'serve')
  t.match(refused, { code: 1, err: /共享存储.*SHARED_STORAGE=true/s })
  t.match(refused.err, /shares the data folder.*SHARED_STORAGE=true/s)
  t.match(await within(shared, 'serve', '--role', 'boss'), { code: 1, err: /GATEWAY_ROLE.*all, api, worker/ })
})

await t.test('a gateway that wants the database for itself is refused beside one that shares it', async (t) => {
  const refused = await within(external, 'serve')
  t.match(refused, { code: 1, err: /SHARED_STORAGE=true/ })
  t.match(refused.err, `serve ${process.pid}@`)
})

await t.test(
  'a process with another folder is refused, and one whose folder belongs to another database',
  async (t) => {
    const elsewhere = join(database.dataDir, 'two')
    const refused = await within({ ...shared, DATA_DIR: elsewhere }, 'serve')
    t.match(refused, { code: 1, err: /DATA_DIR.*不是本数据库/s })
    const mark = (await readFile(join(dataDir, 'materials', 'storage-id'), 'utf8')).trim()
    t.match(refused.err, mark)

    const other = await testDatabase(t)
    const config = loadConfig({}, { ...QUICK, dataDir: elsewhere, databaseUrl: other.url, masterKey, port: 0 })
    await (await openGateway(config, openLogger('silent', 2))).close()
    t.match(await within({ ...shared, DATA_DIR: elsewhere }, 'serve'), { code: 1, err: /belongs to another database/ })
  },
)

await t.test('a new database is refused on a folder that holds the files of another', async (t) => {
  const folder = join(database.dataDir, 'moved')
  const materials = join(folder, 'materials')
  const mark = newId()
  await mkdir(join(materials, 'ab'), { recursive: true })
  await writeFile(join(materials, 'storage-id'), `${mark}\n`)
  const other = await testDatabase(t)
  const env = { ...external, DATABASE_URL: other.url, DATA_DIR: folder, GATEWAY_HOST: 'no-such-host.invalid' }
  await writeFile(join(materials, 'ab', newId()), 'sealed')
  const refused = await within(env, 'serve')
  t.match(refused, { code: 1, err: /DATABASE_URL.*空文件夹/s })
  t.match(refused.err, `insert into storage_mark (id) values ('${mark}')`)
  t.equal((await readdir(join(materials, 'ab'))).length, 1)

  await other.pool.query('insert into storage_mark (id) values ($1)', [mark])
  t.match(await within(env, 'serve'), { code: 1, err: /GATEWAY_HOST/ }, 'the way out leads past it')
})

await t.test('a command from another folder is refused, makes nothing there, and none signs unasked', async (t) => {
  const bank = ['bank', 'add', '--code', '91420000000000001R', '--name', '示例银行', '--agreement-from', '2026-01-01']
  const addBank = [...bank, '--agreement-to', '2030-12-31']
  const elsewhere = join(database.dataDir, 'nowhere')
  t.match(await within({ ...shared, DATA_DIR: elsewhere }, ...addBank), { code: 1, err: /DATA_DIR.*不是本数据库/s })
  t.equal(existsSync(elsewhere), false)

  const signing = join(dataDir, 'signing')
  await rename(signing, join(dataDir, 'kept'))
  t.match(await within(shared, ...addBank), { code: 1, err: /签名密钥.*SIGNING_DIR/s })
  t.equal(existsSync(signing), false)
  await rename(join(dataDir, 'kept'), signing)

  t.match(await within(shared, ...addBank), { code: 0 })
  t.strictSame((await database.pool.query('select size from trace_checkpoint')).rows, [])
  t.match(await within(shared, 'trace', 'checkpoint'), { code: 0, out: /size\s+1/ })
})

await t.test('one of several that does not know the address of its balancer says so', async (t) => {
  t.match(await readFile(logFile, 'utf8'), /PUBLIC_URL is not set/)
})
