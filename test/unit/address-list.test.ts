import t from 'tap'
import { addressList } from '../../src/base/address-list.ts'
import { loadConfig } from '../../src/config.ts'

await t.test('an address is held against networks of both versions, however it is written', async (t) => {
  const list = addressList(['10.1.0.0/16', '192.0.2.7', 'fd00:12::/32', '::1/128'])
  for (const address of ['10.1.0.0', '10.1.255.255', '::ffff:10.1.2.3', '192.0.2.7', 'fd00:12:0:1::9', '::1']) {
    t.ok(list.has(address), address)
  }
  for (const address of ['10.2.0.0', '192.0.2.8', 'fd00:13::1', '::2', '::ffff:10.2.0.1', '', 'localhost', '10.1']) {
    t.notOk(list.has(address), address)
  }
  t.notOk(addressList([]).has('127.0.0.1'), 'an empty list has none')
  t.ok(addressList(['fe80::/10']).has('fe80::1%eth0'), 'a zone is no part of it')
})

await t.test('what is no network is refused', async (t) => {
  for (const network of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/1e1', '10.0.0/8', 'localhost', '::/129', '::1/-1'])
    t.throws(() => addressList([network]), network)
})

await t.test('a setting of networks: commas, a list, nothing', async (t) => {
  const read = (value: string) => loadConfig({ METRICS_ALLOW_CIDR: value }).metricsAllow
  t.strictSame(loadConfig({}).metricsAllow, ['127.0.0.0/8', '::1/128'])
  t.strictSame(read('10.1.0.0/16, fd00::/8'), ['10.1.0.0/16', 'fd00::/8'])
  t.strictSame(read(''), [])
  t.throws(() => read('10.1.0.0/99'), /METRICS_ALLOW_CIDR/)
})
