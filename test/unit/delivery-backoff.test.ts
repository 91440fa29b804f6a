import fc from 'fast-check'
import t from 'tap'
import { backoffMs } from '../../src/delivery/backoff.ts'
import { checkTimes } from '../../src/delivery/check-times.ts'
import { clearReason } from '../../src/delivery/message.ts'

const rule = { baseMs: 2000, capMs: 600_000 }

await t.test('the wait doubles, is spread by a fifth, stops at the cap and honours what the peer asks', async (t) => {
  t.strictSame(
    [1, 2, 3, 9, 10, 1000].map((attempt) => backoffMs(rule, attempt, 0, () => 0.5)),
    [2000, 4000, 8000, 512_000, 600_000, 600_000],
  )
  t.equal(
    backoffMs(rule, 1, 90_000, () => 0.5),
    90_000,
  )
  t.throws(() => backoffMs(rule, 0, 0, Math.random), RangeError)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 10_000_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, afterMs, random) => {
        const waitMs = backoffMs(rule, attempt, afterMs, () => random)
        return (
          Number.isSafeInteger(waitMs) &&
          waitMs >= Math.max(afterMs, 0.8 * rule.baseMs) &&
          waitMs <= Math.max(afterMs, 1.2 * rule.capMs)
        )
      },
    ),
  )
})

await t.test('times that would let a message be sent twice are named, all at once', async (t) => {
  const good = { endpoint: 'registry', timeoutMs: 60_000, leaseMs: 75_000, peerMaximumMs: 120_000 }
  t.strictSame(checkTimes(good), [])
  t.match(checkTimes({ ...good, leaseMs: 60_050, peerMaximumMs: 59_999 }), [/sent twice/, /before the effect/])
  t.match(checkTimes({ ...good, timeoutMs: 0 }), [/timeoutMs must be more than 0/])
})

await t.test('a reason in clear is one short line', async (t) => {
  t.equal(clearReason('a\n  b\tc'), 'a b c')
  t.equal(clearReason('x'.repeat(1000)).length, 160)
})
