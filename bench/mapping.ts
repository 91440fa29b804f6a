import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../src/base/json.ts'
import { loadMappings } from '../src/mapping/mapping-set.ts'
import { goldenContexts, goldenDocument, onTheWire } from '../test/support/golden-exchange.ts'
import { resultByHand } from './floor/result-by-hand.ts'
import { type SubmitContext, submitByHand } from './floor/submit-by-hand.ts'
import { type Comparison, compare, type Run } from './pairs.ts'

/**
 * A first mortgage to the registry, and its RESULT back, against code written by hand for these two messages, in this
 * process. What both give is compared before anything is timed.
 * @param runMs how long each run lasts.
 */
export async function mapping(pairs: number, runMs: number): Promise<Comparison[]> {
  const mappings = loadMappings({ mappingsDir: 'mappings', schemasDir: 'schemas' })
  const document = goldenDocument()
  const contexts = goldenContexts({ number: '420222261109000002', createdAt: '2026-11-09T09:21:00' })
  const submit = mappings.outward('yx-registry/submit-mortgage-first')
  const out = {
    ours: () => submit.render(document as unknown as Json, contexts),
    floor: () => submitByHand(document, contexts as unknown as SubmitContext),
  }
  const answer = onTheWire('registry-result.xml')
  const asked = goldenContexts({ number: '420222261110000003', createdAt: '2026-11-10T10:25:00' })
  const result = mappings.inward('yx-registry/result')
  const back = {
    ours: () => result.read(answer, asked),
    floor: () => resultByHand(answer),
  }
  if (!out.ours().equals(out.floor())) throw new Error('SUBMIT by hand gives other bytes')
  if (!isDeepStrictEqual(back.ours(), back.floor())) throw new Error('RESULT by hand gives something else')
  const contest = (name: string, { floor, ours }: { floor: () => unknown; ours: () => unknown }) => ({
    name,
    unit: 'messages/s',
    promised: 0.8,
    floor: async () => rateOf(floor, runMs),
    ours: async () => rateOf(ours, runMs),
  })
  return [await compare(contest('mapping out', out), pairs), await compare(contest('mapping in', back), pairs)]
}

function rateOf(work: () => unknown, runMs: number): Run {
  const startMs = performance.now()
  const tookMs: number[] = []
  let passedMs = 0
  while (passedMs < runMs) {
    for (let i = 0; i < 20; i += 1) work()
    const now = performance.now() - startMs
    tookMs.push((now - passedMs) / 20)
    passedMs = now
  }
  tookMs.sort((one, other) => one - other)
  const at = (share: number): number => tookMs[Math.floor((tookMs.length - 1) * share)] as number
  return { rate: (tookMs.length * 20 * 1000) / passedMs, p50: at(0.5), p99: at(0.99) }
}
