import t from 'tap'
import { Batch } from '../src/db/batch.ts'
import { openPool } from '../src/db/pool.ts'
import { cuttingProxy } from './support/cutting-proxy.ts'
import { adds, claims, names, thingsDatabase } from './support/things.ts'
import { until } from './support/until.ts'

for (const when of ['before', 'after'] as const) {
  await t.test(
    `a COMMIT cut ${when} the server had it is looked up: each member is answered, none twice`,
    async (t) => {
      const database = await thingsDatabase(t)
      const proxy = await cuttingProxy(t, database.url)
      const pool = openPool({ url: proxy.url, max: 4, applicationName: 'cut' })
      t.teardown(() => pool.end())
      const batch = new Batch(pool)
      let acts = 0
      proxy.cut(when)
      const won = await Promise.all([
        ...['a', 'b', 'a'].map((name) => batch.submit(claims(name))),
        batch.submit({ asks: [], decide: (_held, rows) => rows.afterCommit(() => (acts += 1)) }).then(() => 'hinted'),
      ])
      t.equal(proxy.cuts, 1)
      t.strictSame(won, [true, true, false, 'hinted'], 'its own first try is no rival')
      t.strictSame(await names(database), ['a', 'a', 'b'], 'written once')
      t.equal(acts, 1)
      t.match(batch.statistics, { commits: 1, members: 4, splits: 0, lookups: 1 })
      t.equal(await batch.submit(adds('c')), 'c', 'the pool has left the broken connection')
    },
  )
}

await t.test(
  'a connection that says nothing any more within a batch is given up, and the batch runs again',
  async (t) => {
    const database = await thingsDatabase(t)
    const proxy = await cuttingProxy(t, database.url)
    const pool = openPool({
      url: proxy.url,
      max: 2,
      applicationName: 'silent',
      statementTimeoutMs: 500,
      silenceMs: 100,
    })
    t.teardown(() => pool.end())
    const batch = new Batch(pool)
    await batch.submit(adds('a'))
    t.equal(batch.ageMs, 0)
    proxy.silence()
    const both = Promise.all([batch.submit(adds('b')), batch.submit(adds('c'))])
    await until(() => batch.ageMs > 0)
    t.strictSame(await both, ['b', 'c'])
    t.equal(batch.ageMs, 0, 'health is told of a batch only while it is under way')
    t.strictSame(await names(database), ['a', 'b', 'c'])
    t.match(batch.statistics, { commits: 2, splits: 0, lookups: 0 })
  },
)

await t.test('a backend that is ended within its COMMIT has written nothing, and the batch runs again', async (t) => {
  const database = await thingsDatabase(t)
  await database.pool.query(
    `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return null; end $$;
     create constraint trigger slow after insert on thing deferrable initially deferred for each row execute function slow()`,
  )
  const pool = openPool({ url: database.url, max: 4, applicationName: 'victim' })
  t.teardown(() => pool.end())
  const batch = new Batch(pool)
  const both = Promise.all([batch.submit(claims('a')), batch.submit(claims('b'))])
  const victim = `application_name = 'victim' and state = 'active' and query = 'commit'`
  await until(
    async () =>
      (await database.pool.query(`select from pg_stat_activity where ${victim} and wait_event = 'PgSleep'`)).rowCount,
  )
  await database.pool.query(
    `create or replace function slow() returns trigger language plpgsql as 'begin return null; end'`,
  )
  t.equal(
    (await database.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${victim}`)).rowCount,
    1,
  )
  t.strictSame(await both, [true, true])
  t.strictSame(await names(database), ['a', 'b'])
  t.match(batch.statistics, { commits: 1, lookups: 1 })
})

await t.test(
  'a database that stays away after a lost COMMIT leaves the outcome unknown, and one that was never there not',
  async (t) => {
    const database = await thingsDatabase(t)
    const proxy = await cuttingProxy(t, database.url)
    const pool = openPool({ url: proxy.url, max: 4, applicationName: 'cut' })
    t.teardown(() => pool.end())
    const batch = new Batch(pool, { unknownForMs: 100 })
    const blocked = openPool({ url: proxy.url.replace(/:\d+\//, ':1/'), max: 4, applicationName: 'away' })
    t.teardown(() => blocked.end())
    t.match(await batch.submit(adds('a')), 'a')
    // From the cut on, every new connection is refused.
    proxy.cut('after')
    const connect = pool.connect.bind(pool)
    let inTransactions = 0
    pool.connect = ((...args: []) =>
      (inTransactions += 1) > 1 ? blocked.connect(...args) : connect(...args)) as typeof pool.connect
    await t.rejects(batch.submit(adds('b')), { code: 'outcome-unknown' })
    await t.rejects(batch.submit(adds('c')), { code: 'database-unavailable' })
    t.strictSame(await names(database), ['a', 'b'])
  },
)
