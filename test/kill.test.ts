import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Ground } from '../src/ground.ts'
import type { BankClient } from '../src/sandbox/bank-client.ts'
import { pdfDocument } from '../src/sandbox/pdf.ts'
import { sampleCase, withMaterialIds } from '../src/sandbox/sample-case.ts'
import { verifyTrace } from '../src/trace/verify.ts'
import { gatewayProcess } from './support/gateway-process.ts'
import { seededRandom } from './support/seeded-random.ts'
import { until } from './support/until.ts'
import { caseOf } from './support/world.ts'

t.setTimeout(240_000)

const CASES = 50
const KILLS = 20
/** The kill before which the queue's tables are emptied. */
const EMPTIED_BEFORE = 10
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_125)

await t.test('every acknowledged case completes, filed once, whenever the gateway is killed', async (t) => {
  const gateway = await gatewayProcess(t, {
    config: {
      registryTimeoutMs: 800,
      registryMaximumMs: 900,
      platformTimeoutMs: 800,
      leaseMarginMs: 300,
      pollFirstMs: 100,
      pollCapMs: 400,
      registryConcurrency: 8,
    },
  })
  await gateway.start()
  const bank = await gateway.enrol()
  await everyThirdCallFails(gateway.registry)

  const random = seededRandom(SEED)
  const acknowledged: { id: string; businessNumber: string }[] = []
  const filings: Promise<void>[] = []
  const moments: string[] = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    // A few new ones before each kill, so that cases are in every state at every moment.
    while (filings.length < Math.ceil((CASES * (kill + 1)) / KILLS)) {
      filings.push(file(bank).then((answer) => void acknowledged.push(answer)))
    }
    // Every fifth one strikes a gateway that may not have got up yet.
    const early = kill % 5 === 4
    if (!early) await gateway.ready()
    const afterMs = Math.round(random() * 1500)
    await sleep(afterMs)
    if (kill === EMPTIED_BEFORE) await gateway.withGround(emptyQueue)
    await gateway.kill()
    moments.push(`${afterMs} ms after its ${early ? 'launch' : 'readiness'}, ${acknowledged.length} acknowledged`)
    gateway.launch()
  }
  await gateway.ready()
  t.comment(`seed ${SEED}; killed\n${moments.join('\n')}`)
  await Promise.all(filings)
  t.equal(acknowledged.length, CASES)

  for (const { id } of acknowledged) {
    await until(async () => (await caseOf(bank, id))['completed'] === true, 60_000)
  }

  const taken = countOf(
    readFileSync(join(gateway.registry.dir, 'submits.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { businessNumber: string }).businessNumber),
  )
  t.strictSame(
    taken,
    countOf(acknowledged.map(({ businessNumber }) => businessNumber)),
    'the registry took one SUBMIT of each acknowledged case, and no other',
  )
  const { faults } = await gateway.registry.state()
  for (const fault of ['error-before SUBMIT', 'drop-after-effect SUBMIT', 'error-after-effect SUBMIT']) {
    t.ok((faults[fault] ?? 0) > 0, `${fault} struck: ${faults[fault]} times`)
  }

  const platform = await gateway.platform.state()
  t.equal(platform.cases.length, CASES, 'one case each at the platform')
  t.equal(new Set(platform.cases.map(({ bankReference }) => bankReference)).size, CASES)
  for (const one of platform.cases) {
    t.equal(one.relayed.filter(({ type }) => type === '30').length, 1, 'the result was relayed once')
  }

  for (const { id } of acknowledged) {
    const { events } = (await bank.getEvents(id, { attempts: 20 })).json() as unknown as { events: Event[] }
    const cursors = events.map(({ cursor }) => Number(cursor))
    t.strictSame(
      cursors,
      [...new Set(cursors)].sort((a, b) => a - b),
      'events come in the order of the feed',
    )
    const said = events.map(({ type, part, subject }) => `${type} ${part} ${JSON.stringify(subject)}`)
    t.strictSame(said, [...new Set(said)], 'no event comes twice')
  }

  await gateway.withGround(async ({ pool, signers, trace, folders }) => {
    const { rows } = await pool.query('select endpoint, kind, state, why from message')
    t.strictSame(rows, [], 'no dead letter, and no message is left over')
    const depth = await pool.query('select live, dead from endpoint_depth')
    for (const row of depth.rows) t.match(row, { live: 0, dead: 0 }, 'the counters agree')
    const concerns = await pool.query('select kind from concern')
    t.strictSame(concerns.rows, [], 'nobody has to look at anything')
    await trace.checkpointNow()
    const verified = await verifyTrace({
      pool,
      checkpointDir: folders.checkpoints,
      certificates: async (keyid) => (keyid === signers.p256.keyid ? signers.p256.certificateDer : null),
    })
    t.match(verified, { ok: true, findings: [] }, 'the trace is whole')
    t.ok(verified.covered > CASES)
  })
  t.equal(await gateway.stop(), 0)
})

interface Event {
  type: string
  part: number
  subject?: unknown
  cursor: string
}

/** Every third call fails, in turn: 500 without effect, no answer after the effect, 500 after the effect. */
async function everyThirdCallFails(registry: {
  url: string
  control(command: { fault: 'error-before' | 'drop-after-effect' | 'error-after-effect'; every: number }): unknown
}): Promise<void> {
  for (const fault of ['error-before', 'drop-after-effect', 'error-after-effect'] as const) {
    await registry.control({ fault, every: 9 })
    // A rule counts from when it was made: these calls set the next one three later.
    for (let call = 0; call < 3; call += 1) await (await fetch(`${registry.url}/files/none`)).arrayBuffer()
  }
}

/** Files a case of its own as a bank does: each call is repeated under its key until it is answered. */
async function file(bank: BankClient): Promise<{ id: string; businessNumber: string }> {
  const patient = { attempts: 10_000, retryDelayMs: 50 }
  const { application, materials } = sampleCase({ vary: true })
  const ids = new Map<string, string>()
  for (const { name, contentType } of materials) {
    const answer = await bank.uploadMaterial({ bytes: pdfDocument(name, [{ lines: [name] }]), contentType }, patient)
    if (answer.status !== 201) throw new Error(`a material was not taken: ${answer.status} ${answer.body.toString()}`)
    ids.set(name, String(answer.json()['id']))
  }
  const answer = await bank.submitApplication(withMaterialIds(application, ids), patient)
  if (answer.status !== 202) throw new Error(`the case was not taken: ${answer.status} ${answer.body.toString()}`)
  const { id, businessNumber } = answer.json() as { id: string; businessNumber: string }
  return { id, businessNumber }
}

async function emptyQueue({ pool }: Ground): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'bdc_gateway_queue'`,
  )
  if (rows.length === 0) throw new Error('the queue has no tables')
  await pool.query(`truncate ${rows.map(({ name }) => name).join(', ')} cascade`)
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
