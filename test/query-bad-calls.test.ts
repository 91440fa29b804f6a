import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import { authorize, FLAT, get, grant, grantBoth, letter, OWNER, post, question } from './support/querying.ts'
import { OPERATOR, OTHER_BANK, startWorld } from './support/world.ts'

t.setTimeout(120_000)

await t.test(
  'bad calls of queries and authorizations: each its own code and rule, each traced, nothing asked',
  async (t) => {
    const world = await startWorld(t, { config: { egovNetworks: ['10.0.0.0/8'], trustedProxies: ['127.0.0.1'] } })
    const { ground } = world.gateway
    const { pool } = world.database
    const querying = ['query', 'mortgage-first']
    const bank = await world.enrol({ businessTypes: querying })
    await grantBoth(ground, { levels: ['flags'], zones: ['egov'], fields: ['name=show', 'idNumber=mask'] })
    const named = async (account: string, more: Parameters<typeof grantBoth>[1] = {}) => {
      const client = await world.enrol({ account, businessTypes: querying })
      await grantBoth(ground, { account, ...more })
      return client
    }
    const withoutType = await world.enrol({ account: 'filing-only', businessTypes: ['mortgage-first'] })
    const withoutScope = await world.enrol({ account: 'no-scope', businessTypes: querying })
    const lapsed = await named('lapsed', { validTo: '2026-01-02' })
    const poor = await named('poor', { dailyQuota: 0 })
    const elsewhere = await named('elsewhere', { areas: ['420281'] })
    await world.enrol({ account: 'mean-operator', businessTypes: querying })
    const meanOperator = await world.enrol({ account: 'mean-operator', businessTypes: querying })
    await grant(ground, { account: 'mean-operator' })
    await grant(ground, { account: 'mean-operator', operator: OPERATOR, dailyQuota: 0 })
    const free = await named('free')
    const other = await world.enrol({ bank: OTHER_BANK, account: 'other', businessTypes: querying })
    await grantBoth(ground, { bank: OTHER_BANK.code, account: 'other' })

    const egov = { headers: { 'x-forwarded-for': '10.1.2.3' } }
    const good = await authorize(free)
    const flagsOnly = await authorize(free, { level: 'flags' })
    const otherPurpose = await authorize(free, { purpose: 'loan-review' })
    const otherProperty = await authorize(free, { certificateNumber: '鄂(2019)阳新县不动产权第0003113号' })
    const past = await authorize(free, { validFrom: '2026-01-01', validTo: '2026-12-30' })
    await pool.query(`update query_authorization set valid_to = '2026-01-02' where id = $1`, [past])
    const once = await authorize(free, { usesMaximum: 1 })
    await pool.query('update query_authorization set used = 1 where id = $1', [once])
    const revoked = await authorize(free)
    await post(free, `/v1/authorizations/${revoked}/revoke`, {})
    const theirs = await authorize(other)
    await grantBoth(ground, { account: 'purposes', purposes: ['loan-review'] }).catch(() => undefined)
    const purposes = await named('purposes', { purposes: ['loan-review'] })

    const ask = (
      client: typeof bank,
      given: Record<string, unknown> = {},
      more = {},
      authorization: string | null = good,
    ) => post(client, '/v1/queries', question(authorization, given), more)
    const calls: [string, string, string | null, () => Promise<BankAnswer>][] = [
      ['a business type not granted', 'business-type-not-granted', 'business-type.granted', () => ask(withoutType)],
      ['no scope', 'scope-missing', 'scope.account', () => ask(withoutScope)],
      ['a scope past its time', 'scope-not-valid', 'scope.account.valid', () => ask(lapsed)],
      ['from the internet', 'network-not-granted', 'scope.account.zone', () => ask(bank)],
      [
        'an address that nobody vouches for',
        'network-not-granted',
        'scope.account.zone',
        () => ask(bank, {}, { headers: { 'x-forwarded-for': '8.8.8.8' } }),
      ],
      [
        'a level not granted',
        'query-level-not-granted',
        'scope.account.level',
        () => ask(bank, { level: 'detail' }, egov),
      ],
      ['a purpose not granted', 'purpose-not-granted', 'scope.account.purpose', () => ask(purposes)],
      ['another area', 'area-not-granted', 'scope.account.area', () => ask(elsewhere)],
      ['a field not granted', 'field-not-granted', 'scope.fields', () => ask(bank, { fields: ['phone'] }, egov)],
      ['no authorization', 'authorization-required', 'scope.account.authorization', () => ask(free, {}, {}, null)],
      ['an authorization that is none', 'authorization-not-found', null, () => ask(free, {}, {}, randomUUID())],
      ["another bank's authorization", 'authorization-not-found', null, () => ask(free, {}, {}, theirs)],
      ['a revoked one', 'authorization-revoked', 'authorization.active', () => ask(free, {}, {}, revoked)],
      ['one past its period', 'authorization-expired', 'authorization.period', () => ask(free, {}, {}, past)],
      ['one used up', 'authorization-used-up', 'authorization.uses', () => ask(free, {}, {}, once)],
      ['one for another purpose', 'authorization-purpose-differs', null, () => ask(free, {}, {}, otherPurpose)],
      [
        'one for another property',
        'authorization-exceeded',
        'authorization.property',
        () => ask(free, {}, {}, otherProperty),
      ],
      [
        'beyond its level',
        'authorization-exceeded',
        'authorization.level',
        () => ask(free, { level: 'detail' }, {}, flagsOnly),
      ],
      ["the account's quota spent", 'quota-spent', 'scope.account.quota', () => ask(poor)],
      ["the operator's quota spent", 'quota-spent', 'scope.operator.quota', () => ask(meanOperator)],
      [
        'two numbers',
        'business-rule-violated',
        null,
        () => ask(free, { proofNumber: '鄂(2022)阳新县不动产证明第1号' }),
      ],
      ['no number', 'business-rule-violated', null, () => ask(free, { certificateNumber: undefined })],
      ['a name alone', 'message-invalid', null, () => ask(free, { holder: { name: OWNER.name } })],
      ['a purpose that is none', 'message-invalid', null, () => ask(free, { purpose: '好奇' })],
      ['an unknown member', 'message-invalid', null, () => ask(free, { everything: true })],
      ['no key', 'idempotency-key-missing', null, () => ask(free, {}, { idempotencyKey: null })],
      ['no operator', 'operator-missing', null, () => ask(free, {}, { operator: null })],
      ['a query that never was', 'query-not-found', 'query.of-bank', () => get(free, `/v1/queries/${randomUUID()}`)],
      ['a query id that is none', 'query-not-found', 'query.of-bank', () => get(free, `/v1/queries/${'-'.repeat(36)}`)],
      ['an authorization id that is none', 'authorization-not-found', null, () => get(free, '/v1/authorizations/x')],
      [
        "a letter without the owner's number",
        'message-invalid',
        null,
        async () => post(free, '/v1/authorizations', await letter(free, { authorizer: { name: OWNER.name } })),
      ],
      [
        'a letter for ever',
        'business-rule-violated',
        null,
        async () =>
          post(free, '/v1/authorizations', await letter(free, { validFrom: '2026-01-01', validTo: '2036-01-01' })),
      ],
      [
        'a letter of last year',
        'business-rule-violated',
        null,
        async () =>
          post(free, '/v1/authorizations', await letter(free, { validFrom: '2025-01-01', validTo: '2025-12-31' })),
      ],
      [
        "another bank's scan",
        'business-rule-violated',
        null,
        async () =>
          post(other, '/v1/authorizations', { ...(await letter(free)), certificateNumber: FLAT.certificateNumber }),
      ],
      [
        'an application under an unknown authorization',
        'business-rule-violated',
        null,
        async () => {
          const { prepareSample } = await import('./support/world.ts')
          return free.submitApplication(await prepareSample(free, { authorizationIds: [theirs] }))
        },
      ],
    ]
    t.ok(calls.length >= 20)
    const broken: Record<string, string> = {
      'two numbers': '/proofNumber numbers-doubled',
      'no number': '/certificateNumber number-missing',
      'a letter for ever': '/validTo period-too-long',
      'a letter of last year': '/validTo period-over',
      "another bank's scan": '/evidence/materialId material-unknown',
      'an application under an unknown authorization': '/authorizationIds/0 query-authorization-unknown',
    }
    const refused = async (): Promise<number> =>
      Number((await pool.query(`select count(*) from trace_record where type = 'request-refused'`)).rows[0]?.['count'])
    for (const [what, code, rule, call] of calls) {
      const before = await refused()
      const answer = await call()
      const body = answer.json()
      t.equal(body['code'], code, `${what}: ${answer.body.toString().slice(0, 200)}`)
      if (rule !== null) t.equal(body['rule'], rule, what)
      if (code === 'business-rule-violated') {
        const faults = body['faults'] as { pointer: string; code: string }[]
        t.strictSame(
          faults.map((fault) => `${fault.pointer} ${fault.code}`),
          [broken[what]],
        )
      }
      t.ok(answer.verified && answer.receipt !== undefined, `${what}: signed, with its receipt`)
      t.equal(await refused(), before + 1, `${what}: one record`)
      t.notMatch(answer.body.toString(), OWNER.idNumber)
    }
    const { rows } = await pool.query('select from query')
    t.equal(rows.length, 0, 'nothing was put to the registry')
    t.equal((await ask(bank, {}, egov)).status, 200, 'from the extranet the same is answered')
  },
)
