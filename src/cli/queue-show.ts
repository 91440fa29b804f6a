import { WEBHOOK_CHANNEL } from '../bank/webhook-destination.ts'
import { type ShownMessage, showMessage } from '../delivery/operations.ts'
import type { Ground } from '../ground.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { maskedMessage, messageText } from './message-text.ts'
import { shown, table } from './table.ts'

/** A message for the eyes of staff: content decoded, masked unless it was revealed. */
export interface MessageView {
  message: Omit<ShownMessage, 'rendered' | 'source' | 'tried'>
  rendered: string | null
  /** What a relay tells. */
  source: string | null
  tried: (Omit<ShownMessage['tried'][number], 'response' | 'requestDigest'> & {
    requestDigest: string | null
    response: string | null
  })[]
}

/**
 * @param reveal content in full: a disclosure, traced before it is given out.
 * @returns null when there is no such message.
 */
export async function viewMessage(ground: Ground, id: string, reveal: boolean): Promise<MessageView | null> {
  const found = await showMessage(ground.pool, ground.keyring, id)
  if (found === null) return null
  const { rendered, source, tried, ...message } = found
  if (reveal) await traceDisclosure(ground, found)
  return {
    message,
    rendered: content(rendered, reveal),
    source: content(source, reveal),
    tried: tried.map(({ response, requestDigest, ...attempt }) => ({
      ...attempt,
      requestDigest: requestDigest?.toString('hex') ?? null,
      response: content(response, reveal),
    })),
  }
}

async function traceDisclosure(
  ground: Ground,
  { id, caseId, channel, endpoint, kind, tried, ...parts }: ShownMessage,
): Promise<void> {
  const fields = [
    ...(parts.rendered === null ? [] : ['rendered']),
    ...(parts.source === null ? [] : ['source']),
    ...(tried.some(({ response }) => response !== null) ? ['responses'] : []),
  ]
  const record = ground.trace.record({
    type: 'disclosure',
    at: ground.clock.now(),
    actors: { staff: staffLogin(), ...(channel === WEBHOOK_CHANNEL ? { bankId: caseId } : {}) },
    caseId: channel === WEBHOOK_CHANNEL ? undefined : caseId,
    rule: CLI_RULE,
    outcome: 'message-revealed',
    facts: { messageId: id, endpoint, kind, fields },
  })
  await ground.batch.submit({ asks: [], decide: (_held, rows) => record.addTo(rows) })
}

function content(bytes: Buffer | null, reveal: boolean): string | null {
  if (bytes === null) return null
  const text = messageText(bytes)
  const view = text === null || reveal ? text : maskedMessage(text)
  return view ?? `（${bytes.length} 字节，无法按文本显示 / ${bytes.length} bytes that cannot be shown as text）`
}

export function messageViewText({ message, rendered, source, tried }: MessageView): string {
  const lines = [
    table(
      ['', ''],
      [
        ['编号 id', message.id],
        ['端点 endpoint', message.endpoint],
        ['办件 case', message.caseId],
        ['通道与序号 channel, position', `${message.channel}, ${message.position}`],
        ['类型 kind', message.kind],
        ['报文号 number', message.number],
        ['状态 state', message.state],
        ['原因 why', message.why],
        ['自 since', message.since],
        ['下次 due', message.dueAt],
        ['尝试 attempts', message.attempts],
        ['映射 mapping', message.mapping],
        ['待查询 inquiry', message.inquiry],
        ['替代 supersedes', message.supersedes],
      ],
    ).trimStart(),
  ]
  if (tried.length > 0) {
    const attempts = tried.map(({ startedAt, kind, outcome, reason }) => [startedAt, kind, outcome, reason])
    lines.push('', table(['尝试 attempt', '类型 kind', '结果 outcome', '原因 reason'], attempts))
  }
  const part = (title: string, text: string | null): void => {
    if (text !== null) lines.push('', `── ${title}`, shown(text, { lines: true }))
  }
  part('报文 message', rendered)
  part('来源 source', source)
  for (const { startedAt, response } of tried) part(`应答 response ${startedAt.toISOString()}`, response)
  return lines.join('\n')
}
