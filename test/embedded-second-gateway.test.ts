import t from 'tap'
import { openEmbedded } from '../src/db/embedded.ts'
import { serveLock } from '../src/db/serve-lock.ts'
import { StartRefused } from '../src/db/start-refused.ts'
import { cuttingProxy } from './support/cutting-proxy.ts'
import { ask, killed, readyFolder, startOwner, until } from './support/embedded.ts'
import { silentLog as log } from './support/silent-log.ts'

await t.test('a second gateway on the folder is refused by name, and the first goes on', async (t) => {
  const folder = await readyFolder(t)
  const first = await startOwner(t, folder, { lock: true })
  const embedded = await openEmbedded({ dataDir: folder, log })
  const refused = await serveLock({ url: embedded.url, folder, log, onLost: () => undefined, patienceMs: 300 }).catch(
    (error: unknown) => error,
  )
  t.ok(refused instanceof StartRefused)
  t.match(refused, { code: 'data-folder-in-use', detail: { zh: folder, en: `serve ${first.child.pid}@` } })
  await embedded.close()
  t.strictSame(await ask(first.told.url, 'select 1 as n'), [{ n: 1 }])
})

await t.test('a gateway takes over at once from one that was killed', async (t) => {
  const folder = await readyFolder(t)
  const first = await startOwner(t, folder, { lock: true })
  await killed(first.child)
  const embedded = await openEmbedded({ dataDir: folder, log })
  const lock = await serveLock({ url: embedded.url, folder, log, onLost: () => t.fail('lost') })
  await lock.release()
  await embedded.close()
})

await t.test(
  'a lock whose connection breaks is taken again, and its holder is told when another was faster',
  async (t) => {
    const folder = await readyFolder(t)
    const embedded = await openEmbedded({ dataDir: folder, log })
    t.teardown(() => embedded.close())
    const { url } = embedded
    let lost: StartRefused | null = null
    const lock = await serveLock({ url, folder, log, onLost: (error) => (lost = error), patienceMs: 300 })
    t.teardown(() => lock.release())
    const holders = `from pg_locks where locktype = 'advisory' and objid = 7236002 and granted`
    const [before] = await ask<{ pid: number }>(url, `select pid ${holders}`)
    await ask(url, `select pg_terminate_backend(${before?.pid})`)
    await until(async () => {
      const [now] = await ask<{ pid: number }>(url, `select pid ${holders}`)
      return now !== undefined && now.pid !== before?.pid
    })
    t.equal(lost, null)
    const thief = ask(url, 'select pg_advisory_lock(7236002), pg_sleep(3)')
    await until(async () => (await ask(url, `select ${holders.replace('granted', 'not granted')}`)).length === 1)
    await ask(url, `select pg_terminate_backend(pid) ${holders}`)
    await until(async () => lost !== null)
    t.match(lost, { code: 'data-folder-in-use' })
    await thief
  },
)

await t.test('a lock whose connection falls silent is taken from the session that the server keeps', async (t) => {
  const folder = await readyFolder(t)
  const embedded = await openEmbedded({ dataDir: folder, log })
  t.teardown(() => embedded.close())
  const proxy = await cuttingProxy(t, embedded.url)
  let lost: StartRefused | null = null
  const options = { url: proxy.url, folder, log, onLost: (error: StartRefused) => (lost = error), lookMs: 100 }
  const lock = await serveLock(options)
  t.teardown(() => lock.release())
  const holders = `select pid from pg_locks where locktype = 'advisory' and objid = 7236002 and granted`
  const [before] = await ask<{ pid: number }>(embedded.url, holders)
  proxy.silence()
  await until(async () => {
    const [now] = await ask<{ pid: number }>(embedded.url, holders)
    return now !== undefined && now.pid !== before?.pid
  })
  t.equal(lost, null, 'its own former session is no rival')
})
