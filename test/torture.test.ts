import t from 'tap'
import { torture } from './torture/run.ts'

await t.test(
  'the short torture: every fault point five times, nothing lost, doubled, out of order, untold',
  { timeout: 290_000 },
  async (t) => {
    const seed = Number(process.env['TORTURE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
    t.comment(`seed ${seed}`)
    const { byPoint, faults, cases, ...rest } = await torture({
      cases: 60,
      eachPoint: 5,
      seed,
      roles: ['api', 'api', 'worker', 'worker'],
      say: (line) => t.comment(line),
    })
    for (const [point, times] of Object.entries(byPoint)) t.ok(times >= 5, `${point}: ${times} times`)
    t.ok(cases >= 60, `${cases} cases`)
    t.ok(faults >= 70, `${faults} faults`)
    const { lost, doubled, outOfOrder, disclosedWithoutRecord, missingFromLog, unfinished } = rest
    t.strictSame(
      { lost, doubled, outOfOrder, disclosedWithoutRecord, missingFromLog, unfinished },
      { lost: [], doubled: [], outOfOrder: [], disclosedWithoutRecord: [], missingFromLog: [], unfinished: [] },
    )
  },
)
