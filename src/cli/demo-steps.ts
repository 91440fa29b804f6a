import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sampleCase, withMaterialIds } from '../sandbox/sample-case.ts'
import { verifyTrace } from '../trace/verify.ts'
import type { DemoReport, Narrator } from './demo-report.ts'
import type { DemoWorld } from './demo-world.ts'

interface Submitted {
  caseId: string
  businessNumber: string
  bankReference: string
  /** SHA-256 in hex of each file as the bank sent it. */
  sent: string[]
}

interface Event {
  type: string
  cursor: string
}

const WAIT_MS = 60_000
const LOOK_MS = 50

/** The bank uploads its nine files and submits the application, each call signed with SM2. */
export async function submitSample(world: DemoWorld, tell: Narrator): Promise<Submitted> {
  const { application, materials } = sampleCase()
  const ids = new Map<string, string>()
  const sent: string[] = []
  const size = materials.reduce((total, { bytes }) => total + bytes.length, 0)
  await tell.step(
    'materials uploaded',
    `${materials.length} 份材料上传（${(size / 1_048_576).toFixed(1)} MB，SM2 签名）`,
    async () => {
      for (const material of materials) {
        const answer = await world.bank.uploadMaterial(material)
        expect(answer.status === 201, 'a material was not taken', answer)
        ids.set(material.name, answer.json()['id'] as string)
        sent.push(sha256(material.bytes))
      }
    },
  )
  const body = withMaterialIds(application, ids)
  return tell.step('application submitted', '申请提交并落盘，取得回执', async () => {
    const answer = await world.bank.submitApplication(body)
    expect(
      answer.status === 202 && answer.verified && answer.receipt !== undefined,
      'the application was not taken',
      answer,
    )
    const { id, businessNumber } = answer.json() as { id: string; businessNumber: string }
    return { caseId: id, businessNumber, bankReference: body.bankReference, sent }
  })
}

/** Follows the case by what the bank is told, and measures at the counterparties. */
export async function followCase(
  world: DemoWorld,
  submitted: Submitted,
  tell: Narrator,
): Promise<Pick<DemoReport, 'case' | 'materials' | 'certificate'>> {
  const seen: string[] = []
  let cursor = '0'
  async function until(type: string): Promise<void> {
    const limit = performance.now() + WAIT_MS
    while (!seen.includes(type)) {
      tell.checkStopped()
      const answer = await world.bank.call({
        method: 'GET',
        path: `/v1/applications/${submitted.caseId}/events?after=${cursor}`,
      })
      expect(answer.status === 200 && answer.verified, 'the events cannot be read', answer)
      const { events, next } = answer.json() as unknown as { events: Event[]; next: string }
      seen.push(...events.map((event) => event.type))
      cursor = next
      if (seen.includes(type)) return
      if (performance.now() > limit) throw new Error(`no event ${type} came; the bank has seen: ${seen.join(', ')}`)
      await sleep(LOOK_MS)
    }
  }

  await tell.step('platform acknowledged', '平台已收办件并给出申报号', () => until('platform-acknowledged'))
  await tell.step('registry stored', '登记系统已收申请', () => until('submitted'))
  await tell.step('accepted', '登记系统受理', () => until('accepted'))
  await tell.step('recorded', '登记系统登簿', () => until('recorded'))
  await tell.step('certificates released', '电子证明取回并核对摘要', () => until('certificate-released'))
  await tell.step('completed', '办结', () => until('completed'))

  const certificate = await tell.step('certificates downloaded', '银行下载电子证明，与登记系统签发的比对', () =>
    compareCertificates(world, submitted),
  )
  const [atRegistry, atPlatform] = await Promise.all([world.registry.state(), world.platform.state()])
  const atBoth = submitted.sent.filter(
    (digest) =>
      atRegistry.materials.some((held) => held.sha256 === digest) &&
      atPlatform.files.some((held) => held.sha256 === digest),
  )
  return {
    case: {
      completed: seen.includes('completed') && atRegistry.cases.some((one) => one.certificates.length > 0),
      registryEffects: atRegistry.cases.reduce((total, one) => total + one.effects, 0),
      platformCases: atPlatform.cases.length,
    },
    materials: { sent: submitted.sent.length, identical: atBoth.length },
    certificate,
  }
}

async function compareCertificates(world: DemoWorld, submitted: Submitted): Promise<{ digestMatches: boolean }> {
  const state = await world.registry.state()
  const issued = state.cases.find((one) => one.businessNumber === submitted.businessNumber)?.certificates ?? []
  const matches: boolean[] = []
  for (const { number, sha256: expected } of issued) {
    const answer = await world.bank.downloadCertificate(submitted.caseId, number)
    matches.push(answer.status === 200 && answer.verified && sha256(answer.body) === expected)
  }
  return { digestMatches: matches.length > 0 && matches.every(Boolean) }
}

/** Verifies the log up to a checkpoint that covers every record of the case. */
export async function verifyTraceOf(world: DemoWorld, caseId: string, tell: Narrator): Promise<DemoReport['trace']> {
  const { trace, pool, folders, signers } = world.gateway.ground
  return tell.step('trace verified', '痕迹日志核验至覆盖本办件的检查点', async () => {
    const checkpoint = await trace.checkpointNow()
    const { rows } = await pool.query<{ records: number; last: number | null }>(
      `select count(*)::int as records, max(l.number) as last from trace_record r left join trace_leaf l on l.record_id = r.id
        where r.case_id = $1`,
      [caseId],
    )
    const verified = await verifyTrace({
      pool,
      checkpointDir: folders.checkpoints,
      certificates: (keyid) => (keyid === signers.p256.keyid ? signers.p256.certificateDer : null),
    })
    const covers = checkpoint !== null && rows[0]?.last !== null && (rows[0]?.last ?? 0) < verified.covered
    return { records: verified.records, verified: verified.ok && covers }
  })
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function expect(holds: boolean, sentence: string, answer: { status: number; body: Buffer }): void {
  if (!holds) throw new Error(`${sentence}: ${answer.status} ${answer.body.toString().slice(0, 2000)}`)
}
