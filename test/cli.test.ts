import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { systemClock } from '../src/base/clock.ts'
import { newId } from '../src/base/id.ts'
import { fileCase } from '../src/cases/file-case.ts'
import { ask, Batch, type Rows } from '../src/db/batch.ts'
import { type CaseStreams, caseStreamsStep } from '../src/delivery/case-streams.ts'
import { ensureEndpoints } from '../src/delivery/endpoints.ts'
import type { LiveMessage } from '../src/delivery/message.ts'
import { openCertificateAuthority, writeIdentity } from '../src/sandbox/certificate-authority.ts'
import { traceRecord } from '../src/trace/record.ts'
import { type Ended, within } from './support/command.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { defaultRules, goldenCase, goldenNumber } from './support/golden-case.ts'
import { onTheWire } from './support/golden-exchange.ts'
import { nodeArguments } from './support/node-arguments.ts'

const BANK = '91420000000000001R'
const BRANCH = '91420222000000019R'
// The same form as this test: TypeScript under a loader, JavaScript when compiled.
const main = fileURLToPath(new URL(`../src/main${extname(import.meta.url)}`, import.meta.url))

function start(args: readonly string[], env: Record<string, string>) {
  return spawn(process.execPath, [...nodeArguments, main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** In a process of its own, as a person runs it. */
async function command(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const child = start(args, env)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, out, err }
}

/** Commands on a database of their own, as beside a running gateway. */
async function store(t: Parameters<typeof testDatabase>[0]) {
  const database = await testDatabase(t)
  const env = { DATABASE_URL: database.url, MASTER_KEY: database.masterKey.toString('hex'), DATA_DIR: database.dataDir }
  return { database, env, run: (...args: string[]) => within(env, ...args) }
}

const addBank = ['bank', 'add', '--code', BANK, '--name', '示例银行股份有限公司', '--agreement-from', '2026-01-01']
const until = ['--agreement-to', '2030-12-31']
const addAccount = ['account', 'add', '--bank', BANK, '--name', '信贷系统', '--business-types', 'query,mortgage-first']
const addAccountRest = ['--areas', '420222', '--valid-from', '2026-01-01', '--valid-to', '2030-12-31']
const addOperator = ['operator', 'add', '--bank', BANK, '--code', 'yx-sub-0031', '--name', '柯𠮷明']
const addOperatorRest = ['--phone', '13000000011', '--id-type', 'resident-id', '--id-number', '42022219030512001X']

await t.test('a scope is set, explained by the decision itself, and taken away', async (t) => {
  const { database, run } = await store(t)
  await run(...addBank, ...until)
  await run(...addAccount, ...addAccountRest)
  await run(...addOperator, ...addOperatorRest)
  const owner = ['--bank', BANK, '--name', '信贷系统']
  const explain = ['account', 'explain', ...owner, '--operator', 'yx-sub-0031']
  t.match(await run(...explain), { code: 1, out: /scope\.account/ }, 'nothing is granted by itself')
  const scope = ['account', 'scope', ...owner, '--levels', 'flags', '--purposes', 'mortgage-registration']
  const rest = ['--areas', '420222', '--zones', 'internet', '--fields', 'name=show,idNumber=mask', '--daily-quota', '5']
  const period = ['--valid-from', '2026-01-01', '--valid-to', '2099-12-31']
  t.match(await run(...scope, ...rest, ...period), { code: 0 })
  t.match(await run(...explain), { code: 1, out: /scope\.operator/ }, 'the operator needs one too')
  t.match(await run(...scope, ...rest, ...period, '--operator', 'yx-sub-0031'), { code: 0 })
  const explained = JSON.parse((await run(...explain, '--json')).out) as Record<string, unknown>
  t.strictSame(explained, {
    allowed: true,
    rule: 'query.flags',
    code: null,
    detail: null,
    detailEn: null,
    fields: { name: 'show', idNumber: 'mask', phone: 'hide', address: 'hide' },
    dailyQuota: { account: 5, operator: 5 },
    usedToday: { account: 0, operator: 0 },
  })
  const listed = JSON.parse((await run('account', 'scopes', '--json')).out) as Record<string, unknown>[]
  t.strictSame(
    listed.map(({ operator, levels, dailyQuota }) => ({ operator, levels, dailyQuota })),
    [
      { operator: null, levels: ['flags'], dailyQuota: 5 },
      { operator: 'yx-sub-0031', levels: ['flags'], dailyQuota: 5 },
    ],
  )
  t.match(await run(...explain, '--purpose', 'curiosity'), { code: 2 })
  await run('operator', 'suspend', '--bank', BANK, '--code', 'yx-sub-0031')
  t.match(await run(...explain, '--json'), { code: 1, out: /operator-suspended/ })
  await run('operator', 'resume', '--bank', BANK, '--code', 'yx-sub-0031')
  t.match(await run('account', 'grant', ...owner, '--business-types', 'mortgage-first'), { code: 0, out: /changed/ })
  t.match(await run(...explain, '--json'), { code: 1, out: /business-type-not-granted/ })
  t.match(await run('account', 'grant', ...owner, '--business-types', 'mortgage-first,query'), { code: 0 })
  t.match(await run('account', 'grant', ...owner, '--business-types', 'mortgage-first,query'), {
    out: /nothing changed/,
  })
  t.match(await run('account', 'grant', ...owner, '--valid-to', '2020-01-01'), { code: 1, err: /--valid-to/ })
  t.match(await run('query', 'ls'), { code: 0 })
  for (const [rule, ...asked] of [
    ['scope.account.level', '--level', 'detail'],
    ['scope.account.purpose', '--purpose', 'loan-review'],
    ['scope.account.area', '--area', '420281'],
    ['scope.account.zone', '--zone', 'egov'],
    ['scope.account.authorization', '--without-authorization'],
    ['scope.fields', '--field-list', 'phone'],
  ] as const) {
    t.match(await run(...explain, ...asked, '--json'), { code: 1, out: new RegExp(`"rule":"${rule}"`) }, rule)
  }
  const wrong = await run(
    ...scope,
    '--areas',
    'x',
    '--zones',
    'moon',
    '--fields',
    'name=all',
    '--daily-quota',
    'many',
    ...period,
  )
  t.equal(wrong.code, 1)
  for (const option of ['--areas', '--zones', '--fields', '--daily-quota']) t.match(wrong.err, new RegExp(option))
  t.match(await run('account', 'unscope', ...owner, '--operator', 'yx-sub-0031'), { code: 0, out: /removed/ })
  t.match(await run('account', 'unscope', ...owner, '--operator', 'yx-sub-0031'), { code: 0, out: /none/ })
  t.match(await run(...explain), { code: 1, out: /scope\.operator/ })
  const { rows } = await database.pool.query(`select from trace_record where type = 'administration'`)
  t.equal(rows.length, 10, 'each change has its record')
})

await t.test("an operator's details come from a file, and wrong ones are told without being shown", async (t) => {
  const { database, run } = await store(t)
  await run(...addBank, ...until)
  const file = join(database.dataDir, 'operator.json')
  const add = ['operator', 'add', '--bank', BANK, '--code', 'yx-sub-0032', '--details', file]
  await writeFile(file, JSON.stringify({ name: '柯𠮷明', phone: '13000000011' }))
  t.match(await run(...add, '--name', '另名'), { code: 2, err: /--details/ })
  t.match(await run(...add), { code: 0 })
  t.match(await run('operator', 'list', '--reveal'), { out: /柯𠮷明/ })
  await writeFile(file, '{"name": "柯𠮷明", "x": 1}')
  const refused = await run(...add)
  t.equal(refused.code, 2)
  t.notMatch(refused.err, /柯/)
})

await t.test('a bank is enrolled, listed and suspended by commands, and refused a second time', async (t) => {
  const { database, env, run } = await store(t)
  const ca = await openCertificateAuthority(join(database.dataDir, 'ca'))
  const request = { algorithm: 'sm2', organization: '示例银行', commonName: '示例银行' } as const
  await writeIdentity(database.dataDir, 'good', await ca.issue({ ...request, uscc: BRANCH }))
  await writeIdentity(database.dataDir, 'expired', await ca.issue({ ...request, uscc: BANK, flaw: 'expired' }))
  const addCertificate = (name: string) => {
    const file = join(database.dataDir, `${name}.cert.pem`)
    const args = ['cert', 'add', '--bank', BANK, '--account', '信贷系统', '--file', file]
    return within({ ...env, TRUST_DIR: ca.trustFolder }, ...args)
  }

  t.match(await command(env, ...addBank, ...until), { code: 0, err: '' })
  t.match(await run('branch', 'add', '--bank', BANK, '--code', BRANCH, '--name', '阳新支行'), { code: 0, err: '' })
  t.match(await run(...addAccount, ...addAccountRest), { code: 0, err: '' })
  t.match(await run(...addOperator, ...addOperatorRest), { code: 0, err: '' })
  t.match(await addCertificate('good'), { code: 0, err: '' })

  t.match(await command(env, ...addBank, ...until), { code: 1, out: '', err: /administration-duplicate/ })
  t.match(await addCertificate('expired'), { code: 1, out: '', err: /certificate-expired/ })
  t.match(await addCertificate('missing'), { code: 1, out: '', err: /ENOENT/ })

  const listed = async (name: string, ...more: string[]): Promise<unknown> =>
    JSON.parse((await run(name, 'list', '--json', ...more)).out)
  t.match(await listed('bank'), [{ code: BANK, state: 'active', branches: 1, accounts: 1, operators: 1 }])
  t.match(await listed('account'), [{ businessTypes: ['query', 'mortgage-first'], areas: ['420222'], certificates: 1 }])
  const certificates = (await listed('cert')) as { fingerprint: string }[]
  t.match(certificates, [{ key: 'sm2', subject: '示例银行', state: 'active', account: '信贷系统' }])
  t.match(await listed('operator'), [{ details: { name: '柯**', idNumber: '420222********001X' } }])
  t.match(await listed('operator', '--reveal'), [{ details: { name: '柯𠮷明', idNumber: '42022219030512001X' } }])

  const table = (await run('bank', 'list')).out.trimEnd().split('\n')
  t.equal(table.length, 2)
  const columnOf = (line: string | undefined, word: string): number =>
    (line ?? '')
      .slice(0, line?.indexOf(word))
      .split('')
      .reduce((sum, one) => sum + (one > '\u2e80' ? 2 : 1), 0)
  t.equal(columnOf(table[0], '状态'), columnOf(table[1], 'active'), 'columns stand in line under Chinese heads')

  const colons = (certificates[0]?.fingerprint ?? '').toUpperCase().replace(/..(?!$)/g, '$&:')
  t.match(await run('cert', 'suspend', '--fingerprint', colons), { code: 0, out: /suspended/ })
  t.match(await run('account', 'suspend', '--bank', BANK, '--name', '信贷系统', '--why', '核查'), { code: 0 })
  t.match(await run('account', 'suspend', '--bank', BANK, '--name', '信贷系统'), { code: 0, out: /nothing changed/ })
  t.match(await listed('account'), [{ state: 'suspended', certificates: 0 }])
  t.match(await run('bank', 'suspend', '--code', BRANCH), { code: 1, err: /administration-not-found/ })
})

await t.test('wrong usage is told all at once with exit code 2, and nothing is opened for it', async (t) => {
  const nowhere = { DATA_DIR: '/proc/nowhere' }
  const wrong = await within(nowhere, 'bank', 'add', '--nam', 'x', '--code', BANK, '--code', BANK, 'more', '--name')
  t.equal(wrong.code, 2)
  for (const fault of [
    'no option --nam',
    '--code is given more than once',
    '--name needs a value',
    '--agreement-from is missing',
    '--agreement-to is missing',
    'more is one argument too many',
  ]) {
    t.match(wrong.err, fault)
  }
  t.notMatch(wrong.err, 'x is one argument', 'the value of an unknown option is not a fault of its own')
  t.match(await within(nowhere, 'bank', 'ad'), { code: 2, err: /add \| list/ })
  t.match(await command(nowhere, 'bakn'), { code: 2, err: /there is no command bakn/ })
  t.match(await within(nowhere, 'demo', '--no-such'), { code: 2 })
  t.match(await within(nowhere), { code: 2, out: /serve/ })
})

await t.test('every command explains itself in both languages with an example', async (t) => {
  t.match(await command({}, '--version'), { code: 0, out: /^\d+\.\d+\.\d+\n$/ })
  for (const name of 'bank branch account operator cert config queue webhook trace sandbox'.split(' ')) {
    const help = await within({}, name, '--help')
    t.match(help, { code: 0, err: '' }, name)
    t.match(help.out, new RegExp(`例 / example:\\n +(\\w+=\\S+ )?bdc-gateway ${name}`), name)
  }
})

await t.test('config shows no secret, and names every wrong setting', async (t) => {
  const secret = 'ab'.repeat(32)
  const env = { MASTER_KEY: secret, DATABASE_URL: 'postgres://u:hush@h/d', GATEWAY_PORT: '8099' }
  for (const form of [[], ['--json']]) {
    const shown = await within(env, 'config', ...form)
    t.equal(shown.code, 0)
    t.match(shown.out, '8099')
    t.notMatch(shown.out, secret)
    t.notMatch(shown.out, 'hush')
  }
  const wrong = await command({ MASTER_KEY: 'short', GATEWAY_PORT: 'x', LOG_LEVEL: 'loud' }, 'config')
  t.equal(wrong.code, 1)
  for (const variable of ['MASTER_KEY', 'GATEWAY_PORT', 'LOG_LEVEL']) t.match(wrong.err, variable)
  t.notMatch(wrong.err, 'short', 'not even a wrong secret')
  t.notMatch(wrong.err, /\n +at /, 'no stack')
})

await t.test('trace verify passes what is whole, and names a record that was changed', async (t) => {
  const { database, env, run } = await store(t)
  t.match(await run('trace', 'checkpoint'), { code: 1, err: /trace-empty/ })
  t.match(await run(...addBank, ...until), { code: 0 })
  t.match(await run('trace', 'checkpoint'), { code: 0, out: /size\s+1/ })
  t.match(await command(env, 'trace', 'verify'), { code: 0, out: /痕迹完整[^]*the trace is whole: 1 records/ })

  const { rows } = await database.pool.query<{ id: string }>('select id from trace_record')
  const id = rows[0]?.id ?? ''
  const proof = await run('trace', 'proof', id, '--json')
  t.match(JSON.parse(proof.out), { recordId: id, number: 0, size: 1, receipt: /^sm3=:/ })
  t.match(await run('trace', 'proof', newId()), { code: 1, err: /record-not-found/ })

  await database.pool.query(
    `update trace_record set bytes = convert_to(replace(convert_from(bytes, 'UTF8'), 'bank-added', 'bank-edited'), 'UTF8')`,
  )
  const verified = await command(env, 'trace', 'verify')
  t.equal(verified.code, 1)
  t.match(verified.out, `记录内容与其叶子不符：记录被改动，记录 ${id}`)
  t.match(verified.out, `it was changed, record ${id}`)
  const asJson = await run('trace', 'verify', '--json')
  t.equal(asJson.code, 1)
  t.match(JSON.parse(asJson.out), { ok: false, findings: [{ kind: 'record-changed', recordId: id }] })

  const empty = join(database.dataDir, 'no-certificates')
  t.match(await run('trace', 'verify', '--certificates', empty), { code: 1, err: /--certificates/ })
  await mkdir(empty)
  t.match(await run('trace', 'verify', '--certificates', empty), { code: 1, out: /checkpoint-key-unknown/ })
})

/** A filed case, of which the platform's and registry's heads can be parked. */
async function filedCase({ pool, keyring }: TestDatabase) {
  const batch = new Batch(pool)
  const streams = caseStreamsStep(keyring, () => undefined)
  const caseId = newId()
  const asked = ask(streams, caseId)
  const change = <T>(work: (own: CaseStreams, rows: Rows) => T): Promise<T> =>
    batch.submit({ asks: [asked], decide: (held, rows) => work(held.of(asked), rows) })
  const blindIndex = (value: string): Buffer => keyring.blindIndex('trace-subject', value)
  const means = {
    rules: defaultRules,
    sealer: keyring,
    clock: systemClock,
    record: (act: Parameters<typeof traceRecord>[0]) => traceRecord(act, { sealer: keyring, blindIndex }),
    endpoints: { platform: 'platform', registry: 'registry' },
    pollFirstMs: 1000,
    withdrawalAgainMs: 1000,
  }
  const account = { id: newId(), bankName: '示例银行', bankCode: BANK }
  const document = { ...goldenCase(), filedBy: { operator: { id: 'yx-sub-0031', name: '经办员甲' }, account } }
  await ensureEndpoints(batch, [
    { endpoint: 'platform', concurrency: 1 },
    { endpoint: 'registry', concurrency: 1 },
  ])
  const filing = { caseId, bankId: newId(), accountId: account.id, area: '420222', document }
  const numbers = { businessNumber: goldenNumber, firstFileNumber: '420222261109000003', rule: 'filing.mortgage-first' }
  await change((own, rows) => fileCase({ ...filing, ...numbers }, own, rows, means))
  const park = (channel: string, kind: string, prepare: (own: CaseStreams, rows: Rows, message: LiveMessage) => void) =>
    change((own, rows) => {
      const message = own.messages.find((one) => one.channel === channel && one.kind === kind)
      if (message === undefined) throw new Error('no such message')
      prepare(own, rows, message)
      own.park(rows, message, 'refused: 2001')
      return message.id
    })
  const live = async (id: string) =>
    (await pool.query<Record<string, unknown>>('select * from message where id = $1', [id])).rows[0]
  return { caseId, park, live }
}

await t.test('queue: dead letters are listed, shown masked, revealed with a trace, and moved on', async (t) => {
  const { database, run } = await store(t)
  const { pool } = database
  const { caseId, park, live } = await filedCase(database)
  const bytes = onTheWire('registry-submit-mortgage-first.xml')
  const submit = await park('registry', 'SUBMIT', (own, rows, message) => {
    own.keepRendered(rows, message, bytes, 'yx-registry/submit-mortgage-first@test')
    message.inquiry = 'after an unknown outcome'
  })
  const files = await park('registry', 'MATERIALS', () => undefined)
  const platform = await park('platform', '10', () => undefined)
  const traced = async (type: string): Promise<unknown[]> =>
    (
      await pool.query<{ bytes: Buffer }>('select bytes from trace_record where type = $1 order by id', [type])
    ).rows.map((row) => JSON.parse(row.bytes.toString()) as unknown)

  t.match(JSON.parse((await run('queue', 'ls', '--json')).out), [
    { endpoint: 'platform', live: 1, dead: 1 },
    { endpoint: 'registry', live: 0, dead: 2 },
  ])
  const dead = JSON.parse((await run('queue', 'ls', 'registry', '--json')).out) as { id: string }[]
  t.strictSame(dead.map(({ id }) => id).sort(), [files, submit].sort())
  t.match(await run('queue', 'ls', 'nobody'), { code: 1, err: /platform, registry/ })

  const masked = await run('queue', 'show', submit)
  t.match(masked, { code: 0, err: '' })
  t.match(masked.out, '<QLF_QL_DYAQ ')
  t.match(masked.out, `<RecFlowID>${goldenNumber}</RecFlowID>`)
  for (const secret of ['柯𠮷明', '古丽娜', '42022219030512001X', '13000000011', '0003112', '䶮新']) {
    t.notMatch(masked.out, secret)
  }
  t.strictSame(await traced('disclosure'), [])
  const revealed = await run('queue', 'show', submit, '--reveal')
  for (const secret of ['柯𠮷明', '42022219030512001X', '0003112', '䶮新']) t.match(revealed.out, secret)
  t.match(await traced('disclosure'), [{ caseId, facts: { messageId: submit, kind: 'SUBMIT', fields: ['rendered'] } }])
  t.match(await run('queue', 'show', newId()), { code: 1, err: /message-not-found/ })

  t.match(await run('queue', 'replay', submit, '--anew'), { code: 1, err: /message-may-have-arrived/ })
  t.match(await live(submit), { state: 'dead' }, 'and it stays where it was')
  t.match(await run('queue', 'replay', submit), { code: 0, err: '' })
  t.match(await live(submit), { state: 'queued', inquiry: 'after an unknown outcome' }, 'it will be asked about first')
  t.match(await run('queue', 'replay', submit), { code: 1, err: /message-not-dead/ })

  const anew = async (id: string) => {
    const { out } = await run('queue', 'replay', id, '--anew')
    return live(/→ (\S+)/.exec(out)?.[1] ?? newId())
  }
  const newFiles = await anew(files)
  t.match(newFiles, { kind: 'MATERIALS', supersedes: files, number: /^420222\d{12}$/ })
  t.not(newFiles?.['number'], '420222261109000003', 'files sent anew have numbers of their own')
  t.match(await anew(platform), { kind: '10', supersedes: platform, number: caseId.replaceAll('-', '') })
  t.match(await traced('message-replayed'), [
    { caseId, outcome: 'revived', facts: { messageId: submit } },
    { caseId, outcome: 'superseded', facts: { messageId: files, by: newFiles?.['id'] } },
    { caseId, outcome: 'superseded', facts: { messageId: platform } },
  ])

  t.match(await run('queue', 'pause', 'registry', '--why', '夜间维护'), { code: 0 })
  t.match(JSON.parse((await run('queue', 'ls', '--json')).out), [{}, { paused: true, why: '夜间维护' }])
  t.match(await run('queue', 'resume', 'registry'), { code: 0 })
  t.match(JSON.parse((await run('queue', 'ls', '--json')).out), [{}, { paused: false, why: null }])
  t.match(await traced('administration'), [
    { outcome: 'endpoint-paused', facts: { endpoint: 'registry' } },
    { outcome: 'endpoint-resumed', facts: { endpoint: 'registry' } },
  ])
})

await t.test(
  'on the embedded default a command starts the database, keeps what it did, and stops it again',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'bdc-cli-'))
    await chmod(folder, 0o755)
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const env = { DATA_DIR: join(folder, 'data') }
    t.match(await command(env, ...addBank, ...until), { code: 0, err: '' })
    t.match(await command(env, 'bank', 'list'), { code: 0, err: '', out: /示例银行股份有限公司/ })
    // A data folder that cannot be used: a sentence in each language, no stack.
    await writeFile(join(folder, 'data', 'master.key'), 'spoilt')
    const refused = await command(env, 'bank', 'list')
    t.equal(refused.code, 1)
    t.match(refused.err, /主密钥[^]*master key/)
    t.notMatch(refused.err, /\n +at /)
  },
)

await t.test(
  'webhook: addresses are listed, approved as they were seen, and suspended; each decision is traced',
  async (t) => {
    const { database, run } = await store(t)
    await run(...addBank, ...until)
    await run(...addAccount, ...addAccountRest)
    t.match(await run('webhook', 'list'), { code: 0, out: '（无 / none）' })
    t.match(await run('webhook', 'approve', BANK), { code: 1, err: /webhook-not-found/ })
    t.match(await run('webhook', 'approve', BRANCH), { code: 1, err: /administration-not-found/ })
    await database.pool.query(
      `insert into webhook (bank_id, account_id, url, state, set_at)
     select b.id, a.id, 'https://bank.example/hook', 'pending', now() from bank b join account a on a.bank_id = b.id`,
    )
    t.match(await run('webhook', 'list', BANK), { code: 0, out: /https:\/\/bank\.example\/hook +pending/ })
    const other = ['webhook', 'approve', BANK, '--url', 'https://bank.example/']
    t.match(await run(...other), { code: 1, err: /webhook-changed/ })
    const states = async (): Promise<unknown> => JSON.parse((await run('webhook', 'list', '--json')).out)
    t.match(await states(), [
      { bank: BANK, account: '信贷系统', state: 'pending', cursor: 0, behind: 0, waiting: null },
    ])

    const approve = ['webhook', 'approve', BANK, '--url', 'https://bank.example/hook', '--why', '电话核对']
    t.match(await run(...approve), { code: 0, out: /^已批准/ })
    t.match(await run(...approve), { code: 0, out: /^未作更改/ })
    t.match(await states(), [{ state: 'approved' }])
    const { rows: endpoints } = await database.pool.query('select name, concurrency, paused from endpoint')
    const { rows: banks } = await database.pool.query<{ id: string }>('select id from bank')
    const endpoint = `webhook:${banks[0]?.id}`
    t.strictSame(endpoints, [{ name: endpoint, concurrency: 1, paused: false }])
    t.match(await run('queue', 'pause', endpoint, '--why', 'test'), { code: 0 }, 'a queue like any other')
    t.match(await run('webhook', 'suspend', BANK), { code: 0, out: /^已停用/ })
    t.match(await states(), [{ state: 'suspended' }])

    const { rows } = await database.pool.query<{ bytes: Buffer }>(
      `select bytes from trace_record where type = 'administration' order by id desc limit 3`,
    )
    t.match(
      rows.map(({ bytes }) => JSON.parse(bytes.toString()) as unknown),
      [{ outcome: 'webhook-suspended' }, { outcome: 'endpoint-paused' }, { outcome: 'webhook-approved' }],
    )
    t.notMatch(Buffer.concat(rows.map(({ bytes }) => bytes)).toString(), /bank\.example|电话/)
  },
)

await t.test('the sandbox says with what to start the gateway, issues certificates, and ends when told', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bdc-cli-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const env = { DATA_DIR: folder }
  const child = start(['sandbox', '--json'], env)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const settings = JSON.parse(line) as Record<string, string>
  t.match(settings, {
    REGISTRY_URL: /^http:/,
    PLATFORM_URL: /^http:/,
    PLATFORM_CERTIFICATES: join(folder, 'sandbox', 'platform', 'callbacks.cert.pem'),
    TRUST_DIR: join(folder, 'sandbox', 'ca', 'roots'),
  })
  t.match(await readFile(settings['PLATFORM_CERTIFICATES'] ?? '', 'utf8'), /BEGIN CERTIFICATE/)
  for (const name of ['REGISTRY_URL', 'PLATFORM_URL']) {
    t.equal((await fetch(new URL('/_control/state', settings[name]))).status, 200, `${name} answers`)
  }
  const issued = await command(
    env,
    'sandbox',
    'issue',
    '--uscc',
    BRANCH,
    '--organization',
    '示例银行',
    '--name',
    'bank',
  )
  t.match(issued, { code: 0, out: /bank\.cert\.pem/ })
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  t.equal(code, 0)
  await t.rejects(fetch(new URL('/_control/state', settings['REGISTRY_URL'])), 'nothing is left running')
})
