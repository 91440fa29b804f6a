import { join } from 'node:path'
import t from 'tap'
import type { AdministrationMeans } from '../src/access/administration.ts'
import { addAccount, addBank, addBranch, addOperator } from '../src/access/administration-additions.ts'
import { addCertificate, registerCertificate } from '../src/access/administration-certificates.ts'
import {
  listAccounts,
  listBanks,
  listBranches,
  listCertificates,
  listOperators,
  revealOperators,
} from '../src/access/administration-lists.ts'
import { changeStanding, type Subject } from '../src/access/administration-standing.ts'
import { admit } from '../src/access/decide.ts'
import { openDirectory, revisionGate } from '../src/access/directory.ts'
import { systemClock } from '../src/base/clock.ts'
import { Problem } from '../src/base/problem.ts'
import { idNumberFault, isCreditCode } from '../src/cases/rules/identifiers.ts'
import { ask, Batch } from '../src/db/batch.ts'
import { openCertificateAuthority } from '../src/sandbox/certificate-authority.ts'
import { openSecrets } from '../src/trace/proofs.ts'
import { traceRecord } from '../src/trace/record.ts'
import { certificatesOfPem, parseCertificate } from '../src/trust/certificate.ts'
import { openSm2Pool } from '../src/trust/sm2-pool.ts'
import { openTrustStore } from '../src/trust/trust-store.ts'
import { testDatabase } from './support/database.ts'

const BANK = '91420000000000001R'
const BRANCH = '91420222000000019R'
const OTHER_BANK = '914202000000000027'
const period = { agreementFrom: '2026-01-01', agreementTo: '2030-12-31' }
const bank = { code: BANK, name: '示例银行股份有限公司', ...period }
const branch = { bank: BANK, code: BRANCH, name: '示例银行股份有限公司阳新支行' }
const account = {
  bank: BANK,
  name: '信贷系统',
  answerAlgorithm: 'p256',
  businessTypes: ['mortgage-first', 'query'],
  areas: ['420222'],
  validFrom: '2026-01-01',
  validTo: '2030-12-31',
}
const operator = {
  bank: BANK,
  code: 'yx-sub-0031',
  name: '柯𠮷明',
  phone: '13000000011',
  idType: 'resident-id',
  idNumber: '42022219030512001X',
}
const DAY = '2026-11-09'

type Test = Parameters<typeof testDatabase>[0]

async function world(t: Test) {
  const { pool, keyring, dataDir } = await testDatabase(t)
  const blindIndex = (value: string): Buffer => keyring.blindIndex('trace-subject', value)
  const meansWith = (batch: Batch): AdministrationMeans => ({
    batch,
    clock: systemClock,
    record: (act) => traceRecord(act, { sealer: keyring, blindIndex }),
    sealer: keyring,
    staff: 'zhangwei',
    rule: 'administration.command-line',
    isCreditCode,
    isIdNumber: (idType, idNumber, today) => idNumberFault(idType, idNumber, today) === null,
  })
  const batch = new Batch(pool)
  const revision = async (): Promise<number> =>
    (await pool.query<{ number: number }>('select number from revision')).rows[0]?.number ?? 0
  const traced = async (): Promise<{ id: string; bytes: Buffer; record: Record<string, unknown> }[]> =>
    (await pool.query<{ id: string; bytes: Buffer }>('select id, bytes from trace_record order by id')).rows.map(
      ({ id, bytes }) => ({ id, bytes, record: JSON.parse(bytes.toString()) as Record<string, unknown> }),
    )
  const enrol = async (means: AdministrationMeans): Promise<void> => {
    await addBank(bank, means)
    await addBranch(branch, means)
    await addAccount(account, means)
    await addOperator(operator, means)
  }
  return { pool, keyring, dataDir, batch, means: meansWith(batch), meansWith, revision, traced, enrol, blindIndex }
}

async function trustedCa(t: Test, dataDir: string) {
  const ca = await openCertificateAuthority(join(dataDir, 'ca'))
  const sm2 = openSm2Pool()
  t.teardown(() => sm2.close())
  const trust = await openTrustStore({ trustDir: ca.trustFolder, rulesDir: 'certs', sm2 })
  const issue = async (request: Partial<Parameters<typeof ca.issue>[0]> = {}): Promise<Buffer> => {
    const identity = await ca.issue({
      algorithm: 'p256',
      organization: bank.name,
      commonName: bank.name,
      uscc: BANK,
      ...request,
    })
    return certificatesOfPem(identity.certificatePem)[0] as Buffer
  }
  return { trust, issue }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}

await t.test('what is added is listed, raises the revision, and is traced with nothing given in clear', async (t) => {
  const { pool, keyring, means, revision, traced, enrol, blindIndex } = await world(t)
  const before = await revision()
  await enrol(means)
  t.equal(await revision(), before + 4, 'once for each')

  t.match(await listBanks(pool), [{ ...bank, state: 'active', branches: 1, accounts: 1, operators: 1 }])
  t.match(await listBranches(pool, BANK), [{ ...branch, state: 'active' }])
  t.match(await listAccounts(pool, BANK), [{ ...account, state: 'active', certificates: 0 }])
  t.strictSame(await listAccounts(pool, OTHER_BANK), [], 'of another bank nothing')

  const records = await traced()
  t.match(
    records.map(({ record }) => record),
    ['bank-added', 'branch-added', 'account-added', 'operator-added'].map((outcome) => ({
      type: 'administration',
      outcome,
      rule: 'administration.command-line',
      actors: { staff: 'zhangwei' },
      commitments: [{ path: 'given' }],
    })),
  )
  const clear = Buffer.concat(records.map(({ bytes }) => bytes)).toString()
  for (const secret of [BANK, BRANCH, bank.name, operator.name, operator.phone, operator.idNumber, operator.code]) {
    t.notOk(clear.includes(secret), 'a value that was given stands in the clear part')
  }
  const [opening] = (await openSecrets(pool, keyring, records[3]?.id ?? '')) ?? []
  t.match(JSON.parse(opening?.value ?? '{}'), { code: operator.code, name: operator.name, idNumber: operator.idNumber })
  const found = await pool.query('select record_id from trace_subject where blind = $1', [
    blindIndex(operator.idNumber),
  ])
  t.strictSame(found.rows, [{ record_id: records[3]?.id }], 'the record is found by the id number')
})

await t.test('a person who is called as the staff member is, or as a word of the record, is no fault', async (t) => {
  const { means, enrol, traced } = await world(t)
  await enrol(means)
  await addOperator({ bank: BANK, code: 'op-9', name: 'zhangwei' }, means)
  await addAccount({ ...account, name: 'mortgage' }, means)
  t.equal((await traced()).length, 6)
})

await t.test('adding the same again is refused and leaves the first as it was', async (t) => {
  const { pool, means, enrol, dataDir } = await world(t)
  await enrol(means)
  await addBank({ code: OTHER_BANK, name: '另一银行', ...period }, means)
  await addAccount({ ...account, name: '第二账号' }, means)
  const { trust, issue } = await trustedCa(t, dataDir)
  const der = await issue()
  const add = (name: string): Promise<unknown> =>
    addCertificate({ account: { bank: BANK, name }, der, at: new Date() }, trust.judge, means)
  await add(account.name)
  const lists = async () => [
    await listBanks(pool),
    await listBranches(pool, null),
    await listAccounts(pool, null),
    await listCertificates(pool, null),
    await revealed(pool),
  ]
  const revealed = async (db: typeof pool) => (await db.query('select * from operator order by id')).rows as unknown[]
  const before = await lists()

  for (const [what, work] of [
    ['bank', addBank({ ...bank, name: '改名' }, means)],
    ['branch', addBranch({ ...branch, name: '改名' }, means)],
    ['branch under another bank', addBranch({ ...branch, bank: OTHER_BANK }, means)],
    ['branch with a bank’s code', addBranch({ ...branch, code: OTHER_BANK }, means)],
    ['bank with a branch’s code', addBank({ ...bank, code: BRANCH }, means)],
    ['account', addAccount({ ...account, areas: ['420281'] }, means)],
    ['operator', addOperator({ ...operator, name: '改名' }, means)],
    ['certificate', add(account.name)],
    ['certificate of another account', add('第二账号')],
  ] as const) {
    t.equal(await codeOf(work), 'administration-duplicate', what)
  }
  t.strictSame(await lists(), before)
})

await t.test('of two nodes that add the same at once, one is told that it is there', async (t) => {
  const { pool, meansWith } = await world(t)
  const nodes = [meansWith(new Batch(pool)), meansWith(new Batch(pool))]
  const codes = await Promise.all([0, 1, 0, 1].map((node) => codeOf(addBank(bank, nodes[node] as AdministrationMeans))))
  t.strictSame(codes.sort(), [
    'administration-duplicate',
    'administration-duplicate',
    'administration-duplicate',
    'done',
  ])
})

await t.test('every fault of what is given is named at once, and nothing is written', async (t) => {
  const { means, enrol, revision } = await world(t)
  await enrol(means)
  const before = await revision()
  const pointers = async (work: Promise<unknown>): Promise<string[]> => {
    try {
      await work
      return []
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'administration-invalid') throw error
      return error.faults.map(({ pointer }) => pointer)
    }
  }
  t.strictSame(
    await pointers(
      addBank({ code: '91420000000000002R', name: ' x', agreementFrom: '2026-02-30', agreementTo: 'x' }, means),
    ),
    ['/code', '/name', '/agreementFrom', '/agreementTo'],
  )
  t.strictSame(await pointers(addBank({ ...bank, agreementTo: '2025-12-31' }, means)), ['/agreementTo'])
  t.strictSame(await pointers(addBranch({ bank: BANK, code: 'x', name: '行\u202e' }, means)), ['/code', '/name'])
  t.strictSame(
    await pointers(
      addAccount(
        {
          ...account,
          answerAlgorithm: 'rsa',
          businessTypes: ['mortgage-first', 'sale'],
          areas: ['42022'],
          validFrom: '2027-01-01',
          validTo: '2026-01-01',
        },
        means,
      ),
    ),
    ['/answerAlgorithm', '/businessTypes', '/areas', '/validTo'],
  )
  t.strictSame(await pointers(addAccount({ ...account, businessTypes: [], areas: [] }, means)), [
    '/businessTypes',
    '/areas',
  ])
  t.strictSame(
    await pointers(
      addOperator({ ...operator, code: '-x', name: '', phone: 'call me', idNumber: '42022219030512001x' }, means),
    ),
    ['/code', '/name', '/phone', '/idNumber'],
  )
  const { idType: _, ...withoutType } = operator
  t.strictSame(await pointers(addOperator(withoutType, means)), ['/idType'])
  t.equal(await revision(), before)
})

await t.test('what belongs to a bank needs one that is there and not closed', async (t) => {
  const { means, enrol } = await world(t)
  t.equal(await codeOf(addBranch(branch, means)), 'administration-not-found')
  t.equal(await codeOf(addAccount(account, means)), 'administration-not-found')
  t.equal(await codeOf(addOperator(operator, means)), 'administration-not-found')
  await enrol(means)
  await changeStanding({ kind: 'bank', code: BANK }, 'closed', null, means)
  t.equal(await codeOf(addAccount({ ...account, name: 'x' }, means)), 'administration-closed')
  t.equal(await codeOf(addOperator({ ...operator, code: 'x' }, means)), 'administration-closed')
})

await t.test(
  'a suspension holds from the next reading on, and a decision made before it is not carried out',
  async (t) => {
    const { pool, batch, means, enrol, dataDir } = await world(t)
    await enrol(means)
    const { trust, issue } = await trustedCa(t, dataDir)
    const name = { bank: BANK, name: account.name }
    const { fingerprint } = await addCertificate(
      { account: name, der: await issue(), at: new Date() },
      trust.judge,
      means,
    )
    const directory = await openDirectory(pool)
    const admitted = async (): Promise<string> => {
      const snapshot = directory.current()
      const registered = snapshot.certificates.get(fingerprint)
      if (registered === undefined) return 'certificate-unknown'
      return codeOf((async () => admit(snapshot, registered, operator.code, true, DAY))())
    }
    const holds = (revision: number): Promise<boolean> => {
      const gate = ask(revisionGate, revision)
      return batch.submit({ asks: [gate], decide: (held) => held.of(gate) })
    }
    t.equal(await admitted(), 'done')

    const subjects: [Subject, string][] = [
      [{ kind: 'bank', code: BANK }, 'bank-suspended'],
      [{ kind: 'account', ...name }, 'account-suspended'],
      [{ kind: 'operator', bank: BANK, code: operator.code }, 'operator-suspended'],
      [{ kind: 'certificate', fingerprint }, 'certificate-suspended'],
    ]
    for (const [subject, code] of subjects) {
      const decidedOn = directory.current().revision
      t.ok(await holds(decidedOn))
      t.strictSame(await changeStanding(subject, 'suspended', '测试', means), { before: 'active', changed: true })
      t.notOk(await holds(decidedOn), `a decision from before the ${subject.kind}'s suspension is stale`)
      await directory.refresh()
      t.equal(await admitted(), code)
      await changeStanding(subject, 'active', null, means)
      await directory.refresh()
      t.equal(await admitted(), 'done', `the ${subject.kind} is resumed`)
    }
  },
)

await t.test('suspending twice changes nothing; what is closed stays closed; what is not there is said', async (t) => {
  const { means, enrol, traced } = await world(t)
  await enrol(means)
  const subject: Subject = { kind: 'operator', bank: BANK, code: operator.code }
  await changeStanding(subject, 'suspended', null, means)
  const records = (await traced()).length
  t.strictSame(await changeStanding(subject, 'suspended', null, means), { before: 'suspended', changed: false })
  t.equal((await traced()).length, records, 'and leaves no record of a change')
  await changeStanding(subject, 'closed', null, means)
  t.equal(await codeOf(changeStanding(subject, 'active', null, means)), 'administration-closed')
  t.equal(await codeOf(changeStanding(subject, 'suspended', null, means)), 'administration-closed')
  const strangers: Subject[] = [
    { kind: 'bank', code: OTHER_BANK },
    { kind: 'branch', code: OTHER_BANK },
    { kind: 'account', bank: BANK, name: 'x' },
    { kind: 'operator', bank: OTHER_BANK, code: operator.code },
    { kind: 'certificate', fingerprint: '0'.repeat(64) },
  ]
  for (const stranger of strangers) {
    t.equal(await codeOf(changeStanding(stranger, 'suspended', null, means)), 'administration-not-found', stranger.kind)
  }
})

await t.test('a certificate is registered only if it is trusted, valid, for signing, and names the bank', async (t) => {
  const { pool, means, enrol, dataDir } = await world(t)
  await enrol(means)
  const { trust, issue } = await trustedCa(t, dataDir)
  const add = async (der: Buffer): Promise<string> =>
    codeOf(addCertificate({ account: { bank: BANK, name: account.name }, der, at: new Date() }, trust.judge, means))
  const table: [code: string, der: Buffer][] = [
    ['certificate-untrusted', await issue({ flaw: 'unknown-ca' })],
    ['certificate-expired', await issue({ flaw: 'expired' })],
    ['certificate-not-yet-valid', await issue({ flaw: 'not-yet-valid' })],
    ['certificate-usage-wrong', await issue({ flaw: 'wrong-usage' })],
    ['certificate-bank-mismatch', await issue({ uscc: OTHER_BANK })],
    ['certificate-names-no-bank', await issue({ uscc: 'NOBODY' })],
    ['certificate-malformed', (await issue()).subarray(0, 100)],
  ]
  for (const [code, der] of table) t.equal(await add(der), code)
  t.strictSame(await listCertificates(pool, null), [])

  for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
    t.equal(await add(await issue({ algorithm, uscc: BRANCH })), 'done', `the branch's, ${algorithm}`)
  }
  t.equal((await listAccounts(pool, BANK))[0]?.certificates, 3)
  t.equal(
    await codeOf(
      addCertificate({ account: { bank: BANK, name: 'x' }, der: await issue(), at: new Date() }, trust.judge, means),
    ),
    'administration-not-found',
  )
})

await t.test(
  'without the judgement an expired certificate is registered, and its record says that nobody judged it',
  async (t) => {
    const { pool, means, enrol, dataDir, traced } = await world(t)
    await enrol(means)
    const { issue } = await trustedCa(t, dataDir)
    const certificate = parseCertificate(await issue({ flaw: 'expired' }))
    await registerCertificate({ bank: BANK, name: account.name }, certificate, means)
    t.match(await listCertificates(pool, BANK), [{ fingerprint: certificate.fingerprint, account: account.name }])
    t.match((await traced()).at(-1)?.record, { outcome: 'certificate-added', facts: { judged: false } })
  },
)

await t.test('operators lie sealed, are listed masked, and their revealing is traced as a disclosure', async (t) => {
  const { pool, keyring, means, enrol, traced, blindIndex } = await world(t)
  await enrol(means)
  const { rows } = await pool.query<{ row: string }>(`select o::text as row from operator o`)
  for (const value of [operator.name, operator.phone, operator.idNumber]) {
    for (const form of ['utf8', 'hex', 'base64'] as const) {
      t.notOk(rows[0]?.row.includes(Buffer.from(value).toString(form)), 'a value stands in the table')
    }
  }
  const [masked] = await listOperators(pool, BANK, keyring)
  t.strictSame(masked?.details, {
    name: '柯**',
    phone: '*******0011',
    idType: 'resident-id',
    idNumber: '420222********001X',
  })
  t.equal((await traced()).filter(({ record }) => record['type'] === 'disclosure').length, 0)

  const [full] = await revealOperators(pool, BANK, means)
  t.match(full?.details, { name: operator.name, phone: operator.phone, idNumber: operator.idNumber })
  const disclosed = (await traced()).filter(({ record }) => record['type'] === 'disclosure')
  t.match(
    disclosed.map(({ record }) => record),
    [
      {
        actors: { staff: 'zhangwei' },
        facts: { operatorId: full?.id, fields: ['name', 'phone', 'idType', 'idNumber'] },
      },
    ],
  )
  const found = await pool.query('select from trace_subject where blind = $1 and record_id = $2', [
    blindIndex(operator.idNumber),
    disclosed[0]?.id,
  ])
  t.equal(found.rowCount, 1, 'and found by the id number')
})
