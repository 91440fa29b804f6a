import { decideWebhook, type WebhookDecision } from '../bank/webhook-administration.ts'
import { WEBHOOK_CHANNEL } from '../bank/webhook-destination.ts'
import { listWebhooks } from '../bank/webhook-store.ts'
import { caseStreamsStep } from '../delivery/case-streams.ts'
import { CLI_RULE, staffLogin } from './administration-means.ts'
import { flag, text } from './arguments.ts'
import { type Act, commandOfActs } from './command.ts'
import { printList, shown } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway webhook list [BANK] [--json]
bdc-gateway webhook approve BANK [--url URL] [--why TEXT]
bdc-gateway webhook suspend BANK [--url URL] [--why TEXT]

  银行设置的推送地址；BANK 为统一社会信用代码。新设或变更的地址批准后才推送；给出 --url 时，地址已变更则拒绝。
  停用后不再推送，事件保留在事件流中，恢复后从中断处继续。无需重启。
  Where banks want their events pushed; BANK is the unified social credit code. Nothing is pushed to a new or changed
  address before it is approved; with --url it is refused if the bank has set another meanwhile. While suspended nothing
  is pushed; the events stay in the feed, and once approved again it goes on where it stopped. No restart is needed.

  例 / example:
    bdc-gateway webhook list
    bdc-gateway webhook approve 91420000000000001R --url https://bank.example/bdc/events
`

/** `bdc-gateway webhook`: see HELP. */
export const run = commandOfActs('webhook', HELP, {
  list: {
    options: { json: flag },
    positionals: ['BANK?'],
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await listWebhooks(pool, WEBHOOK_CHANNEL, given.optional('BANK') ?? null), given.flag('json'), [
          ['银行 bank', (one) => one.bank],
          ['名称 name', (one) => one.bankName],
          ['账号 account', (one) => one.account],
          ['地址 url', (one) => one.url],
          ['状态 state', (one) => one.state],
          ['游标 cursor', (one) => one.cursor],
          ['待推送 behind', (one) => one.behind],
          ['等待 waiting', (one) => one.waiting],
        ])
        return 0
      }),
  },
  approve: decision('approved'),
  suspend: decision('suspended'),
})

function decision(to: WebhookDecision['to']): Act {
  return {
    options: { url: text, why: text },
    positionals: ['BANK'],
    run: (given, env) =>
      withGround(env, async ({ pool, batch, clock, trace, keyring }) => {
        // Nobody is woken: the gateway's feeder finds who is behind within its tick.
        const streams = caseStreamsStep(keyring, () => undefined)
        const before = await decideWebhook(
          { bank: given.text('BANK'), to, url: given.optional('url'), why: given.optional('why') },
          { pool, batch, streams, clock, record: trace.record, staff: staffLogin(), rule: CLI_RULE },
        )
        const said = to === 'approved' ? '已批准 / approved' : '已停用 / suspended'
        const unchanged = `未作更改，原已为 / nothing changed, it was: ${said}`
        console.log(`${before.state === to ? unchanged : said}: ${shown(before.url)}`)
        return 0
      }),
  }
}
