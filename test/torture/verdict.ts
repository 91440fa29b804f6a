import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from '../../src/ground.ts'
import type { PlatformState } from '../../src/sandbox/platform.ts'
import type { DecidedCall } from '../../src/sandbox/registry-store.ts'
import { verifyTrace } from '../../src/trace/verify.ts'
import type { BankLine, TortureEvent } from './bank-log.ts'

/** What came of it. Each entry of a list is one sentence; all of them empty is a pass. */
export interface Verdict {
  cases: number
  queries: number
  receipts: number
  events: number
  lost: string[]
  doubled: string[]
  outOfOrder: string[]
  disclosedWithoutRecord: string[]
  missingFromLog: string[]
}

const linesOf = <T>(file: string): T[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T)
    : []

export const toldTo = (bank: string): BankLine[] => linesOf<BankLine>(join(bank, 'told.jsonl'))

/** Holds what the bank, the registry and the platform saw, each by its own account, to each other and to the trace. */
export async function judge(
  folders: { bank: string; registry: string },
  platform: PlatformState,
  ground: Ground,
): Promise<Verdict> {
  const told = toldTo(folders.bank)
  const filed = told.flatMap((line) => (line.kind === 'filed' ? [line] : []))
  const events = told.flatMap((line) => (line.kind === 'event' ? [line.event] : []))
  const receipts = told.flatMap((line) => (line.kind === 'receipt' ? [line] : []))
  const disclosed = told.flatMap((line) => (line.kind === 'disclosed' ? [line] : []))
  const verdict: Verdict = {
    cases: filed.length,
    queries: disclosed.length,
    receipts: receipts.length,
    events: events.length,
    lost: [],
    doubled: [],
    outOfOrder: [],
    disclosedWithoutRecord: [],
    missingFromLog: [],
  }
  const ended = new Set(disclosed.map(({ id }) => id))
  for (const line of told) {
    if (line.kind === 'asked' && !ended.has(line.id)) verdict.lost.push(`query ${line.id} was never answered`)
  }
  judgeRegistry(filed, folders.registry, verdict)
  judgePlatform(filed.length, platform, verdict)
  judgeFeed(filed, events, verdict)
  await judgeTrace(receipts, disclosed, ground, verdict)
  return verdict
}

interface Filed {
  id: string
  businessNumber: string
  papers: number
}

function judgeRegistry(filed: readonly Filed[], folder: string, verdict: Verdict): void {
  const submits = new Map<string, number>()
  for (const { businessNumber } of linesOf<{ businessNumber: string }>(join(folder, 'submits.jsonl'))) {
    submits.set(businessNumber, (submits.get(businessNumber) ?? 0) + 1)
  }
  for (const { businessNumber } of filed) {
    const times = submits.get(businessNumber) ?? 0
    if (times === 0) verdict.lost.push(`the registry never took ${businessNumber}`)
  }
  for (const [number, times] of submits) {
    if (times > 1) verdict.doubled.push(`the registry took ${number} ${times} times`)
  }
  // Of each case all papers come before the case.
  const papers = new Map<string, Set<string>>()
  const submitted = new Set<string>()
  for (const call of linesOf<DecidedCall>(join(folder, 'calls.jsonl'))) {
    if (call.code !== '0000') continue
    if (call.type === 'SUBMIT') submitted.add(call.businessNumber)
    if (call.type !== 'MATERIAL') continue
    const came = papers.get(call.businessNumber) ?? new Set()
    // The same paper again, of a call that was given up and still arrived, replaces itself and changes nothing.
    if (submitted.has(call.businessNumber) && !came.has(call.about)) {
      verdict.outOfOrder.push(`a paper of ${call.businessNumber} came to the registry behind its case`)
    }
    papers.set(call.businessNumber, came.add(call.about))
  }
  for (const filing of filed) {
    const came = papers.get(filing.businessNumber)?.size ?? 0
    if (came !== filing.papers) verdict.lost.push(`${came} of ${filing.papers} papers of ${filing.businessNumber} came`)
  }
}

function judgePlatform(filed: number, platform: PlatformState, verdict: Verdict): void {
  const references = new Map<string, number>()
  for (const { bankReference = 'none', relayed } of platform.cases) {
    references.set(bankReference, (references.get(bankReference) ?? 0) + 1)
    const results = new Set(relayed.filter(({ type }) => type === '30').map(({ unid }) => unid)).size
    if (results !== 1) {
      const list = results === 0 ? verdict.lost : verdict.doubled
      list.push(`the platform has ${results} results of ${bankReference}`)
    }
  }
  for (const [reference, times] of references) {
    if (times > 1) verdict.doubled.push(`the platform has ${times} cases of ${reference}`)
  }
  if (references.size < filed) verdict.lost.push(`the platform has ${references.size} of ${filed} cases`)
}

function judgeFeed(filed: readonly Filed[], events: readonly TortureEvent[], verdict: Verdict): void {
  const seen = new Set<string>()
  const states = new Map<string, string>()
  for (const [place, event] of events.entries()) {
    if (seen.has(event.id)) verdict.doubled.push(`event ${event.id} came twice`)
    seen.add(event.id)
    // No event says of a case what another has said.
    const said = JSON.stringify([event.caseId, event.type, event.part, event.subject])
    if (event.caseId !== undefined && seen.has(said)) verdict.doubled.push(`${said} was told twice`)
    seen.add(said)
    const cursor = Number(event.cursor)
    const before = Number(events[place - 1]?.cursor ?? 0)
    if (cursor <= before) verdict.outOfOrder.push(`the feed goes from ${before} to ${cursor}`)
    else if (cursor !== before + 1) verdict.lost.push(`the feed leaps from ${before} to ${cursor}`)
    if (event.caseId === undefined || event.after === undefined) continue
    const state = states.get(event.caseId) ?? null
    if ((event.before ?? null) !== state) {
      verdict.outOfOrder.push(`${event.type} of ${event.caseId} starts from ${event.before}, which was ${state}`)
    }
    states.set(event.caseId, event.after)
  }
  const completed = new Set(events.filter(({ type }) => type === 'completed').map(({ caseId }) => caseId))
  for (const { id } of filed) if (!completed.has(id)) verdict.lost.push(`case ${id} did not complete`)
}

async function judgeTrace(
  receipts: readonly { what: string; receipt: string }[],
  disclosed: readonly { id: string; receipt: string }[],
  { pool, signers, trace, folders }: Ground,
  verdict: Verdict,
): Promise<void> {
  await trace.checkpointNow()
  const verified = await verifyTrace({
    pool,
    checkpointDir: folders.checkpoints,
    certificates: (keyid) => (keyid === signers.p256.keyid ? signers.p256.certificateDer : null),
  })
  for (const finding of verified.findings) verdict.missingFromLog.push(JSON.stringify(finding))
  const { rows } = await pool.query<{ hash: string; type: string | null }>(
    `select encode(l.leaf_hash, 'base64') as hash, r.type
       from trace_leaf l left join trace_record r on r.id = l.record_id`,
  )
  const types = new Map(rows.map(({ hash, type }) => [hash, type]))
  const hashOf = (receipt: string): string => /^sm3=:(.+):$/.exec(receipt)?.[1] ?? ''
  for (const { what, receipt } of receipts) {
    if (!types.has(hashOf(receipt))) verdict.missingFromLog.push(`${what} was answered under ${receipt}`)
  }
  for (const { id, receipt } of disclosed) {
    const type = types.get(hashOf(receipt))
    if (type !== 'disclosure') verdict.disclosedWithoutRecord.push(`query ${id} under ${receipt}, a record of ${type}`)
  }
}
