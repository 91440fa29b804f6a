import {
  type CasePart,
  type Correction,
  type RegistryCase,
  renumbered,
  shanghaiTime,
  type WantedItem,
} from './registry-case.ts'
import { type RegistryMessage, type Row, rowOf as row } from './registry-message.ts'
import type { Complaint } from './registry-rules.ts'

const DAY_MS = 86_400_000

/** The round that waits for its answer. */
export function openRound(filed: RegistryCase): Correction | undefined {
  return filed.corrections.find(({ answeredAt }) => answeredAt === undefined)
}

/** Opens the next round; `wanted` empty asks for one paper anew and, where there are several units, the last one's area. */
export function askCorrection(filed: RegistryCase, wanted: readonly WantedItem[], now: Date): void {
  const round = filed.corrections.length + 1
  const items = (wanted.length === 0 ? usualItems(filed) : wanted).map((item) => ({ part: 1, ...item }))
  filed.corrections.push({ round, askedAt: now, answeredAt: undefined, items })
}

function usualItems(filed: RegistryCase): WantedItem[] {
  const rows = filed.parts.flatMap(({ number, rows: own }) => own.map((one) => ({ ...one, part: number })))
  const papers = rows.filter(({ name }) => name === 'DJF_DJ_SJ')
  const paper = papers.find(({ attributes }) => attributes.SJMC?.startsWith('授权委托书')) ?? papers[0]
  const items: WantedItem[] = []
  if (paper?.attributes.SJMC !== undefined) {
    const { part, attributes } = paper
    items.push({ part, materialName: attributes.SJMC as string, wanted: '材料内容不完整，请重新签署后上传' })
  }
  const [, ...further] = rows.filter(({ name }) => name === 'QLF_QL_DYAQ_DYWQD')
  const last = further.at(-1)
  if (last?.attributes.BDCDYH !== undefined) {
    const wanted = '该单元的面积与权属证书不一致，请核对更正'
    const { part, attributes } = last
    items.push({ part, field: 'QLF_QL_DYAQ_DYWQD/@MJ', unitNumber: attributes.BDCDYH as string, wanted })
  }
  return items
}

/** JH_BZTZ and JH_BZSX of every round in which something is asked about a part; items are numbered within both. */
export function correctionRows(filed: RegistryCase, part: CasePart): Row[] {
  return filed.corrections.flatMap(({ round, askedAt, items }) => {
    const own = items.filter((item) => item.part === part.number)
    if (own.length === 0) return []
    const BZLC = String(round)
    const notice = row('JH_BZTZ', {
      YWLSH: filed.businessNumber,
      BFXH: String(part.number),
      YWH: part.ywh,
      BZLC,
      TZSJ: shanghaiTime(askedAt),
      CZRMC: '受理员一',
      BZQX: shanghaiTime(new Date(askedAt.getTime() + 7 * DAY_MS)),
    })
    const asked = own.map((item, index) =>
      row('JH_BZSX', {
        YWH: part.ywh,
        BZLC,
        XH: String(index + 1),
        SJMC: item.materialName,
        BDCDYH: item.unitNumber,
        ZDMC: item.field,
        BZNR: item.wanted ?? '请核对更正',
      }),
    )
    return [notice, ...asked]
  })
}

/** What is wrong with a CORRECT as an answer to the open round: another round, an item unanswered, a row of no part. */
export function correctionComplaints(filed: RegistryCase, open: Correction, message: RegistryMessage): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (place: string, text: string): void => {
    complaints.push({ code: '1002', place, text })
  }
  const wanted = new Set(
    filed.parts.flatMap(({ number }) =>
      open.items.filter(({ part }) => part === number).map((_, index) => `${number}/${index + 1}`),
    ),
  )
  for (const { name, attributes } of message.rows) {
    const part = filed.parts.find(({ ywh, givenYwh }) => attributes.YWH === ywh || attributes.YWH === givenYwh)
    const isOld = name === 'QLF_QL_ZXDJ'
    if (attributes.YWH !== undefined && part === undefined && !isOld) complain(`Data/${name}/@YWH`, '不属于该办件')
    if (name === 'DJF_DJ_SJ' && attributes.SFBCSJ !== '1') complain('Data/DJF_DJ_SJ/@SFBCSJ', '补充收件应为 1')
    if (name !== 'JH_BZDF') continue
    const place = 'Data/JH_BZDF'
    if (attributes.YWLSH !== filed.businessNumber) complain(`${place}/@YWLSH`, '与业务流水号不一致')
    if (attributes.BZLC !== String(open.round)) complain(`${place}/@BZLC`, `当前补正轮次为 ${open.round}`)
    if (part !== undefined && attributes.BFXH !== String(part.number)) complain(`${place}/@BFXH`, '与 YWH 不一致')
    if (!wanted.delete(`${attributes.BFXH}/${attributes.XH}`)) complain(`${place}/@XH`, '没有此补正事项，或已答复')
  }
  for (const item of wanted) complain('Data/JH_BZDF', `补正事项 ${item} 没有答复`)
  return complaints
}

/** The round of which a CORRECT says that it is the answer. */
export function answeredRound(message: RegistryMessage): string | undefined {
  return message.rows.find(({ name }) => name === 'JH_BZDF')?.attributes.BZLC
}

/** Changed rows take the place of those about the same thing; what is new is added. */
export function takeCorrection(filed: RegistryCase, open: Correction, message: RegistryMessage, now: Date): void {
  for (const part of filed.parts) {
    for (const given of message.rows) {
      const isOwn = given.attributes.YWH === part.ywh || given.attributes.YWH === part.givenYwh
      if (!isOwn || given.name === 'JH_BZDF') continue
      const changed = renumbered(given, part.givenYwh, part.ywh)
      const index = given.name === 'DJF_DJ_SJ' ? -1 : part.rows.findIndex((known) => isSameSubject(known, changed))
      if (index < 0) part.rows.push(changed)
      else part.rows[index] = changed
    }
  }
  open.answeredAt = now
}

function isSameSubject(known: Row, changed: Row): boolean {
  if (known.name !== changed.name) return false
  const agree = (keys: string[]): boolean => keys.every((key) => known.attributes[key] === changed.attributes[key])
  // An obligor whose id number was wrong keeps the name, or the other way round.
  if (known.name === 'DJF_DJ_SQ') return agree(['QLRMC', 'YWRMC']) || agree(['QLRZJH', 'YWRZJH'])
  return agree(['BDCDYH', 'SXH', 'YWH'])
}
