import type { BankAnswer, BankCall, BankClient } from '../../src/sandbox/bank-client.ts'
import { pdf } from './refusal-bench.ts'
import { until } from './until.ts'
import { caseOf, OPERATOR } from './world.ts'

interface AskedItem {
  number: number
  materialName?: string
  unitNumber?: string
  field?: string
  requirement?: string
  resolved?: { materialId?: string; path?: string }
}

export interface AskedCorrection {
  part: number
  round: number
  requestedAt: string
  answerBy: string | null
  items: AskedItem[]
  answered: { at: string; by: string } | null
}

export async function correctionOf(bank: BankClient, id: string): Promise<AskedCorrection | undefined> {
  return ((await caseOf(bank, id))['corrections'] as AskedCorrection[] | undefined)?.[0]
}

/** Waits until the registry has asked for this round and the case page shows it. */
export async function untilAsked(bank: BankClient, id: string, round = 1): Promise<AskedCorrection> {
  await until(async () => (await correctionOf(bank, id))?.round === round, 20_000)
  return (await correctionOf(bank, id)) as AskedCorrection
}

interface Answered {
  number: number
  answer: string
  replaces?: string
  material?: Record<string, unknown>
  changes?: { path: string; value: unknown }[]
}

export interface CorrectionBody {
  round: number
  operator: { id: string; name: string }
  appliedAt: string
  items: Answered[]
}

/** The sample bank's answer: a new file for each paper, another area for each field. */
export async function answerTo(bank: BankClient, asked: AskedCorrection, area = '96.46'): Promise<CorrectionBody> {
  const items: Answered[] = []
  for (const { number, materialName, resolved } of asked.items) {
    if (resolved?.path !== undefined) {
      items.push({ number, answer: '已按权属证书更正', changes: [{ path: resolved.path, value: area }] })
      continue
    }
    const uploaded = await bank.uploadMaterial({ bytes: pdf(300 + asked.round), contentType: 'application/pdf' })
    const material = {
      id: uploaded.json()['id'],
      kind: 'letter-of-authority',
      name: `${materialName} 补${asked.round}`,
      form: 'original',
      copies: 1,
      pages: 1,
      checkedBy: OPERATOR,
      checkedAt: new Date().toISOString(),
    }
    items.push({ number, answer: '已重新签署', replaces: resolved?.materialId ?? '', material })
  }
  return {
    round: asked.round,
    operator: { id: OPERATOR, name: '经办员甲' },
    appliedAt: new Date().toISOString(),
    items,
  }
}

export function correct(
  bank: BankClient,
  id: string,
  body: unknown,
  more: Partial<BankCall> = {},
): Promise<BankAnswer> {
  return bank.call({ method: 'POST', path: `/v1/applications/${id}/corrections`, body: JSON.stringify(body), ...more })
}

export function withdraw(
  bank: BankClient,
  id: string,
  body: unknown = { reason: '双方同意撤回' },
  more: Partial<BankCall> = {},
): Promise<BankAnswer> {
  return bank.call({ method: 'POST', path: `/v1/applications/${id}/withdrawal`, body: JSON.stringify(body), ...more })
}
