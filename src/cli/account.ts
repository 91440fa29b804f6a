import { addAccount } from '../access/administration-additions.ts'
import { businessTypes } from '../access/administration-checks.ts'
import { changeGrants } from '../access/administration-grants.ts'
import { listAccounts } from '../access/administration-lists.ts'
import { purposes } from '../access/purposes.ts'
import { scopeActs } from './account-scopes.ts'
import { administrationMeans } from './administration-means.ts'
import { flag, requiredText, requiredTexts, text, texts } from './arguments.ts'
import { commandOfActs } from './command.ts'
import { standingActs } from './standing-acts.ts'
import { printList } from './table.ts'
import { withGround } from './with-ground.ts'

const HELP = `
bdc-gateway account add --bank CODE --name NAME --business-types TYPE,… --areas AREA,… --valid-from DAY --valid-to DAY
                        [--answer-algorithm p256 | sm2]
bdc-gateway account list [--bank CODE] [--json]
bdc-gateway account grant --bank CODE --name NAME [--business-types TYPE,…] [--areas AREA,…]
                          [--valid-from DAY] [--valid-to DAY]
bdc-gateway account suspend | resume | close --bank CODE --name NAME [--why TEXT]
bdc-gateway account scope --bank CODE --name NAME [--operator CODE] --levels flags,detail --purposes PURPOSE,…
                        --areas AREA,… --zones internet,egov --fields FIELD=RULE,… --daily-quota N
                        --valid-from DAY --valid-to DAY [--without-authorization]
bdc-gateway account scopes [--bank CODE] [--json]
bdc-gateway account unscope --bank CODE --name NAME [--operator CODE]
bdc-gateway account explain --bank CODE --name NAME --operator CODE [--level L] [--purpose P] [--area A] [--zone Z]
                        [--field-list FIELD,…] [--without-authorization] [--json]

  银行的接口账号：可办业务、地区（6 位行政区划代码）、有效期（首尾两日均含）、网关应答的签名算法（默认 p256）。
  未授予的一律拒绝。业务类型：
  Accounts of a bank: what they may file, for which areas (six-digit division codes), in which period (both days
  included), and with what the gateway signs its answers (p256 by default). What is not granted is refused. Types:
    ${businessTypes.join(', ')}

  grant    变更可办业务、地区或有效期；未给出的保持不变。查询须开通业务类型 query
  scope    查询范围：账号与业务办理人员都须有，以较窄者为准；字段 name、idNumber、phone、address（含坐落），规则 show、mask、hide（未写即
           hide）；--without-authorization 表示查询不须授权书。对下一个请求即生效
  scopes   现有的查询范围
  explain  某个查询此刻会不会被许可（账号、人员、协议、范围、当日次数），由哪条规则决定，可取得哪些字段
  grant    changes business types, areas or validity; what is not given stays. Queries need the type query
  scope    what may be queried: the account and its operator both need one, and the narrower counts; fields are name,
           idNumber, phone, address (a person's, and where the property lies), rules are show, mask, hide (hide when not named). Holds for the next request
  scopes   the scopes that there are
  explain  whether a query would be allowed now (account, operator, agreement, scopes, quota of the day), which rule
           decides, and which fields would leave. The certificate of a call and an authorization are not looked at
  目的 / purposes:
    ${Object.entries(purposes)
      .map(([word, zh]) => `${word} ${zh}`)
      .join(', ')}

  例 / example:
    bdc-gateway account add --bank 91420000000000001R --name 信贷系统 --business-types mortgage-first --areas 420222 \\
      --valid-from 2026-01-01 --valid-to 2028-12-31 --answer-algorithm sm2
`

/** `bdc-gateway account`: see HELP. */
export const run = commandOfActs('account', HELP, {
  add: {
    options: {
      bank: requiredText,
      name: requiredText,
      'business-types': requiredTexts,
      areas: requiredTexts,
      'valid-from': requiredText,
      'valid-to': requiredText,
      'answer-algorithm': text,
    },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const account = {
          bank: given.text('bank'),
          name: given.text('name'),
          answerAlgorithm: given.optional('answer-algorithm') ?? 'p256',
          businessTypes: given.texts('business-types'),
          areas: given.texts('areas'),
          validFrom: given.text('valid-from'),
          validTo: given.text('valid-to'),
        }
        const { id } = await addAccount(account, administrationMeans(ground))
        console.log(`已登记账号 / account added: ${id}`)
        return 0
      }),
  },
  list: {
    options: { bank: text, json: flag },
    run: (given, env) =>
      withGround(env, async ({ pool }) => {
        printList(await listAccounts(pool, given.optional('bank') ?? null), given.flag('json'), [
          ['银行 bank', (account) => account.bank],
          ['账号 account', (account) => account.name],
          ['状态 state', (account) => account.state],
          ['业务 business types', (account) => account.businessTypes],
          ['地区 areas', (account) => account.areas],
          ['有效期 valid', (account) => `${account.validFrom} – ${account.validTo}`],
          ['应答签名 answers', (account) => account.answerAlgorithm],
          ['证书 certificates', (account) => account.certificates],
        ])
        return 0
      }),
  },
  grant: {
    options: {
      bank: requiredText,
      name: requiredText,
      'business-types': texts,
      areas: texts,
      'valid-from': text,
      'valid-to': text,
    },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const [types, areas] = [given.texts('business-types'), given.texts('areas')]
        const [validFrom, validTo] = [given.optional('valid-from'), given.optional('valid-to')]
        const { changed } = await changeGrants(
          {
            bank: given.text('bank'),
            name: given.text('name'),
            ...(types.length === 0 ? {} : { businessTypes: types }),
            ...(areas.length === 0 ? {} : { areas }),
            ...(validFrom === undefined ? {} : { validFrom }),
            ...(validTo === undefined ? {} : { validTo }),
          },
          administrationMeans(ground),
        )
        console.log(changed ? '已变更 / changed' : '未作更改 / nothing changed')
        return 0
      }),
  },
  ...scopeActs,
  ...standingActs(['suspend', 'resume', 'close'], { bank: requiredText, name: requiredText }, (given) => ({
    kind: 'account',
    bank: given.text('bank'),
    name: given.text('name'),
  })),
})
