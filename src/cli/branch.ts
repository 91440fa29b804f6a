import { addBranch } from '../access/administration-additions.ts'
import { listBranches } from '../access/administration-lists.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, requiredText, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway branch add --bank CODE --code CODE --name NAME
bdc-gateway branch list [--bank CODE] [--json]
bdc-gateway branch suspend | resume | close --code CODE [--why TEXT]

  银行的服务点（可作为抵押权人）；CODE 为各自的统一社会信用代码。
  Branches of a bank, which may be mortgagees; each has a unified social credit code of its own.

  例 / example:
    bdc-gateway branch add --bank 91420000000000001R --code 91420222000000019R --name 示例银行股份有限公司阳新支行
`

/** `bdc-gateway branch`: see HELP. */
export const run = commandOfActs('branch', HELP, {
  add: {
    options: { bank: requiredText, code: requiredText, name: requiredText },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const branch = { bank: given.text('bank'), code: given.text('code'), name: given.text('name') }
        const { id } = await addBranch(branch, administrationMeans(ground))
        console.log(`已登记服务点 / branch added: ${id}`)
        return 0
      }),
  },
  list: {
    options: { bank: text, json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await listBranches(pool, given.optional('bank') ?? null), given.flag('json'), [
          ['银行 bank', (branch) => branch.bank],
          ['代码 code', (branch) => branch.code],
          ['名称 name', (branch) => branch.name],
          ['状态 state', (branch) => branch.state],
        ])
        return 0
      }),
  },
  ...standingActs(['suspend', 'resume', 'close'], { code: requiredText }, (given) => ({
    kind: 'branch',
    code: given.text('code'),
  })),
})
