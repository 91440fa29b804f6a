import fc from 'fast-check'
import t from 'tap'
import { newId } from '../../src/base/id.ts'
import type { Rows } from '../../src/db/batch.ts'
import { type CaseStreams, caseStreamsStep } from '../../src/delivery/case-streams.ts'
import type { LiveMessage } from '../../src/delivery/message.ts'

const sealer = { seal: (plain: Buffer) => plain, openAsync: async (sealed: Buffer) => sealed }

/** Streams of an empty case, and what a commit would write and wake. */
async function emptyCase(): Promise<{
  streams: CaseStreams
  rows: Rows
  depth: Record<string, number>
  woken: string[]
}> {
  const woken: string[] = []
  const acts: (() => void)[] = []
  const depth: Record<string, number> = { live: 0, dead: 0, taken: 0, delivered: 0 }
  const rows: Rows = {
    add: (set, ...added) => {
      if (set.name !== 'endpoint depth') return
      for (const row of added as unknown as Record<string, number>[])
        for (const name of Object.keys(depth)) depth[name] = (depth[name] ?? 0) + (row[name] ?? 0)
    },
    afterCommit: (act) => void acts.push(act),
  }
  const step = caseStreamsStep(sealer, (endpoint) => void woken.push(endpoint))
  const stream = { cork: () => undefined, uncork: () => undefined }
  const none = { query: async () => ({ rows: [] }), connection: { stream } } as unknown as Parameters<
    typeof step.run
  >[0]
  const [streams, same] = await step.run(none, ['case', 'case'])
  if (streams === undefined || streams !== same) throw new Error('members of one case share one object')
  return { streams, rows, depth, woken }
}

const act = fc.record({
  what: fc.constantFrom(
    'append',
    'claim',
    'finish',
    'retry',
    'inquire',
    'park',
    'revive',
    'supersede',
    'withdraw',
    'release',
    'undo',
  ),
  which: fc.nat(),
  channel: fc.constantFrom('bank', 'registry'),
  fact: fc.constantFrom(undefined, 'f1', 'f2'),
})

await t.test('whatever happens, only heads that nothing holds may be sent, and depths tell the truth', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
      const { streams, rows, depth } = await emptyCase()
      let position = 0
      const gone = new Set<string>()
      const known = new Set<string>()
      const delivered: { channel: string; position: number }[] = []
      for (const { what, which, channel, fact } of acts) {
        const live = streams.messages
        const one = live[which % Math.max(1, live.length)]
        if (what === 'append') {
          position += 1
          const held = fact !== undefined && !known.has(fact) ? { afterFact: fact } : {}
          streams.append(rows, { ...message(channel, position), ...held })
        } else if (what === 'release' && fact !== undefined) {
          known.add(fact)
          streams.release(rows, fact)
        } else if (one === undefined) continue
        else if (what === 'claim' && (one.state === 'ready' || one.state === 'waiting')) one.state = 'sending'
        else if (what === 'finish' && one.state === 'sending') {
          streams.finish(rows, one, null)
          gone.add(one.id)
          delivered.push(one)
        } else if (what === 'retry' && one.state === 'sending') streams.retryLater(rows, one, 5, 'again')
        else if (what === 'inquire' && one.state === 'sending') streams.startInquiry(rows, one, 'q', 5, 'lost')
        else if (what === 'park' && one.state === 'sending') streams.park(rows, one, 'refused')
        else if (what === 'revive' && one.state === 'dead') streams.revive(rows, one)
        else if (what === 'supersede' && one.state === 'dead') {
          streams.supersede(rows, one, { id: newId(), number: 'n', documentVersion: 2 }, 'fixed')
          gone.add(one.id)
        } else if (what === 'withdraw' && one.state !== 'sending' && one.inquiry === null) {
          streams.withdraw(rows, one, 'unmeant')
          gone.add(one.id)
        } else if (what === 'undo') {
          const before = JSON.stringify(streams.messages)
          try {
            streams.undoOnThrow(() => {
              streams.append({ ...rows, add: () => undefined }, message(channel, position + 1))
              streams.release({ ...rows, add: () => undefined }, 'f1')
              if (one.state === 'sending') streams.finish({ ...rows, add: () => undefined }, one, null)
              throw new Error('undo')
            })
          } catch {
            if (JSON.stringify(streams.messages) !== before) throw new Error('undo left a trace')
          }
        }
        check(streams.messages, gone, known)
      }
      const live = streams.messages.filter(({ state }) => state !== 'dead').length
      const dead = streams.messages.length - live
      if (depth.live !== live || depth.dead !== dead) throw new Error(JSON.stringify({ depth, live, dead }))
      for (const channel of ['bank', 'registry']) {
        const positions = delivered.filter((one) => one.channel === channel).map((one) => one.position)
        if (positions.some((here, i) => i > 0 && here < (positions[i - 1] as number))) throw new Error('out of order')
      }
    }),
    { numRuns: 500 },
  )
})

function check(messages: readonly LiveMessage[], gone: Set<string>, known: Set<string>): void {
  const heads = new Set<string>()
  for (const one of messages) {
    if (gone.has(one.id)) throw new Error('it left')
    const isHead = !heads.has(one.channel)
    heads.add(one.channel)
    const held = one.afterFact !== null
    if (held && known.has(one.afterFact as string)) throw new Error('held for what is known')
    if (!isHead && one.state !== 'queued' && one.state !== 'dead') throw new Error(`${one.state} behind another`)
    if (held && one.state !== 'queued') throw new Error(`${one.state} though held`)
    if (isHead && !held && one.state === 'queued') throw new Error('a head that nothing holds is queued')
  }
}

function message(channel: string, position: number) {
  return { id: newId(), endpoint: channel, channel, position, kind: 'K', number: `n${position}`, documentVersion: 1 }
}

await t.test('the endpoint is woken for what may go now, and only for that', async (t) => {
  const { streams, rows } = await emptyCase()
  const acts: (() => void)[] = []
  const woken: Rows = { ...rows, afterCommit: (one) => void acts.push(one) }
  streams.append(woken, message('registry', 1))
  t.equal(acts.length, 1)
  streams.append(woken, message('registry', 2))
  streams.append(woken, { ...message('bank', 3), afterFact: 'f' })
  t.equal(acts.length, 1)
  streams.release(woken, 'f')
  t.equal(acts.length, 2)
})
