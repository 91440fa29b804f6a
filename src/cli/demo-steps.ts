import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Application, CorrectionRequest, Event } from '../../clients/typescript/src/index.ts'
import type { PlatformState } from '../sandbox/platform.ts'
import type { RegistryState } from '../sandbox/registry-state.ts'
import { sampleCase, withMaterialIds } from '../sandbox/sample-case.ts'
import { verifyTrace } from '../trace/verify.ts'
import type { DemoReport, Narrator } from './demo-report.ts'
import type { DemoWorld } from './demo-world.ts'
import { SAMPLE_OPERATOR } from './sample-bank.ts'

interface Submitted {
  caseId: string
  businessNumber: string
  /** SHA-256 in hex of each file of the case as the bank sent it. */
  sent: string[]
}

const WAIT_MS = 60_000
const LOOK_MS = 50

/** The bank uploads its nine files and submits the application, each call signed with SM2. */
export async function submitSample(world: DemoWorld, authorizationId: string, tell: Narrator): Promise<Submitted> {
  const { application, materials } = sampleCase({ authorizationIds: [authorizationId] })
  const { client } = world.bank
  const ids = new Map<string, string>()
  const sent: string[] = []
  const size = materials.reduce((total, { bytes }) => total + bytes.length, 0)
  // The registry will ask for a correction of this one.
  await world.registry.control({ outcome: 'correct' })
  await tell.step(
    'materials uploaded',
    `${materials.length} 份材料上传（${(size / 1_048_576).toFixed(1)} MB，SM2 签名）`,
    async () => {
      for (const { name, bytes, contentType } of materials) {
        const { data } = await client.uploadMaterial({ bytes }, contentType)
        ids.set(name, data.id)
        sent.push(sha256(bytes))
      }
    },
  )
  const body = withMaterialIds(application, ids)
  return tell.step('application submitted', '申请提交并落盘，取得回执', async () => {
    const { data } = await client.createApplication(body as Application)
    return { caseId: data.id, businessNumber: data.businessNumber, sent }
  })
}

/** Follows the case by what the bank is told, answers the correction, and measures at the counterparties. */
export async function followCase(
  world: DemoWorld,
  submitted: Submitted,
  tell: Narrator,
): Promise<Pick<DemoReport, 'case' | 'materials' | 'certificate'>> {
  const seen: Event[] = []
  let cursor = '0'
  async function until(type: string): Promise<Event> {
    const limit = performance.now() + WAIT_MS
    for (;;) {
      const found = seen.find((event) => event.type === type)
      if (found !== undefined) return found
      tell.checkStopped()
      const { data } = await world.bank.client.applicationEvents(submitted.caseId, { after: cursor })
      seen.push(...data.events)
      cursor = data.next
      if (data.events.length > 0) continue
      const words = seen.map((event) => event.type).join(', ')
      if (performance.now() > limit) throw new Error(`no event ${type} came; the bank has seen: ${words}`)
      await sleep(LOOK_MS)
    }
  }

  await tell.step('platform acknowledged', '平台已收办件并给出申报号', () => until('platform-acknowledged'))
  await tell.step('registry stored', '登记系统已收申请', () => until('submitted'))
  const asked = await tell.step('correction requested', '登记系统要求补正', () => until('correction-requested'))
  await tell.step('correction answered', '银行补正：新材料一份，更正一处', async () => {
    submitted.sent.push(await answerCorrection(world, submitted.caseId, asked))
    await until('correction-answered')
  })
  await tell.step('accepted', '登记系统受理', () => until('accepted'))
  await tell.step('recorded', '登记系统登簿', () => until('recorded'))
  await tell.step('certificates released', '电子证明取回并核对摘要', () => until('certificate-released'))
  await tell.step('completed', '办结', () => until('completed'))

  const certificate = await tell.step('certificates downloaded', '银行下载电子证明，与登记系统签发的比对', () =>
    compareCertificates(world, submitted),
  )
  const { atRegistry, atPlatform, identical } = await tell.step(
    'materials compared',
    '材料在平台与登记系统逐份比对',
    () => compareMaterials(world, submitted, tell),
  )
  return {
    case: {
      completed:
        seen.some(({ type }) => type === 'completed') && atRegistry.cases.some((one) => one.certificates.length > 0),
      registryEffects: atRegistry.cases.reduce((total, one) => total + one.effects, 0),
      platformCases: atPlatform.cases.length,
    },
    materials: { sent: submitted.sent.length, identical },
    certificate,
  }
}

interface AskedItem {
  number: number
  materialName?: string
  resolved?: { materialId?: string; path?: string }
}

/** A new file for each paper, another value for each field. @returns SHA-256 in hex of the new file. */
async function answerCorrection({ bank }: DemoWorld, caseId: string, asked: Event): Promise<string> {
  const { materials } = sampleCase()
  const [scan] = materials
  if (scan === undefined) throw new Error('the sample has no material')
  // Another document than the first: a comment behind its end changes its digest and nothing else.
  const bytes = Buffer.concat([scan.bytes, Buffer.from('\n% 补正\n%%EOF\n')])
  const now = new Date().toISOString()
  const items: CorrectionRequest['items'] = []
  for (const { number, materialName = '', resolved } of asked['items'] as AskedItem[]) {
    if (resolved?.path !== undefined) {
      items.push({ number, answer: '已按权属证书更正', changes: [{ path: resolved.path, value: '96.46' }] })
      continue
    }
    const { data } = await bank.client.uploadMaterial({ bytes }, scan.contentType)
    items.push({
      number,
      answer: '已重新签署并写明委托期限',
      ...(resolved?.materialId === undefined ? {} : { replaces: resolved.materialId }),
      material: {
        id: data.id,
        kind: 'letter-of-authority',
        name: `${materialName}补`,
        form: 'original',
        copies: 1,
        pages: 1,
        checkedBy: SAMPLE_OPERATOR,
        checkedAt: now,
      },
    })
  }
  await bank.client.sendCorrection(caseId, {
    round: Number(asked['round']),
    operator: { id: SAMPLE_OPERATOR, name: '经办员甲' },
    appliedAt: now,
    items,
  })
  return sha256(bytes)
}

/** What both hold of the files sent. The platform's deliveries do not wait for the registry's, so they may end later. */
async function compareMaterials(
  { registry, platform }: DemoWorld,
  { sent }: Submitted,
  tell: Narrator,
): Promise<{ atRegistry: RegistryState; atPlatform: PlatformState; identical: number }> {
  for (const limit = performance.now() + WAIT_MS; ; await sleep(LOOK_MS)) {
    tell.checkStopped()
    const [atRegistry, atPlatform] = await Promise.all([registry.state(), platform.state()])
    const identical = sent.filter(
      (digest) =>
        atRegistry.materials.some((held) => held.sha256 === digest) &&
        atPlatform.files.some((held) => held.sha256 === digest),
    ).length
    if (identical === sent.length || performance.now() > limit) return { atRegistry, atPlatform, identical }
  }
}

async function compareCertificates(world: DemoWorld, submitted: Submitted): Promise<{ digestMatches: boolean }> {
  const state = await world.registry.state()
  const issued = state.cases.find((one) => one.businessNumber === submitted.businessNumber)?.certificates ?? []
  const matches: boolean[] = []
  for (const { number, sha256: expected } of issued) {
    const { data } = await world.bank.client.downloadCertificate(submitted.caseId, number)
    matches.push(sha256(data.bytes) === expected)
  }
  return { digestMatches: matches.length > 0 && matches.every(Boolean) }
}

/** The bank's feed from its beginning, held against what was pushed to the webhook. */
export async function compareEvents({ bank }: DemoWorld, tell: Narrator): Promise<DemoReport['events']> {
  return tell.step('feed and webhook agree', '事件流与推送逐条一致', async () => {
    // What the gateway tells the platform goes on after the case is complete, and each time is an event.
    let feed: Event[]
    let equal: boolean
    for (const limit = performance.now() + WAIT_MS; ; await sleep(LOOK_MS)) {
      tell.checkStopped()
      feed = []
      for await (const event of bank.client.events({ follow: false })) feed.push(event)
      equal = JSON.stringify(bank.pushed) === JSON.stringify(feed)
      if (equal || performance.now() > limit) break
    }
    return { feed: feed.length, webhook: bank.pushed.length, equal }
  })
}

/** Verifies the log up to a checkpoint that covers every record of the case. */
export async function verifyTraceOf(world: DemoWorld, caseId: string, tell: Narrator): Promise<DemoReport['trace']> {
  const { trace, pool, folders, signers } = world.gateway.ground
  return tell.step('trace verified', '痕迹日志核验至覆盖本办件的检查点', async () => {
    // What is written meanwhile (a webhook's page, a relay's answer) is for a later checkpoint.
    const { rows } = await pool.query<{ id: string }>('select id from trace_record where case_id = $1', [caseId])
    await trace.checkpointNow()
    const { rows: leaves } = await pool.query<{ last: string; count: number }>(
      'select max(number) as last, count(*)::int as count from trace_leaf where record_id = any($1)',
      [rows.map(({ id }) => id)],
    )
    const verified = await verifyTrace({
      pool,
      checkpointDir: folders.checkpoints,
      certificates: (keyid) => (keyid === signers.p256.keyid ? signers.p256.certificateDer : null),
    })
    const covers = rows.length > 0 && leaves[0]?.count === rows.length && Number(leaves[0].last) < verified.covered
    return { records: verified.records, verified: verified.ok && covers }
  })
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
