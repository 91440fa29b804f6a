import { getServers, setServers } from 'node:dns'
import { lookup } from 'node:dns/promises'
import t from 'tap'
import { addressGuard } from '../src/http/address-guard.ts'
import { startNameServer } from './support/name-server.ts'
import { until } from './support/until.ts'
import { putWebhook } from './support/webhooks.ts'
import { OTHER_BANK, startWorld } from './support/world.ts'

const before = getServers()
t.teardown(() => setServers(before))

await t.test('slow names of one bank keep nobody else waiting', async (t) => {
  const world = await startWorld(t)
  const names = await startNameServer(t, '8.8.8.8')
  setServers([names.address])
  const bank = await world.enrol()
  const other = await world.enrol({ bank: OTHER_BANK })

  let settled = 0
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work
    settled += 1
    return result
  }
  const slow = counted(putWebhook(bank, 'https://slow.example/'))
  await until(() => names.asked.includes('slow.example'))
  const second = await putWebhook(bank, 'https://slow-too.example/')
  t.match({ status: second.status, ...second.json() }, { status: 429, code: 'webhook-check-running', retry: 'after' })
  t.match(second.headers['retry-after'], /^\d+$/)
  t.notOk(names.asked.includes('slow-too.example'), 'of one bank one name at a time')

  // More than the threads that the system's resolver has.
  const guard = addressGuard([])
  const more = Array.from({ length: 8 }, (_, i) => counted(guard.check(new URL(`https://slow-${i}.example/`))))
  await until(() => names.asked.includes('slow-7.example'))
  t.equal((await putWebhook(other, 'https://bank.example/')).status, 202)
  t.match(await lookup('localhost'), { address: /./ })
  t.equal(settled, 0, 'all the while')

  names.release()
  t.equal((await slow).status, 202)
  t.strictSame(await Promise.all(more), Array(8).fill(null))
  t.equal((await putWebhook(bank, 'https://slow-too.example/')).status, 202)
})

await t.test('localhost, the hosts file and numbers are no questions for a name server', async (t) => {
  const names = await startNameServer(t, '8.8.8.8')
  setServers([names.address])
  const guard = addressGuard(['127.0.0.1/32'])
  t.equal(await guard.check(new URL('https://localhost/')), 'inner', '::1 is one of its addresses')
  t.equal(await guard.check(new URL('https://a.localhost/')), 'inner')
  t.equal(await guard.check(new URL('https://127.0.0.1/')), null)
  t.strictSame(names.asked, [])
  t.equal(await guard.check(new URL('https://bank.example./')), null)
  t.strictSame([...new Set(names.asked)], ['bank.example'])
})
