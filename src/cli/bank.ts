import { addBank } from '../access/administration-additions.ts'
import { listBanks } from '../access/administration-lists.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, requiredText } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway bank add --code CODE --name NAME --agreement-from DAY --agreement-to DAY
bdc-gateway bank list [--json]
bdc-gateway bank suspend | resume | close --code CODE [--why TEXT]

  签订协议的银行；CODE 为统一社会信用代码，DAY 为 yyyy-MM-dd，协议期首尾两日均含。停用对该行下一个请求即生效；注销不可恢复。
  Banks with an agreement; CODE is the unified social credit code, DAY is yyyy-MM-dd, both days included. A suspension
  holds for the bank's next request; a closed bank stays closed.

  例 / example:
    bdc-gateway bank add --code 91420000000000001R --name 示例银行股份有限公司 \\
      --agreement-from 2026-01-01 --agreement-to 2028-12-31
`

/** `bdc-gateway bank`: see HELP. */
export const run = commandOfActs('bank', HELP, {
  add: {
    options: { code: requiredText, name: requiredText, 'agreement-from': requiredText, 'agreement-to': requiredText },
    run: (given, env) =>
      withGround(
        env,
        async (ground) => {
          const bank = {
            code: given.text('code'),
            name: given.text('name'),
            agreementFrom: given.text('agreement-from'),
            agreementTo: given.text('agreement-to'),
          }
          const { id } = await addBank(bank, administrationMeans(ground))
          console.log(`已登记银行 / bank added: ${id}`)
          return 0
        },
        { mayCreate: true },
      ),
  },
  list: {
    options: { json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await listBanks(pool), given.flag('json'), [
          ['代码 code', (bank) => bank.code],
          ['名称 name', (bank) => bank.name],
          ['状态 state', (bank) => bank.state],
          ['协议 agreement', (bank) => `${bank.agreementFrom} – ${bank.agreementTo}`],
          ['服务点 branches', (bank) => bank.branches],
          ['账号 accounts', (bank) => bank.accounts],
          ['人员 operators', (bank) => bank.operators],
        ])
        return 0
      }),
  },
  ...standingActs(['suspend', 'resume', 'close'], { code: requiredText }, (given) => ({
    kind: 'bank',
    code: given.text('code'),
  })),
})
