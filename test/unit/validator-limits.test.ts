import { join } from 'node:path'
import t from 'tap'
import { openValidator } from '../../src/http/validator.ts'
import { sampleCase } from '../../src/sandbox/sample-case.ts'

const root = join(import.meta.dirname, import.meta.filename.endsWith('.js') ? '../../..' : '../..')

await t.test('of a monstrous body the first fault is told, of any other all of them', async (t) => {
  const validate = openValidator(join(root, 'schemas'))('application')
  const { application } = sampleCase({})
  const withParties = (count: number) => ({ ...application, parties: Array.from({ length: count }, () => ({})) })
  t.ok(validate(withParties(50)).length > 50, 'all faults')
  t.equal(validate(withParties(100_000)).length, 1, 'gathering all would cost the square of their number')
  let deep: unknown = []
  for (let level = 0; level < 5000; level += 1) deep = [deep]
  t.equal(validate({ ...application, parties: deep }).length, 1)
})
