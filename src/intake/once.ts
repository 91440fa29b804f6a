import { Problem } from '../base/problem.ts'
import { type Ask, ask, type Batch, type Held, type Member, type Rows } from '../db/batch.ts'
import { answerRows, freedKeys, type KeyAsk, keyGate } from './idempotency.ts'
import { type NonceAsk, nonceGate } from './nonces.ts'

/** What is answered to a request, and repeated byte for byte to a repeat of it. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: Buffer
  /** Value of Trace-Receipt: the record of the act itself. */
  receipt: string | null
}

/** How a request is told from others, and what its decision rests on. */
export interface Once {
  requestId: string
  nonce: NonceAsk
  /** True while the access decision behind this request is still the one in force. */
  inForce: Ask<number, boolean>
  /** Absent on calls that change nothing. */
  key: KeyAsk | null
}

export interface Work {
  /** Further gates and locks, each run only for a request that takes effect (give `when: won`). */
  asks(won: (held: Held) => boolean): Member<unknown>['asks']
  /**
   * The act: its rows and its answer. May refuse with a stored answer of its own; a 429 is not kept and frees the key.
   * Null: the answer comes in a commit of its own, and until then the key is at work.
   */
  act(held: Held, rows: Rows): Answer | null
  /** Traces a refusal by nonce or key; the signature has verified, so it is traced one by one. */
  refuse(problem: Problem, rows: Rows): void
  /** Traces that a stored answer is given out again. */
  repeat(rows: Rows): void
}

export type Effect =
  | { kind: 'done'; answer: Answer }
  /** It took effect; its answer is still to come. */
  | { kind: 'pending' }
  /** The decision is out of date: decide again, then come back. */
  | { kind: 'stale' }
  /** Another request has the key; its answer is to be repeated. */
  | { kind: 'repeat'; holder: string }
  | { kind: 'refused'; problem: Problem }

interface Seal {
  seal(plain: Buffer, context: string): Buffer
}

/**
 * Lets a request take effect once: nonce, then idempotency key, then the work, its rows and its stored answer, all in one
 * shared commit. Resolves after that commit.
 */
export function takeEffect(batch: Batch, sealer: Seal, once: Once, work: Work): Promise<Effect> {
  const nonce = ask(nonceGate, once.nonce, (held) => held.of(once.inForce))
  const fresh = (held: Held): boolean => held.of(once.inForce) && held.of(nonce)
  const key = once.key === null ? null : ask(keyGate, once.key, fresh)
  const won = (held: Held): boolean => fresh(held) && (key === null || held.of(key).won)

  return batch.submit<Effect>({
    asks: [once.inForce, nonce, ...(key === null ? [] : [key]), ...work.asks(won)],
    decide: (held, rows) => {
      if (!held.of(once.inForce)) return { kind: 'stale' }
      if (!held.of(nonce)) return refused(work, rows, nonceRepeated())
      if (key !== null) {
        const result = held.of(key)
        if (!result.won) {
          if ('freed' in result) throw new KeyFreed()
          if (!result.sameRequest) return refused(work, rows, keyConflict())
          work.repeat(rows)
          return { kind: 'repeat', holder: result.holder }
        }
      }
      const answer = work.act(held, rows)
      if (answer === null) return { kind: 'pending' }
      if (key !== null && answer.status === 429) rows.add(freedKeys, once.requestId)
      else if (key !== null) {
        rows.add(answerRows, {
          request_id: once.requestId,
          status: answer.status,
          headers: JSON.stringify(answer.headers),
          body: sealer.seal(answer.body, answerContext(once.requestId)),
          receipt: answer.receipt,
        })
      }
      return { kind: 'done', answer }
    },
  })
}

/** A key changed hands while it was looked at: nothing of the request is written, and it is to be decided on anew. */
export class KeyFreed extends Error {}

/** What a stored answer's body is sealed under. */
export function answerContext(requestId: string): string {
  return `idempotency_answer/body/${requestId}`
}

function refused(work: Work, rows: Rows, problem: Problem): Effect {
  work.refuse(problem, rows)
  return { kind: 'refused', problem }
}

function nonceRepeated(): Problem {
  return new Problem(
    'nonce-repeated',
    {
      zh: '该随机数在有效时间窗内已使用；重试请用同一幂等键重新签名',
      en: 'this nonce was used within its window; a retry is signed anew with the same idempotency key',
    },
    { rule: 'nonce.once' },
  )
}

function keyConflict(): Problem {
  return new Problem(
    'idempotency-conflict',
    { zh: '该幂等键已用于内容不同的请求', en: 'this key was used before with another request' },
    { rule: 'idempotency.same-request' },
  )
}
