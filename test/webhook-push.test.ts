import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { receiptText } from '../src/trace/record.ts'
import { serverCertificate } from './support/certificates.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, failsAtRandom, feedOf, fileFor, LOOPBACK, putWebhook, tested, webhookOf } from './support/webhooks.ts'
import { OTHER_BANK, SAMPLE_BANK, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

/** That of a receiver, and where its CA lies. */
function ownCertificate(t: Test): { key: string; cert: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'webhook-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const made = serverCertificate([127, 0, 0, 1])
  const file = join(folder, 'cert.pem')
  writeFileSync(file, made.cert)
  return { ...made, file }
}

await t.test('two banks get each exactly their own events, in order, whatever their endpoints do', async (t) => {
  const tls = ownCertificate(t)
  const world = await startWorld(t, { config: { ...LOOPBACK, webhookCaFile: tls.file } })
  const { signing } = world.gateway.ground.folders
  const one = await world.enrol()
  const two = await world.enrol({ bank: OTHER_BANK, algorithm: 'sm2' })
  const receivers = [await startReceiver(t, signing, tls), await startReceiver(t, signing)] as const
  const [first, second] = receivers
  t.match(await putWebhook(one, `${first.url}/events?of=one`), { status: 202 })
  t.match(await putWebhook(two, `${second.url}/hook`), { status: 202 })

  // Not approved: what happens waits.
  const early = await fileFor(one, SAMPLE_BANK)
  await untilCompleted(one, early)
  t.match(await webhookOf(one), { state: 'pending', cursor: /^0$/, waiting: { why: 'the address is pending' } })
  t.equal(first.pushes.length, 0)

  await decide(world, 'approved', SAMPLE_BANK.code, `${first.url}/events?of=one`)
  await decide(world, 'approved', OTHER_BANK.code)
  second.answer = () => 'silence'
  failsAtRandom(first)
  const cases = { one: [early, await fileFor(one, SAMPLE_BANK)], two: [await fileFor(two, OTHER_BANK)] }
  for (const id of cases.two) await untilCompleted(two, id)
  for (const id of cases.one) await untilCompleted(one, id)
  await until(async () => first.taken().length === (await feedOf(one)).length, 30_000)
  t.equal(second.taken().length, 0, 'one that does not answer holds up no other')
  failsAtRandom(second)
  await until(async () => second.taken().length === (await feedOf(two)).length, 30_000)
  await untilDelivered(world)

  for (const [client, receiver, ids] of [
    [one, first, cases.one],
    [two, second, cases.two],
  ] as const) {
    const feed = await feedOf(client)
    t.strictSame(
      receiver.taken(),
      feed.map(({ id }) => id),
      'every event, in the order of the feed',
    )
    t.strictSame([...new Set(feed.map(({ caseId }) => caseId))].sort(), [...ids].sort())
    t.strictSame(receiver.faults, [], 'every signature and digest held')
    const pages = receiver.pushes.flatMap(({ events }) => events)
    t.ok(pages.every((event) => feed.some((own) => JSON.stringify(own) === JSON.stringify(event))))
    const nonces = receiver.pushes.map(({ nonce }) => nonce)
    t.equal(new Set(nonces).size, nonces.length, 'each attempt signed anew')
    const bytes = new Map<string, Set<string>>()
    for (const { headers, body } of receiver.pushes) {
      const receipt = headers['trace-receipt'] ?? ''
      bytes.set(receipt, (bytes.get(receipt) ?? new Set()).add(body.toString()))
    }
    t.ok(
      [...bytes.values()].every(({ size }) => size === 1),
      'every retry the same bytes',
    )
    const { rows } = await world.database.pool.query<{ leaf_hash: Buffer; bytes: Buffer }>(
      `select leaf_hash, bytes from trace_record where type = 'disclosure'`,
    )
    for (const [receipt, [body = '']] of [...bytes].map(([key, set]) => [key, [...set]] as const)) {
      const record = rows.find(({ leaf_hash }) => receiptText(leaf_hash) === receipt)
      const events = (JSON.parse(body) as { events: Record<string, unknown>[] }).events
      t.match(JSON.parse(record?.bytes.toString() ?? '{}'), {
        rule: 'webhook.approved',
        facts: {
          events: events.length,
          fields: [...new Set(events.flatMap(({ cursor: _cursor, ...event }) => Object.keys(event)))].sort(),
          types: [...new Set(events.map(({ type }) => String(type)))].sort(),
        },
      })
    }
    const page = await webhookOf(client)
    t.strictSame([page['state'], page['cursor'], page['waiting']], ['approved', String(feed.length), null])
  }
  t.strictSame([...new Set(first.pushes.map(({ url }) => url))], ['/events?of=one'])
  t.strictSame([...new Set(first.pushes.map(({ algorithm }) => algorithm))], ['ecdsa-p256-sha256'])
  t.strictSame([...new Set(second.pushes.map(({ algorithm }) => algorithm))], ['sm2-sm3'])
  t.strictSame(
    ['"@method"', '"@target-uri"', '"content-digest"', '"content-type"', '"trace-receipt"'].filter(
      (name) => first.pushes[0]?.covered.includes(name) !== true,
    ),
    [],
  )

  first.answer = () => ({ status: 204 })
  t.match(await tested(one), { delivered: true, status: 204 })
  t.match(first.pushes.at(-1)?.events, [{ type: 'test' }])
})
