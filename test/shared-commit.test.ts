import t from 'tap'
import { newId } from '../src/base/id.ts'
import { Problem } from '../src/base/problem.ts'
import { eventInserts } from '../src/cases/store.ts'
import { type Ask, ask, Batch, type Member, type Step } from '../src/db/batch.ts'
import { openPool } from '../src/db/pool.ts'
import type { RowSet } from '../src/db/row-set.ts'
import { referenceGate } from '../src/intake/bank-reference.ts'
import { keyGate } from '../src/intake/idempotency.ts'
import { adds, claims, names, type Thing, things, thingsDatabase } from './support/things.ts'

await t.test('members that come together share one commit, up to the most that one may have', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool, { maxMembers: 10 })
  const results = await Promise.all(Array.from({ length: 25 }, (_, i) => batch.submit(adds(`n${i}`))))
  t.strictSame(
    results,
    Array.from({ length: 25 }, (_, i) => `n${i}`),
    'each gets its own result',
  )
  t.match(batch.statistics, { commits: 3, members: 25, splits: 0, lookups: 0 })
  t.equal((await database.pool.query('select distinct xmin from thing')).rowCount, 3)
  t.equal((await names(database)).length, 25)
  t.equal(batch.depth, 0)
})

await t.test('members that come while a commit is in flight share the next', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  let later: Promise<string[]> | undefined
  const first = ask<null, null>(
    {
      name: 'arrivals',
      order: 1,
      run: async (_tx, asks) => {
        later = Promise.all(['b', 'c', 'd'].map((name) => batch.submit(adds(name))))
        return asks.map(() => null)
      },
    },
    null,
  )
  await batch.submit({ asks: [first], decide: (_held, rows) => rows.add(things, { name: 'a', amount: 1 }) })
  await later
  const { rows } = await database.pool.query<{ together: string[] }>(
    'select array_agg(name order by name) together from thing group by xmin::text order by 1',
  )
  t.strictSame(
    rows.map(({ together }) => together),
    [['a'], ['b', 'c', 'd']],
  )
})

await t.test('steps run in their order, each once; a spared ask is not run; rows follow in theirs', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const log: string[] = []
  const step = (name: string, order: number): Step<string, string> => ({
    name,
    order,
    run: async (_tx, asks) => {
      log.push(`${name}(${asks.join()})`)
      return asks.map((value) => `${name}:${value}`)
    },
  })
  const set = (name: string, order: number): RowSet<string> => ({
    name,
    order,
    write: async (_tx, rows) => void log.push(`${name}=${rows.join()}`),
  })
  const [early, middle, late] = [step('early', 1), step('middle', 2), step('late', 3)]
  const [low, high] = [set('low', 10), set('high', 20)]
  const member = (name: string, wantsLate: boolean): Member<string[]> => {
    const asked: Ask<string, string>[] = [
      ask(late, name, (held) => held.has(asked[1] as Ask<string, string>) && wantsLate),
      ask(middle, name),
      ask(early, name),
    ]
    return {
      asks: asked,
      decide: (held, rows) => {
        rows.add(high, `${name}1`, `${name}2`)
        rows.add(low, name)
        return asked.filter((one) => held.has(one)).map((one) => held.of(one))
      },
    }
  }
  const results = await Promise.all([batch.submit(member('a', true)), batch.submit(member('b', false))])
  t.strictSame(log, ['early(a,b)', 'middle(a,b)', 'late(a)', 'low=a,b', 'high=a1,a2,b1,b2'])
  t.strictSame(results, [
    ['late:a', 'middle:a', 'early:a'],
    ['middle:b', 'early:b'],
  ])
  const spared = ask(late, 'x', () => false)
  await t.rejects(batch.submit({ asks: [spared], decide: (held) => held.of(spared) }), /late was not run/)
})

await t.test('a later row of one key replaces an earlier one, across members', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  await database.pool.query('alter table thing add unique (name)')
  const keyed: RowSet<Thing> = { ...things, key: ({ name }) => name }
  await Promise.all(
    [1, 2, 3].map((amount) =>
      batch.submit({
        asks: [],
        decide: (_held, rows) => rows.add(keyed, { name: 'same', amount }, { name: `own${amount}`, amount }),
      }),
    ),
  )
  const { rows } = await database.pool.query('select name, amount from thing order by name')
  t.strictSame(rows, [
    { name: 'own1', amount: 1 },
    { name: 'own2', amount: 2 },
    { name: 'own3', amount: 3 },
    { name: 'same', amount: 3 },
  ])
})

await t.test('a conflict is data, in one batch and in the next', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const won = await Promise.all(['x', 'y', 'x'].map((name) => batch.submit(claims(name))))
  t.strictSame(won, [true, true, false])
  t.equal(await batch.submit(claims('y')), false)
  t.equal(batch.statistics.splits, 0)
})

await t.test('a member whose decide throws leaves nothing, and takes no neighbour along', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const fault = new Error('broken assumption')
  const acts: string[] = []
  const settled = await Promise.allSettled([
    batch.submit(claims('a')),
    batch.submit(claims('b', { fault })),
    batch.submit<boolean>({
      asks: [],
      decide: (_held, rows) => {
        rows.add(things, { name: 'half', amount: 1 })
        rows.afterCommit(() => acts.push('half'))
        throw fault
      },
    }),
    batch.submit(claims('b')),
    batch.submit(claims('c')),
  ])
  t.strictSame(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error))),
    [true, fault, fault, true, true],
    'what the bad member had claimed is its neighbour’s',
  )
  t.strictSame(await names(database), ['a', 'b', 'c'])
  t.strictSame(await names(database, 'claim'), ['a', 'b', 'c'])
  t.strictSame(acts, [])
  t.match(batch.statistics, { commits: 1, members: 3 })
  await t.rejects(batch.submit(claims('d', { fault })), fault)
  t.strictSame(await names(database, 'claim'), ['a', 'b', 'c'], 'a key claimed by a fault alone is free too')
})

await t.test('an unexpected error splits in halves, and only the bad member is rejected', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const settled = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => batch.submit(claims(`n${i}`, { amount: i === 2 ? -1 : i }))),
  )
  t.strictSame(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code)),
    [true, true, '23514', true, true, true, true, true],
  )
  t.strictSame(await names(database), ['n0', 'n1', 'n3', 'n4', 'n5', 'n6', 'n7'])
  t.strictSame(await names(database, 'claim'), ['n0', 'n1', 'n3', 'n4', 'n5', 'n6', 'n7'])
  t.match(batch.statistics, { splits: 3, members: 7, lookups: 0 })
})

await t.test('a row set of several statements leaves nothing behind when its neighbour fails meanwhile', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const several: RowSet<Thing> = {
    name: 'several',
    order: 600,
    statements: 'several',
    write: async (tx, rows) => {
      await tx.query('select pg_sleep(0.1)')
      await things.write(tx, rows)
    },
  }
  const unsendable: RowSet<Thing> = {
    name: 'unsendable',
    order: 500,
    write: async () => Promise.reject(new Error('cannot be sent')),
  }
  await t.rejects(
    batch.submit({
      asks: [],
      decide: (_held, rows) => {
        rows.add(unsendable, { name: 'a', amount: 1 })
        rows.add(several, { name: 'outside', amount: 1 })
      },
    }),
    { message: 'cannot be sent' },
  )
  await batch.submit(adds('b'))
  t.strictSame(await names(database), ['b'])
})

await t.test('afterCommit runs once the rows are durable, and one that throws costs no other its turn', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool)
  const seen: Promise<string[]>[] = []
  await Promise.all([
    batch.submit({
      asks: [],
      decide: (_held, rows) =>
        rows.afterCommit(() => {
          throw new Error('a hint that failed')
        }),
    }),
    batch.submit({
      asks: [],
      decide: (_held, rows) => {
        rows.add(things, { name: 'a', amount: 1 })
        rows.afterCommit(() => seen.push(names(database)))
      },
    }),
  ])
  t.strictSame(await Promise.all(seen), [['a']])
  t.equal(await batch.submit(adds('b')), 'b', 'the batch goes on')
  await t.rejects(
    batch.submit({
      asks: [],
      decide: (_held, rows) => {
        rows.add(things, { name: 'bad', amount: -1 })
        rows.afterCommit(() => seen.push(names(database)))
      },
    }),
  )
  t.equal(seen.length, 1, 'nothing is hinted of what was rolled back')
})

await t.test('more than may wait are turned away, and those who wait are not', async (t) => {
  const database = await thingsDatabase(t)
  const batch = new Batch(database.pool, { maxMembers: 2, maxWaiting: 4 })
  const settled = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => batch.submit(adds(`n${i}`))))
  t.strictSame(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Problem).code)),
    ['n0', 'n1', 'n2', 'n3', 'overloaded', 'overloaded'],
  )
  await batch.idle()
  t.equal((await names(database)).length, 4)
})

await t.test('two nodes whose keys cross take turns: 200 rounds without a deadlock', async (t) => {
  const database = await thingsDatabase(t)
  const second = openPool({ url: database.url, max: 4, applicationName: 'second node' })
  t.teardown(() => second.end())
  let runs = 0
  const counted: Step<null, null> = {
    name: 'runs',
    order: 1,
    run: async (_tx, asks) => {
      runs += 1
      return asks.map(() => null)
    },
  }
  const nodes = [new Batch(database.pool), new Batch(second)]
  const upwards = Array.from({ length: 12 }, (_, name) => name)
  const downwards = upwards.toReversed()
  const bank = upwards.map(() => newId())
  const account = newId()
  // Keys cross in one round, references in the next, the feeds of banks in the third: each is waited for by itself.
  const member = (node: number, round: number, name: number): Member<{ key: boolean; reference: boolean }> => {
    const requestId = newId()
    const own = (kind: number): string => `${round}-${round % 3 === kind ? 'shared' : node}-${name}`
    const key = ask(keyGate, {
      accountId: account,
      route: 'POST /v1/applications',
      key: own(0),
      requestDigest: Buffer.alloc(32),
      requestId,
    })
    const reference = ask(referenceGate, {
      bankId: bank[name] as string,
      reference: own(1),
      caseId: requestId,
    })
    return {
      asks: [ask(counted, null), reference, key],
      decide: (held, rows) => {
        const at = new Date()
        const bankId = bank[name] as string
        rows.add(eventInserts, {
          id: newId(),
          case_id: requestId,
          bank_id: bankId,
          type: 'received',
          part: 0,
          at,
          sealed: Buffer.alloc(1),
        })
        return { key: held.of(key).won, reference: held.of(reference).won }
      },
    }
  }
  for (let round = 0; round < 200; round += 1) {
    const results = await Promise.all([
      ...upwards.map((name) => (nodes[0] as Batch).submit(member(0, round, name))),
      ...downwards.map((name) => (nodes[1] as Batch).submit(member(1, round, name))),
    ])
    const winners = [results.filter(({ key }) => key).length, results.filter(({ reference }) => reference).length]
    t.strictSame(winners, [round % 3 === 0 ? 12 : 24, round % 3 === 1 ? 12 : 24], 'what both want has one winner')
  }
  t.equal(
    runs,
    nodes.reduce((sum, { statistics }) => sum + statistics.commits, 0),
    'no batch had to run twice',
  )
  const { rows } = await database.pool.query<{ numbers: number[] }>(
    'select array_agg(feed_number order by feed_number) numbers from event group by bank_id',
  )
  for (const { numbers } of rows)
    t.strictSame(
      numbers,
      Array.from({ length: 400 }, (_, i) => i + 1),
      'a feed without gap or double',
    )
  t.equal(rows.length, 12)
})
