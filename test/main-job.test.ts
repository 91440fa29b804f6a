import { createHash } from 'node:crypto'
import t from 'tap'
import { caseOf, fileSample, startWorld, untilCompleted, untilDelivered } from './support/world.ts'

await t.test(
  'a signed case of each algorithm goes to platform and registry once and comes back as a certificate',
  async (t) => {
    const world = await startWorld(t)
    for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
      const bank = await world.enrol({ algorithm, account: algorithm })
      const id = await fileSample(bank, { vary: true })
      await untilCompleted(bank, id)
      const page = await caseOf(bank, id)
      t.equal(page['state'], 'recorded')
      const registry = await world.registry.state()
      const mine = registry.cases.find((one) => one.businessNumber === page['businessNumber'])
      t.equal(mine?.effects, 1, 'one case at the registry')
      t.equal(mine?.certificates.length, 2, 'a certificate for each unit')
      for (const issued of mine?.certificates ?? []) {
        const answer = await bank.downloadCertificate(id, issued.number)
        t.equal(
          createHash('sha256').update(answer.body).digest('hex'),
          issued.sha256,
          'the file that the registry issued',
        )
        t.ok(answer.verified && answer.receipt, 'signed, with its receipt')
      }
    }
    await untilDelivered(world)
    const platform = await world.platform.state()
    t.equal(platform.cases.length, 3)
    for (const one of platform.cases) {
      t.strictSame(
        [...new Set(one.relayed.map(({ type }) => type))].sort(),
        ['20', '30'],
        'steps and the result were relayed',
      )
      t.equal(one.relayed.filter(({ type }) => type === '30').length, 1, 'the result once')
    }
    t.strictSame(platform.refusals, {}, 'the platform turned nothing away')
  },
)
