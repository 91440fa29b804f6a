import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startRegistry } from '../src/sandbox/processes.ts'
import type { RegistryConfig } from '../src/sandbox/registry.ts'
import type { RegistryState } from '../src/sandbox/registry-state.ts'
import {
  golden,
  material,
  NUMBER,
  question,
  type Registry,
  send,
  sendMaterials,
  startBench,
  untilState,
} from './support/registry-bench.ts'

const PAPER = '授权委托书（古丽娜·艾山江）补'
const WITHDRAWAL_PAPER = '撤回登记申请书'
const submission = golden('registry-submit-mortgage-first')

/** A case that has been filed with its files. */
async function filed(
  t: Test,
  config: Partial<RegistryConfig> = {},
  script?: object,
): Promise<{ registry: Registry; slbh: string }> {
  const registry = await startBench(t, config)
  if (script !== undefined) await registry.control(script as { outcome: 'correct' })
  await sendMaterials(registry, submission)
  await send(registry, submission)
  return { registry, slbh: (await only(registry)).slbh[0] as string }
}

async function only(registry: Registry): Promise<RegistryState['cases'][number]> {
  const [first] = (await registry.state()).cases
  if (first === undefined) throw new Error('no case')
  return first
}

/** The golden CORRECT as the answer to a round with its two items. */
const correction = (slbh: string, round = 1): string =>
  golden('registry-correct').replaceAll('202611090037', slbh).replaceAll('BZLC="1"', `BZLC="${round}"`)

/** The golden WITHDRAW for the case of these tests. */
const withdrawal = (slbh: string): string =>
  golden('registry-withdraw')
    .replaceAll('420222261111000009', NUMBER)
    .replaceAll('20261111005201', slbh)
    .replace('202611110052', slbh)

await t.test(
  'rounds as the script says, each answered in turn; a doubled answer is seen and has no effect',
  async (t) => {
    const unitNumber = '420222001003GB00057F00120032'
    const rounds = [
      [
        { materialName: '授权委托书（古丽娜·艾山江）', wanted: '请写明委托期限' },
        { field: 'QLF_QL_DYAQ_DYWQD/@MJ', unitNumber },
      ],
      [{ field: 'QLF_QL_DYAQ/@ZGZQSE', unitNumber, wanted: '请核对债权数额' }],
    ]
    const { registry, slbh } = await filed(t, {}, { outcome: 'reject', rounds })
    await untilState(registry, 'correction-requested')
    await send(registry, material(PAPER, 10))
    t.equal((await send(registry, correction(slbh))).code, '0000')
    while ((await only(registry)).corrections.length < 2) await sleep(20)
    const { rows } = await send(registry, question('PROGRESS'))
    t.match(rows('JH_BZTZ'), [{ BZLC: '1' }, { BZLC: '2', BFXH: '1' }])
    t.match(rows('JH_BZSX'), [
      { BZLC: '1', XH: '1', BZNR: '请写明委托期限' },
      { BZLC: '1', XH: '2', BDCDYH: unitNumber },
      { BZLC: '2', XH: '1', ZDMC: 'QLF_QL_DYAQ/@ZGZQSE' },
    ])
    t.match(await send(registry, correction(slbh)), { flag: '2', code: '2002' }, 'the first answer once more')
    const second = correction(slbh, 2).replace(/ *<JH_BZDF [^>]* XH="2".*\n/, '')
    t.equal((await send(registry, second)).code, '0000')
    t.match(await send(registry, second), { flag: '2', code: '2002' })
    t.match(await untilState(registry, 'rejected'), {
      corrections: [
        { round: 1, items: 2, isAnswered: true },
        { round: 2, items: 1, isAnswered: true },
      ],
    })
    const received = (await only(registry)).received.filter(({ type }) => type === 'CORRECT')
    t.same(
      received.map(({ about, code }) => `${about} ${code}`),
      ['1 0000', '1 2002', '2 0000', '2 2002'],
    )
  },
)

await t.test('an answer that is not the one to the open round is refused with its place', async (t) => {
  const { registry, slbh } = await filed(t, {}, { outcome: 'correct' })
  await untilState(registry, 'correction-requested')
  await send(registry, material(PAPER, 10))
  const own = correction(slbh)
  const table: [string, string, string][] = [
    ['a later round', correction(slbh, 2), '@BZLC'],
    ['an item unanswered', own.replace(/ *<JH_BZDF [^>]* XH="2".*\n/, ''), 'JH_BZDF'],
    ['an item answered twice', own.replace(/( *<JH_BZDF [^>]* XH="2".*\n)/, '$1$1'), '@XH'],
    ['an item that was not asked', own.replace('XH="2" DFNR', 'XH="3" DFNR'), '@XH'],
    ['a part of another filing', own.replaceAll(slbh, '209901010001'), '@YWH'],
    ['another part', own.replaceAll('BFXH="1"', 'BFXH="2"'), '@BFXH'],
    ['a paper that is none of a correction', own.replace('SFBCSJ="1"', 'SFBCSJ="0"'), '@SFBCSJ'],
    ['a file that never came', own.replace(`SJMC="${PAPER}"`, 'SJMC="未到"'), 'DJF_DJ_SJ'],
  ]
  for (const [name, text, place] of table) {
    t.not(text, own, name)
    const answer = await send(registry, text)
    t.match(answer, { flag: '2', code: '1002' }, name)
    t.ok(
      answer.rows('JH_CW').some((row) => row.WZ?.includes(place)),
      `${name}: names the place`,
    )
  }
  t.equal((await only(registry)).state, 'correction-requested', 'and it goes on waiting')
  const stranger = own.replaceAll(NUMBER, '420222261109009999').replace(/ *<DJF_DJ_SJ .*\n/, '')
  t.match(await send(registry, stranger), { flag: '2', code: '2001' })
  t.equal((await send(registry, own)).code, '0000')
  await untilState(registry, 'certified')
  t.match(await send(registry, own), { flag: '2', code: '2002' }, 'nothing is asked any more')
})

await t.test('a correction is asked by command, until the acceptance', async (t) => {
  const { registry, slbh } = await filed(t, { stepMs: null })
  await registry.control({ askCorrection: NUMBER, items: [{ materialName: '最高额抵押合同', wanted: '缺页' }] })
  t.match((await send(registry, question('PROGRESS'))).rows('JH_BZSX'), [{ SJMC: '最高额抵押合同', BZNR: '缺页' }])
  await t.rejects(registry.control({ askCorrection: NUMBER }), /no correction can be asked/, 'one round at a time')
  await send(registry, material(PAPER, 10))
  t.equal((await send(registry, correction(slbh).replace(/ *<JH_BZDF [^>]* XH="2".*\n/, ''))).code, '0000')
  await registry.control({ config: { stepMs: { accepted: 1, 'review-1': 60_000 } } })
  await untilState(registry, 'accepted')
  await t.rejects(registry.control({ askCorrection: NUMBER }), /no correction can be asked/)
  await t.rejects(registry.control({ askCorrection: '420222261109009999' }), /no such case/)
})

await t.test('a withdrawal is granted at once, shown by every answer, and survives a restart', async (t) => {
  const dir = t.testdir()
  const registry = await startRegistry({ dir, config: { stepMs: null } })
  t.teardown(() => registry.stop())
  await sendMaterials(registry, submission)
  await send(registry, submission)
  const { slbh } = await only(registry)
  const own = withdrawal(slbh[0] as string)
  t.match(await send(registry, own), { flag: '2', code: '1002' }, 'its paper comes first')
  await send(registry, material(WITHDRAWAL_PAPER, 10))
  const answer = await send(registry, own)
  t.match(answer.rows('JH_BJ'), [{ SLBH: slbh[0] }])
  t.match(answer.rows('DJT_DJ_SL'), [{ AJZT: '5', YWH: slbh[0], JSSJ: /^\d{4}-/ }])
  t.match((await send(registry, question('PROGRESS'))).rows('DJT_DJ_SL'), [{ AJZT: '5' }])
  t.match((await send(registry, question('RESULT'))).rows('DJT_DJ_SL'), [{ AJZT: '5' }])
  t.match(await send(registry, own), { flag: '2', code: '2002' }, 'it cannot be withdrawn twice')
  await registry.kill()
  const again = await startRegistry({ dir, config: { stepMs: 1 } })
  t.teardown(() => again.stop())
  t.match(await only(again), { state: 'withdrawn', withdrawals: ['granted'] })
  const order = (await only(again)).received.map(({ type, about, code }) => `${type} ${about} ${code}`)
  t.same(order.slice(-5), [
    'SUBMIT  0000',
    'WITHDRAW  1002',
    `MATERIAL ${WITHDRAWAL_PAPER} 0000`,
    'WITHDRAW  0000',
    'WITHDRAW  2002',
  ])
})

await t.test('a withdrawal is decided later, by command or by the clock; asked twice it is one', async (t) => {
  const { registry, slbh } = await filed(t, { stepMs: null, withdrawal: { answer: 'grant', afterMs: null } })
  await send(registry, material(WITHDRAWAL_PAPER, 10))
  for (const word of ['once', 'and once more']) {
    const answer = await send(registry, withdrawal(slbh))
    t.match(answer, { flag: '1', code: '0000' }, word)
    t.same(answer.rows('DJT_DJ_SL'), [], 'received, nothing more')
  }
  t.match(await only(registry), { state: 'received', withdrawals: ['pending'] })
  await registry.control({ decideWithdrawal: NUMBER, granted: false })
  t.match(await only(registry), { state: 'received', withdrawals: ['refused'] })
  await t.rejects(registry.control({ decideWithdrawal: NUMBER, granted: true }), /no withdrawal is pending/)
  await registry.control({ config: { withdrawal: { answer: 'grant', afterMs: 10 } } })
  await send(registry, withdrawal(slbh))
  t.match(await untilState(registry, 'withdrawn'), { withdrawals: ['refused', 'granted'] })
})

await t.test('a withdrawal is refused by script, and by the register once recorded', async (t) => {
  const { registry, slbh } = await filed(t, { stepMs: null, withdrawal: { answer: 'refuse' } })
  await send(registry, material(WITHDRAWAL_PAPER, 10))
  t.match(await send(registry, withdrawal(slbh)), { flag: '2', code: '2002' })
  t.match(await only(registry), { state: 'received', withdrawals: ['refused'] })
  await registry.control({ config: { withdrawal: { answer: 'grant', afterMs: null } } })
  await send(registry, withdrawal(slbh))
  await registry.control({ config: { stepMs: 1 } })
  await untilState(registry, 'certified')
  t.match(await send(registry, withdrawal(slbh)), { flag: '2', code: '2002' })
  await registry.control({ decideWithdrawal: NUMBER, granted: true })
  t.match(await only(registry), { state: 'certified', withdrawals: ['refused', 'refused'] }, 'recorded is not undone')
})

await t.test('a withdrawal names its own filing', async (t) => {
  const { registry, slbh } = await filed(t, { stepMs: null })
  await send(registry, material(WITHDRAWAL_PAPER, 10))
  const own = withdrawal(slbh)
  const table: [string, string, string][] = [
    ['another SLBH', own.replace(`SLBH="${slbh}"`, 'SLBH="209901010001"'), '@SLBH'],
    ['another YWLSH', own.replace(`YWLSH="${NUMBER}"`, 'YWLSH="420222261109009999"'), '@YWLSH'],
    ['no reason', own.replace(/ CHYY="[^"]*"/, ''), '@CHYY'],
    ['two requests', own.replace(/( *<JH_CH .*\n)/, '$1$1'), 'JH_CH'],
  ]
  for (const [name, text, place] of table) {
    t.not(text, own, name)
    const answer = await send(registry, text)
    t.match(answer, { flag: '2', code: '1002' }, name)
    t.ok(
      answer.rows('JH_CW').some((row) => row.WZ?.includes(place)),
      `${name}: names the place`,
    )
  }
  t.match(await send(registry, own.replace(` SLBH="${slbh}"`, '')), { flag: '1' }, 'SLBH only where it is known')
})

await t.test('an effect whose answer was lost is seen, and so is the call that repeats it', async (t) => {
  const { registry, slbh } = await filed(t, {}, { outcome: 'correct' })
  await untilState(registry, 'correction-requested')
  await send(registry, material(PAPER, 10))
  await registry.control([
    { config: { stepMs: null } },
    { fault: 'drop-after-effect', on: 'CORRECT', times: 1 },
    { fault: 'drop-after-effect', on: 'WITHDRAW', times: 1 },
  ])
  await t.rejects(send(registry, correction(slbh)))
  t.match(await send(registry, correction(slbh)), { code: '2002' })
  await send(registry, material(WITHDRAWAL_PAPER, 11))
  await t.rejects(send(registry, withdrawal(slbh)))
  t.match((await send(registry, question('PROGRESS'))).rows('DJT_DJ_SL'), [{ AJZT: '5' }])
  const { received } = await only(registry)
  t.same(
    received.slice(-5).map(({ type, code }) => `${type} ${code}`),
    ['MATERIAL 0000', 'CORRECT 0000', 'CORRECT 2002', 'MATERIAL 0000', 'WITHDRAW 0000'],
  )
})
