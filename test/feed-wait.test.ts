import t from 'tap'
import { changeStanding } from '../src/access/administration-standing.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { Batch } from '../src/db/batch.ts'
import type { BankAnswer, BankClient } from '../src/sandbox/bank-client.ts'
import { bankIdOf, commitEvents } from './support/events.ts'
import { until } from './support/until.ts'
import { fileSample, OTHER_BANK, SAMPLE_BANK, startWorld, untilCompleted } from './support/world.ts'

const get = (client: BankClient, path: string): Promise<BankAnswer> => client.call({ method: 'GET', path })
const eventsOf = (answer: BankAnswer) => answer.json()['events'] as { id: string; caseId: string }[]

await t.test('who waits for events is woken by them, from whatever node, and by a stop', async (t) => {
  const world = await startWorld(t, { config: { eventWaiters: 3, eventWaitersOfBank: 2 } })
  const bank = await world.enrol()
  const other = await world.enrol({ bank: OTHER_BANK })
  const { pool, keyring } = world.database
  const bankId = await bankIdOf(pool, SAMPLE_BANK.code)
  const { ground } = world.gateway
  const disclosures = async (): Promise<number> =>
    (await pool.query(`select from trace_record where type = 'disclosure'`)).rowCount ?? 0

  let answered = 0
  const wait = async (client: BankClient, after: number, seconds = 30): Promise<BankAnswer> => {
    const answer = await get(client, `/v1/events?after=${after}&wait=${seconds}`)
    answered += 1
    return answer
  }
  const waiting = (count: number) => (): boolean => world.gateway.feedWatch.waiting === count

  const [one, two] = [wait(bank, 0), wait(bank, 0)]
  await until(waiting(2))
  t.equal(answered, 0, 'an empty page is held back')
  const third = await wait(bank, 0)
  t.match({ status: third.status, ...third.json() }, { status: 429, code: 'event-waiters-of-bank', retry: 'after' })
  t.match(third.headers['retry-after'], /^\d+$/)
  const theirs = wait(other, 0, 30)
  await until(waiting(3))
  const fourth = await wait(other, 0)
  t.match({ status: fourth.status, ...fourth.json() }, { status: 503, code: 'event-waiters', retry: 'after' })
  t.match(fourth.headers['retry-after'], /^\d+$/)

  const before = await disclosures()
  const [id] = await commitEvents(new Batch(pool), keyring, bankId, 1)
  for (const answer of await Promise.all([one, two]))
    t.strictSame(
      eventsOf(answer).map((event) => event.id),
      [id],
    )
  t.equal(await disclosures(), before + 2, 'seen without a hint; the other bank goes on waiting')
  t.equal(world.gateway.feedWatch.waiting, 1)

  // What is there already is not waited for, nor is anything without `wait`.
  t.equal(eventsOf(await wait(bank, 0)).length, 1)
  t.equal(eventsOf(await get(bank, '/v1/events?after=1')).length, 0)

  // A filing wakes its bank by its own commit.
  const next = wait(bank, 1)
  await until(waiting(2))
  const caseId = await fileSample(bank)
  t.equal(eventsOf(await next)[0]?.caseId, caseId)
  await untilCompleted(bank, caseId)
  const end = Number((await get(bank, '/v1/events?limit=500')).json()['next'])

  // Suspended while it waits: nothing is told, whatever comes.
  const caught = wait(bank, end)
  await until(waiting(2))
  const means = administrationMeans(ground)
  await changeStanding({ kind: 'bank', code: SAMPLE_BANK.code }, 'suspended', 'test', means)
  await commitEvents(new Batch(pool), keyring, bankId, 1)
  t.match((await caught).json(), { code: 'bank-suspended', rule: 'bank.active' })
  await changeStanding({ kind: 'bank', code: SAMPLE_BANK.code }, 'active', 'test', means)
  t.equal(eventsOf(await wait(bank, end)).length, 1)

  // Access changed for another reason: the wait is not begun again.
  const kept = wait(bank, end + 1)
  await until(waiting(2))
  await changeStanding({ kind: 'account', bank: OTHER_BANK.code, name: 'core' }, 'suspended', 'test', means)
  await commitEvents(new Batch(pool), keyring, bankId, 1)
  t.equal(eventsOf(await kept).length, 1)

  const last = wait(bank, end + 2)
  await until(waiting(2))
  const [stopped, refused] = await Promise.all([last, theirs, world.gateway.close()])
  t.equal(stopped.status, 200)
  t.strictSame(stopped.json(), { events: [], next: String(end + 2), more: false })
  t.equal(refused.json()['code'], 'account-suspended')
})
