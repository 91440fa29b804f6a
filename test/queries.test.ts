import { randomUUID } from 'node:crypto'
import t from 'tap'
import {
  authorize,
  CO_OWNER,
  FLAT,
  get,
  grant,
  grantBoth,
  letter,
  OWNER,
  post,
  question,
  takeAway,
} from './support/querying.ts'
import { until } from './support/until.ts'
import { fileSample, OPERATOR, startWorld, type World } from './support/world.ts'

t.setTimeout(300_000)

interface Told {
  type: string
  outcome?: string
  rule?: string
  facts: Record<string, unknown>
}

/** The clear part of the trace's records of a type, oldest first. */
async function records(world: World, type: string): Promise<Told[]> {
  const { rows } = await world.database.pool.query<{ bytes: Buffer }>(
    'select bytes from trace_record where type = $1 order by id',
    [type],
  )
  return rows.map(({ bytes }) => JSON.parse(bytes.toString()) as Told)
}

const QUERYING = { businessTypes: ['query', 'mortgage-first'] }

await t.test('a query under authorization and scope: what leaves is what the record lists', async (t) => {
  const world = await startWorld(t)
  const { ground } = world.gateway
  const bank = await world.enrol(QUERYING)
  await grantBoth(ground)
  const authorizationId = await authorize(bank)

  const key = randomUUID()
  const first = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.equal(first.status, 200, first.body.toString())
  const page = first.json()
  t.match(page, {
    state: 'answered',
    level: 'flags',
    code: 'match',
    property: { certificateNumber: FLAT.certificateNumber, unitNumber: FLAT.unitNumber, location: FLAT.location },
    flags: { mortgaged: false, seized: false, coOwned: true },
    ownership: null,
    mortgages: [],
  })
  t.same(
    (page['holders'] as { name: string }[]).map(({ name }) => name),
    [OWNER.name, CO_OWNER.name],
  )
  t.notMatch(first.body.toString(), OWNER.idNumber, 'masked')

  const [disclosed] = (await records(world, 'disclosure')).slice(-1)
  t.match(disclosed, { rule: 'query.flags', facts: { queryId: page['id'], found: 'match' } })
  t.same(disclosed?.facts['fields'], [
    'code',
    'flags.coOwned',
    'flags.mortgaged',
    'flags.noticed',
    'flags.objected',
    'flags.seized',
    'holders.coOwnership',
    'holders.idNumber:masked',
    'holders.idType',
    'holders.name',
    'holders.share',
    'property.area',
    'property.certificateNumber',
    'property.location',
    'property.unitNumber',
    'property.useCode',
  ])

  const again = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.strictSame(again.body, first.body, 'a repeat is the same answer')
  const [repeated] = (await records(world, 'disclosure')).slice(-1)
  t.match(repeated, { outcome: 'repeated', facts: { fields: disclosed?.facts['fields'] as string[] } })
  t.same((await get(bank, `/v1/authorizations/${authorizationId}`)).json()['used'], 1)
  const { rows } = await world.database.pool.query('select distinct used from quota_use')
  t.same(rows, [{ used: 1 }], 'and costs no second quota')

  const read = await get(bank, `/v1/queries/${String(page['id'])}`)
  t.strictSame(read.json(), page)

  const narrower = await post(bank, '/v1/queries', question(authorizationId, { fields: ['name'] }))
  t.same((narrower.json()['holders'] as object[])[0], {
    name: OWNER.name,
    idType: null,
    idNumber: null,
    phone: null,
    address: null,
    share: '60%',
    coOwnership: 'in-shares',
  })
  t.equal((narrower.json()['property'] as { location: unknown }).location, null, 'what was not asked for stays')

  const caseId = await fileSample(bank, { authorizationIds: [authorizationId] })
  t.equal((await get(bank, `/v1/authorizations/${authorizationId}`)).json()['caseId'], caseId, 'bound to its case')

  await grant(ground, { operator: OPERATOR, fields: ['idNumber=mask'] })
  const refused = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.match(refused.json(), { status: 403, code: 'field-not-granted' }, 'a repeat gives nothing that is granted no more')
  const less = (await get(bank, `/v1/queries/${String(page['id'])}`)).json()
  t.equal((less['holders'] as { name: unknown }[])[0]?.name, null, 'a later look shows what is granted then')
  await takeAway(ground, OPERATOR)
  t.match((await get(bank, `/v1/queries/${String(page['id'])}`)).json(), {
    code: 'scope-missing',
    rule: 'scope.operator',
  })
})

await t.test('detail shows the bank its own mortgage, and of others that it is there', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground, { authorizationRequired: false })
  const owner = { name: '阳新县示例食品有限公司', idType: 'business-licence', idNumber: '91420222MA00000316' }
  const own = await post(
    bank,
    '/v1/queries',
    question(null, {
      level: 'detail',
      certificateNumber: undefined,
      proofNumber: '鄂(2022)阳新县不动产证明第0002930号',
      holder: owner,
    }),
  )
  t.match(own.json(), { code: 'match', mortgages: [{ own: true, securedAmount: '2400000.00' }] })
  const other = await post(
    bank,
    '/v1/queries',
    question(null, {
      level: 'detail',
      certificateNumber: '鄂(2018)阳新县不动产权第0001456号',
      holder: { name: '阳新县䶮新农产品有限公司', idType: 'business-licence', idNumber: '91420222MA0000015G' },
    }),
  )
  t.match(other.json(), {
    code: 'match',
    flags: { mortgaged: true },
    mortgages: [{ own: false, securedAmount: null, maximumAmount: null, proofNumber: null, mortgagees: [] }],
  })
  t.notMatch(other.body.toString(), /0001187|5600000|农村商业/)
})

await t.test('nothing found, a wrong person and an authorizer who holds nothing are one answer', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const good = await authorize(bank)
  const stranger = { name: '示例人甲', idType: 'resident-id', idNumber: '420222190606060030' }
  const ofStranger = await authorize(bank, { authorizer: stranger })
  const answers = [
    await post(bank, '/v1/queries', question(good, { holder: { ...OWNER, name: '柯吉明' } })),
    await post(bank, '/v1/queries', question(good, { holder: stranger })),
    await post(bank, '/v1/queries', question(ofStranger)),
  ]
  const shapes = answers.map((answer) => {
    const { id: _, answeredAt: __, ...page } = answer.json()
    return { status: answer.status, page }
  })
  t.match(shapes[0], { status: 200, page: { code: 'no-match', property: null, flags: null, holders: [] } })
  t.same(shapes[1], shapes[0])
  t.same(shapes[2], shapes[0])
  const told = (await records(world, 'disclosure'))
    .map(({ facts }) => facts['found'])
    .filter((one) => one !== undefined)
  t.same(told, ['nothing-found', 'nothing-found', 'authorizer-not-holder'], 'the trace knows why')
})

await t.test('a slow registry: 202, an event, and the answer by GET', async (t) => {
  const world = await startWorld(t, { config: { queryWaitMs: 50 } })
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const authorizationId = await authorize(bank)
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 800 })
  const key = randomUUID()
  const slow = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.equal(slow.status, 202)
  const { id } = slow.json() as { id: string }
  t.same(slow.json(), { id, state: 'asking' })
  const repeat = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.strictSame(repeat.body, slow.body)
  await until(async () => (await get(bank, `/v1/queries/${id}`)).json()['state'] === 'answered')
  t.match((await get(bank, `/v1/queries/${id}`)).json(), { code: 'match', property: { unitNumber: FLAT.unitNumber } })
  const { rows } = await world.database.pool.query('select type from event where case_id = $1', [id])
  t.same(rows, [{ type: 'query-answered' }])
})

await t.test('a registry that cannot be asked costs nothing, and the key stays free', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const authorizationId = await authorize(bank)
  const used = async (): Promise<unknown> =>
    (await world.database.pool.query('select distinct used from quota_use')).rows
  const key = randomUUID()
  for (const fault of ['busy', 'garbage', 'error-before'] as const) {
    await world.registry.control({ fault, on: 'QUERY', times: 1 })
    const answer = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
    t.match(answer.json(), { status: 503, code: 'registry-unavailable', retry: 'after' }, fault)
    t.ok(answer.headers['retry-after'])
    t.same(await used(), [{ used: 0 }])
  }
  t.equal((await records(world, 'query-failed')).length, 3)
  t.equal((await get(bank, `/v1/authorizations/${authorizationId}`)).json()['used'], 0)
  const answer = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key })
  t.equal(answer.status, 200)
  t.same(await used(), [{ used: 1 }])
})

await t.test('a scope taken away while the registry is asked: nothing leaves', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const authorizationId = await authorize(bank)
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 600 })
  const asked = post(bank, '/v1/queries', question(authorizationId))
  await until(async () => (await records(world, 'query-requested')).length === 1)
  await takeAway(world.gateway.ground)
  t.match((await asked).json(), { status: 403, code: 'scope-missing', rule: 'scope.account' })
  t.equal((await records(world, 'disclosure')).filter(({ facts }) => facts['queryId'] !== undefined).length, 0)
})

await t.test('an authorization revoked while the registry is asked: nothing leaves', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const authorizationId = await authorize(bank)
  await world.registry.control({ fault: 'slow', on: 'QUERY', times: 1, delayMs: 1500 })
  const asked = post(bank, '/v1/queries', question(authorizationId))
  await until(async () => (await records(world, 'query-requested')).length === 1)
  t.equal((await post(bank, `/v1/authorizations/${authorizationId}/revoke`, undefined)).status, 200)
  t.match((await asked).json(), { status: 403, code: 'authorization-revoked', rule: 'authorization.active' })
})

await t.test('an authorization is registered, read and revoked, and its faults are told at once', async (t) => {
  const world = await startWorld(t)
  const bank = await world.enrol(QUERYING)
  await grantBoth(world.gateway.ground)
  const other = await world.enrol({ ...QUERYING, bank: { code: '91420222MA0000015G', name: '另一银行股份有限公司' } })
  const id = await authorize(bank, { usesMaximum: 2 })
  t.match((await get(bank, `/v1/authorizations/${id}`)).json(), { id, state: 'active', used: 0, usesMaximum: 2 })
  t.match((await get(other, `/v1/authorizations/${id}`)).json(), { status: 404, code: 'authorization-not-found' })
  t.match((await post(other, `/v1/authorizations/${id}/revoke`, {})).json(), { status: 404 })
  const revoked = await post(bank, `/v1/authorizations/${id}/revoke`, {})
  t.match(revoked.json(), { id, state: 'revoked' })
  t.match((await post(bank, '/v1/queries', question(id))).json(), { status: 403, code: 'authorization-revoked' })
  const faulty = await post(
    bank,
    '/v1/authorizations',
    await letter(bank, {
      authorizer: { ...OWNER, idNumber: '420222190305120011' },
      proofNumber: '鄂(2022)阳新县不动产证明第0002930号',
      validFrom: '2025-01-02',
      validTo: '2025-01-01',
      evidence: { materialId: randomUUID(), kind: 'paper-scan', signedAt: '2099-01-01T00:00:00+08:00' },
    }),
  )
  t.equal(faulty.status, 422)
  t.same(faulty.json()['pointers'], [
    '/authorizer/idNumber',
    '/proofNumber',
    '/validTo',
    '/validTo',
    '/evidence/signedAt',
    '/evidence/materialId',
  ])
})
