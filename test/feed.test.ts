import t from 'tap'
import { readFeed } from '../src/cases/feed.ts'
import { Batch } from '../src/db/batch.ts'
import { openPool } from '../src/db/pool.ts'
import type { BankAnswer, BankClient } from '../src/sandbox/bank-client.ts'
import { receiptText } from '../src/trace/record.ts'
import { bankIdOf, commitEvents, newestRecord } from './support/events.ts'
import { caseOf, fileSample, OTHER_BANK, SAMPLE_BANK, startWorld, untilCompleted } from './support/world.ts'

const get = (client: BankClient, path: string): Promise<BankAnswer> => client.call({ method: 'GET', path })
const eventsOf = (answer: BankAnswer) => answer.json()['events'] as { id: string; cursor: string; caseId: string }[]

async function wholeFeed(client: BankClient, limit: number): Promise<{ id: string; cursor: string; caseId: string }[]> {
  const all: { id: string; cursor: string; caseId: string }[] = []
  for (let after = '0', more = true; more; ) {
    const answer = await get(client, `/v1/events?after=${after}&limit=${limit}`)
    all.push(...eventsOf(answer))
    after = String(answer.json()['next'])
    more = answer.json()['more'] === true
  }
  return all
}

await t.test('a feed holds every event of the bank once, in one order, and nothing of another bank', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol()
  const other = await world.enrol({ bank: OTHER_BANK })
  const ids = [await fileSample(bank, { vary: true }), await fileSample(bank, { vary: true })]
  for (const id of ids) await untilCompleted(bank, id)

  const all = await wholeFeed(bank, 7)
  t.strictSame(
    all.map(({ cursor }) => cursor),
    all.map((_, i) => String(i + 1)),
    'numbered without a gap',
  )
  t.strictSame(await wholeFeed(bank, 500), all, 'replayed, it is the same')
  for (const id of ids) {
    const own = eventsOf(await bank.getEvents(id))
    t.strictSame(
      all.filter(({ caseId }) => caseId === id),
      own,
      'exactly as the case gives them',
    )
  }
  t.strictSame([...new Set(all.map(({ caseId }) => caseId))].sort(), [...ids].sort())

  const page = await get(bank, '/v1/events?limit=500')
  const record = await newestRecord(world.database.pool, 'disclosure')
  const told = page.json()['events'] as Record<string, unknown>[]
  t.match(record, {
    rule: 'feed.of-bank',
    facts: {
      events: all.length,
      fields: [...new Set(told.flatMap(({ cursor: _cursor, ...body }) => Object.keys(body)))].sort(),
      types: [...new Set(told.map(({ type }) => String(type)))].sort(),
      cases: [...ids].sort(),
    },
  })
  const { rows } = await world.database.pool.query<{ leaf_hash: Buffer }>(
    'select leaf_hash from trace_record where id = $1',
    [record['id']],
  )
  t.equal(page.receipt, receiptText(rows[0]?.leaf_hash ?? Buffer.alloc(0)))

  t.strictSame((await get(other, '/v1/events')).json(), { events: [], next: '0', more: false })
  t.strictSame((await get(other, '/v1/applications')).json(), { applications: [], next: null, more: false })

  const first = await get(bank, '/v1/applications?limit=1')
  const second = await get(bank, `/v1/applications?limit=1&after=${String(first.json()['next'])}`)
  const heads = [first, second].flatMap((one) => one.json()['applications'] as Record<string, unknown>[])
  t.strictSame([first.json()['more'], second.json()['more']], [true, false])
  for (const [i, id] of ids.entries()) {
    const { waiting: _waiting, ...head } = await caseOf(bank, id)
    t.strictSame(heads[i], head, 'the head of the case page')
  }
  t.match(await newestRecord(world.database.pool, 'disclosure'), { facts: { fields: ['case'] } })
  t.equal(((await get(bank, '/v1/applications?state=recorded')).json()['applications'] as unknown[]).length, 2)
  t.equal(((await get(bank, '/v1/applications?state=rejected')).json()['applications'] as unknown[]).length, 0)

  for (const [path, code] of [
    ['/v1/events?after=one', 'cursor-invalid'],
    ['/v1/events?after=-1', 'cursor-invalid'],
    ['/v1/events?after=01', 'cursor-invalid'],
    ['/v1/events?after=1&after=2', 'cursor-invalid'],
    [`/v1/events?after=${all.length + 1}`, 'cursor-beyond-feed'],
    ['/v1/events?limit=501', 'request-malformed'],
    ['/v1/events?wait=31', 'request-malformed'],
    ['/v1/applications?after=1', 'cursor-invalid'],
    ['/v1/applications?state=lost', 'request-malformed'],
    ['/v1/applications?limit=0', 'request-malformed'],
  ] as const) {
    const refused = await get(bank, path)
    t.equal(refused.json()['code'], code, path)
    t.ok(refused.receipt, 'traced')
  }
  t.equal((await bank.call({ method: 'GET', path: '/v1/events', operator: null })).json()['code'], 'operator-missing')
})

await t.test('a reader beside many writers on several nodes never passes over an event', async (t) => {
  const world = await startWorld(t)
  await world.enrol()
  const bankId = await bankIdOf(world.database.pool, SAMPLE_BANK.code)
  const { keyring } = world.database
  const nodes = [world.gateway.ground.batch]
  for (const name of ['second', 'third']) {
    const pool = openPool({ url: world.database.url, max: 4, applicationName: name })
    t.teardown(() => pool.end())
    nodes.push(new Batch(pool, { maxMembers: 3 }))
  }
  let writing = true
  const written: string[] = []
  const writers = nodes.flatMap((batch) =>
    Array.from({ length: 6 }, async () => {
      for (let i = 0; i < 8; i += 1) written.push(...(await commitEvents(batch, keyring, bankId, 1 + (i % 3))))
    }),
  )
  const read: string[] = []
  const reader = (async () => {
    for (let after = 0, last = false; ; ) {
      last = !writing
      const page = await readFeed(world.database.pool, bankId, after, 40, keyring)
      for (const { id, feedNumber } of page) {
        if (feedNumber !== after + 1) t.fail(`after ${after} came ${feedNumber}`)
        after = feedNumber
        read.push(id)
      }
      if (last && page.length === 0) return
    }
  })()
  await Promise.all(writers)
  writing = false
  await reader
  t.equal(written.length, 3 * 6 * 15)
  t.strictSame([...read].sort(), [...written].sort())
})
