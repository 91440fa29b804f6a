import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { pauseEndpoint, resumeEndpoint } from '../delivery/endpoints.ts'
import { listDead, listQueues } from '../delivery/operations.ts'
import type { Ground } from '../ground.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { flag, type Given, requiredText, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { replayMessage, TracedBatch } from './queue-replay.ts'
import { messageViewText, viewMessage } from './queue-show.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway queue ls [ENDPOINT] [--after ID] [--limit N] [--json]
bdc-gateway queue show ID [--reveal] [--json]
bdc-gateway queue replay ID [--anew]
bdc-gateway queue pause ENDPOINT --why TEXT
bdc-gateway queue resume ENDPOINT

  ls      各端点的队列；给出端点时列出其转人工的报文（dead），每次最多 50 条
  show    一条报文及其各次尝试；内容脱敏，--reveal 显示全文并作为信息披露留痕
  replay  重投转人工的报文：可能已到达的先查询，否则原样重发；--anew 按当前办件内容重新生成
  pause   暂停端点：不再发送，等待的继续等待；resume 恢复
  ls      queues by endpoint; of an endpoint its dead letters, 50 at a time by default
  show    a message and its attempts; masked, --reveal shows all and is traced as a disclosure
  replay  moves a dead letter on: what may have arrived is asked about, else the same bytes are sent; --anew renders afresh
  pause   nothing more is sent to the endpoint, what waits keeps waiting; resume ends that

  例 / example:
    bdc-gateway queue ls registry
    bdc-gateway queue replay 019a6c3e-5b7d-7c11-9d3c-0e6a1f2b3c4d
`

/** `bdc-gateway queue`: see HELP. */
export const run = commandOfActs('queue', HELP, {
  ls: {
    options: { after: text, limit: text, json: flag },
    positionals: ['ENDPOINT?'],
    run: (given, env) =>
      withGround(env, (ground) => {
        const endpoint = given.optional('ENDPOINT')
        return endpoint === undefined ? listEndpoints(ground, given) : listDeadLetters(ground, endpoint, given)
      }),
  },
  show: {
    options: { reveal: flag, json: flag },
    positionals: ['ID'],
    run: (given, env) =>
      withGround(env, async (ground) => {
        const view = await viewMessage(ground, messageId(given.text('ID')), given.flag('reveal'))
        if (view === null) throw unknownMessage()
        console.log(given.flag('json') ? JSON.stringify(view) : messageViewText(view))
        return 0
      }),
  },
  replay: {
    options: { anew: flag },
    positionals: ['ID'],
    run: (given, env) =>
      withGround(env, async (ground) => {
        const replayed = await replayMessage(ground, messageId(given.text('ID')), given.flag('anew'))
        console.log(
          replayed.kind === 'revived'
            ? `已重投 / moved on: ${replayed.id}`
            : `已由新报文替代 / superseded: ${replayed.id} → ${replayed.by}`,
        )
        return 0
      }),
  },
  pause: {
    options: { why: requiredText },
    positionals: ['ENDPOINT'],
    run: (given, env) => withGround(env, (ground) => setPaused(ground, given.text('ENDPOINT'), given.text('why'))),
  },
  resume: {
    positionals: ['ENDPOINT'],
    run: (given, env) => withGround(env, (ground) => setPaused(ground, given.text('ENDPOINT'), null)),
  },
})

async function listEndpoints({ pool }: Ground, given: Given): Promise<number> {
  printList(await listQueues(pool), given.flag('json'), [
    ['端点 endpoint', (queue) => queue.endpoint],
    ['等待 live', (queue) => queue.live],
    ['发送中 sending', (queue) => queue.sending],
    ['转人工 dead', (queue) => queue.dead],
    ['已送达 delivered', (queue) => queue.delivered],
    ['最早到期 oldest due', (queue) => queue.oldestDueAt],
    ['暂停 paused', (queue) => queue.paused],
    ['原因 why', (queue) => queue.why],
  ])
  return 0
}

async function listDeadLetters({ pool }: Ground, endpoint: string, given: Given): Promise<number> {
  await refuseUnknown(pool, endpoint)
  const after = given.optional('after')
  const limit = Number(given.optional('limit') ?? 50)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new Problem('request-malformed', { zh: '--limit 应为 1 至 1000', en: '--limit must be 1 to 1000' })
  }
  const dead = await listDead(pool, endpoint, after === undefined ? null : messageId(after), limit)
  printList(dead, given.flag('json'), [
    ['编号 id', (message) => message.id],
    ['办件 case', (message) => message.caseId],
    ['类型 kind', (message) => message.kind],
    ['报文号 number', (message) => message.number],
    ['尝试 attempts', (message) => message.attempts],
    ['自 since', (message) => message.since],
    ['原因 why', (message) => message.why],
  ])
  return 0
}

/** @param why of a pause; null resumes. */
async function setPaused(ground: Ground, endpoint: string, why: string | null): Promise<number> {
  await refuseUnknown(ground.pool, endpoint)
  const traced = new TracedBatch(ground.pool, (_result, rows) =>
    ground.trace
      .record({
        type: 'administration',
        at: ground.clock.now(),
        actors: { staff: staffLogin() },
        rule: CLI_RULE,
        outcome: why === null ? 'endpoint-resumed' : 'endpoint-paused',
        facts: { endpoint },
        ...(why === null ? {} : { personal: { given: JSON.stringify({ why }) } }),
      })
      .addTo(rows),
  )
  if (why === null) await resumeEndpoint(traced, endpoint)
  else await pauseEndpoint(traced, endpoint, why)
  console.log(why === null ? `已恢复 / resumed: ${endpoint}` : `已暂停 / paused: ${endpoint}`)
  return 0
}

async function refuseUnknown(pool: Ground['pool'], endpoint: string): Promise<void> {
  const names = (await listQueues(pool)).map((queue) => queue.endpoint)
  if (names.includes(endpoint)) return
  throw new Problem('endpoint-not-found', {
    zh: `没有端点 ${endpoint}；现有：${names.join('、') || '无（网关尚未启动过）'}`,
    en: `there is no endpoint ${endpoint}; there is ${names.join(', ') || 'none, the gateway has not run yet'}`,
  })
}

function messageId(given: string): string {
  const id = given.toLowerCase()
  if (!isUuid(id)) throw unknownMessage()
  return id
}

function unknownMessage(): Problem {
  return new Problem('message-not-found', { zh: '没有这个编号的报文', en: 'there is no message of this id' })
}
