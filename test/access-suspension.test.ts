import { randomUUID } from 'node:crypto'
import t from 'tap'
import { changeStanding, type Subject } from '../src/access/administration-standing.ts'
import { administrationMeans } from '../src/cli/administration-means.ts'
import { openGround } from '../src/ground.ts'
import { openLogger } from '../src/logger.ts'
import type { BankAnswer, BankClient } from '../src/sandbox/bank-client.ts'
import { prepareSmall } from './support/refusal-bench.ts'
import { enrol, OPERATOR, OTHER_BANK, SAMPLE_BANK, startWorld } from './support/world.ts'

await t.test('what is changed at another process holds for the next request', async (t) => {
  const world = await startWorld(t)
  const { ground, url } = world.gateway
  // As a command does: the same database, another process's view of it.
  const elsewhere = await openGround(ground.config, openLogger('silent', 2), { serves: false })
  t.teardown(() => elsewhere.close())
  const means = administrationMeans(elsewhere)
  const bank = await world.enrol()
  const application = await prepareSmall(bank)
  const fresh = () => ({ ...structuredClone(application), bankReference: `ED-${randomUUID()}` })
  const filed = await bank.submitApplication(application)
  t.equal(filed.status, 202)
  const id = filed.json()['id'] as string
  const codeOf = (answer: BankAnswer): unknown => (answer.status < 400 ? answer.status : answer.json()['code'])
  const casesFiled = async (): Promise<number> =>
    (await world.database.pool.query<{ count: number }>('select count(*)::int from cases')).rows[0]?.count ?? 0
  const fingerprintsOf = async (account: string): Promise<string[]> =>
    (
      await world.database.pool.query<{ fingerprint: string }>(
        `select fingerprint from account_certificate c join account a on a.id = c.account_id
          where a.name = $1 order by c.ctid`,
        [account],
      )
    ).rows.map(({ fingerprint }) => fingerprint)

  const [fingerprint = ''] = await fingerprintsOf('core')
  const subjects: [Subject, string][] = [
    [{ kind: 'bank', code: SAMPLE_BANK.code }, 'bank-suspended'],
    [{ kind: 'account', bank: SAMPLE_BANK.code, name: 'core' }, 'account-suspended'],
    [{ kind: 'operator', bank: SAMPLE_BANK.code, code: OPERATOR }, 'operator-suspended'],
    [{ kind: 'certificate', fingerprint }, 'certificate-suspended'],
  ]
  for (const [subject, code] of subjects) {
    await t.test(`${code}: under 50 concurrent requests, none that begins later is let through`, async (t) => {
      let suspended = false
      const ended: { late: boolean; code: unknown }[] = []
      const caller = async (): Promise<void> => {
        for (let after = 0; after < 2; ) {
          const late = suspended
          ended.push({ late, code: codeOf(await bank.getApplication(id)) })
          if (late) after += 1
        }
      }
      const callers = Array.from({ length: 50 }, caller)
      await changeStanding(subject, 'suspended', 'test', means)
      suspended = true
      await Promise.all(callers)
      const late = ended.filter((one) => one.late)
      t.equal(late.length, 100)
      t.strictSame([...new Set(late.map((one) => one.code))], [code])
      const early = new Set(ended.filter((one) => !one.late).map((one) => one.code))
      early.delete(200)
      early.delete(code)
      t.equal(early.size, 0, 'those under way end one way or the other')

      await changeStanding(subject, 'active', 'test', means)
      t.equal((await bank.getApplication(id)).status, 200, 'resumed, the next one is let through')
    })
  }

  await t.test('a filing that the suspension overtakes is either answered as filed or not filed', async (t) => {
    const account: Subject = { kind: 'account', bank: SAMPLE_BANK.code, name: 'core' }
    const before = await casesFiled()
    const filings = Array.from({ length: 30 }, () => bank.submitApplication(fresh()))
    await changeStanding(account, 'suspended', 'test', means)
    const late = Array.from({ length: 10 }, () => bank.submitApplication(fresh()))
    const codes = (await Promise.all(filings)).map(codeOf)
    t.strictSame([...new Set((await Promise.all(late)).map(codeOf))], ['account-suspended'])
    const taken = codes.filter((code) => code === 202).length
    t.equal(codes.filter((code) => code === 'account-suspended').length, 30 - taken)
    t.equal(await casesFiled(), before + taken)
    await changeStanding(account, 'active', 'test', means)
  })

  await t.test('a certificate registered there is usable at once, whoever asked just before', async (t) => {
    for (let round = 0; round < 3; round += 1) {
      const stranger = await bank.getApplication(id, { tamper: { keyid: '0'.repeat(64) } })
      t.equal(codeOf(stranger), 'certificate-unknown')
      const account = `new-${round}`
      const client = await enrol(t, elsewhere, world.ca, url, { account })
      const asked = Array.from({ length: 5 }, () => client.getApplication(id))
      t.strictSame((await Promise.all(asked)).map(codeOf), [200, 200, 200, 200, 200])
    }
  })

  await t.test('certificates rotate: both hold, then the old one is suspended and the new one goes on', async (t) => {
    const old = await enrol(t, elsewhere, world.ca, url, { account: 'rotating' })
    const renewed = await enrol(t, elsewhere, world.ca, url, { account: 'rotating' })
    const both = async (): Promise<unknown[]> => [
      codeOf(await old.getApplication(id)),
      codeOf(await renewed.getApplication(id)),
    ]
    t.strictSame(await both(), [200, 200])
    const key = randomUUID()
    const body = fresh()
    const first = await old.submitApplication(body, { idempotencyKey: key })
    const [oldest = ''] = await fingerprintsOf('rotating')
    await changeStanding({ kind: 'certificate', fingerprint: oldest }, 'suspended', 'test', means)
    t.strictSame(await both(), ['certificate-suspended', 200])
    const again = await renewed.submitApplication(body, { idempotencyKey: key })
    t.strictSame([again.status, again.body], [202, first.body], 'a key is that of the account, not of the certificate')
  })

  await t.test("another bank's case looks like one that never was", async (t) => {
    const other = await world.enrol({ bank: OTHER_BANK })
    const calls: ((client: BankClient, id: string) => Promise<BankAnswer>)[] = [
      (client, id) => client.getApplication(id),
      (client, id) => client.getEvents(id),
      (client, id) => client.listCertificates(id),
      (client, id) => client.downloadCertificate(id, '鄂(2026)阳新县不动产证明第0000001号'),
    ]
    for (const call of calls) {
      const [theirs, none] = [await call(other, id), await call(other, randomUUID())]
      t.strictSame([theirs.status, none.status], [404, 404])
      t.strictSame({ ...theirs.json(), traceId: '' }, { ...none.json(), traceId: '' })
    }
  })
})
