import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { answeringProxy } from './support/answering-proxy.ts'
import { gatewayProcess } from './support/gateway-process.ts'
import { authorize, get, grantBoth, post, question } from './support/querying.ts'
import { until } from './support/until.ts'

t.setTimeout(300_000)

/** Ten moments, each thrice. */
const KILLS = Number(process.env['QUERY_KILLS'] ?? 30)

await t.test('killed between the registry’s answer and the reply: never an answer without its record', async (t) => {
  const proxy = await answeringProxy(t)
  const gateway = await gatewayProcess(t, {
    config: { registryUrl: `${proxy.url}/`, registryTimeoutMs: 1000, registryMaximumMs: 1000, leaseMarginMs: 200 },
  })
  proxy.forwardTo = gateway.registry.url
  await gateway.start()
  const bank = await gateway.enrol({ businessTypes: ['query'] })
  await gateway.withGround((ground) => grantBoth(ground))
  const authorizationId = await authorize(bank)

  const answered = new Map<string, string | undefined>()
  const keys: string[] = []
  /** The end that each round's answer of the registry set off. */
  const endings: Promise<void>[] = []
  proxy.answer = ({ asked }) => {
    if (endings.length < keys.length && /<ExchangeType>QUERY</.test(asked.toString('latin1'))) {
      // From before the answer is read to after the reply is written.
      const afterMs = 2 ** ((keys.length - 1) % 10)
      endings.push(sleep(afterMs).then(() => gateway.kill()))
    }
    return null
  }
  let lost = 0
  for (let round = 0; round < KILLS; round += 1) {
    const key = randomUUID()
    keys.push(key)
    const answer = await post(bank, '/v1/queries', question(authorizationId), {
      idempotencyKey: key,
      attempts: 1,
    }).catch(() => null)
    if (answer?.status === 200) answered.set(String(answer.json()['id']), answer.receipt)
    else lost += 1
    await (endings.at(round) ?? gateway.kill())
    await gateway.start()
  }
  t.ok(lost > 3 && lost < KILLS, `${lost} of ${KILLS} callers heard nothing`)
  proxy.answer = () => null

  // What was left open is asked again; a repeat gets the answer, or is told where it will be.
  for (const key of keys) {
    const again = await post(bank, '/v1/queries', question(authorizationId), { idempotencyKey: key, attempts: 20 })
    t.ok(again.status === 200 || again.status === 202, `${again.status} ${again.body.toString()}`)
    const id = String(again.json()['id'])
    await until(async () => (await get(bank, `/v1/queries/${id}`)).json()['state'] === 'answered')
  }

  await gateway.withGround(async ({ pool }) => {
    const { rows } = await pool.query<{ bytes: Buffer; leaf: string }>(
      `select bytes, encode(leaf_hash, 'base64') as leaf from trace_record where type = 'disclosure'`,
    )
    const records = rows.map(({ bytes, leaf }) => ({
      receipt: `sm3=:${leaf}:`,
      queryId: (JSON.parse(bytes.toString()) as { facts: { queryId?: string } }).facts.queryId,
    }))
    for (const [id, receipt] of answered) {
      t.ok(
        records.some((record) => record.queryId === id && record.receipt === receipt),
        'whoever got an answer holds the receipt of its record',
      )
    }
    const { rows: open } = await pool.query(`select from query where state <> 'answered'`)
    t.equal(open.length, 0)
    const { rows: queries } = await pool.query('select from query')
    t.equal(queries.length, KILLS, 'one query a key')
    const { rows: quota } = await pool.query('select distinct used from quota_use')
    t.strictSame(quota, [{ used: KILLS }], 'and one of the quota each')
  })
})
