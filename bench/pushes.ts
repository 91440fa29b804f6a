import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../src/base/id.ts'
import type { CaseMeans } from '../src/cases/apply.ts'
import { fileCase } from '../src/cases/file-case.ts'
import { ask } from '../src/db/batch.ts'
import { type CaseStreams, caseStreamsStep } from '../src/delivery/case-streams.ts'
import { ensureEndpoints, pauseEndpoint, resumeEndpoint } from '../src/delivery/endpoints.ts'
import type { Ground } from '../src/ground.ts'
import { goldenDocument } from '../test/support/golden-exchange.ts'
import { type Measured, startModule } from './child.ts'
import { type Comparison, compare, type Run } from './pairs.ts'
import type { Place } from './place.ts'
import type { Scale } from './requests.ts'

/** Calls at once, of either side. */
const CONCURRENCY = 32
const LIMIT_MS = 120_000

/**
 * Steps of the registry told to the platform (20), from rows to the last record of an answer, against a worker that has
 * a job for each.
 * @param redisUrl the queue's backend of both; null: PostgreSQL.
 */
export async function pushes(
  place: Place,
  scale: Scale & { promised: number },
  redisUrl: string | null,
  nodeArguments: readonly string[] = [],
): Promise<Comparison> {
  const name = redisUrl === null ? 'pushes' : 'pushes_redis'
  const platform = await startModule('platform-stand-in.js', {}, { isMeasured: false })
  place.onClose(() => platform.close())
  const gateway = await place.gateway(name, {
    config: {
      platformUrl: platform.url,
      platformConcurrency: CONCURRENCY,
      reconcileMs: 100,
      ...(redisUrl === null ? {} : { redisUrl, queuePrefix: 'bench' }),
    },
    nodeArguments,
    prepare: async ({ batch }) => {
      await ensureEndpoints(batch, [{ endpoint: 'platform', concurrency: CONCURRENCY }])
      await pauseEndpoint(batch, 'platform', 'bench')
    },
  })
  const ground = await gateway.ground()
  const floor = await startModule('floor/push-worker.js', {
    databaseUrl: await place.database(`${name}_floor`),
    redisUrl,
    targetUrl: platform.url,
    concurrency: CONCURRENCY,
  })
  place.onClose(() => floor.close())
  const count = scale.requests
  const run = async (side: Measured, seed: () => Promise<void>, drain: () => Promise<number>): Promise<Run> => {
    await seed()
    await place.admin.query('checkpoint')
    return side.alone(async () => {
      const rssMb = side.rssMb()
      return { rate: count / (await drain()), ...(rssMb === undefined ? {} : { rssMb }) }
    })
  }
  const comparison = await compare(
    {
      name: redisUrl === null ? 'pushes on PostgreSQL' : 'pushes on Redis',
      unit: 'pushes/s',
      promised: scale.promised,
      floor: () =>
        run(
          floor,
          async () => void (await floor.ask({ work: 'seed', count })),
          async () => (await floor.ask({ work: 'drain', count })).seconds,
        ),
      ours: () =>
        run(
          gateway,
          () => seedRelays(ground, count),
          () => drained(ground),
        ),
    },
    scale.pairs,
  )
  await Promise.all([gateway.close(), floor.close(), platform.close()])
  return comparison
}

/** Cases that wait with one step each, written many in a commit. */
async function seedRelays(ground: Ground, count: number): Promise<void> {
  const { batch, keyring, clock, trace } = ground
  const streams = caseStreamsStep(keyring, () => undefined)
  const means = {
    rules: { platformIsSource: false, certificateLockedUntilPaid: false, relayTypes: ['20'] },
    sealer: keyring,
    clock,
    record: trace.record,
    endpoints: { platform: 'platform', registry: 'registry' },
    pollFirstMs: 60_000,
    withdrawalAgainMs: 60_000,
  } as CaseMeans
  const document = {
    ...goldenDocument(),
    filedBy: {
      operator: { id: 'yx-sub-0031', name: '经办员甲', phone: '0714-0000001' },
      account: { id: newId(), bankName: '示例银行股份有限公司阳新支行', bankCode: '91420222000000019R' },
    },
  }
  const bankId = newId()
  /** The case's own messages are not what is measured. */
  const noMessages = { append: () => undefined } as unknown as CaseStreams
  await Promise.all(
    Array.from({ length: count }, () => {
      const caseId = newId()
      const asked = ask(streams.ofNew, caseId)
      return batch.submit({
        asks: [asked],
        decide: (held, rows) => {
          const filing = {
            caseId,
            bankId,
            accountId: document.filedBy.account.id,
            area: '420222',
            document: document as never,
            businessNumber: caseId,
            firstFileNumber: caseId,
            rule: 'bench',
          }
          fileCase(filing, noMessages, rows, means)
          const id = newId()
          held.of(asked).append(rows, {
            id,
            endpoint: 'platform',
            channel: 'platform',
            position: 9,
            kind: '20',
            number: id.replaceAll('-', ''),
            documentVersion: 1,
            source: Buffer.from(JSON.stringify({ part: 1, fact: ACCEPTED })),
          })
        },
      })
    }),
  )
  await ground.pool.query(`update cases set platform_number = 'hs' || right(replace(id::text, '-', ''), 16)
                            where platform_number is null`)
}

const ACCEPTED = {
  part: 1,
  fact: 'accepted',
  round: 1,
  occurredAt: '2026-11-09T14:30:00+08:00',
  saidBy: 'registry',
  reportedIn: 'progress',
  messageId: '420222261109000031',
  registryNumber: '202611090037',
  by: '受理员一',
}

/** Seconds until nothing is left; then the way out is closed again. */
async function drained({ batch, pool }: Ground): Promise<number> {
  const startMs = performance.now()
  await resumeEndpoint(batch, 'platform')
  for (;;) {
    const { rows } = await pool.query<{ live: number; dead: number }>(
      `select live, dead from endpoint_depth where endpoint = 'platform'`,
    )
    const passedMs = performance.now() - startMs
    if (rows[0]?.dead !== 0) {
      const { rows: dead } = await pool.query<{ why: string }>(`select why from message where state = 'dead' limit 1`)
      throw new Error(`a push became a dead letter: ${dead[0]?.why}`)
    }
    if (rows[0].live === 0) {
      await pauseEndpoint(batch, 'platform', 'bench')
      return passedMs / 1000
    }
    if (passedMs > LIMIT_MS) throw new Error(`${rows[0].live} pushes are left after ${LIMIT_MS} ms`)
    await sleep(20)
  }
}
