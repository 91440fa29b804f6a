import { randomBytes } from 'node:crypto'
import t from 'tap'
import { revisionGate, revisionRaise } from '../src/access/directory.ts'
import { systemClock } from '../src/base/clock.ts'
import { firstIdAt, newId } from '../src/base/id.ts'
import { ask, Batch } from '../src/db/batch.ts'
import { openKeyring } from '../src/db/data-keys.ts'
import { openPool, type Pool } from '../src/db/pool.ts'
import { referenceGate } from '../src/intake/bank-reference.ts'
import { readAnswer, sweepAnswers } from '../src/intake/idempotency.ts'
import { nonceGate, rotateNonces } from '../src/intake/nonces.ts'
import { answerContext, type Effect, type Once, takeEffect, type Work } from '../src/intake/once.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

const account = newId()
const bank = newId()
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** A request of its own nonce; its key is `key`, and what it asks is `digest`. */
function request(
  more: { key?: string; digest?: string; nonce?: string; revision?: number; createdAt?: number } = {},
): Once {
  const requestId = newId()
  const { key, digest = 'same', nonce = requestId, revision = 1, createdAt = nowSeconds() } = more
  return {
    requestId,
    nonce: { keyid: 'certificate-1', nonce, createdAt, requestId },
    inForce: ask(revisionGate, revision),
    key:
      key === undefined
        ? null
        : {
            accountId: account,
            route: 'POST /v1/applications',
            key,
            requestDigest: Buffer.from(digest.padEnd(32)),
            requestId,
          },
  }
}

/** Files a case under a bank reference, and counts what happened. */
class Filing implements Work {
  acts = 0
  repeats = 0
  refusals: string[] = []
  readonly #reference: string
  #asked = ask(referenceGate, { bankId: bank, reference: '', caseId: '' })

  constructor(reference: string = newId()) {
    this.#reference = reference
  }

  asks: Work['asks'] = (won) => {
    this.#asked = ask(referenceGate, { bankId: bank, reference: this.#reference, caseId: newId() }, won)
    return [this.#asked]
  }

  act: Work['act'] = (held) => {
    this.acts += 1
    const { won, caseId } = held.of(this.#asked)
    return {
      status: won ? 202 : 409,
      headers: { location: `/v1/applications/${caseId}` },
      body: Buffer.concat([Buffer.from(`{"case":"${caseId}","owner":"柯𠮷明"}`), randomBytes(8)]),
      receipt: `sm3=:${caseId}:`,
    }
  }

  refuse: Work['refuse'] = ({ code }) => void this.refusals.push(code)

  repeat: Work['repeat'] = () => {
    this.repeats += 1
  }
}

interface World extends TestDatabase {
  batch: Batch
  take(once: Once, work?: Filing): Promise<Effect>
}

async function world(t: { teardown(work: () => Promise<void>): unknown }): Promise<World> {
  const database = await testDatabase(t)
  const batch = new Batch(database.pool)
  return {
    ...database,
    batch,
    take: (once, work = new Filing()) => takeEffect(batch, database.keyring, once, work),
  }
}

const kinds = (effects: readonly Effect[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { kind } of effects) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

async function counted(pool: Pool, ...tables: string[]): Promise<number[]> {
  const counts: number[] = []
  for (const table of tables) {
    const { rows } = await pool.query<{ n: number }>(`select count(*) n from ${table}`)
    counts.push(rows[0]?.n ?? -1)
  }
  return counts
}

await t.test('a nonce is good once: in one batch, in two batches, and on two nodes', async (t) => {
  const { pool, url, keyring, batch, take } = await world(t)
  const createdAt = nowSeconds()
  const together = await Promise.all(
    Array.from({ length: 5 }, () => take(request({ nonce: 'n-1', createdAt, key: newId() }))),
  )
  t.strictSame(kinds(together), { done: 1, refused: 4 })
  t.equal(batch.statistics.commits, 1)
  const second = openPool({ url, max: 2, applicationName: 'second node' })
  t.teardown(() => second.end())
  const work = new Filing()
  const elsewhere = await takeEffect(
    new Batch(second),
    keyring,
    request({ nonce: 'n-1', createdAt, key: newId() }),
    work,
  )
  t.match(elsewhere, { kind: 'refused', problem: { code: 'nonce-repeated', status: 401 } })
  t.strictSame([work.acts, work.refusals], [0, ['nonce-repeated']], 'the refusal is traced')
  t.strictSame(await counted(pool, 'idempotency_key', 'bank_reference'), [1, 1], 'a repeat claims nothing')
  t.match(await take(request({ nonce: 'n-1', createdAt: createdAt + 1 })), { kind: 'done' }, 'another signature')
})

await t.test('a slot of nonces is emptied only when nothing in it can be accepted any more', async (t) => {
  const { pool, url } = await testDatabase(t)
  // A clock of the database's that the test moves.
  await pool.query(
    `create schema clock; create table clock.at (now timestamptz); insert into clock.at values (to_timestamp(0));
     create function clock.now() returns timestamptz language sql as 'select now from clock.at'`,
  )
  const moved = openPool({
    url: `${url}&options=${encodeURIComponent('-c search_path=clock,public,pg_catalog')}`,
    max: 2,
    applicationName: 'moved clock',
  })
  t.teardown(() => moved.end())
  const batch = new Batch(pool)
  const used = async (createdAt: number): Promise<boolean> => {
    const asked = ask(nonceGate, { keyid: 'c', nonce: 'n', createdAt, requestId: newId() })
    return !(await batch.submit({ asks: [asked], decide: (held) => held.of(asked) }))
  }
  const WINDOW = 300
  const start = 1_800_000_000
  const live = new Set<number>()
  let emptied = 0
  // Two hours of signatures, at the edges of the window and within it, while some node rotates now and then.
  for (let now = start; now < start + 7200; now += 100) {
    await pool.query('update clock.at set now = to_timestamp($1)', [now])
    for (const createdAt of [now - WINDOW, now, now + WINDOW]) {
      if (live.has(createdAt)) continue
      if (await used(createdAt)) t.fail(`a nonce of ${createdAt - start} s counts as used at ${now - start} s`)
      live.add(createdAt)
    }
    const before = (await counted(pool, 'nonce'))[0] as number
    // Now once, now twice at the same time, and for a while not at all.
    if (now % 700 !== 0) await Promise.all([rotateNonces(moved), now % 300 === 0 ? rotateNonces(moved) : null])
    if (((await counted(pool, 'nonce'))[0] as number) < before) emptied += 1
    for (const createdAt of live) {
      if (createdAt < now - WINDOW) live.delete(createdAt)
      else if (!(await used(createdAt))) t.fail(`the nonce of ${createdAt - start} s is free again at ${now - start} s`)
    }
  }
  t.ok(emptied > 15, `slots were emptied ${emptied} times`)
  const [left] = await counted(pool, 'nonce')
  t.ok((left as number) <= 5 * 3 * 2, `what is left is bounded: ${left}`)
})

await t.test('one key, a hundred requests at once: one act, and its answer repeated byte for byte', async (t) => {
  const { pool, keyring, take } = await world(t)
  const works = Array.from({ length: 100 }, () => new Filing())
  const effects = await Promise.all(works.map((work) => take(request({ key: 'k-1' }), work)))
  t.strictSame(kinds(effects), { done: 1, repeat: 99 })
  t.strictSame(works.map(({ acts, repeats }) => acts - repeats).filter((n) => n === 1).length, 1)
  t.equal(works.filter(({ repeats }) => repeats === 1).length, 99, 'each repeat is traced')
  const done = effects.find((effect) => effect.kind === 'done')
  const holders = new Set(effects.flatMap((effect) => (effect.kind === 'repeat' ? [effect.holder] : [])))
  t.equal(holders.size, 1)
  const [holder = ''] = holders
  const stored = await readAnswer(pool, holder)
  const open = { ...stored, body: keyring.open(stored?.body as Buffer, answerContext(holder)) }
  t.strictSame(open, done?.answer, 'status, headers, receipt and every byte')
  t.notOk(stored?.body.includes('柯𠮷明'), 'it lies sealed')
})

await t.test('an answer outlives its process', async (t) => {
  const { url, masterKey, take } = await world(t)
  const first = await take(request({ key: 'k-1' }))
  const pool = openPool({ url, max: 2, applicationName: 'new process' })
  t.teardown(() => pool.end())
  const keyring = await openKeyring({ masterKey, pool, clock: systemClock })
  const effect = await takeEffect(new Batch(pool), keyring, request({ key: 'k-1' }), new Filing())
  const holder = effect.kind === 'repeat' ? effect.holder : ''
  const stored = await readAnswer(pool, holder)
  t.strictSame(
    { ...stored, body: keyring.open(stored?.body as Buffer, answerContext(holder)) },
    first.kind === 'done' ? first.answer : null,
  )
})

await t.test('a key used for another request is refused; on another route or account it is another key', async (t) => {
  const { pool, take } = await world(t)
  await take(request({ key: 'k-1' }))
  const work = new Filing('fresh')
  t.match(await take(request({ key: 'k-1', digest: 'other' }), work), {
    kind: 'refused',
    problem: { code: 'idempotency-conflict', status: 409 },
  })
  t.strictSame([work.acts, work.refusals], [0, ['idempotency-conflict']])
  t.equal((await pool.query(`select from bank_reference where reference = 'fresh'`)).rowCount, 0)
  t.strictSame(await counted(pool, 'nonce', 'idempotency_answer'), [2, 1], 'its nonce is spent, no answer is kept')
  for (const other of [{ route: 'POST /v1/materials' }, { accountId: newId() }]) {
    const once = request({ key: 'k-1', digest: 'other' })
    t.match(await take({ ...once, key: { ...(once.key as NonNullable<Once['key']>), ...other } }), { kind: 'done' })
  }
  t.match(await take(request()), { kind: 'done' }, 'a call that changes nothing has no key')
  t.strictSame(await counted(pool, 'idempotency_answer'), [3])
})

await t.test(
  'a bank reference names one case, whatever keys it comes with, and only a request that takes effect claims it',
  async (t) => {
    const { pool, take } = await world(t)
    const works = Array.from({ length: 4 }, () => new Filing('ref-1'))
    const effects = await Promise.all(works.map((work, i) => take(request({ key: `k-${i}` }), work)))
    const answers = effects.map((effect) => (effect.kind === 'done' ? effect.answer : null))
    t.strictSame(answers.map((answer) => String(answer?.status)).sort(), ['202', '409', '409', '409'])
    t.equal(new Set(answers.map((answer) => answer?.headers['location'])).size, 1, 'losers are told the case')
    t.strictSame(await counted(pool, 'idempotency_answer', 'bank_reference'), [4, 1], 'a 409 is kept like any answer')
    const late = await take(request({ key: 'k-late' }), new Filing('ref-1'))
    t.match(late, { kind: 'done', answer: { status: 409, headers: { location: answers[0]?.headers['location'] } } })

    await Promise.all([
      take(request({ key: 'k-9' }), new Filing('ref-2')),
      take(request({ key: 'k-9' }), new Filing('ref-3')),
    ])
    const { rows } = await pool.query('select reference from bank_reference order by 1')
    t.strictSame(rows, [{ reference: 'ref-1' }, { reference: 'ref-2' }], 'the loser of a key claims no reference')
  },
)

await t.test(
  'a request decided on outdated access leaves no trace, and may come again with the same nonce',
  async (t) => {
    const { pool, batch, take } = await world(t)
    const raise = ask(revisionRaise, null)
    await batch.submit({ asks: [raise], decide: (held) => held.of(raise) })
    const work = new Filing('ref-1')
    const once = request({ key: 'k-1' })
    t.strictSame(await take(once, work), { kind: 'stale' })
    t.strictSame(await counted(pool, 'nonce', 'idempotency_key', 'idempotency_answer', 'bank_reference'), [0, 0, 0, 0])
    t.strictSame([work.acts, work.repeats, work.refusals], [0, 0, []])
    t.match(await take({ ...once, inForce: ask(revisionGate, 2) }, work), { kind: 'done', answer: { status: 202 } })
  },
)

await t.test('an act that fails holds neither key nor nonce nor reference', async (t) => {
  const { pool, take } = await world(t)
  const bad = new Filing('ref-1')
  bad.act = () => {
    throw new Error('broken assumption')
  }
  const once = request({ key: 'k-1' })
  const good = new Filing()
  const [failed, other] = await Promise.allSettled([take(once, bad), take(request({ key: 'k-2' }), good)])
  t.match(failed, { status: 'rejected', reason: { message: 'broken assumption' } })
  t.match(other, { status: 'fulfilled', value: { kind: 'done' } })
  t.strictSame(await counted(pool, 'nonce', 'idempotency_key', 'bank_reference'), [1, 1, 1])
  t.match(await take(once, new Filing('ref-1')), { kind: 'done', answer: { status: 202 } }, 'a retry takes effect')
})

await t.test('answers are forgotten after their time, the older ones only, in bounded steps', async (t) => {
  const { pool, take } = await world(t)
  await Promise.all(['old-1', 'old-2', 'old-3'].map((key) => take(request({ key }))))
  // As a node leaves it that stopped between claim and answer.
  await pool.query(
    `delete from idempotency_answer where request_id = (select max(request_id::text)::uuid from idempotency_key)`,
  )
  await new Promise((resolve) => setTimeout(resolve, 2))
  const border = firstIdAt(Date.now())
  await take(request({ key: 'young' }))
  t.equal(await sweepAnswers(pool, border), 3, 'keys count, answered or not')
  t.equal(await sweepAnswers(pool, border), 0)
  t.strictSame(await counted(pool, 'idempotency_answer'), [1])
  t.strictSame((await pool.query('select key from idempotency_key')).rows, [{ key: 'young' }])
  t.match(await take(request({ key: 'old-1' })), { kind: 'done' }, 'a forgotten key is a new one')
  await pool.query(
    `insert into idempotency_key select $1, 'r', n::text, '', gen_random_uuid() from generate_series(1, 2500) n`,
    [account],
  )
  t.equal(await sweepAnswers(pool, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 2000)
  t.equal(await sweepAnswers(pool, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 502)
})
