import { openQueries } from '../queries/store.ts'
import { flag } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway query ls [--json]

  登记系统尚未答复的查询：何时提出、问过几次、上次为何没有结果、何时再问；超过 QUERY_GIVE_UP_MS 即放弃并退还次数
  Queries that the registry has not answered: since when, how often asked, what the last time brought, when it is asked
  again; given up after QUERY_GIVE_UP_MS, the quota is given back

  例 / example:
    bdc-gateway query ls
`

const SHOWN_MAXIMUM = 200

/** `bdc-gateway query`: see HELP. */
export const run = commandOfActs('query', HELP, {
  ls: {
    options: { json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await openQueries(pool, SHOWN_MAXIMUM), given.flag('json'), [
          ['编号 id', (query) => query.id],
          ['银行 bank', (query) => query.bank],
          ['提出 since', (query) => query.since.toISOString()],
          ['次数 attempts', (query) => query.attempts],
          ['再问 again at', (query) => query.dueAt.toISOString()],
          ['原因 why', (query) => query.why],
        ])
        return 0
      }),
  },
})
