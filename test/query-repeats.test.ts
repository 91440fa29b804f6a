import { randomUUID } from 'node:crypto'
import t from 'tap'
import { addOperator } from '../src/access/administration-additions.ts'
import { changeGrants } from '../src/access/administration-grants.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { pauseEndpoint, resumeEndpoint } from '../src/delivery/endpoints.ts'
import { failNow } from '../src/queries/conclude.ts'
import { readQuery } from '../src/queries/store.ts'
import { authorize, get, grant, grantBoth, OWNER, post, question } from './support/querying.ts'
import { until } from './support/until.ts'
import { SAMPLE_BANK, startWorld } from './support/world.ts'

t.setTimeout(180_000)

const QUERYING = { businessTypes: ['query', 'mortgage-first'] }

await t.test('repeats with one key while the registry fails: each is told something true, none internal', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground, { authorizationRequired: false })
  await world.registry.control({ fault: 'busy', on: 'QUERY' })
  const seen: Record<string, number> = {}
  for (let round = 0; round < 6; round += 1) {
    const key = randomUUID()
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const answer = await post(bank, '/v1/queries', question(null), { idempotencyKey: key })
        const word = answer.status === 202 ? '202' : String(answer.json()['code'])
        seen[word] = (seen[word] ?? 0) + 1
      }),
    )
  }
  for (const word of Object.keys(seen))
    t.ok(['202', 'registry-unavailable', 'request-in-progress'].includes(word), `${word}: ${seen[word]}`)
  t.ok((seen['registry-unavailable'] ?? 0) >= 6)
  const { rows } = await world.database.pool.query('select distinct used from quota_use')
  t.strictSame(rows, [{ used: 0 }], 'and nothing is used up')
})

await t.test('another operator with the same key gets nothing of what the first one asked', async (t) => {
  const world = await startWorld(t)
  const { ground } = world.gateway
  const bank = await world.enrol(QUERYING)
  await grantBoth(ground, { authorizationRequired: false, fields: ['name=show', 'idNumber=show'] })
  await addOperator({ bank: SAMPLE_BANK.code, code: 'narrow', name: '经办员乙' }, administrationMeans(ground))
  await grant(ground, { operator: 'narrow', authorizationRequired: false, fields: [], dailyQuota: 0 })
  for (let round = 0; round < 5; round += 1) {
    const key = randomUUID()
    const first = post(bank, '/v1/queries', question(null), { idempotencyKey: key })
    const others = await Promise.all(
      Array.from({ length: 6 }, () =>
        post(bank, '/v1/queries', question(null), { idempotencyKey: key, operator: 'narrow' }),
      ),
    )
    await first
    for (const answer of others) {
      t.ok(answer.status >= 400, String(answer.status))
      t.notMatch(answer.body.toString(), OWNER.idNumber)
    }
  }
})

await t.test('a paused registry is not asked', async (t) => {
  const world = await startWorld(t)
  const { batch } = world.gateway.ground
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground, { authorizationRequired: false })
  await pauseEndpoint(batch, 'registry', 'nightly work')
  const paused = await post(bank, '/v1/queries', question(null))
  t.match(paused.json(), { status: 503, code: 'registry-unavailable' })
  t.strictSame((await world.registry.state()).queries, [])
  await resumeEndpoint(batch, 'registry')
  t.equal((await post(bank, '/v1/queries', question(null))).status, 200)
})

await t.test('what a process that stops had put to the registry is due for others at once', async (t) => {
  const config = { registryTimeoutMs: 60_000, registryMaximumMs: 60_000, queryWaitMs: 50, shutdownGraceMs: 200 }
  const world = await startWorld(t, { config })
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground, { authorizationRequired: false })
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 30_000 })
  t.equal((await post(bank, '/v1/queries', question(null))).status, 202)
  await world.gateway.close()
  const { rows } = await world.database.pool.query(`select state, due_at < now() + interval '10 s' as soon from query`)
  t.strictSame(rows, [{ state: 'asking', soon: true }])
})

await t.test('what was asked is not read once the authorization or the business type is over', async (t) => {
  const world = await startWorld(t)
  const { ground } = world.gateway
  const bank = await world.enrol(QUERYING)
  await grantBoth(ground)
  const authorizationId = await authorize(bank)
  const asked = await post(bank, '/v1/queries', question(authorizationId))
  const path = `/v1/queries/${String(asked.json()['id'])}`
  t.equal((await get(bank, path)).json()['code'], 'match')
  const { pool } = world.database
  await pool.query(`update query_authorization set valid_to = '2026-01-02'`)
  t.match((await get(bank, path)).json(), { status: 403, code: 'authorization-expired' })
  await pool.query(`update query_authorization set valid_to = '2099-01-02', uses_maximum = used`)
  t.equal((await get(bank, path)).json()['code'], 'match', 'its uses are those of asking')
  const means = administrationMeans(ground)
  await changeGrants({ bank: SAMPLE_BANK.code, name: 'core', businessTypes: ['mortgage-first'] }, means)
  t.match((await get(bank, path)).json(), { status: 403, code: 'business-type-not-granted' })
})

await t.test('two that conclude one query at once give its quota back once', async (t) => {
  const world = await startWorld(t, { config: { queryWaitMs: 20 } })
  const { ground } = world.gateway
  const bank = await world.enrol(QUERYING)
  await grantBoth(ground)
  const authorizationId = await authorize(bank)
  await post(bank, '/v1/queries', question(authorizationId))
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 2000 })
  const slow = await post(bank, '/v1/queries', question(authorizationId))
  t.equal(slow.status, 202)
  // The registry is being asked.
  await until(async () => (await world.registry.state()).faults['slow QUERY'] === 1)
  const { pool } = world.database
  const id = String(slow.json()['id'])
  await pool.query('update query set replied = false where id = $1', [id])
  const { rows: banks } = await pool.query<{ bank_id: string }>('select bank_id from query where id = $1', [id])
  const query = await readQuery(pool, banks[0]?.bank_id ?? '', { id }, ground.keyring)
  if (query === undefined) return t.fail('the query is not there')
  const means = {
    batch: ground.batch,
    sealer: ground.keyring,
    clock: ground.clock,
    record: ground.trace.record,
    addEvent: () => undefined,
  }
  const word = { kind: 'unavailable' as const, reason: 'a test' }
  const ended = await Promise.all([
    failNow(query, word, means),
    failNow(query, word, means),
    failNow(query, word, means),
  ])
  t.equal(ended.filter((receipt) => receipt !== null).length, 1)
  const { rows } = await pool.query('select distinct used from quota_use')
  t.strictSame(rows, [{ used: 1 }])
  t.equal((await get(bank, `/v1/authorizations/${authorizationId}`)).json()['used'], 1)
  await until(async () => (await world.registry.state()).queries.length >= 2)
})
