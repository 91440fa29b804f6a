import { readFileSync } from 'node:fs'
import { addOperator } from '../access/administration-additions.ts'
import { listOperators, revealOperators } from '../access/administration-lists.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, type Given, requiredText, text, UsageError } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway operator add --bank CODE --code CODE --details FILE | -
bdc-gateway operator add --bank CODE --code CODE --name NAME [--phone PHONE] [--id-type KIND --id-number NUMBER]
bdc-gateway operator list [--bank CODE] [--reveal] [--json]
bdc-gateway operator suspend | resume | close --bank CODE --code CODE [--why TEXT]

  银行的业务办理人员；--code 为请求头 x-operator 所写的编号。姓名、电话、证件加密存储，列表脱敏显示；--reveal 显示全文，并作为
  信息披露留痕。证件种类：resident-id, hk-macao-taiwan-id, passport, household-register, military-id, other。
  --details 从文件或标准输入（-）读取 JSON：{"name", "phone", "idType", "idNumber"}，不进入进程列表与命令历史，宜优先使用。
  Operators of a bank; --code is what x-operator names. Name, phone and id document are stored sealed and listed masked;
  --reveal shows them in full and is traced as a disclosure. --details reads them as JSON from a file or, with -, from
  standard input, so that they stand neither in the process list nor in the shell's history: the better way.

  例 / example:
    bdc-gateway operator add --bank 91420000000000001R --code yx-sub-0031 --name 经办员甲 --phone 0714-0000001
`

const MEMBERS = { name: 'name', phone: 'phone', idType: 'id-type', idNumber: 'id-number' } as const
type Details = { name: string } & { [Member in Exclude<keyof typeof MEMBERS, 'name'>]?: string }

/** @throws {UsageError} when the details come twice, not at all, or in no form that is known. */
function operatorDetailsGiven(given: Given): Details {
  const file = given.optional('details')
  const options = Object.entries(MEMBERS).flatMap(([member, option]) => {
    const value = given.optional(option)
    return value === undefined ? [] : [[member, value] as const]
  })
  const wrong = (zh: string, en: string): UsageError => new UsageError('operator add', [{ zh, en }])
  if (file === undefined) {
    const details = Object.fromEntries(options) as Details
    if (details.name === undefined) throw wrong('须给出 --details 或 --name', 'give --details or --name')
    return details
  }
  if (options.length > 0)
    throw wrong('--details 不与姓名、电话、证件选项并用', '--details goes without the other options')
  let read: unknown
  try {
    read = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch {
    throw wrong(`${file} 无法读取或不是 JSON`, `${file} cannot be read or is no JSON`)
  }
  const isText = (entry: [string, unknown]): boolean => Object.hasOwn(MEMBERS, entry[0]) && typeof entry[1] === 'string'
  const isDetails =
    typeof read === 'object' && read !== null && 'name' in read && Object.entries(read).every((entry) => isText(entry))
  if (!isDetails)
    throw wrong('--details 应为 {name, phone, idType, idNumber}', '--details must be {name, phone, idType, idNumber}')
  return read as Details
}

/** `bdc-gateway operator`: see HELP. */
export const run = commandOfActs('operator', HELP, {
  add: {
    options: {
      bank: requiredText,
      code: requiredText,
      details: text,
      name: text,
      phone: text,
      'id-type': text,
      'id-number': text,
    },
    run: (given, env) => {
      const details = operatorDetailsGiven(given)
      return withGround(env, async (ground) => {
        const operator = { bank: given.text('bank'), code: given.text('code'), ...details }
        const { id } = await addOperator(operator, administrationMeans(ground))
        console.log(`已登记业务办理人员 / operator added: ${id}`)
        return 0
      })
    },
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
