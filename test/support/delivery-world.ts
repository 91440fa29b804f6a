import { newId } from '../../src/base/id.ts'
import type { Outcome } from '../../src/base/outcome.ts'
import { ask, Batch, type Rows } from '../../src/db/batch.ts'
import { openPool, type Pool } from '../../src/db/pool.ts'
import {
  type Appended,
  type CaseStreams,
  type CaseStreamsStep,
  caseStreamsStep,
} from '../../src/delivery/case-streams.ts'
import type { Deadline } from '../../src/delivery/deadline.ts'
import type {
  ClaimedMessage,
  Destination,
  InquiryResult,
  Rendered,
  SendResult,
  Settlement,
} from '../../src/delivery/destination.ts'
import { ensureEndpoints } from '../../src/delivery/endpoints.ts'
import type { Fate } from '../../src/delivery/message.ts'
import { openWakeQueue, type WakeQueue } from '../../src/delivery/queue.ts'
import { type Delivery, type DeliveryOptions, startDelivery } from '../../src/delivery/worker.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export const delivered: SendResult = { outcome: { kind: 'delivered', receipt: 'r-1' } }
export const answer = (outcome: Outcome): SendResult => ({ outcome })

/** A counterparty in memory: what it does is scripted, what it got is kept. */
export class FakeDestination implements Destination {
  readonly endpoint: string
  readonly channel: string
  concurrency = 4
  timeoutMs = 2000
  leaseMs = 4000
  peerMaximumMs = 2000
  unknownThen: 'resend' | 'inquire' | 'park' = 'inquire'
  keepsBytes = true
  readonly sent: { message: ClaimedMessage; bytes: string | null }[] = []
  readonly asked: ClaimedMessage[] = []
  readonly settled: { message: ClaimedMessage; result: SendResult; fate: Fate }[] = []
  renders = 0
  onSend: (message: ClaimedMessage, deadline: Deadline) => SendResult | Promise<SendResult> = () => delivered
  onInquire: (message: ClaimedMessage) => InquiryResult | Promise<InquiryResult> = () => ({ kind: 'absent' })
  onSettle: (rows: Rows, streams: CaseStreams, result: SendResult, message: ClaimedMessage) => void = () => undefined

  constructor(endpoint: string, channel: string = endpoint) {
    this.endpoint = endpoint
    this.channel = channel
  }

  async render(message: ClaimedMessage): Promise<Rendered | null> {
    this.renders += 1
    if (!this.keepsBytes) return null
    return { bytes: Buffer.from(`${message.number}/${message.cursor}/${this.renders}`), mapping: 'fake@1' }
  }

  async send(message: ClaimedMessage, rendered: Buffer | null, deadline: Deadline): Promise<SendResult> {
    this.sent.push({ message, bytes: rendered?.toString() ?? null })
    return this.onSend(message, deadline)
  }

  afterUnknown(): 'resend' | 'inquire' | 'park' {
    return this.unknownThen
  }

  async inquire(message: ClaimedMessage): Promise<InquiryResult> {
    this.asked.push(message)
    return this.onInquire(message)
  }

  settle(message: ClaimedMessage, result: SendResult): Settlement {
    return {
      asks: [],
      apply: (_held, rows, streams, fate) => {
        this.onSettle(rows, streams, result, message)
        rows.afterCommit(() => this.settled.push({ message, result, fate }))
      },
    }
  }
}

export interface World {
  readonly database: TestDatabase
  readonly pool: Pool
  readonly batch: Batch
  readonly streams: CaseStreamsStep
  readonly queue: WakeQueue
  readonly dead: { id: string; reason: string; words: string | null }[]
  readonly faults: { where: string; error: unknown }[]
  /** Starts a worker on this node's pool and queue. */
  start(destinations: readonly Destination[], more?: Partial<DeliveryOptions>): Promise<Delivery>
  /** Another node on the same database. */
  anotherNode(): Promise<World>
  change<T>(caseId: string, work: (streams: CaseStreams, rows: Rows) => T): Promise<T>
  append(caseId: string, ...messages: (Partial<Appended> & { endpoint: string; position: number })[]): Promise<string[]>
  message(id: string): Promise<Record<string, unknown> | undefined>
  history(id: string): Promise<Record<string, unknown> | undefined>
  outcomes(id: string): Promise<string[]>
}

interface Test {
  teardown(work: () => Promise<void>): unknown
}

export interface Wakes {
  /** Redis instead of PostgreSQL. */
  readonly redisUrl: string | null
}

let worlds = 0

export async function deliveryWorld(t: Test, { redisUrl }: Wakes = { redisUrl: null }): Promise<World> {
  const database = await testDatabase(t)
  // In Redis nothing else keeps the worlds of a process apart.
  const prefix = redisUrl === null ? 'test-1' : `world-${++worlds}`
  return node(t, { database, prefix, redisUrl }, database.pool)
}

async function node(t: Test, shared: Wakes & { database: TestDatabase; prefix: string }, pool: Pool): Promise<World> {
  const { database, prefix, redisUrl } = shared
  const batch = new Batch(pool)
  const faults: World['faults'] = []
  const dead: World['dead'] = []
  const onFault = (where: string, error: unknown): void => void faults.push({ where, error })
  const queue = await openWakeQueue({ databaseUrl: database.url, redisUrl, prefix, onFault })
  t.teardown(() => queue.close())
  const streams = caseStreamsStep(database.keyring, (endpoint) => queue.wake(endpoint))
  const one = async (table: string, id: string): Promise<Record<string, unknown> | undefined> =>
    (await pool.query(`select * from ${table} where id = $1`, [id])).rows[0] as Record<string, unknown> | undefined
  const change: World['change'] = (caseId, work) => {
    const asked = ask(streams, caseId)
    return batch.submit({ asks: [asked], decide: (held, rows) => work(held.of(asked), rows) })
  }
  return {
    database,
    pool,
    batch,
    streams,
    queue,
    dead,
    faults,
    change,
    start: async (destinations, more = {}) => {
      await ensureEndpoints(batch, destinations)
      const delivery = startDelivery({
        pool,
        batch,
        streams,
        sealer: database.keyring,
        queue,
        destinations,
        retry: { baseMs: 20, capMs: 100, maximum: 50 },
        tickMs: 50,
        // Told once it is durable: a test that sees it here may read the row.
        onDead: (rows, message, { reason, words }) =>
          rows.afterCommit(() => void dead.push({ id: message.id, reason, words })),
        onFault,
        ...more,
      })
      t.teardown(() => delivery.close())
      return delivery
    },
    anotherNode: async () => {
      const second = openPool({ url: database.url, max: 8, applicationName: 'second node' })
      t.teardown(() => second.end())
      return node(t, shared, second)
    },
    append: async (caseId, ...messages) => {
      const full = messages.map((message) => ({
        id: newId(),
        channel: message.endpoint,
        kind: 'SUBMIT',
        number: `n-${message.position}`,
        documentVersion: 1,
        ...message,
      }))
      await change(caseId, (own, rows) => {
        for (const message of full) own.append(rows, message)
      })
      return full.map(({ id }) => id)
    },
    message: (id) => one('message', id),
    history: (id) => one('message_history', id),
    outcomes: async (id) =>
      (
        await pool.query<{ outcome: string }>('select outcome from attempt where message_id = $1 order by id', [id])
      ).rows.map((row) => row.outcome),
  }
}
