import { addOperator } from '../access/administration-additions.ts'
import { listOperators, revealOperators } from '../access/administration-lists.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, requiredText, text } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway operator add --bank CODE --code CODE --name NAME [--phone PHONE] [--id-type KIND --id-number NUMBER]
bdc-gateway operator list [--bank CODE] [--reveal] [--json]
bdc-gateway operator suspend | resume | close --bank CODE --code CODE [--why TEXT]

  银行的业务办理人员；--code 为请求头 x-operator 所写的编号。姓名、电话、证件加密存储，列表脱敏显示；--reveal 显示全文，并作为
  信息披露留痕。证件种类：resident-id, hk-macao-taiwan-id, passport, household-register, military-id, other。
  Operators of a bank; --code is what x-operator names. Name, phone and id document are stored sealed and listed masked;
  --reveal shows them in full and is traced as a disclosure.

  例 / example:
    bdc-gateway operator add --bank 91420000000000001R --code yx-sub-0031 --name 经办员甲 --phone 0714-0000001
`

/** `bdc-gateway operator`: see HELP. */
export const run = commandOfActs('operator', HELP, {
  add: {
    options: {
      bank: requiredText,
      code: requiredText,
      name: requiredText,
      phone: text,
      'id-type': text,
      'id-number': text,
    },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const phone = given.optional('phone')
        const idType = given.optional('id-type')
        const idNumber = given.optional('id-number')
        const operator = {
          bank: given.text('bank'),
          code: given.text('code'),
          name: given.text('name'),
          ...(phone === undefined ? {} : { phone }),
          ...(idType === undefined ? {} : { idType }),
          ...(idNumber === undefined ? {} : { idNumber }),
        }
        const { id } = await addOperator(operator, administrationMeans(ground))
        console.log(`已登记业务办理人员 / operator added: ${id}`)
        return 0
      }),
  },
  list: {
    options: { bank: text, reveal: flag, json: flag },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const bank = given.optional('bank') ?? null
        const operators = given.flag('reveal')
          ? await revealOperators(ground.pool, bank, administrationMeans(ground))
          : await listOperators(ground.pool, bank, ground.keyring)
        printList(operators, given.flag('json'), [
          ['银行 bank', (operator) => operator.bank],
          ['编号 code', (operator) => operator.code],
          ['状态 state', (operator) => operator.state],
          ['姓名 name', ({ details }) => details.name],
          ['电话 phone', ({ details }) => details.phone ?? null],
          [
            '证件 id document',
            ({ details }) => (details.idNumber === undefined ? null : `${details.idType} ${details.idNumber}`),
          ],
        ])
        return 0
      }),
  },
  ...standingActs(['suspend', 'resume', 'close'], { bank: requiredText, code: requiredText }, (given) => ({
    kind: 'operator',
    bank: given.text('bank'),
    code: given.text('code'),
  })),
})
