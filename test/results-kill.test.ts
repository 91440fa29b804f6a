import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { BankClient } from '../src/sandbox/bank-client.ts'
import type { FaultRule } from '../src/sandbox/faults.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../src/sandbox/webhook-receiver.ts'
import { verifyTrace } from '../src/trace/verify.ts'
import { type GatewayProcess, gatewayProcess } from './support/gateway-process.ts'
import { seededRandom } from './support/seeded-random.ts'
import { smallCases } from './support/small-case.ts'
import { until } from './support/until.ts'
import { LOOPBACK, putWebhook } from './support/webhooks.ts'
import { OTHER_BANK, SAMPLE_BANK } from './support/world.ts'

t.setTimeout(300_000)

const CASES_OF_EACH = Number(process.env['KILL_CASES'] ?? 150)
const KILLS = 5
/** At least. */
const EVENTS_OF_A_CASE = 11
/** Cases of one bank that are being filed at a time. */
const FILERS = 8
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_126)

interface Event {
  id: string
  caseId: string
  cursor: string
  /** State of the case before it, null for none, and after it. */
  before: string | null
  after: string
}

interface FeedPage {
  events: Event[]
  more: boolean
}

interface Bank {
  code: string
  client: BankClient
  receiver: WebhookReceiver
  acknowledged: string[]
  /** What one who reads on from cursor to cursor got, kills or not. */
  followed: Event[]
}

await t.test(
  'each bank gets every event of its own cases once, in order, whenever the gateway is killed',
  async (t) => {
    const random = seededRandom(SEED)
    const gateway = await gatewayProcess(t, {
      config: {
        ...LOOPBACK,
        registryTimeoutMs: 1500,
        registryMaximumMs: 1600,
        platformTimeoutMs: 1500,
        leaseMarginMs: 300,
        pollFirstMs: 200,
        pollCapMs: 800,
        registryConcurrency: 16,
      },
      registry: { fee: 'exempt' },
    })
    await gateway.start()
    const one = await openBank(t, gateway, SAMPLE_BANK, 'p256', random)
    const two = await openBank(t, gateway, OTHER_BANK, 'sm2', random)
    const banks = [one, two]
    await approve(gateway, one)

    let reading = true
    t.teardown(() => {
      reading = false
    })
    const followers = banks.map((bank) => follow(bank, () => reading))
    const filings = [file(one, SAMPLE_BANK), file(two, OTHER_BANK)].flat()
    const seen = (): number => one.followed.length + two.followed.length
    const moments: string[] = []
    for (let kill = 0; kill < KILLS; kill += 1) {
      await gateway.ready()
      // One kill in each fifth of what happens, whatever the speed of the machine, and then some time on.
      const after = Math.floor(((kill + random()) * 2 * CASES_OF_EACH * EVENTS_OF_A_CASE) / KILLS)
      await until(() => seen() >= after, 120_000)
      const moreMs = Math.round(random() * 500)
      await sleep(moreMs)
      await gateway.kill()
      const filed = banks.map(({ acknowledged }) => acknowledged.length).join(' and ')
      const pushed = banks.map(({ receiver }) => receiver.events.length).join(' and ')
      moments.push(`${moreMs} ms after event ${after}, with ${filed} cases filed and ${pushed} events pushed`)
      gateway.launch()
      // The second bank's address is approved when there is something to catch up with.
      if (kill === 1) {
        await gateway.ready()
        await approve(gateway, two)
      }
    }
    await gateway.ready()
    t.comment(`seed ${SEED}; killed\n${moments.join('\n')}`)
    await Promise.all(filings)

    for (const { client } of banks) await until(() => allCompleted(client), 120_000)
    t.ok(await comesToRest(gateway, banks), 'everything is delivered')
    reading = false
    await Promise.all(followers)
    for (const bank of banks) await holdsItsOwn(t, bank)
    await leavesNothing(t, gateway)
    t.equal(await gateway.stop(), 0)
  },
)

/** A bank with a webhook that fails at random; it has yet to be approved. */
async function openBank(
  t: Test,
  gateway: GatewayProcess,
  bank: { code: string; name: string },
  algorithm: 'p256' | 'sm2',
  random: () => number,
): Promise<Bank> {
  const client = await gateway.enrol({ bank, algorithm })
  const gatewayCertificates = await Promise.all(
    ['p256', 'sm2'].map((name) => readFile(join(gateway.config.dataDir, 'signing', `${name}.cert.pem`), 'utf8')),
  )
  const receiver = await startWebhookReceiver({ gatewayCertificates })
  t.teardown(() => receiver.close())
  const { webhookTimeoutMs } = gateway.config
  const seeded = (rule: FaultRule): FaultRule => ({ ...rule, seed: Math.floor(random() * 2 ** 32) })
  await receiver.control([
    seeded({ fault: 'error-before', rate: 0.12 }),
    seeded({ fault: 'drop-before', rate: 0.1 }),
    seeded({ fault: 'busy', rate: 0.02 }),
    seeded({ fault: 'drop-after-effect', rate: 0.12 }),
    seeded({ fault: 'error-after-effect', rate: 0.08 }),
    seeded({ fault: 'garbage', rate: 0.05 }),
    seeded({ fault: 'slow', rate: 0.1, delayMs: webhookTimeoutMs / 4 }),
    // Kept after the gateway has given it up, and perhaps after it was sent again.
    seeded({ fault: 'slow', rate: 0.05, delayMs: webhookTimeoutMs * 1.5 }),
  ])
  t.match(await putWebhook(client, receiver.url), { status: 202 })
  return { code: bank.code, client, receiver, acknowledged: [], followed: [] }
}

async function approve(gateway: GatewayProcess, { code, receiver }: Bank): Promise<void> {
  await gateway.command('webhook', 'approve', code, '--url', receiver.url)
}

/** Files all the cases of a bank, a few at a time. */
function file({ client, acknowledged }: Bank, bank: { code: string; name: string }): Promise<void>[] {
  const cases = smallCases(client, bank)
  let begun = 0
  return Array.from({ length: FILERS }, async () => {
    const { file } = await cases
    while (begun < CASES_OF_EACH) {
      begun += 1
      acknowledged.push((await file()).id)
    }
  })
}

/** Reads on from the last cursor, as long as it is wanted. */
async function follow({ client, followed }: Bank, wanted: () => boolean): Promise<void> {
  while (wanted()) {
    const { events } = await read<FeedPage>(client, '/v1/events', {
      after: followed.at(-1)?.cursor ?? '0',
      limit: 61,
      wait: 1,
    })
    followed.push(...events)
    await sleep(300)
  }
}

async function allCompleted(client: BankClient): Promise<boolean> {
  await sleep(500)
  const { applications } = await read<{ applications: { completed: boolean }[] }>(client, '/v1/applications', {
    limit: 200,
  })
  return applications.length === CASES_OF_EACH && applications.every(({ completed }) => completed)
}

/** False when something has not been sent, pushed or read within a minute; what is missing shows later. */
function comesToRest(gateway: GatewayProcess, banks: readonly Bank[]): Promise<boolean> {
  const left = `select m.id::text from message m union all
    select b.code from bank b join webhook w on w.bank_id = b.id join feed_counter f on f.bank_id = b.id
     where w.cursor <> f.last`
  return gateway.withGround(async ({ pool }) => {
    const atRest = async (): Promise<boolean> => {
      await sleep(200)
      const { rowCount } = await pool.query(left)
      const { rows } = await pool.query<{ events: number }>('select sum(last)::int as events from feed_counter')
      return rowCount === 0 && banks.reduce((sum, { followed }) => sum + followed.length, 0) === rows[0]?.events
    }
    return until(atRest, 60_000).then(
      () => true,
      () => false,
    )
  })
}

async function read<T>(
  client: BankClient,
  path: string,
  query: Record<string, string | number | undefined> = {},
): Promise<T> {
  const answer = await client.get(path, query, { attempts: 1200, retryDelayMs: 50 })
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body.toString()}`)
  return answer.json() as T
}

async function holdsItsOwn(t: Test, { client, receiver, acknowledged, followed }: Bank): Promise<void> {
  t.equal(new Set(acknowledged).size, CASES_OF_EACH)
  const feed: Event[] = []
  for (let page = 0, more = true; more; page += 1) {
    const answer = await read<FeedPage>(client, '/v1/events', {
      after: feed.at(-1)?.cursor ?? '0',
      limit: [1, 97, 7, 251, 13][page % 5],
    })
    feed.push(...answer.events)
    more = answer.more
  }
  t.strictSame(
    feed.map(({ cursor }) => cursor),
    feed.map((_, place) => String(place + 1)),
    `${feed.length} events without a gap`,
  )
  t.equal(new Set(feed.map(({ id }) => id)).size, feed.length, 'each once')
  t.ok(sameTexts(followed, feed), 'who read on while it was killed has the same')

  t.strictSame([...new Set(feed.map(({ caseId }) => caseId))].sort(), [...acknowledged].sort(), "only its own cases'")
  const ofCases = new Map<string, Event[]>()
  for (const event of feed) ofCases.set(event.caseId, [...(ofCases.get(event.caseId) ?? []), event])
  let unlike = 0
  let broken = 0
  for (const id of acknowledged) {
    const { events } = await read<FeedPage>(client, `/v1/applications/${id}/events`)
    if (!sameTexts(events, ofCases.get(id) ?? [])) unlike += 1
    // Every event goes on from where the one before it left the case.
    if (events.some(({ before }, place) => before !== (events[place - 1]?.after ?? null))) broken += 1
  }
  t.equal(unlike, 0, 'each case gives the same events in the same order')
  t.equal(broken, 0, 'which is that in which they happened')

  t.strictSame(
    receiver.pushes.filter(({ status }) => status !== 204),
    [],
    'the gateway signed every push, and changed no event',
  )
  t.ok(sameTexts(receiver.events, feed), 'the webhook got what the feed holds, in its order')
  // Stricter: a page may come again, but no event comes in two pages.
  const pages = new Map(receiver.pushes.map(({ receipt, events }) => [receipt, events]))
  t.strictSame(
    [...pages.values()].flat(),
    feed.map(({ id }) => id),
    'its pages, each taken once, are the feed',
  )
  t.ok(receiver.pushes.length > pages.size, `${receiver.pushes.length} pushes of ${pages.size} pages were kept`)
  t.ok(receiver.calls() > receiver.pushes.length, `${receiver.calls()} came`)
  for (const { receipt, events } of receiver.pushes) {
    if (JSON.stringify(pages.get(receipt)) !== JSON.stringify(events)) t.fail('a page changed as it came again')
  }
}

async function leavesNothing(t: Test, gateway: GatewayProcess): Promise<void> {
  await gateway.withGround(async ({ pool, signers, trace, folders }) => {
    const { rows } = await pool.query('select endpoint, kind, state, why from message')
    t.strictSame(rows, [], 'no dead letter, and no message is left over')
    const depth = await pool.query('select endpoint, live, dead from endpoint_depth where live <> 0 or dead <> 0')
    t.strictSame(depth.rows, [], 'the counters agree')
    const concerns = await pool.query('select kind from concern')
    t.strictSame(concerns.rows, [], 'nobody has to look at anything')
    await trace.checkpointNow()
    const verified = await verifyTrace({
      pool,
      checkpointDir: folders.checkpoints,
      certificates: async (keyid) =>
        [signers.p256, signers.sm2].find((one) => one?.keyid === keyid)?.certificateDer ?? null,
    })
    t.match(verified, { ok: true, findings: [] }, 'the trace is whole')
    t.ok(verified.covered > 2 * CASES_OF_EACH)
  })
}

function sameTexts(one: readonly unknown[], other: readonly unknown[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
