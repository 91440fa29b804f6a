import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openEmbedded } from '../src/db/embedded.ts'
import { run } from '../src/db/embedded-account.ts'
import { findPackage, locateBinaries } from '../src/db/embedded-binaries.ts'
import { StartRefused } from '../src/db/start-refused.ts'
import { ask, closed, postmasterPid, readyFolder, startOwner, temporaryFolder } from './support/embedded.ts'
import { silentLog as log } from './support/silent-log.ts'

const isRoot = process.getuid?.() === 0
const rootOnly = isRoot ? {} : { skip: 'only root can act as other users' }
/** An account that every Linux has and nothing runs as. */
const ordinary = { uid: 1, gid: 1 }
const nobody = { uid: 65_534, gid: 65_534 }

await t.test('binaries whose links were not made at installation are copied with links, and run', async (t) => {
  const folder = await temporaryFolder(t)
  const installed = await findPackage()
  const native = join(folder, 'package')
  await cp(installed.native, native, { recursive: true, verbatimSymlinks: true })
  for (const name of await readdir(join(native, 'lib'))) {
    if (name.startsWith('libicu') && name.split('.').length === 3) await rm(join(native, 'lib', name))
  }
  const found = await locateBinaries(folder, null, { native, version: installed.version })
  t.match(found.initdb, join(folder, `postgres-bin-${installed.version}`))
  t.match(await run(found.initdb, ['--version'], null), { code: 0, output: /PostgreSQL\) 18/ })
  t.strictSame(await locateBinaries(folder, null, { native, version: installed.version }), found)
})

await t.test('root runs the server as nobody and keeps its own files from it', rootOnly, async (t) => {
  const folder = await readyFolder(t)
  const embedded = await openEmbedded({ dataDir: folder, log })
  const pid = (await postmasterPid(folder)) as number
  t.not((await stat(`/proc/${pid}`)).uid, 0)
  t.equal((await stat(join(folder, 'postgres'))).uid, (await stat(`/proc/${pid}`)).uid)
  const password = await stat(join(folder, 'postgres.password'))
  t.strictSame([password.uid, password.mode & 0o777], [0, 0o600])
  await embedded.close()
})

await t.test('root copies binaries that lie where the account of the server cannot go', rootOnly, async (t) => {
  const folder = await temporaryFolder(t)
  const installed = await findPackage()
  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o700 })
  await cp(installed.native, join(home, 'native'), { recursive: true, verbatimSymlinks: true })
  const found = await locateBinaries(folder, nobody, { native: join(home, 'native'), version: installed.version })
  t.equal(dirname(dirname(found.initdb)), join(folder, `postgres-bin-${installed.version}`))
  t.match(await run(found.initdb, ['--version'], nobody), { code: 0, output: /PostgreSQL\) 18/ })
})

await t.test('root is told which folder keeps the account of the server out, and what to do', rootOnly, async (t) => {
  const folder = await temporaryFolder(t)
  const home = join(folder, 'root')
  await mkdir(home, { mode: 0o700 })
  const refused = await openEmbedded({ dataDir: join(home, 'data'), log }).catch((error: unknown) => error)
  t.ok(refused instanceof StartRefused)
  t.match(refused, {
    code: 'data-folder-unreachable',
    detail: { zh: `chmod o+x '${home}'`, en: `chmod o+x '${home}'` },
  })
})

await t.test('root opens the data folder itself to passage only', rootOnly, async (t) => {
  const folder = join(await temporaryFolder(t), 'data')
  await mkdir(folder, { mode: 0o700 })
  const embedded = await openEmbedded({ dataDir: folder, log })
  t.equal((await stat(folder)).mode & 0o777, 0o711)
  await embedded.close()
})

await t.test('an ordinary user with an empty home runs the server as itself', rootOnly, async (t) => {
  const outer = await temporaryFolder(t)
  const folder = join(outer, '数据')
  await mkdir(folder, { mode: 0o700 })
  await run('chown', [String(ordinary.uid), folder], null)
  const owner = await startOwner(t, folder, ordinary)
  t.match(owner.told, { adopted: false, uid: ordinary.uid })
  t.strictSame(await ask(owner.told.url, 'select 1 as n'), [{ n: 1 }])
  t.equal((await stat(join(folder, 'postgres'))).uid, ordinary.uid)

  const byRoot = await openEmbedded({ dataDir: folder, log })
  t.equal(byRoot.adopted, true, 'root adopts the server of a service')
  await closed(owner.child)
  await byRoot.close()
  t.equal(await postmasterPid(folder), null)

  const again = await openEmbedded({ dataDir: folder, log })
  t.equal((await stat(`/proc/${await postmasterPid(folder)}`)).uid, ordinary.uid, 'and starts it as its owner')
  await again.close()
})

await t.test('an ordinary user is told when the database belongs to another', rootOnly, async (t) => {
  const folder = await readyFolder(t)
  const owner = await startOwner(t, folder, ordinary)
  t.match(owner.told.error, /belongs to another user/)
})
