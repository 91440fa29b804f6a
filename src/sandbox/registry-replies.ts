import type { CounterpartyReply, CounterpartyRequest } from './counterparty-server.ts'
import { type RegistryAnswer, type RegistryMessage, type Row, respondDocument } from './registry-message.ts'
import type { Complaint } from './registry-rules.ts'
import { responseTexts } from './registry-vocabulary.ts'

/** An answer without the number of its question. */
export type Decision = Omit<RegistryAnswer, 'bizMsgId'>

export function taken(info: string, rows: readonly Row[]): Decision {
  return { success: true, code: '0000', info, rows }
}

export function refused(code: string): Decision {
  return { success: false, code, info: responseTexts[code] ?? code, rows: [] }
}

/** A refusal that says where and why, row by row. */
export function complained(complaints: readonly Complaint[]): Decision {
  const rows = complaints.map((complaint, index) => ({
    name: 'JH_CW',
    attributes: { XH: String(index + 1), DM: complaint.code, WZ: complaint.place, NR: complaint.text },
  }))
  return { ...refused(complaints.some((complaint) => complaint.code === '1002') ? '1002' : '1003'), rows }
}

/** Status 200 for every decided answer. */
export function xmlReply(answer: RegistryAnswer): CounterpartyReply {
  const headers = { 'content-type': 'application/xml; charset=GB18030' }
  return { status: 200, headers, body: respondDocument(answer) }
}

export function plainReply(status: number, text: string): CounterpartyReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(text, 'utf8') }
}

/** What a call of a case is about: the name of a file, the round of a correction, the authorization of a query. */
export function aboutOf(message: RegistryMessage): string {
  const names: Readonly<Record<string, string>> = { FJ_F_100: 'FJLX', JH_BZDF: 'BZLC', JH_CXTJ: 'SQSBH' }
  const row = message.rows.find(({ name }) => names[name] !== undefined)
  return row?.attributes[names[row.name] as string] ?? ''
}

/** The message's number where the message as a whole is not read. */
export function bizMsgIdIn(request: CounterpartyRequest): string {
  return /<BizMsgID>(\d{18})<\/BizMsgID>/.exec(request.body.subarray(0, 4000).toString('latin1'))?.[1] ?? ''
}
