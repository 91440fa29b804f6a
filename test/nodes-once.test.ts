import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { BankClient } from '../src/sandbox/bank-client.ts'
import { type Nodes, startNodes } from './support/nodes.ts'
import { grantBoth, question } from './support/querying.ts'
import { prepareSample } from './support/world.ts'

t.setTimeout(200_000)

/** A client keeps 64 connections: so many of them have their calls at a process all at once. */
const CLIENTS_OF_ONE = 4

const nodes = await startNodes(t, ['api', 'api'], {
  config: {
    logLevel: 'error',
    registryConcurrency: 100,
    queriesWaiting: 5000,
    requestsAtOnce: 5000,
    queryWaitMs: 60_000,
  },
})
const clients = await clientsOf(nodes)
const clientOf = (turn: number): BankClient => clients[turn % clients.length] as BankClient

await t.test('1,000 posts of 200 keys at two processes at once: 200 cases, and equal answers', async (t) => {
  const KEYS = 200
  const POSTS = 1000
  const template = await prepareSample(clientOf(0))
  const bodies = await Promise.all(
    Array.from({ length: KEYS }, async (_, i) => ({ ...template, bankReference: `ONCE-${i}` })),
  )
  const keys = bodies.map(() => randomUUID())
  const answers = new Map<string, Set<string>>()
  const statuses: Record<number, number> = {}
  await Promise.all(
    Array.from({ length: POSTS }, async (_, turn) => {
      const key = keys[turn % KEYS] as string
      // Of each key some go to either process.
      const client = clientOf(turn + Math.floor(turn / KEYS))
      const answer = await client.submitApplication(bodies[turn % KEYS], { idempotencyKey: key, attempts: 5 })
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      const told = answers.get(key) ?? new Set()
      answers.set(key, told.add(`${answer.status} ${answer.receipt} ${answer.body.toString()}`))
    }),
  )
  t.same(statuses, { 202: POSTS })
  t.equal(answers.size, KEYS)
  t.same(
    [...answers.values()].filter(({ size }) => size !== 1),
    [],
    'every answer to a key is the same',
  )
  const { pool } = nodes.database
  t.match((await pool.query('select count(*) as n from cases')).rows, [{ n: KEYS }])
  const { rows } = await pool.query(`select feed_number from event order by feed_number`)
  t.strictSame(
    rows.map((row: { feed_number: number }) => row.feed_number),
    Array.from({ length: rows.length }, (_, i) => i + 1),
    'the feed has no gap',
  )
})

await t.test('a quota of 500 and 2,000 queries at two processes at once: 500 answers, 1,500 times 429', async (t) => {
  await grantBoth(nodes.ground, { dailyQuota: 500, authorizationRequired: false })
  const counts: Record<string, number> = {}
  let spent: Record<string, unknown> = {}
  await Promise.all(
    Array.from({ length: 2000 }, async (_, turn) => {
      // Nothing was taken of what is told to come again.
      const more = { idempotencyKey: randomUUID(), attempts: 1 }
      const ask = () => clientOf(turn).post('/v1/queries', question(null), more)
      let answer = await ask()
      while (answer.status === 503) answer = await ask()
      const word = answer.status === 200 ? 'answered' : String(answer.json()['code'])
      counts[word] = (counts[word] ?? 0) + 1
      if (answer.status === 429) spent = answer.json()
    }),
  )
  t.same(counts, { answered: 500, 'quota-spent': 1500 })
  t.match(spent, { status: 429, rule: 'scope.account.quota', retry: 'after' })
  const { rows } = await nodes.database.pool.query('select distinct used from quota_use')
  t.same(rows, [{ used: 500 }])
})

async function clientsOf({ nodes: processes, enrol }: Nodes): Promise<BankClient[]> {
  const made: BankClient[] = []
  for (let i = 0; i < CLIENTS_OF_ONE; i += 1) {
    for (const { url } of processes) made.push(await enrol(url, { businessTypes: ['query', 'mortgage-first'] }))
  }
  return made
}
