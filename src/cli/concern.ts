import { isUuid } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { concernText } from '../cases/concern-kinds.ts'
import { closedConcerns, concernLock, openConcerns } from '../cases/open-concerns.ts'
import { ask } from '../db/batch.ts'
import type { Ground } from '../ground.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { flag, type Given, requiredText, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { concernViewText, viewConcern } from './concern-show.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway concern ls [--kind KIND] [--case ID] [--after ID] [--limit N] [--json]
bdc-gateway concern show ID [--reveal] [--json]
bdc-gateway concern close ID --why TEXT

  ls      尚未关闭的待人工处理事项，旧的在前，每次最多 50 条：矛盾的陈述、无法处理的平台回调、转人工的报文等
  show    一项的内容；脱敏，--reveal 显示全文并作为信息披露留痕
  close   处理完毕后关闭，原因留痕；转人工的报文另用 queue replay 重投
  ls      open concerns, oldest first, 50 at a time by default: contradictions, callbacks that could not be joined, dead
          letters and the like
  show    one with its content; masked, --reveal shows all and is traced as a disclosure
  close   when it has been dealt with; the reason is traced. A dead letter itself is moved on by queue replay

  例 / example:
    bdc-gateway concern ls --kind payment-differs
    bdc-gateway concern close 019a6c3e-5b7d-7c11-9d3c-0e6a1f2b3c4d --why 已与银行核对
`

/** `bdc-gateway concern`: see HELP. */
export const run = commandOfActs('concern', HELP, {
  ls: {
    options: { kind: text, case: text, after: text, limit: text, json: flag },
    run: (given, env) => withGround(env, (ground) => list(ground, given)),
  },
  show: {
    options: { reveal: flag, json: flag },
    positionals: ['ID'],
    run: (given, env) =>
      withGround(env, async (ground) => {
        const view = await viewConcern(ground, concernId(given.text('ID')), given.flag('reveal'))
        if (view === null) throw unknownConcern()
        console.log(given.flag('json') ? JSON.stringify(view) : concernViewText(view))
        return 0
      }),
  },
  close: {
    options: { why: requiredText },
    positionals: ['ID'],
    run: (given, env) => withGround(env, (ground) => close(ground, concernId(given.text('ID')), given.text('why'))),
  },
})

async function list({ pool }: Ground, given: Given): Promise<number> {
  const limit = Number(given.optional('limit') ?? 50)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new Problem('request-malformed', { zh: '--limit 应为 1 至 1000', en: '--limit must be 1 to 1000' })
  }
  const caseId = given.optional('case')?.toLowerCase() ?? null
  if (caseId !== null && !isUuid(caseId)) {
    throw new Problem('case-not-found', { zh: '没有此办件', en: 'there is no such case' })
  }
  const after = given.optional('after')
  const found = await openConcerns(pool, {
    kind: given.optional('kind') ?? null,
    caseId,
    afterId: after === undefined ? null : concernId(after),
    limit,
  })
  const concerns = found.map((concern) => ({ ...concern, ...concernText(concern.kind) }))
  printList(concerns, given.flag('json'), [
    ['编号 id', (one) => one.id],
    ['类型 kind', (one) => one.kind],
    ['事由 what', (one) => `${one.zh} / ${one.en}`],
    ['办件 case', (one) => one.caseId],
    ['报文 message', (one) => one.messageId],
    ['自 since', (one) => one.at],
  ])
  return 0
}

async function close(ground: Ground, id: string, why: string): Promise<number> {
  const { batch, clock, trace } = ground
  const lock = ask(concernLock, id)
  await batch.submit({
    asks: [lock],
    decide: (held, rows) => {
      const concern = held.of(lock)
      if (concern === null) throw unknownConcern()
      if (concern.closedAt !== null) {
        throw new Problem('concern-closed', { zh: '该事项已关闭', en: 'the concern was closed before' })
      }
      const at = clock.now()
      rows.add(closedConcerns, { id, closed_at: at })
      trace
        .record({
          type: 'administration',
          at,
          actors: { staff: staffLogin() },
          caseId: concern.caseId ?? undefined,
          rule: CLI_RULE,
          outcome: 'concern-closed',
          facts: { concernId: id, kind: concern.kind },
          personal: { given: JSON.stringify({ why }) },
        })
        .addTo(rows)
    },
  })
  console.log(`已关闭 / closed: ${id}`)
  return 0
}

function concernId(given: string): string {
  const id = given.toLowerCase()
  if (!isUuid(id)) throw unknownConcern()
  return id
}

function unknownConcern(): Problem {
  return new Problem('concern-not-found', { zh: '没有这个编号的事项', en: 'there is no concern of this id' })
}
