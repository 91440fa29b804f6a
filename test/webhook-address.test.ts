import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { checkedAddress } from '../src/bank/webhook-address.ts'
import { openWebhookClient } from '../src/bank/webhook-client.ts'
import type { Problem } from '../src/base/problem.ts'
import { addressGuard } from '../src/http/address-guard.ts'
import type { ResolvedAddress } from '../src/http/host-resolver.ts'

const to = (...addresses: string[]): ResolvedAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

/** Names of a network that is not ours to ask. */
const names: Record<string, ResolvedAddress[]> = {
  'bank.example': to('8.8.8.8', '2400:3200::1'),
  'half.example': to('8.8.8.8', '10.0.0.5'),
  'mapped.example': to('::ffff:169.254.169.254'),
  'inner.example': to('10.2.0.5'),
  'nowhere.example': [],
  localhost: to('127.0.0.1'),
}
const resolve = async (host: string): Promise<ResolvedAddress[]> => {
  const found = names[host]
  if (found === undefined) throw new Error('ENOTFOUND')
  return found
}

await t.test('an address is https on a host that is public by every one of its addresses', async (t) => {
  const guard = addressGuard(['10.2.0.0/16'], resolve)
  for (const [given, kept] of [
    ['https://bank.example/events?bank=1', 'https://bank.example/events?bank=1'],
    ['https://BANK.example:8443', 'https://bank.example:8443/'],
    ['https://8.8.8.8/x', 'https://8.8.8.8/x'],
    ['https://inner.example/x', 'https://inner.example/x'],
    ['http://inner.example/x', 'http://inner.example/x'],
    ['http://10.2.9.9:8080/x', 'http://10.2.9.9:8080/x'],
  ] as const)
    t.equal(await checkedAddress(given, guard), kept)
  for (const [given, code, fault] of [
    [undefined, 'webhook-address-invalid', 'address-malformed'],
    [7, 'webhook-address-invalid', 'address-malformed'],
    ['bank.example', 'webhook-address-invalid', 'address-malformed'],
    ['ftp://bank.example/', 'webhook-address-invalid', 'address-malformed'],
    ['https://银行.example/', 'webhook-address-invalid', 'address-malformed'],
    ['https://bank.example/ x', 'webhook-address-invalid', 'address-malformed'],
    ['https://bank.example:99999/', 'webhook-address-invalid', 'address-malformed'],
    [`https://bank.example/${'x'.repeat(1000)}`, 'webhook-address-invalid', 'address-malformed'],
    ['https://user@bank.example/', 'webhook-address-invalid', 'address-with-credentials'],
    ['https://:secret@bank.example/', 'webhook-address-invalid', 'address-with-credentials'],
    ['https://@bank.example/', 'webhook-address-invalid', 'address-with-credentials'],
    ['https://bank.example/#', 'webhook-address-invalid', 'address-with-fragment'],
    ['http://bank.example/', 'webhook-address-invalid', 'https-required'],
    ['http://8.8.8.8/', 'webhook-address-invalid', 'https-required'],
    ['https://nowhere.example/', 'webhook-address-unresolved', 'host-unresolved'],
    ['https://unknown.example/', 'webhook-address-unresolved', 'host-unresolved'],
    ['https://half.example/', 'webhook-address-inner', 'address-inner'],
    ['https://mapped.example/', 'webhook-address-inner', 'address-inner'],
    ['https://localhost/', 'webhook-address-inner', 'address-inner'],
    ['https://127.0.0.1/', 'webhook-address-inner', 'address-inner'],
    ['https://0x7f.1/', 'webhook-address-inner', 'address-inner'],
    ['https://2130706433/', 'webhook-address-inner', 'address-inner'],
    ['https://[::1]/', 'webhook-address-inner', 'address-inner'],
    ['https://[::ffff:10.0.0.1]/', 'webhook-address-inner', 'address-inner'],
    ['https://169.254.169.254/latest/meta-data/', 'webhook-address-inner', 'address-inner'],
  ] as const) {
    const refused = await checkedAddress(given, guard).then(
      () => null,
      (error: Problem) => error,
    )
    t.match(refused, { code, faults: [{ pointer: '/url', code: fault }] }, String(given).slice(0, 60))
  }
})

await t.test('a name that led outside and now leads inside is not connected to', async (t) => {
  let connections = 0
  const server = createServer((_request, response) => void response.end())
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => new Promise<void>((done) => void server.close(() => done())))
  const { port } = server.address() as AddressInfo

  let answers: ResolvedAddress[] = to('8.8.8.8')
  const pushTo = async (url: string, allow: string[]) => {
    const client = openWebhookClient({
      timeoutMs: 2000,
      guard: addressGuard(allow, async () => answers),
      authorities: null,
      sign: async () => ({ 'signature-input': 'sig1=()', signature: 'sig1=::' }),
    })
    try {
      return await client.push({ url, body: Buffer.from('{}'), answerAlgorithm: 'p256', receipt: 'sm3=::' })
    } finally {
      await client.close()
    }
  }
  const address = `https://rebinding.example:${port}/`
  t.equal(
    await checkedAddress(
      address,
      addressGuard([], async () => answers),
    ),
    address,
  )
  for (const next of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:127.0.0.1'], ['::1']]) {
    answers = to(...next)
    t.match(await pushTo(address, []), { kind: 'address-refused' }, next.join())
  }
  t.match(await pushTo(`https://127.0.0.1:${port}/`, []), { kind: 'address-refused' }, 'no name, no lookup')
  t.match(await pushTo(`https://[::1]:${port}/`, []), { kind: 'address-refused' })
  answers = to('8.8.8.8')
  t.match(await pushTo('http://rebinding.example/', ['127.0.0.0/8']), { kind: 'address-refused' }, 'nor plain http')
  t.equal(connections, 0)

  answers = to('127.0.0.1')
  t.strictSame(
    await pushTo(`http://rebinding.example:${port}/`, ['127.0.0.0/8']),
    { kind: 'status', status: 200, retryAfter: null },
    'the same, where the site named the range',
  )
  t.equal(connections, 1)
  answers = []
  t.match(await pushTo(address, []), { kind: 'unreachable', reason: 'ENOTFOUND' })
})
