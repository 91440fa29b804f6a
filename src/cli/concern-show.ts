import { UNREADABLE } from '../cases/concern.ts'
import { concernText } from '../cases/concern-kinds.ts'
import { type Concern, readConcern } from '../cases/open-concerns.ts'
import type { Ground } from '../ground.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { maskedMessage, maskedValue, messageText } from './message-text.ts'
import { shown, table } from './table.ts'

/** A concern for the eyes of staff: what lies sealed with it, masked unless it was revealed. */
export interface ConcernView extends Concern {
  zh: string
  en: string
  content: unknown
  /** Of an answer that could not be read: the answer itself, as text where it is any. */
  answer?: string
}

/**
 * @param reveal content in full: a disclosure, traced before it is given out.
 * @returns null when there is no such concern.
 */
export async function viewConcern(ground: Ground, id: string, reveal: boolean): Promise<ConcernView | null> {
  const found = await readConcern(ground.pool, ground.keyring, id)
  if (found === null) return null
  const { content, ...concern } = found
  if (reveal) await traceDisclosure(ground, concern, content)
  const { answer, rest } = withoutAnswer(concern.kind, content)
  return {
    ...concern,
    ...concernText(concern.kind),
    content: reveal ? rest : masked(rest, concern.kind),
    ...(answer === null ? {} : { answer: answerText(answer, reveal) }),
  }
}

async function traceDisclosure(ground: Ground, concern: Concern, content: unknown): Promise<void> {
  const { id, kind, caseId, bankId, messageId } = concern
  const record = ground.trace.record({
    type: 'disclosure',
    at: ground.clock.now(),
    actors: { staff: staffLogin(), bankId: bankId ?? undefined },
    caseId: caseId ?? undefined,
    rule: CLI_RULE,
    outcome: 'concern-revealed',
    facts: {
      concernId: id,
      kind,
      messageId: messageId ?? undefined,
      fields: typeof content === 'object' && content !== null ? Object.keys(content).sort() : [],
    },
  })
  await ground.batch.submit({ asks: [], decide: (_held, rows) => record.addTo(rows) })
}

/** An answer that could not be read is kept as bytes. */
function withoutAnswer(kind: string, content: unknown): { answer: Buffer | null; rest: unknown } {
  if (kind !== UNREADABLE) return { answer: null, rest: content }
  const { answer, ...rest } = content as { answer: string }
  return { answer: Buffer.from(answer, 'base64'), rest }
}

function answerText(bytes: Buffer, reveal: boolean): string {
  const text = messageText(bytes)
  const view = text === null || reveal ? text : maskedMessage(text)
  return view ?? `（${bytes.length} 字节，无法按文本显示 / ${bytes.length} bytes that cannot be shown as text）`
}

/** Members whose values are words of ours. */
const OWN_WORDS = new Set(['fact', 'saidBy', 'reportedIn', 'members', 'question', 'mode', 'state'])
const WORD = /^[a-z]{1,20}(-[a-z]{1,20}){0,5}$|^[a-zA-Z]{1,40}$|^[A-Z]{1,20}$|^\d\d$/

/** Whom it is about need not be seen to know what is the matter: which fact, said by whom, which members differ. */
function masked(value: unknown, kind: string, name = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => masked(one, kind, name))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one, kind, key)]))
  }
  if (typeof value !== 'string' && typeof value !== 'number') return value
  const text = String(value)
  // The reason of a dead letter is ours; the peer's words beside it are not.
  const isOwn = (OWN_WORDS.has(name) && WORD.test(text)) || (kind === 'dead-letter' && name === 'reason')
  return isOwn ? value : maskedValue(text)
}

export function concernViewText(view: ConcernView): string {
  const { content, answer } = view
  const lines = [
    table(
      ['', ''],
      [
        ['编号 id', view.id],
        ['类型 kind', view.kind],
        ['', view.zh],
        ['', view.en],
        ['办件 case', view.caseId],
        ['业务号 business number', view.businessNumber],
        ['报文 message', view.messageId],
        ['自 since', view.at],
        ['关闭 closed', view.closedAt],
      ],
    ).trimStart(),
    '',
    '── 内容 content',
    shown(JSON.stringify(content, null, 2), { lines: true }),
  ]
  if (answer !== undefined) lines.push('', '── 应答 answer', shown(answer, { lines: true }))
  return lines.join('\n')
}
