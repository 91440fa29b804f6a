import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type FieldRules, scopedFields } from '../src/access/scope.ts'
import type { BankAnswer, BankCall } from '../src/sandbox/bank-client.ts'
import {
  combinations,
  MARKED_CERTIFICATE,
  MARKED_OWNER,
  refusing,
  ruleWords,
  talkative,
  unreadable,
  WORDS,
} from './support/marks.ts'
import {
  ALL_SHOWN,
  asking,
  chosen,
  forEach,
  judge,
  LEVELS,
  note,
  onlyOf,
  operatorOf,
  startBench,
} from './support/marks-bench.ts'
import { authorize, get, grant, OWNER, post } from './support/querying.ts'

t.setTimeout(300_000)

await t.test('every way to rule the fields, at once, by GET and repeated: nothing else leaves', async (t) => {
  const bench = await startBench(t, { queryWaitMs: 25_000 })
  const { world, bank, proxy, authorizationId } = bench
  const first = new Map<string, { id: string; key: string }>()

  await forEach(async (rules, index) => {
    const operator = operatorOf(index)
    const fields = chosen(rules, index)
    const asked = LEVELS.flatMap((level) => [null, fields].map((only) => ({ level, only })))
    await Promise.all(
      asked.map(async ({ level, only }) => {
        const what = `${ruleWords(rules).join(' ')} at ${level}${only === null ? '' : `, ${only.join(' ')} alone`}`
        const may = { level, rules: onlyOf(rules, only) }
        const body = asking(authorizationId, { level, ...(only === null ? {} : { fields: only }) })
        const key = randomUUID()
        const answer = note(bench, what, await post(bank, '/v1/queries', body, { operator, idempotencyKey: key }), may)
        const { id, code } = answer.json() as { id: string; code: string }
        if (answer.status !== 200 || code !== 'match') t.fail(`${what}: ${answer.status} ${code}`)
        const again = await post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
        if (!note(bench, `${what}, repeated`, again, may).body.equals(answer.body)) t.fail(`${what}: another answer`)
        note(bench, `${what}, read`, await get(bank, `/v1/queries/${id}`, { operator }), may)
        if (only === null && index === ALL_SHOWN) first.set(level, { id, key })
      }),
    )
    const hidden = scopedFields.find((field) => rules[field] === 'hide')
    if (hidden === undefined) return
    const refused = await post(bank, '/v1/queries', asking(authorizationId, { fields: [hidden] }), { operator })
    note(bench, `${hidden} asked for and not granted`, refused)
    if (refused.json()['code'] !== 'field-not-granted') t.fail(`${hidden} was asked for: ${refused.body.toString()}`)
  })

  // The account's scope narrows: what was asked when all was granted is read again.
  const operator = operatorOf(ALL_SHOWN)
  for (const rules of combinations) {
    await grant(world.gateway.ground, { fields: ruleWords(rules) })
    const isAll = Object.values(rules).every((rule) => rule === 'show')
    await Promise.all(
      LEVELS.map(async (level) => {
        const { id, key } = first.get(level) as { id: string; key: string }
        const what = `read when the account has ${ruleWords(rules).join(' ')}`
        note(bench, what, await get(bank, `/v1/queries/${id}`, { operator }), { level, rules })
        const body = asking(authorizationId, { level })
        const again = await post(bank, '/v1/queries', body, { operator, idempotencyKey: key })
        note(bench, 'repeated in a narrower scope', again, isAll ? { level, rules } : null)
        if (again.status !== (isAll ? 200 : 403)) t.fail(`a repeat where the account has ${ruleWords(rules).join(' ')}`)
      }),
    )
  }

  await t.test('an area that is taken away', async (t) => {
    const account = { fields: ruleWords(combinations[ALL_SHOWN] as FieldRules) }
    const { ground } = world.gateway
    const own = { ...account, operator }
    await grant(ground, { ...account, areas: ['420222', '420281'] })
    await grant(ground, { ...own, areas: ['420222', '420281'] })
    const may = { level: 'flags', rules: combinations[ALL_SHOWN] as FieldRules } as const
    const key = randomUUID()
    const ask = (): Promise<BankAnswer> =>
      post(bank, '/v1/queries', asking(authorizationId, { area: '420281' }), { operator, idempotencyKey: key })
    const asked = note(bench, 'asked in another area', await ask(), may)
    await grant(ground, { ...own, areas: ['420281'] })
    t.match(note(bench, 'repeated without the area', await ask()).json(), { code: 'field-not-granted' })
    const read = await get(bank, `/v1/queries/${String(asked.json()['id'])}`, { operator })
    t.match(note(bench, 'read without the area', read).json(), { code: 'no-match', property: null })
    await grant(ground, account)
    await grant(ground, own)
  })

  await t.test('an authorizer who is no holder, a wrong person, no such number', async (t) => {
    const stranger = await authorize(bank, { authorizer: OWNER, certificateNumber: MARKED_CERTIFICATE })
    for (const level of LEVELS) {
      for (const body of [
        asking(stranger, { level }),
        asking(authorizationId, { level, holder: OWNER }),
        asking(authorizationId, { level, holder: { ...MARKED_OWNER, name: '龘𠮷标乙' } }),
      ]) {
        const answer = note(bench, 'no match', await post(bank, '/v1/queries', body, { operator }))
        t.match(answer.json(), { state: 'answered', code: 'no-match', holders: [] })
        note(bench, 'no match, read', await get(bank, `/v1/queries/${String(answer.json()['id'])}`, { operator }))
      }
    }
  })

  await t.test('refusals and garbage in words that hold everything', async (t) => {
    const ask = (more: Partial<BankCall> = {}): Promise<BankAnswer> =>
      post(bank, '/v1/queries', asking(authorizationId, { level: 'detail' }), { operator, ...more })
    for (const [how, answered] of Object.entries(unreadable)) {
      proxy.answer = answered
      t.match(note(bench, how, await ask()).json(), { status: 503, code: 'registry-unavailable' }, how)
    }
    for (const [code, told] of [
      ['1002', 'registry-refused'],
      ['9001', 'registry-unavailable'],
      [MARKED_OWNER.name, 'registry-unavailable'],
    ] as const) {
      proxy.answer = refusing(code)
      t.match(note(bench, `refused with ${code}`, await ask()).json(), { code: told })
    }
    proxy.answer = refusing('3001')
    t.match(note(bench, 'nothing there', await ask()).json(), { code: 'no-match' })
    proxy.answer = talkative
  })

  await t.test('bad calls that hold it', async (t) => {
    const { name, idNumber } = MARKED_OWNER
    const body = asking(authorizationId, {})
    const calls: [body: unknown, more?: Partial<BankCall>][] = [
      [{ ...body, purpose: name }],
      [{ ...body, level: idNumber }],
      [{ ...body, fields: [WORDS] }],
      [{ ...body, area: WORDS }],
      [{ ...body, authorizationId: name }],
      [{ ...body, proofNumber: WORDS.slice(0, 40) }],
      [{ ...body, holder: { ...MARKED_OWNER, idType: name } }],
      [{ ...body, authorizationId: undefined }],
      [{ ...body, authorizationId: randomUUID() }],
      [{ ...body, purpose: 'loan-review' }],
      [body, { operator: idNumber }],
      [body, { body: `{"holder":"${name}",` }],
      [body, { tamper: { headers: { signature: undefined } } }],
    ]
    for (const [given, more] of calls) {
      const answer = note(bench, 'a bad call', await post(bank, '/v1/queries', given, { operator, ...more }))
      t.ok(answer.status >= 400 && answer.status < 500, answer.body.toString())
    }
    for (const path of [encodeURIComponent(name), idNumber]) {
      t.equal(note(bench, 'a bad path', await get(bank, `/v1/queries/${path}`, { operator })).status, 404)
    }
  })
  await judge(t, bench, 0)
})
