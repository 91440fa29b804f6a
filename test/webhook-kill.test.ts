import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { gatewayProcess } from './support/gateway-process.ts'
import { until } from './support/until.ts'
import { startReceiver } from './support/webhook-receiver.ts'
import { decide, failsAtRandom, feedOf, fileFor, LOOPBACK, putWebhook } from './support/webhooks.ts'
import { caseOf, OTHER_BANK, SAMPLE_BANK } from './support/world.ts'

t.setTimeout(1_200_000)

/** Of both banks together; 300 before a release. */
const CASES = Number(process.env['WEBHOOK_CASES'] ?? 12)
const KILLS = 5

await t.test(
  'webhook and feed of each bank hold its events once, in order, though the gateway is killed',
  async (t) => {
    const gateway = await gatewayProcess(t, {
      config: { ...LOOPBACK, leaseMarginMs: 300, registryConcurrency: 8, attemptsMaximum: 1000 },
    })
    await gateway.start()
    const banks = [
      { ...SAMPLE_BANK, client: await gateway.enrol() },
      { ...OTHER_BANK, client: await gateway.enrol({ bank: OTHER_BANK, algorithm: 'sm2' }) },
    ]
    const signing = await gateway.withGround(async ({ folders }) => folders.signing)
    const receivers = await Promise.all(banks.map(() => startReceiver(t, signing)))
    for (const [i, { client, code }] of banks.entries()) {
      const receiver = receivers[i] as (typeof receivers)[number]
      failsAtRandom(receiver)
      t.equal((await putWebhook(client, receiver.url)).status, 202)
      await gateway.withGround((ground) => decide({ gateway: { ground } }, 'approved', code))
    }

    const filed: { client: (typeof banks)[number]['client']; id: string }[] = []
    const filings: Promise<unknown>[] = []
    for (let kill = 0; kill <= KILLS; kill += 1) {
      while (filings.length < (CASES * (kill + 1)) / (KILLS + 1)) {
        const bank = banks[filings.length % 2] as (typeof banks)[number]
        filings.push(fileFor(bank.client, bank).then((id) => filed.push({ client: bank.client, id })))
      }
      if (kill === KILLS) break
      await sleep(Math.random() * 2000)
      await gateway.kill()
      await gateway.start()
    }
    await Promise.all(filings)
    for (const { client, id } of filed)
      await until(async () => (await caseOf(client, id))['completed'] === true, 300_000)

    for (const [i, { client, name }] of banks.entries()) {
      const receiver = receivers[i] as (typeof receivers)[number]
      const feed = await feedOf(client)
      await until(() => receiver.taken().length >= feed.length, 300_000)
      t.strictSame(
        receiver.taken(),
        feed.map(({ id }) => id),
        `${name}: the webhook got the feed, in its order`,
      )
      t.equal(new Set(feed.map(({ id }) => id)).size, feed.length, 'each event once')
      const own = filed.filter((one) => one.client === client).map(({ id }) => id)
      t.strictSame([...new Set(feed.map(({ caseId }) => caseId))].sort(), own.sort(), 'of its own cases, and no other')
      t.strictSame(receiver.faults, [])
    }
    t.equal(await gateway.stop(), 0)
  },
)
