import { WEBHOOK_CHANNEL } from '../bank/webhook-destination.ts'
import { newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { messageFiles } from '../cases/case-files.ts'
import { Numbers } from '../cases/numbers.ts'
import { readCase, readDocument } from '../cases/store.ts'
import { Batch, type Member, type Rows } from '../db/batch.ts'
import type { Pool } from '../db/pool.ts'
import { caseStreamsStep, type Replacement } from '../delivery/case-streams.ts'
import { type Replayed, replay, type ShownMessage, showMessage } from '../delivery/operations.ts'
import type { Ground } from '../ground.ts'
import type { Act } from '../trace/record.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'

/** A batch whose members write a trace record too, when what came of them is worth one. */
export class TracedBatch extends Batch {
  readonly #told: (result: unknown, rows: Rows) => void

  constructor(pool: Pool, told: (result: unknown, rows: Rows) => void) {
    super(pool)
    this.#told = told
  }

  override submit<T>(member: Member<T>): Promise<T> {
    return super.submit<T>({
      asks: member.asks,
      decide: (held, rows) => {
        const result = member.decide(held, rows)
        this.#told(result, rows)
        return result
      },
    })
  }
}

/**
 * Moves a dead letter on, with its trace record in the same transaction.
 * @param anew render it again, as a new message in its place.
 * @throws {Problem} message-not-found, message-not-dead, message-may-have-arrived.
 */
export async function replayMessage(
  ground: Ground,
  id: string,
  anew: boolean,
): Promise<Extract<Replayed, { kind: 'revived' | 'superseded' }>> {
  const { pool, keyring } = ground
  const message = await showMessage(pool, keyring, id)
  if (message === null) throw notFound()
  if (message.state !== 'dead') throw notDead()
  if (anew) refuseUnclear(message)
  const traced = new TracedBatch(pool, (result, rows) => {
    const { kind } = result as Replayed
    if (kind === 'revived' || kind === 'superseded')
      ground.trace.record(replayAct(ground, message, result as Replayed)).addTo(rows)
  })
  // Nobody is woken: the gateway's reconciler finds what is due within its tick.
  const streams = caseStreamsStep(keyring, () => undefined)
  const replayed = await replay(pool, traced, streams, id, anew ? await replacement(ground, message) : null)
  if (replayed.kind === 'not-found') throw notFound()
  if (replayed.kind === 'not-dead') throw notDead()
  return replayed
}

function replayAct(ground: Ground, message: ShownMessage, replayed: Replayed): Act {
  return {
    type: 'message-replayed',
    at: ground.clock.now(),
    actors: { staff: staffLogin(), ...(message.channel === WEBHOOK_CHANNEL ? { bankId: message.caseId } : {}) },
    caseId: message.channel === WEBHOOK_CHANNEL ? undefined : message.caseId,
    rule: CLI_RULE,
    outcome: replayed.kind,
    facts: {
      messageId: message.id,
      endpoint: message.endpoint,
      kind: message.kind,
      attempts: message.attempts,
      by: replayed.kind === 'superseded' ? replayed.by : undefined,
    },
  }
}

/** What the registry takes has an effect each time: a new one may only replace one that it certainly has not. */
function refuseUnclear(message: ShownMessage): void {
  if (message.channel !== 'registry' || !['SUBMIT', 'CORRECT', 'WITHDRAW'].includes(message.kind)) return
  const last = message.tried[0]?.outcome
  if (message.inquiry === null && last !== 'unknown' && last !== 'unclear') return
  throw new Problem('message-may-have-arrived', {
    zh: '该申请可能已到达登记系统；请不带 --anew 重投，网关会先查询再决定是否重发',
    en: 'the submission may have arrived; replay it without --anew, then the gateway asks before it sends',
  })
}

/**
 * Numbers as the first message got its own: a case's SUBMIT and type 10 carry the case's number for good, files of the
 * registry have numbers in a row, what is asked of the registry has one of its own, a relay's unid is its id.
 */
async function replacement(ground: Ground, message: ShownMessage): Promise<Replacement> {
  const { pool, keyring, config, clock } = ground
  // A push tells the same events however often it is rendered.
  if (message.channel === WEBHOOK_CHANNEL && message.source !== null) {
    const id = newId()
    return { id, number: id.replaceAll('-', ''), documentVersion: message.documentVersion, source: message.source }
  }
  const head = await readCase(pool, message.caseId)
  if (head === undefined) throw new Error('a message belongs to no case')
  const id = newId()
  let { number } = message
  if (message.channel === 'registry' && message.kind === 'MATERIALS') {
    const document = await readDocument(pool, head.id, head.documentVersion, keyring)
    const numbers = new Numbers(pool, config.areaCode, clock, 1)
    number = (await numbers.take('message', messageFiles(message, document).length))[0] ?? number
  } else if (message.channel === 'registry' && message.source !== null && message.kind !== 'CERTIFICATE-FILE') {
    number = (await new Numbers(pool, config.areaCode, clock, 1).take('message'))[0] ?? number
  } else if (message.source !== null) number = id.replaceAll('-', '')
  return {
    id,
    number,
    documentVersion: head.documentVersion,
    ...(message.source === null ? {} : { source: message.source }),
  }
}

function notFound(): Problem {
  return new Problem('message-not-found', { zh: '没有这个编号的报文', en: 'there is no message of this id' })
}

function notDead(): Problem {
  return new Problem('message-not-dead', {
    zh: '只有转人工的报文（dead）可以重投',
    en: 'only a dead letter can be replayed',
  })
}
